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
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from waste_gui.code_place import short
from waste_gui.reporting import note

FRAMES = 6
HARMLESS = ("SIGCONT", "SIGCHLD", "SIGURG", "SIGWINCH", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGXFSZ")
"""Signals that do not end a process of Python's, or that are answered here."""

BETWEEN = ("waste_gui/engine/exits.py", "waste_gui/engine/signals.py")
"""What only stands between who asks and the system."""

C_EXIT = b"[waste-gui] end: exit() of C was called, with the status whose number has this signal"

_exit, _kill = os._exit, os.kill
_kept: list[object] = []


def leave(status: int) -> NoReturn:
    """The end of a run that has said its last word."""
    _exit(status)


def end_by(number: int) -> None:
    """As the signal does that came; in a thread that lets it through."""
    _kill(os.getpid(), number)


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
                    OWN_SIGNAL.place = (_places(sys._getframe(1)) or [""])[0]
                    OWN_SIGNAL.noted = not said.startswith(ANSWERED)
                    OWN_SIGNAL.answered = not OWN_SIGNAL.noted
                    if OWN_SIGNAL.noted:
                        note_end(said, sys._getframe(1))
        return call(*arguments, **named)

    noted.__name__ = noted.__qualname__ = name
    setattr(module, name, noted)


@dataclass
class OwnSignal:
    """What this process did last to end itself: where, and whether that is noted, or is to be told by who
    answers the signal."""

    place: str = ""
    noted: bool = False
    answered: bool = False


OWN_SIGNAL = OwnSignal()
ANSWERED = "answered"


def _becomes(path: Any = "", *_: Any) -> str:
    return f"became another program, {os.fsdecode(path)!r}, by os.exec"


def _own_signal(to_itself: bool, number: int, how: str) -> str:
    """Empty for one that ends nothing; one that is answered is told by who answers it."""
    if not to_itself or not number or number in map(int, _harmless()):
        return ""
    if callable(signal.getsignal(number)) or signal.getsignal(number) == signal.SIG_IGN:
        return ANSWERED
    return f"signal {int(number)} by {how}"


def _harmless() -> list[int]:
    return [getattr(signal, name) for name in HARMLESS if hasattr(signal, name)]


def note_end(said: str, frame: FrameType | None = None) -> None:
    """A line of the log: what ended it, and where in Python, the innermost first."""
    places = _places(frame)
    where = f" at {' < '.join(places)}" if places else ""
    with contextlib.suppress(OSError):
        note(f"end: {said}{where}")


def _places(frame: FrameType | None) -> list[str]:
    places: list[str] = []
    while frame is not None and len(places) < FRAMES:
        file = short(frame.f_code.co_filename)[1]
        if not file.endswith(BETWEEN):
            places.append(f"{file}, line {frame.f_lineno}, in {frame.f_code.co_name}")
        frame = frame.f_back
    return places


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
