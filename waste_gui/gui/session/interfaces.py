"""What the session and the rooms ask of the window: two small protocols, so that a test needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from waste_gui.config import RunConfig
from waste_gui.gui.session.run_text import Notice, Readiness


class Answer(Enum):
    """The values are the buttons' texts."""

    KEEP_TRAINING = "&Keep training"
    AFTER_EPOCH = "Stop after this &epoch"
    STOP_NOW = "&Stop now"
    KEEP_IN_BACKGROUND = "&Keep training in the background"
    STOP_AND_QUIT = "&Stop and quit"
    CANCEL = "&Cancel"
    CLOSE = "&Close"
    QUEUE_ON = "&Resume the queue"
    QUEUE_WAITS = "&Let it wait"


@dataclass(frozen=True)
class Question:
    """The last answer is the safe one, and what Esc means; `notes` is added to a button's text."""

    title: str
    text: str
    answers: tuple[Answer, ...]
    notes: Mapping[Answer, str] = field(default_factory=dict)


class Shell(Protocol):
    """What frames every page."""

    def notify(self, notice: Notice | None) -> None:
        """Say it in the bar; None takes back what was said."""

    def ask(self, question: Question, then: Callable[[Answer], object]) -> None:
        """A later question takes the place of one that is open, to which the safe answer is given."""

    def withdraw(self) -> None:
        """The open question has settled itself: the safe answer is given to it."""

    def show_page(self, page: str) -> None:
        """One of `pages.py`."""


class Inputs(Protocol):
    """What Start would train: the photos and the settings."""

    def config(self) -> RunConfig:
        """Raises ConfigError, which says which setting is wrong."""

    def readiness(self) -> Readiness:
        """What stands between now and Start."""

    def reading(self) -> bool:
        """Whether something beside a training reads the photos."""

    def stop_reading(self, *, for_training: bool) -> None:
        """It goes on where it was, the next time."""
