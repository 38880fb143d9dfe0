"""Kills at random moments, and what must be left whole: `python -m tests.faults.torture`."""
