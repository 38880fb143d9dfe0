"""What goes wrong with photos and drives, made on purpose."""
