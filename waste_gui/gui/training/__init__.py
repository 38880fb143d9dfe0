"""The training page: curves, stages, log."""
