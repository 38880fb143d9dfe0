"""Who ended the engine, noted in its log before it is gone: a process that leaves by `os._exit`, by a signal
to itself, or by becoming another program says nothing, and who follows it from outside sees no exit status.

`monitor/last_log.py` reads these notes. The engine itself ends by `leave`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from waste_gui.code_place import short
from waste_gui.reporting import note

FRAMES = 6
HARMLESS = ("SIGCONT", "SIGCHLD", "SIGURG", "SIGWINCH", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGXFSZ")
"""Signals that do not end a process of Python's, or that are answered here."""

C_EXIT = b"[waste-gui] end: exit() of C was called, with the status whose number has this signal"

_exit = os._exit
_kept: list[object] = []


def leave(status: int) -> NoReturn:
    """The end of a run that has said its last word."""
    _exit(status)


def note_ends() -> None:
    """From now on, in this process and none that it forks."""
    pid = os.getpid()
    _note_before(os, "_exit", pid, lambda status=0, *_: f"exit status {int(status) & 0xFF} by os._exit")
    _note_before(os, "abort", pid, lambda *_: "signal 6 by os.abort")
    for name in ("execv", "execve"):
        _note_before(os, name, pid, _becomes)
    _note_before(os, "kill", pid, lambda to, number=0, *_: _own_signal(to == pid, number, "os.kill"))
    if sys.platform != "win32":
        _note_before(
            os,
            "killpg",
            pid,
            lambda to, number=0, *_: _own_signal(to in (0, os.getpgrp()), number, "os.killpg"),
        )
    _note_before(
        signal, "raise_signal", pid, lambda number=0, *_: _own_signal(True, number, "signal.raise_signal")
    )
    _note_exit_of_c()


def _note_before(module: Any, name: str, pid: int, words: Callable[..., str]) -> None:
    """`words` of its arguments; nothing is noted where they are empty."""
    call = getattr(module, name)

    def noted(*arguments: Any, **named: Any) -> Any:
        if os.getpid() == pid:
            with contextlib.suppress(TypeError, ValueError):  # The call itself says what is wrong.
                if said := words(*arguments, *named.values()):
                    note_end(said, sys._getframe(1))
        return call(*arguments, **named)

    noted.__name__ = noted.__qualname__ = name
    setattr(module, name, noted)


def _becomes(path: Any = "", *_: Any) -> str:
    return f"became another program, {os.fsdecode(path)!r}, by os.exec"


def _own_signal(to_itself: bool, number: int, how: str) -> str:
    """Empty for one that ends nothing."""
    if not to_itself or not number or signal.Signals(number).name in HARMLESS:
        return ""
    if callable(signal.getsignal(number)) or signal.getsignal(number) == signal.SIG_IGN:
        return ""
    return f"signal {int(number)} by {how}"


def note_end(said: str, frame: FrameType | None = None) -> None:
    """A line of the log: what ended it, and where in Python, the innermost first."""
    places: list[str] = []
    while frame is not None and len(places) < FRAMES:
        file = short(frame.f_code.co_filename)[1]
        places.append(f"{file}, line {frame.f_lineno}, in {frame.f_code.co_name}")
        frame = frame.f_back
    where = f" at {' < '.join(places)}" if places else ""
    with contextlib.suppress(OSError):
        note(f"end: {said}{where}")


def _note_exit_of_c() -> None:
    """glibc calls with the exit status what is registered here: a function of its own, which writes a text
    and the name of the signal of that number. One in Python could wait there for the interpreter for ever."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        text = ctypes.create_string_buffer(C_EXIT)
        _kept.append(text)
        library.on_exit(library.psignal, text)
