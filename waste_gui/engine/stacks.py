"""The stacks of every thread: said from inside, and written to the run folder while Python is stuck."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from waste_gui.protocol import Frame, Stacks, ThreadStack
from waste_gui.stack_file import VARIABLE, StackFile

SILENT_S = 10.0
"""After so long without the GIL for us the stacks are written without being asked for, on any system."""

CHECK_S = 1.0


def stacks() -> Stacks:
    """The stack of every Python thread of this process, the innermost frame last."""
    names = {t.ident: t.name for t in threading.enumerate()}
    main = threading.main_thread().ident
    threads: list[ThreadStack] = []
    for ident, top in sys._current_frames().items():
        frames: list[Frame] = []
        frame: FrameType | None = top
        while frame is not None:
            code = frame.f_code
            frames.append(Frame(file=code.co_filename, line=frame.f_lineno, function=code.co_qualname))
            frame = frame.f_back
        threads.append(
            ThreadStack(
                pid=os.getpid(),
                role="main" if ident == main else "engine",
                thread=names.get(ident, str(ident)),
                frames=tuple(reversed(frames)),
            )
        )
    return Stacks(threads=tuple(threads))


def write_stacks_to(path: Path) -> None:
    """For the rest of this process: on a signal, by itself when Python stands still; and so its workers.

    Raises OSError."""
    path.write_bytes(b"")
    file = StackFile(str(path), "engine")
    file.answer_signals()
    os.environ[VARIABLE] = str(path)
    threading.Thread(target=_watch, args=(file,), name="watch over Python", daemon=True).start()


def _watch(file: StackFile) -> None:
    """Puts faulthandler's timer off while the GIL can be had.

    It has a thread of its own: were it the heartbeat's, a graphics driver that does not answer the heartbeat
    would have the stacks read of a training that runs, without the GIL, which can crash it. That happens only
    after a stop of the whole process: 2,336 of a training loop, stopped and continued, went well."""
    while True:
        began = time.monotonic()
        faulthandler.dump_traceback_later(SILENT_S, file=file.descriptor)
        time.sleep(CHECK_S)
        if time.monotonic() - began > SILENT_S:
            file.introduce()  # What was written by itself before this line holds no more.
