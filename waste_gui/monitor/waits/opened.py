"""Which of some files are opened by somebody within a moment: Linux tells it (inotify)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import time
from collections.abc import Iterable

IN_OPEN, IN_NONBLOCK, IN_CLOEXEC = 0x20, 0o4000, 0o2000000
EVENT = struct.Struct("iIII")
MOST = 64


def opened_within(paths: Iterable[str], seconds: float) -> set[str]:
    """Nothing where the system has no such way. Paths on drives that may not answer are not for it."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "inotify_init1"):
        return set()
    watching = library.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
    if watching < 0:
        return set()
    try:
        watched = {
            library.inotify_add_watch(watching, os.fsencode(p), IN_OPEN): p for p in list(paths)[:MOST]
        }
        watched.pop(-1, None)
        return {watched[each] for each in _events(watching, seconds, bool(watched)) if each in watched}
    finally:
        os.close(watching)


def _events(watching: int, seconds: float, any_watched: bool) -> set[int]:
    found, until = set[int](), time.monotonic() + seconds
    while any_watched and (left := until - time.monotonic()) > 0:
        if not select.select([watching], [], [], left)[0]:
            break
        with contextlib.suppress(BlockingIOError):
            content = os.read(watching, 65536)
            at = 0
            while at + EVENT.size <= len(content):
                which, _, _, length = EVENT.unpack_from(content, at)
                found.add(which)
                at += EVENT.size + length
    return found
