"""Runs one after another."""
