"""Which of the things that can be said stands in the bar."""

from __future__ import annotations

from dataclasses import replace

from waste_gui.gui.session.run_text import Notice, notice
from waste_gui.monitor.snapshot import Snapshot


class BannerText:
    """What the run says comes first, then the queue once the run has ended, then what was said last."""

    def __init__(self) -> None:
        self.said: Notice | None = None
        self.of_queue: Notice | None = None
        self.weakest = ""
        self._hidden: str | None = None  # What was said of a run that is done, and was read.

    def take(self, notice: Notice | None) -> None:
        """None when another run begins: what was said before holds no longer."""
        if notice is None:
            self.said, self.of_queue, self.weakest, self._hidden = None, None, "", None
        elif notice.of_queue:
            self.of_queue = notice
        else:
            self.said = notice

    def hide(self, snapshot: Snapshot) -> None:
        """What stands in the bar, but never a warning of the run."""
        of_run = notice(snapshot)
        if of_run is not None and of_run.tone == "done" and self.of_queue is None:
            self._hidden = of_run.title
        self.said, self.of_queue = None, None

    def at(self, snapshot: Snapshot) -> Notice | None:
        of_run = notice(snapshot)
        if of_run is not None and of_run.title == self._hidden:
            of_run = None
        if of_run is not None and of_run.tone == "done" and self.weakest:
            of_run = replace(of_run, title=f"{of_run.title} {self.weakest}")
        if of_run is not None and self.said is not None and self.said.tone == "slow":
            of_run = _with(of_run, self.said)
        if self.of_queue is not None and (of_run is None or snapshot.run.phase.ended):
            failed = of_run is not None and of_run.tone == "stuck"  # Its advice is needed more.
            return _with(of_run, self.of_queue) if of_run and failed else self.of_queue
        return of_run or self.said


def _with(notice: Notice, more: Notice) -> Notice:
    """Its words, what else there is to say, and the buttons of both."""
    text = " ".join(part for part in (notice.text, more.title, more.text) if part)
    offers = tuple(dict.fromkeys((*notice.offers, *more.offers)))
    return replace(notice, text=text, offers=offers)
