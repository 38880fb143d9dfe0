"""What the pages are made of. Each widget draws what it is shown and keeps no truth of its own."""
