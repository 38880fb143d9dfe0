"""What a stranger can prepare: folders of photos, run folders, weights. Each attack is made and harms nobody.

`python -m tests.strangers` makes them all and prints a line each.
"""
