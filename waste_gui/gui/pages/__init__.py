"""The pages of the window: photos, settings, training, results, earlier runs."""
