"""A process that writes the stacks of its threads to a file when asked, also while Python in it is stuck.

SIGUSR2 is answered by a thread of ours that takes the GIL first: always safe. SIGUSR1 is answered by
faulthandler without the GIL: for a process that holds it in C, or sleeps in the kernel with it, and for no
other. Reading frames while Python ran them crashed Python 3.11 in one of 500 to 5000 attempts; with the GIL
33,000 attempts went well. `monitor/stacks.py` asks in this order, and reads the answers. Nothing is written
unasked: a timer cannot tell a Python that stands still from one that was stopped and has just gone on.

Both signals are blocked in all other threads, as one that sleeps in the kernel would never handle them.
Windows has neither: there the engine tells its own stacks while Python runs, and py-spy the others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import json
import os
import signal
import sys
import threading
from types import FrameType

from waste_gui import files, wait_facts
from waste_gui.wait_facts import Fact

VARIABLE = "WASTE_GUI_STACKS"
"""The environment variable that tells the workers of a run where to write."""

MAX_BYTES = 2**20
"""A longer file begins anew. A dump takes a few kilobytes."""


def block_signals() -> None:
    """To be called before any thread is started: each inherits what is blocked, and so do processes. SIGCONT
    continues a process all the same; blocked, it tells afterwards that it came (`engine/heartbeat.py`)."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT))


class StackFile:
    """Several processes write to one file, each its own stacks; made in the main thread."""

    def __init__(self, path: str, role: str) -> None:
        """Raises OSError."""
        self.descriptor = files.open_to_append(path)
        self._role = role
        self._main = threading.get_ident()
        self.introduce()

    def introduce(self) -> None:
        """Say whose the thread is that faulthandler names by a number only. A file grown long begins anew."""
        with contextlib.suppress(OSError):
            if os.fstat(self.descriptor).st_size > MAX_BYTES:
                os.ftruncate(self.descriptor, 0)
        self._append(f"Process {os.getpid()}, {self._role}, main thread 0x{self._main:016x}\n")

    def answer_signals(self) -> None:
        """From now on; nothing where there are no such signals."""
        if sys.platform == "win32":
            return
        block_signals()
        faulthandler.register(signal.SIGUSR1, self.descriptor)
        # Of a handler in Python the system kills no process; it runs if a foreign thread got the signal.
        signal.signal(signal.SIGUSR2, lambda number, frame: self.write())
        threading.Thread(target=self._answer, name="stacks on request", daemon=True).start()

    def write(self) -> None:
        """The stacks as faulthandler writes them, with names, in one piece."""
        self.introduce()
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        natives = {thread.ident: thread.native_id or 0 for thread in threading.enumerate()}
        tops = sys._current_frames()
        facts = wait_facts.of_threads(tops)
        stacks = [
            _about(ident, natives.get(ident, 0), facts.get(ident, Fact()))
            + _stack_text(ident, names.get(ident, ""), frame)
            for ident, frame in tops.items()
            if ident != threading.get_ident() or ident == self._main
        ]
        begin, end = f"Stacks of process {os.getpid()}", f"End of process {os.getpid()}\n"
        self._append("\n".join((begin, *stacks, end)))

    def _answer(self) -> None:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGUSR1,))
            while True:
                signal.sigwait((signal.SIGUSR2,))
                self.write()

    def _append(self, text: str) -> None:
        """A full disk costs the answer, nothing else."""
        with contextlib.suppress(OSError):
            os.write(self.descriptor, text.encode("ascii", "backslashreplace"))  # As faulthandler escapes.


def _about(ident: int, native: int, fact: Fact) -> str:
    """The system's number of the thread, and what it waits for as far as only the program itself knows."""
    return f"About 0x{ident:016x}: {json.dumps({'native': native, **dataclasses.asdict(fact)})}\n"


def _stack_text(ident: int, name: str, top: FrameType) -> str:
    lines = [f"Thread 0x{ident:016x} [{name}] (most recent call first):"]
    frame: FrameType | None = top
    while frame is not None:
        code = frame.f_code
        lines.append(f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_qualname}')
        frame = frame.f_back
    return "\n".join((*lines, ""))
