"""Every cause of a stall that can be made on one computer without a graphics card, in real runs.

`python -m tests.faults.stalls` injects them one by one and prints what the monitor said of each, and when.
`python -m tests.faults.stalls --healthy` does the same with runs that are slow and healthy.
"""
