"""A desktop program that trains a waste classifier and tells people why training is stuck."""

__version__ = "0.1.0"
