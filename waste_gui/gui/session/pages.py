"""The names of the pages that something leads to; their order is the window's."""

PHOTOS, SETTINGS, TRAINING, RESULTS, RUNS = "photos", "settings", "training", "results", "runs"
