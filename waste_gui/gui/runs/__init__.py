"""The runs page: every run, compared, annotated, deleted."""
