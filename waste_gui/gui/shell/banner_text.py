"""Which of the things that can be said stands in the bar, and what is said of a run that trained on alone."""

from __future__ import annotations

from dataclasses import replace

from waste_gui.gui.common.formatting import time_of_day
from waste_gui.gui.session.queue_store import QueueState
from waste_gui.gui.session.run_text import Notice, Offer, notice
from waste_gui.monitor.snapshot import Snapshot


class BannerText:
    """What the run says comes first, then the queue once the run has ended, then what was said last."""

    def __init__(self) -> None:
        self.said: Notice | None = None
        self.of_queue: Notice | None = None
        self.weakest = ""
        self._hidden: str | None = None  # What was said of a run that is done, and was read.

    def clear(self) -> None:
        self.said, self.of_queue, self.weakest, self._hidden = None, None, "", None

    def hide(self, snapshot: Snapshot) -> None:
        """What stands in the bar, but never a warning of the run."""
        of_run = notice(snapshot)
        if of_run is not None and of_run.tone == "done" and self.of_queue is None:
            self._hidden = of_run.title
        self.said, self.of_queue = None, None

    def trouble(self, text: str, hint: str) -> None:
        """What went wrong outside a run; an empty text takes it back."""
        self.said = Notice("slow", "slow", text, hint, (Offer.HIDE,)) if text else None

    def at(self, snapshot: Snapshot) -> Notice | None:
        of_run = notice(snapshot)
        if of_run is not None and of_run.title == self._hidden:
            of_run = None
        if of_run is not None and of_run.tone == "done" and self.weakest:
            of_run = replace(of_run, title=f"{of_run.title} {self.weakest}")
        if of_run is not None and self.said is not None and self.said.tone == "slow":
            words = (of_run.text, self.said.title, self.said.text)
            of_run = replace(of_run, text=" ".join(part for part in words if part))
        if self.of_queue is not None and (of_run is None or snapshot.run.phase.ended):
            return self.of_queue
        return of_run or self.said


def still_runs_notice(began: float) -> Notice:
    """`began` is Unix time."""
    title = f"Training from {time_of_day(began)} still runs. Showing it."
    return Notice("info", "ok", title, "", (Offer.HIDE,))


def resumed_elsewhere_notice() -> Notice:
    return Notice("info", "ok", "This training goes on in another window. Showing it.", "", (Offer.HIDE,))


def ended_alone_notice(began: float, state: QueueState, words: str) -> Notice:
    """`words` is the accuracy, or why it failed."""
    training, offers = f"Training from {time_of_day(began)}", (Offer.SHOW_RUN, Offer.HIDE)
    match state:
        case "done":
            title = f"{training} ended while the window was closed{f': {words}' if words else ''}."
            return Notice("done", "done", title, "", offers)
        case "stopped":
            return Notice(
                "info", "stopped", f"{training} was stopped while the window was closed.", "", offers
            )
    return Notice("slow", "failed", f"{training} failed while the window was closed.", words, offers)
