"""Which model is the best, in words: no epoch where none was trained, or that of before the first one."""

from __future__ import annotations

from waste_gui.monitor.run import Run

BEFORE_THE_FIRST = "the last layer alone"


def of_epoch(run: Run, number: int, epoch: str = "epoch") -> str:
    """`epoch 6`; empty where a run has no epochs."""
    if run.head_only:
        return ""
    return f"{epoch} {number}" if number else BEFORE_THE_FIRST


def best_of(run: Run, epoch: str = "epoch") -> str:
    """Of the best one so far; empty where there is none."""
    return "" if run.best is None else of_epoch(run, run.best.epoch, epoch)


def kept(run: Run) -> str:
    """` The best model so far, epoch 6, is kept.`"""
    if run.best is None:
        return ""
    which = best_of(run)
    return f" The best model so far, {which}, is kept." if which else " The model is kept."
