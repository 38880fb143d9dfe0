"""Work that may wait for a disk, beside the window: a daemon thread whose result arrives as a signal."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from functools import cache

import shiboken6
from PySide6.QtCore import QObject, Signal


class Cancelled(Exception):
    """Raised inside the work where it looks whether it is still wanted."""


Work = Callable[[Callable[[object], None]], object]
"""Gets a function to tell its progress, which raises Cancelled when nobody waits any more."""


def unexpected(error: Exception) -> None:
    """For work that names all its errors itself: another one is a bug, and keeps its traceback."""
    raise error


class Post(QObject):
    """Brings what threads have to say into the window's thread. It outlives every window: a thread that calls
    an object of Qt's while that is being taken apart ends the process."""

    _sent = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._sent.connect(self._deliver)

    def send(self, letter: Callable[[], None]) -> None:
        """From any thread; `letter` is called in the window's."""
        self._sent.emit(letter)

    def send_to(self, who: QObject, letter: Callable[[], None]) -> None:
        """The same, if `who` is still there then."""
        self.send(lambda: letter() if shiboken6.isValid(who) else None)

    def _deliver(self, letter: Callable[[], None]) -> None:
        letter()


@cache
def post() -> Post:
    """Made by the first who needs it, in the window's thread."""
    return Post()


class _Place:
    """Who waits, and for which piece of work. A thread holds this and never the window's object itself, whose
    last holder would take it apart."""

    def __init__(self, background: Background) -> None:
        self.ticket = 0
        self._background = weakref.ref(background)

    def gone(self) -> None:
        """Nobody waits any more."""
        self.ticket += 1

    def deliver(self, ticket: int, kind: str, value: object) -> None:
        """In the window's thread."""
        background = self._background()
        if ticket == self.ticket and background is not None and shiboken6.isValid(background):
            background.take(kind, value)


class Background(QObject):
    """One piece of work at a time; a new one makes the old one's result unwanted. `on_error` gets the error
    with which it fails: nothing fails unseen.

    A plain thread and not a QThread: one that hangs on a dead drive must not keep the window from closing."""

    progressed = Signal(object)
    finished = Signal(object)

    def __init__(self, on_error: Callable[[Exception], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_error = on_error
        self._place = _Place(self)
        self._working = False
        self.destroyed.connect(self._place.gone)

    @property
    def working(self) -> bool:
        return self._working

    def start(self, work: Work) -> None:
        self._place.ticket += 1
        self._working = True
        arguments = (post(), self._place, self._place.ticket, work)
        threading.Thread(target=_run, args=arguments, daemon=True).start()

    def cancel(self) -> None:
        self._place.ticket += 1
        self._working = False

    def take(self, kind: str, value: object) -> None:
        """What a thread said of the work that is wanted."""
        if kind == "progress":
            self.progressed.emit(value)
            return
        self._working = False
        if kind == "result":
            self.finished.emit(value)
        else:
            assert isinstance(value, Exception)
            self._on_error(value)


def _run(through: Post, place: _Place, ticket: int, work: Work) -> None:
    """In the thread."""

    def send(kind: str, value: object) -> None:
        if ticket != place.ticket:
            raise Cancelled
        through.send(lambda: place.deliver(ticket, kind, value))

    with contextlib.suppress(Cancelled):
        try:
            result = work(lambda progress: send("progress", progress))
        except Cancelled:
            raise
        except Exception as error:
            send("error", error)
        else:
            send("result", result)
