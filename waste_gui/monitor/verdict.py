"""What is said of a run: a verdict, its cause in words, and what the person can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from waste_gui.monitor.waits.link import Chain


class VerdictState(Enum):
    """As `python -m waste_gui.monitor` prints it."""

    ON_SCHEDULE = "on_schedule"
    SLOW = "slow"
    LIKELY_STUCK = "likely_stuck"
    ENDED = "ended"


class Action(Enum):
    """What a button of the warning does. The value is the button's text."""

    SHOW_WHERE = "Show what it's waiting for"
    EXCLUDE = "Exclude that photo"
    KEEP_WAITING = "Keep waiting 5 min"
    KEEP_GOING = "Keep going"
    STOP = "Stop"
    FORCE_STOP = "Force stop"
    RESUME = "Resume"
    RESTART_WORKERS = "Restart the data workers"
    SMALLER_BATCH = "Use a smaller batch"
    FEWER_WORKERS = "Use one data worker"
    WITHOUT_CACHE = "Go without the cache"
    STARTER_WEIGHTS = "Use the starter weights"
    FROM_SCRATCH = "Train from scratch"
    ON_PROCESSOR = "Train on the processor"
    TRY_AGAIN = "Try again"
    FINE_TUNE = "Fine-tune all layers"
    COPY_DETAILS = "Copy details"


ASK = (Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP)
ASK_PHOTO = (Action.EXCLUDE, Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP)
ASK_DRIVE = (Action.SHOW_WHERE, Action.EXCLUDE, Action.KEEP_WAITING, Action.STOP)
RESTART = (Action.RESTART_WORKERS, Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP)
DOWNLOAD = (Action.STARTER_WEIGHTS, Action.TRY_AGAIN, Action.KEEP_WAITING, Action.STOP)
MEMORY = (Action.SMALLER_BATCH, Action.FEWER_WORKERS, Action.KEEP_WAITING, Action.STOP)
CACHE = (Action.WITHOUT_CACHE, Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP)
REPORT = (Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP, Action.COPY_DETAILS)
HANGS = (Action.TRY_AGAIN, *REPORT)
HOPELESS = (Action.STOP, Action.SHOW_WHERE, Action.KEEP_WAITING, Action.COPY_DETAILS)
"""The first is what helps most."""


@dataclass(frozen=True)
class Verdict:
    """`title` is one line, `text` says the evidence and the cause in words, `evidence` its facts one a line;
    `photo` is the path in question, if one is; `silent` says that progress has stopped for now. `headline`
    and `advice` are what the header says of a SLOW that is not about time: "Not learning", what to do.
    `chain` is what is waited for and who could end that, link by link, where that was read. `sure` is the
    chance, from 0 to 1, that this is the cause, and `second` what it is most likely if it is not."""

    state: VerdictState
    cause: str
    title: str
    text: str
    evidence: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    photo: str | None = None
    silent: bool = False
    headline: str = ""
    advice: str = ""
    chain: Chain | None = None
    sure: float | None = None
    second: str = ""

    @property
    def more(self) -> str:
        """The text without a first sentence that is the title."""
        return self.text.removeprefix(f"{self.title}.").lstrip()
