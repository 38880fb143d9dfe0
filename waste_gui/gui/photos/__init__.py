"""The photos page: which folders and classes, and what their check found."""
