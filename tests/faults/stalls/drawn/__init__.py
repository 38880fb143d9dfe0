"""Faults that are drawn, not listed: a blocking call on an object, somebody who holds it, a process, a stage.

`python -m tests.faults.stalls --random 100 --seed N` draws, runs and judges them. From a draw to its row:
`draws.py` draws; `run.py` makes the object and whoever holds it from outside, and starts an engine
(`engine.py`) that gets stuck where the draw says (`places.py`); `stuck.py` is what happens in that process;
`judge.py` compares what the monitor said with what is known from how it was made. The kinds of calls stand in
`kinds/`, a file for each sort of object.
"""
