"""What every room uses: theme, text, small widgets."""
