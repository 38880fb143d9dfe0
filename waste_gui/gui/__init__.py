"""The window: the only place with Qt. It never imports the engine or torch."""
