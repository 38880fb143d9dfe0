"""What a program can say itself of a thread's wait, and nobody from outside: the thread that it joins, the
lock file that it asks for. Read from the variables of the libraries' own frames, never from a program's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import PurePath
from types import FrameType
from typing import Any

MOST_FRAMES = 40
MOST_NAME = 300
PATHS = ("lock_file", "filename", "lock_file_path", "path")
"""How the libraries that lock files call theirs: filelock, portalocker, torch's FileBaton, fasteners."""

LOCKING = ("/filelock/", "/portalocker/", "file_baton.py", "/fasteners/")


def of_thread(top: FrameType) -> tuple[str, int]:
    """The name of what is waited for and the system's number of the thread that can end it; empty or 0 where
    it is not known. Needs the GIL, as everything that reads frames."""
    for frame in _frames(top):
        file = frame.f_code.co_filename.replace(chr(92), "/")
        with contextlib.suppress(Exception):  # Whatever a library's objects do when they are asked.
            if file.endswith("/threading.py"):
                found = _in_threading(frame)
            elif any(part in file for part in LOCKING):
                found = _locked_path(frame), 0
            elif file.endswith("/concurrent/futures/_base.py"):
                found = "", _worker_on(frame.f_locals.get("self"))
            elif file.endswith("/subprocess.py"):
                found = _child(frame), 0
            else:
                continue
            if any(found):
                return found[0][:MOST_NAME], found[1]
    return "", 0


def _frames(top: FrameType) -> Iterator[FrameType]:
    frame: FrameType | None = top
    for _ in range(MOST_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _in_threading(frame: FrameType) -> tuple[str, int]:
    this = frame.f_locals.get("self")
    if isinstance(this, threading.Thread) and frame.f_code.co_name in ("join", "_wait_for_tstate_lock"):
        return this.name, this.native_id or 0
    owner = getattr(this, "_owner", None)  # RLock in Python.
    other = next((t for t in threading.enumerate() if t.ident == owner), None) if owner else None
    return (other.name, other.native_id or 0) if other is not None else ("", 0)


def _locked_path(frame: FrameType) -> str:
    this = frame.f_locals.get("self")
    for name in PATHS:
        path = getattr(this, name, None)
        if isinstance(path, str | PurePath):
            return str(path)
    return ""


def _child(frame: FrameType) -> str:
    arguments = getattr(frame.f_locals.get("self"), "args", "")
    words = [arguments] if isinstance(arguments, str | PurePath) else list(arguments)
    return " ".join(map(str, words[:8]))


def _worker_on(future: Any) -> int:
    """The thread of a pool that works on that very result."""
    import sys

    if future is None:
        return 0
    natives = {thread.ident: thread.native_id for thread in threading.enumerate()}
    for ident, top in sys._current_frames().items():
        for frame in _frames(top):
            if frame.f_code.co_filename.endswith("thread.py") and frame.f_code.co_name == "run":
                if getattr(frame.f_locals.get("self"), "future", None) is future:
                    return natives.get(ident) or 0
    return 0
