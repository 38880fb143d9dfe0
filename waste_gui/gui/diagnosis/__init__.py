"""Where a training waits: timeline, photo, stacks."""
