"""The stacks of every thread: said from inside, and written to the run folder when asked from outside."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from waste_gui import files, wait_facts
from waste_gui.engine.thread_names import tell_names
from waste_gui.protocol import Frame, Stacks, ThreadStack, WaitsOn
from waste_gui.stack_file import VARIABLE, StackFile


def stacks() -> Stacks:
    """The stack of every Python thread of this process, the innermost frame last."""
    names = {t.ident: t.name for t in threading.enumerate()}
    natives = {t.ident: t.native_id or 0 for t in threading.enumerate()}
    main = threading.main_thread().ident
    threads: list[ThreadStack] = []
    tops = sys._current_frames()
    facts = wait_facts.of_threads(tops)
    for ident, top in tops.items():
        frames: list[Frame] = []
        frame: FrameType | None = top
        while frame is not None:
            code = frame.f_code
            frames.append(Frame(file=code.co_filename, line=frame.f_lineno, function=code.co_qualname))
            frame = frame.f_back
        fact = facts.get(ident)
        threads.append(
            ThreadStack(
                pid=os.getpid(),
                role="main" if ident == main else "engine",
                thread=names.get(ident, str(ident)),
                frames=tuple(reversed(frames)),
                native=natives.get(ident, 0),
                waits_on=WaitsOn(**asdict(fact)) if fact and fact.says_anything else None,
            )
        )
    return Stacks(threads=tuple(threads))


def write_stacks_to(path: Path) -> None:
    """On a signal, for the rest of this process and so its workers. Raises OSError."""
    tell_names()
    files.write_atomically(path, b"")
    file = StackFile(str(path), "engine")
    file.answer_signals()
    os.environ[VARIABLE] = str(path)
