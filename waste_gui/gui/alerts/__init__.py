"""What is told to a person who looks elsewhere."""
