"""Which of some files a thread opens again and again: Linux tells that one is opened (inotify), not by whom.

Whose opens they are is seen by their moments: a thread that naps and opens runs just then, once for each. Of
two that nap as long at another moment only one does; where our own looks come too late to tell, none.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import time
from collections.abc import Iterable, Iterator

from waste_gui.monitor.waits import kernel

IN_OPEN, IN_NONBLOCK, IN_CLOEXEC = 0x20, 0o4000, 0o2000000
EVENT = struct.Struct("iIII")
MOST = 64

LOOK_S, NEAR_S, LATE_S = 0.001, 0.006, 0.02
"""Between two looks; so near are an open and the run that it was made in; a look that came later than this
tells nothing."""

LEAST = 3
"""Opens that must be seen: of two others' moments may be ours by chance."""


def opened_by(pid: int, tid: int, paths: Iterable[str], seconds: float) -> set[str]:
    """Of files on drives that answer. Nothing where the system has no such way."""
    with _watching(list(paths)[:MOST]) as (watching, watched):
        if not watched:
            return set()
        opens: dict[str, list[float]] = {}
        runs: list[float] = []
        before, looked = kernel.naps(pid, tid), time.monotonic()
        until = looked + seconds
        while (now := time.monotonic()) < until:
            if now - looked > LATE_S:
                opens, runs = {}, []  # What came in between came at an unknown moment.
            looked = now
            for which in _events(watching):
                if which in watched:
                    opens.setdefault(watched[which], []).append(now)
            count = kernel.naps(pid, tid)
            if count != before:
                runs.append(now)
                before = count
            select.select([watching], [], [], LOOK_S)
    return {path for path, moments in opens.items() if _are_of(moments, runs)}


def _are_of(opens: list[float], runs: list[float]) -> bool:
    """Each open in a run, and about as many opens as runs."""
    in_a_run = all(any(abs(opened - ran) <= NEAR_S for ran in runs) for opened in opens)
    moments = 1 + sum(b - a > NEAR_S for a, b in zip(opens, opens[1:], strict=False))
    times = 1 + sum(b - a > NEAR_S for a, b in zip(runs, runs[1:], strict=False))
    return len(opens) >= LEAST and in_a_run and abs(moments - times) <= 1


@contextlib.contextmanager
def _watching(paths: list[str]) -> Iterator[tuple[int, dict[int, str]]]:
    library = ctypes.CDLL(None, use_errno=True)
    watching = library.inotify_init1(IN_NONBLOCK | IN_CLOEXEC) if hasattr(library, "inotify_init1") else -1
    if watching < 0:
        yield -1, {}
        return
    try:
        watched = {library.inotify_add_watch(watching, os.fsencode(path), IN_OPEN): path for path in paths}
        watched.pop(-1, None)
        yield watching, watched
    finally:
        os.close(watching)


def _events(watching: int) -> Iterator[int]:
    """Those that have come: which of the files was opened."""
    with contextlib.suppress(BlockingIOError):
        content = os.read(watching, 65536)
        at = 0
        while at + EVENT.size <= len(content):
            which, _, _, length = EVENT.unpack_from(content, at)
            yield which
            at += EVENT.size + length
