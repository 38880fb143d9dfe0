"""What is known of a run, seen from outside: no Qt, no torch."""
