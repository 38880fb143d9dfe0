"""The program among the desktop's own; what this computer lacks."""
