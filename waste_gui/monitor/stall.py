"""What the silence of a run means: a verdict, its cause in words, and what the person can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from waste_gui.monitor.countdown import Remaining
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.run import Run


class State(Enum):
    """As `python -m waste_gui.monitor` prints it."""

    ON_SCHEDULE = "on_schedule"
    SLOW = "slow"
    LIKELY_STUCK = "likely_stuck"
    ENDED = "ended"


class Action(Enum):
    """What a button of the warning does. The value is the button's text."""

    SHOW_WHERE = "Show where it waits"
    SET_ASIDE = "Set that photo aside"
    KEEP_WAITING = "Keep waiting 5 min"
    STOP = "Stop, keep best model"
    FORCE_STOP = "Force stop"
    RESUME = "Go on"
    COPY_DETAILS = "Copy details"


@dataclass(frozen=True)
class Verdict:
    """`title` is one line, `text` says the evidence and the cause in words, `evidence` its facts one a line;
    `photo` is the path in question, if one is."""

    state: State
    cause: str
    title: str
    text: str
    evidence: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    photo: str | None = None


def diagnose(run: Run, remaining: Remaining, evidence: Evidence, now: float) -> Verdict:
    """What the silence of this run means, and what the person can do about it."""
    raise NotImplementedError
