"""Work that may wait for a disk, beside the window: a daemon thread whose result arrives as a signal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal


class Cancelled(Exception):
    """Raised inside the work where it looks whether it is still wanted."""


Work = Callable[[Callable[[object], None]], object]
"""Gets a function to tell its progress, which raises Cancelled when nobody waits any more."""


def unexpected(error: Exception) -> None:
    """For work that names all its errors itself: another one is a bug, and keeps its traceback."""
    raise error


class Background(QObject):
    """One piece of work at a time; a new one makes the old one's result unwanted. `on_error` gets the error
    with which it fails: nothing fails unseen.

    A plain thread and not a QThread: one that hangs on a dead drive must not keep the window from closing."""

    progressed = Signal(object)
    finished = Signal(object)
    _arrived = Signal(int, str, object)

    def __init__(self, on_error: Callable[[Exception], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_error = on_error
        self._ticket = 0
        self._working = False
        self._arrived.connect(self._on_arrived)

    @property
    def working(self) -> bool:
        return self._working

    def start(self, work: Work) -> None:
        self._ticket += 1
        self._working = True
        threading.Thread(target=self._run, args=(self._ticket, work), daemon=True).start()

    def cancel(self) -> None:
        self._ticket += 1
        self._working = False

    def _run(self, ticket: int, work: Work) -> None:
        def tell(progress: object) -> None:
            if ticket != self._ticket:
                raise Cancelled
            self._send(ticket, "progress", progress)

        with contextlib.suppress(Cancelled):
            try:
                result = work(tell)
            except Cancelled:
                raise
            except Exception as error:
                self._send(ticket, "error", error)
            else:
                self._send(ticket, "result", result)

    def _send(self, ticket: int, kind: str, value: object) -> None:
        try:
            self._arrived.emit(ticket, kind, value)
        except RuntimeError as gone:  # The window was closed in the meantime.
            raise Cancelled from gone

    def _on_arrived(self, ticket: int, kind: str, value: object) -> None:
        if ticket != self._ticket:
            return
        if kind == "progress":
            self.progressed.emit(value)
            return
        self._working = False
        if kind == "result":
            self.finished.emit(value)
        else:
            assert isinstance(value, Exception)
            self._on_error(value)
