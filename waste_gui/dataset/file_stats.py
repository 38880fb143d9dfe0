"""Size and time of change of many files: what tells that a photo is still the one that was read before."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

THREADS = 8
"""On a network drive each look takes a millisecond of waiting; side by side they wait together."""

CHUNK = 512


class FileStat(NamedTuple):
    """Bytes, and nanoseconds since 1970, as far as 64 bits hold them: those of 1601 (nothing, on a drive of
    Windows) or of 2600 stand for another time, but always for the same."""

    size: int
    mtime_ns: int


FileStats = Mapping[str, FileStat]
"""By path; a file that is not there any more is missing."""


def file_stats(paths: Sequence[str], tell: Callable[[int], object] | None = None) -> dict[str, FileStat]:
    """`tell` is given the number of files looked at so far; it may raise, to stop."""
    found: dict[str, FileStat] = {}
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    stopped = threading.Event()
    pool = ThreadPoolExecutor(THREADS if len(chunks) > 1 else 1, "file stats")
    try:
        looked = 0
        for chunk, stats in zip(chunks, pool.map(lambda c: _look(c, stopped), chunks), strict=True):
            found.update((path, stat) for path, stat in zip(chunk, stats, strict=True) if stat)
            looked += len(chunk)
            if tell is not None:
                tell(looked)
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)  # a dead drive must not hold us
    return found


def _look(paths: Sequence[str], stopped: threading.Event) -> list[FileStat | None]:
    return [None if stopped.is_set() else _stat(path) for path in paths]


def _stat(path: str) -> FileStat | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return FileStat(status.st_size, _in_64_bits(status.st_mtime_ns))


def _in_64_bits(nanoseconds: int) -> int:
    """SQLite holds no others."""
    return (nanoseconds + 2**63) % 2**64 - 2**63
