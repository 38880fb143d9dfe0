"""Ctrl+C in the terminal that the window was started from, and the end of its session."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier

GOES_ON = "The training goes on without the window. Open waste-gui again to see it, or to stop it."


class Interrupts(QObject):
    """Python looks at a signal only when it runs, and Qt's loop may wait for long: the signal wakes it."""

    def __init__(self, leave: Callable[[int], None], parent: QObject) -> None:
        """`leave` gets the exit status."""
        super().__init__(parent)
        self._leave = leave
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        self._notifier = QSocketNotifier(self._woken.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_woken)
        signal.set_wakeup_fd(self._wake.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: self._leave(128 + number))

    def _on_woken(self) -> None:
        self._woken.recv(64)


def say_that_it_goes_on() -> None:
    print(GOES_ON, file=sys.stderr, flush=True)
