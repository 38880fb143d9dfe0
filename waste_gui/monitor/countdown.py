"""How long still: from the live rate, then this computer's history, then the table of expected times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run

Basis = Literal["live", "history", "guess"]


@dataclass(frozen=True)
class Remaining:
    """Seconds; `stage_s` until this stage ends, `training_starts_s` until training starts (None once it
    has), `run_s` until the run ends; None where nothing can be said. `usual_s` is the band (low, high) shown
    for this stage; `over_s` how far the stage is past it (0 while inside); `basis` where it comes from;
    `earlier_runs` how many runs of this computer stand behind it."""

    stage_s: float | None
    training_starts_s: float | None
    run_s: float | None
    usual_s: tuple[float, float] | None
    over_s: float
    basis: Basis
    earlier_runs: int


def remaining(run: Run, now: float, history: History) -> Remaining:
    """What is left, on the engine's clock."""
    raise NotImplementedError
