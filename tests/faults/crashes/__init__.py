"""Engines that end badly in ways drawn by a seed, and whether what is said of each is right."""
