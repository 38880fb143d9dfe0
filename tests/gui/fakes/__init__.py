"""Small real processes that play an engine, a check, a desktop."""
