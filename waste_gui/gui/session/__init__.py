"""What trains and what is looked at: no widget."""
