"""The rules of the diagnosis, by what they blame; `monitor/stall.py` has them in order."""
