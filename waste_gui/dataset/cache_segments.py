"""The files of the cache of resized images: segments of resized images, each written by one process and read
by any.

A segment is two files that only grow. `TIME-PID.tiles` holds raw resized images back to back;
`TIME-PID.index` holds a record a resized image, appended when the resized image is safe on disk. So a power
cut or a kill at any byte leaves resized images out, never wrong ones, and nobody needs a lock.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import threading
import time
import zlib
from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from waste_gui import files

RECORD = np.dtype([("key", "V16"), ("slot", "<u8"), ("checksum", "<u8"), ("crc", "<u4")])
_CHECKED_BYTES = RECORD.itemsize - 4
_NAME = re.compile(r"\d{20}-\d+\.(tiles|index)", re.ASCII)

IDLE_S = 3600.0
"""A segment written or used within this time may be some running training's: it is not removed."""

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
"""A resized image as one row of bytes."""

Records = np.ndarray[Any, np.dtype[np.void]]


class Placed(NamedTuple):
    """Where a resized image lies in its segment, and the checksum of its bytes."""

    key: bytes
    slot: int
    checksum: int


def checksum(data: Bytes) -> int:
    """The 64-bit sum of the words: finds flipped bits and lost, zeroed or foreign blocks, not swapped ones.

    Chosen because it is checked at every read: 6 µs for 280 × 280 px, where zlib.crc32 takes 71.
    """
    whole = data.size // 8 * 8
    words = int(data[:whole].view("<u8").sum(dtype=np.uint64))
    return (words + int.from_bytes(data[whole:].tobytes(), "little")) % 2**64


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it was found on disk; one of its two files may be missing."""

    stem: Path
    size_bytes: int
    used_at: float
    """When it was last written, or last opened by a run that wanted resized images of it (Unix time)."""

    @property
    def resized_images(self) -> Path:
        return self.stem.with_suffix(".tiles")

    @property
    def index(self) -> Path:
        return self.stem.with_suffix(".index")

    @property
    def idle(self) -> bool:
        """Whether it may be removed. A time in the future, from a clock that was wrong, counts as old."""
        return abs(time.time() - self.used_at) > IDLE_S

    def records(self, resized_bytes: int) -> Records:
        """The undamaged records whose resized images are there, in the order of writing. Raises OSError."""
        try:
            count = self.resized_images.stat().st_size // resized_bytes
            with files.open_to_read(self.index) as file:  # in the order of the resized images
                data = file.read(count * RECORD.itemsize)
        except FileNotFoundError:
            return np.empty(0, RECORD)
        data = data[: len(data) // RECORD.itemsize * RECORD.itemsize]
        records, view = np.frombuffer(data, RECORD), memoryview(data)
        starts = range(0, len(data), RECORD.itemsize)
        crcs = np.array([zlib.crc32(view[start : start + _CHECKED_BYTES]) for start in starts], np.uint32)
        whole: Records = records[records["crc"] == crcs]
        return whole

    def touch(self) -> None:
        """Note that it is used now, where that can be noted."""
        with contextlib.suppress(OSError):
            os.utime(self.resized_images)

    def remove(self) -> bool:
        """Whether it could be removed: not on Windows while somebody reads it, nor on a read-only disk."""
        try:
            self.resized_images.unlink(missing_ok=True)
            self.index.unlink(missing_ok=True)
        except OSError:
            return False
        return True


def list_segments(folder: Path) -> list[Segment]:
    """The segments in a folder, the oldest first; other files are left alone. Raises OSError."""
    found: dict[str, Segment] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _NAME.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):  # another run has just removed it
                status = entry.stat(follow_symlinks=False)
                name = entry.name.partition(".")[0]
                known = found.get(name, Segment(folder / name, 0, 0.0))
                size_bytes, used_at = known.size_bytes + status.st_size, max(known.used_at, status.st_mtime)
                found[name] = replace(known, size_bytes=size_bytes, used_at=used_at)
    return [found[name] for name in sorted(found)]


def keep_largest(segments: list[Segment], count: int) -> list[Segment]:
    """At most `count` of them, in the same order; the smallest idle ones are removed first."""
    surplus = sorted(segments, key=lambda segment: (not segment.idle, segment.size_bytes))
    surplus = surplus[: max(0, len(segments) - count)]
    for segment in surplus:
        if segment.idle:
            segment.remove()
    return [segment for segment in segments if segment not in surplus]


def make_room(root: Path, limit_bytes: int, wanted_bytes: int, keep: Container[Path]) -> int:
    """Bytes by which all folders below `root` may still grow, at best `wanted_bytes`; may be negative.

    They may take `limit_bytes`, and half of the disk space that would be free without them. Idle segments
    go where they are in the way, those not used for longest first, except the stems in `keep`.
    Raises OSError.
    """
    segments: list[Segment] = []
    for folder in root.iterdir():
        with contextlib.suppress(OSError):  # a file, or a folder that is none of ours
            segments += list_segments(folder)
    used = sum(segment.size_bytes for segment in segments)
    allowed = min(limit_bytes, (shutil.disk_usage(root).free + used) // 2)
    for segment in sorted(segments, key=lambda segment: segment.used_at):
        if allowed - used >= wanted_bytes:
            break
        if segment.idle and segment.stem not in keep and segment.remove():
            used -= segment.size_bytes
    return min(allowed - used, wanted_bytes)


class SegmentReader:
    """The resized images of one segment, for any thread. Raises OSError if it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file: Any = files.open_to_read(path)
        self._lock = threading.Lock()

    def read(self, offset: int, data: Bytes) -> bool:
        """Fill `data`; False where the file ends before. Raises OSError, ValueError when closed."""
        if sys.platform != "win32":
            # Not a memory map: a file that somebody cuts off while it is mapped kills the process.
            return os.preadv(self._file.fileno(), [data.data], offset) == data.size
        return self._seek_and_read(offset, data)

    def _seek_and_read(self, offset: int, data: Bytes) -> bool:
        with self._lock:
            self._file.seek(offset)
            return bool(self._file.readinto(data.data) == data.size)

    def close(self) -> None:
        self._file.close()


