"""The pages of the window, in the order of their tabs: photos, settings, training, results, earlier runs."""

PHOTOS, SETTINGS, TRAINING, RESULTS, RUNS = range(5)
