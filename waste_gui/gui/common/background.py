"""Work that may wait for a disk, beside the window: a daemon thread whose result arrives as a signal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal


class Cancelled(Exception):
    """Raised inside the work where it looks whether it is still wanted."""


class Background(QObject):
    """One piece of work at a time; a new one makes the old one's result unwanted.

    A plain thread and not a QThread: one that hangs on a dead drive must not keep the window from closing."""

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)  # The exception.
    _arrived = Signal(int, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ticket = 0
        self._working = False
        self._arrived.connect(self._on_arrived)

    @property
    def working(self) -> bool:
        return self._working

    def start(self, work: Callable[[Callable[[object], None]], object]) -> None:
        """`work` gets a function to tell its progress, which raises Cancelled when nobody waits any more."""
        self._ticket += 1
        self._working = True
        threading.Thread(target=self._run, args=(self._ticket, work), daemon=True).start()

    def cancel(self) -> None:
        self._ticket += 1
        self._working = False

    def _run(self, ticket: int, work: Callable[[Callable[[object], None]], object]) -> None:
        def tell(progress: object) -> None:
            if ticket != self._ticket:
                raise Cancelled
            self._send(ticket, "progress", progress)

        try:
            result = work(tell)
        except Cancelled:
            return
        except Exception as error:  # Whoever asked for the work says it to the person.
            with contextlib.suppress(Cancelled):
                self._send(ticket, "error", error)
        else:
            with contextlib.suppress(Cancelled):
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
        (self.finished if kind == "result" else self.failed).emit(value)