class SegmentWriter:
    """A new segment, for one thread. Its methods raise OSError; after that, only `close` is of use."""

    def __init__(self, folder: Path, resized_bytes: int) -> None:
        self.stem = folder / f"{time.time_ns():020}-{os.getpid()}"
        self._resized_bytes = resized_bytes
        self._committed = 0
        self._waiting: list[Placed] = []
        self._resized_images = files.create(self.stem.with_suffix(".tiles"))
        try:
            self._index = files.create(self.stem.with_suffix(".index"))
        except OSError:
            self._resized_images.close()
            Segment(self.stem, 0, 0.0).remove()
            raise

    @property
    def waiting(self) -> int:
        """Resized images written and not yet committed."""
        return len(self._waiting)

    def append(self, key: bytes, data: Bytes) -> None:
        _write_all(self._resized_images, data.data)
        self._waiting.append(Placed(key, self._committed + len(self._waiting), checksum(data)))

    def commit(self) -> list[Placed]:
        """Name the waiting resized images in the index, once they are safe on disk."""
        # Forgotten first: those whose sync failed must not be named after a second one that "succeeds".
        placed, self._waiting = self._waiting, []
        if placed:
            sync(self._resized_images)
            _write_all(self._index, memoryview(b"".join(map(_record, placed))))
            self._committed += len(placed)
        return placed

    def close(self) -> list[Placed]:
        """Commit whole resized images, cut off the rest, remove a segment that stayed empty. Raises
        nothing."""
        placed: list[Placed] = []
        with contextlib.suppress(OSError):
            placed = self.commit()
        with contextlib.suppress(OSError):
            self._resized_images.truncate(self._committed * self._resized_bytes)
            self._index.truncate(self._committed * RECORD.itemsize)
        for file in (self._resized_images, self._index):
            with contextlib.suppress(OSError):
                file.close()
        if not self._committed:
            Segment(self.stem, 0, 0.0).remove()
        return placed


def sync(file: BinaryIO) -> None:
    """Return when what was written is on disk."""
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def _record(placed: Placed) -> bytes:
    record = np.array((*placed, 0), RECORD).tobytes()[:_CHECKED_BYTES]
    return record + zlib.crc32(record).to_bytes(4, "little")


def _write_all(file: BinaryIO, data: memoryview) -> None:
    while data:  # a write may be short
        data = data[file.write(data) :]
