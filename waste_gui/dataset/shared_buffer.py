"""Memory that the pool and its workers share: a status row for each worker, then the resized images."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil

from waste_gui.dataset import worker as wire
from waste_gui.dataset.resized import ResizedImage

CGROUP = "/sys/fs/cgroup"
"""Where a container sees its own limits."""

FILE_PREFIX = "waste-gui-tiles-"


class SharedBuffer:
    """On Linux it has no name, so nothing stays behind whatever happens; elsewhere it is a temporary file.

    Takes slots × tile_size² × 3 bytes. Raises OSError if there is not enough memory.
    """

    def __init__(self, rows: int, slots: int, resized_size: int) -> None:
        self.rows, self.resized_size = rows, resized_size
        self.resized_offset = -(-rows * wire.ROW_BYTES // mmap.PAGESIZE) * mmap.PAGESIZE
        size = self.resized_offset + slots * resized_size * resized_size * 3
        self._file: str | None = None
        self.pass_fds: tuple[int, ...] = ()
        if sys.platform == "linux":
            descriptor = _unnamed_file()
            self.name, self.pass_fds = str(descriptor), (descriptor,)
        else:
            remove_leftovers(tempfile.gettempdir())
            descriptor, self._file = tempfile.mkstemp(prefix=f"{FILE_PREFIX}{os.getpid()}-")
            self.name = self._file
        self._descriptor = descriptor
        try:
            _allocate(descriptor, size)
            self._map = mmap.mmap(descriptor, size)
        except BaseException:
            self._remove()
            raise
        resized_images = np.frombuffer(self._map, np.uint8, offset=self.resized_offset)
        self.resized_images: ResizedImage = resized_images.reshape(slots, resized_size, resized_size, 3)

    def row(self, number: int) -> tuple[int, int, float]:
        """A worker's state, ticket, and since when; ValueError once the shared buffer is closed."""
        return wire.ROW.unpack_from(self._map, number * wire.ROW_BYTES)

    def set_row(self, number: int, state: int, ticket: int, since: float) -> None:
        wire.ROW.pack_into(self._map, number * wire.ROW_BYTES, state, ticket, since)

    def close(self) -> None:
        # Where a caller still holds a resized image, the memory goes when that does.
        del self.resized_images
        with contextlib.suppress(BufferError):
            self._map.close()
        self._remove()

    def _remove(self) -> None:
        os.close(self._descriptor)
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._file)


def _unnamed_file() -> int:
    """A file in memory, on a descriptor that a worker does not have for its own input and output; on Linux
    alone."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    import fcntl  # Windows has none

    descriptor = os.memfd_create("waste-gui-tiles", os.MFD_CLOEXEC)
    if descriptor > 2:
        return descriptor
    try:  # the engine was started without a standard input
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: str) -> None:
    """The files of engines that were killed: Windows and macOS know no memory without a name."""
    for path in Path(folder).glob(f"{FILE_PREFIX}*-*"):
        owner = path.name.removeprefix(FILE_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            with contextlib.suppress(OSError):
                path.unlink()


def _allocate(descriptor: int, size: int) -> None:
    """Take the memory now: too little is an OSError here, where it would be a fatal SIGBUS later.

    An unnamed file in memory has no limit of its own: the system would kill processes, ours or others', to
    make room. So it is asked first, and half of what is free stays free.
    """
    free = free_memory()
    if size > free / 2:
        words = f"{size / 1e6:.0f} MB of memory are needed for photos and {free / 1e6:.0f} MB are free"
        raise OSError(errno.ENOMEM, words)
    if sys.platform == "linux":
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)


def free_memory() -> int:
    """In bytes, by the system and by the limit of the container or job that we run in, if it has one.

    What a container has read of files counts as used there, up to its limit, although it goes when asked for.
    """
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = (int(Path(CGROUP, name).read_text()) for name in ("memory.max", "memory.current"))
        kinds = dict(line.split() for line in Path(CGROUP, "memory.stat").read_text().splitlines())
        used -= int(kinds["active_file"]) + int(kinds["inactive_file"])
    except (OSError, ValueError, KeyError):  # no such limit, or "max"
        return free
    return min(free, limit - used)
