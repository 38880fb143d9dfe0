"""The cache of resized images: each photo is decoded once, and read from here at near memory speed ever
after."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import queue
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

import PIL
import platformdirs

from waste_gui import files
from waste_gui.dataset.cache_segments import (
    RECORD,
    Bytes,
    Placed,
    Segment,
    SegmentReader,
    SegmentWriter,
    checksum,
    keep_largest,
    list_segments,
    make_room,
)
from waste_gui.dataset.images import READ_VERSION
from waste_gui.dataset.resized import ResizedImage
from waste_gui.rundir import APP_NAME, HOME_VARIABLE

QUEUE_RESIZED = 256
"""Resized images that may wait for the disk; further ones are dropped and come again in the next epoch."""

COMMIT_RESIZED, COMMIT_S = 64, 1.0
"""Resized images are committed after so many or so long: what a kill can cost."""

MAX_SEGMENTS = 64
"""Segments used in one folder: as many files are open."""

CLOSE_S = 3.0
"""What the resized images still waiting at the end get."""

GOES_ON = "Training goes on; photos that are not in the cache are read anew in each epoch."


def cache_dir() -> Path:
    """Where resized images are kept, a folder a resized image size: this user's cache folder, by the system's
    own custom."""
    home = os.environ.get(HOME_VARIABLE)
    cache = Path(home, "cache") if home else Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))
    return cache / "tiles"


def resized_key(path: str, size: int, mtime_ns: int) -> bytes:
    """16 bytes that change when the file (its `size` in bytes) or the code that reads it changes."""
    rest = f"{size} {mtime_ns} {READ_VERSION} {PIL.__version__}"
    return hashlib.blake2b(os.fsencode(path) + b"\0" + rest.encode(), digest_size=16).digest()


class ResizedImageCache:
    """Resized images of one size in `folder`, shared by any number of runs and processes.

    `keys` are those this run may ask for: the folder may hold millions of others. All folders beside
    `folder` together take at most `limit_bytes`, and half of the disk space that would be free without them.
    A disk that is full, read-only or broken is no error: what cannot be read is missing, and when nothing
    can be added any more, `on_problem(text, hint)` is called, once, in any thread.
    """

    def __init__(
        self,
        folder: Path,
        resized_size: int,
        limit_bytes: int,
        keys: Collection[bytes],
        on_problem: Callable[[str, str], object] = lambda text, hint: None,
    ) -> None:
        self._folder, self._limit_bytes, self._on_problem = folder, limit_bytes, on_problem
        self._shape, self._resized_bytes = (resized_size, resized_size, 3), resized_size * resized_size * 3
        self._found: dict[bytes, tuple[SegmentReader, int, int]] = {}  # reader, slot, checksum
        self._readers: dict[Path, SegmentReader] = {}
        self._queue: queue.Queue[tuple[bytes, ResizedImage] | threading.Event] = queue.Queue(QUEUE_RESIZED)
        self._queued: set[bytes] = set()
        self._adding, self._closed = True, False
        # Below: the writer thread's own.
        self._segment: SegmentWriter | None = None
        self._commit_at = 0.0
        self._room_bytes = 0
        self._open(frozenset(keys))
        self._writer = threading.Thread(target=self._write, name="tile cache", daemon=True)
        self._writer.start()

    def __contains__(self, key: bytes) -> bool:
        return key in self._found

    def __len__(self) -> int:
        return len(self._found)

    def read_into(self, key: bytes, resized: ResizedImage) -> bool:
        """Fill `resized`, contiguous (size, size, 3), from any thread.

        False if it is not there, or not undamaged: then `resized` holds anything, and the key may be put
        again.
        """
        data = self._bytes_of(resized)
        found = self._found.get(key)
        if found is None:
            return False
        reader, slot, expected = found
        with contextlib.suppress(OSError, ValueError):  # the disk fails; the cache was closed meanwhile
            if reader.read(slot * self._resized_bytes, data) and checksum(data) == expected:
                return True
        self._found.pop(key, None)
        return False

    def put(self, key: bytes, resized: ResizedImage) -> None:
        """Have a resized image written, from any thread; never waits. The resized image is not copied: leave
        it as it is."""
        data = self._bytes_of(resized)
        if not self._adding or self._closed or key in self._found or key in self._queued:
            return
        self._queued.add(key)
        try:
            self._queue.put_nowait((key, data))
        except queue.Full:
            self._queued.discard(key)

    def flush(self, timeout_s: float) -> None:
        """Wait until what was put is written, at most `timeout_s`."""
        written, give_up_at = threading.Event(), time.monotonic() + timeout_s
        with contextlib.suppress(queue.Full):
            self._queue.put(written, timeout=timeout_s)
            written.wait(max(0.0, give_up_at - time.monotonic()))

    def close(self) -> None:
        """Write what is still waiting, if that takes no more than a few seconds."""
        if self._closed:
            return
        self.flush(CLOSE_S)
        self._closed = True
        with contextlib.suppress(queue.Full):  # the writer is then not waiting for anything
            self._queue.put_nowait(threading.Event())
        self._writer.join(timeout=1)  # a dead disk may hold it for ever; it closes its own files
        self._found.clear()
        for reader in list(self._readers.values()):
            reader.close()

    def __enter__(self) -> ResizedImageCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _bytes_of(self, resized: ResizedImage) -> Bytes:
        """The resized image's memory as one row; ValueError for a resized image that does not belong here."""
        if resized.shape != self._shape or resized.dtype != "uint8" or not resized.flags.c_contiguous:
            raise ValueError(
                f"a contiguous uint8 {self._shape} is wanted, not {resized.dtype} {resized.shape}"
            )
        return resized.reshape(-1)

    # --- opening

    def _open(self, wanted: frozenset[bytes]) -> None:
        try:
            segments = keep_largest(list_segments(self._folder), MAX_SEGMENTS)
        except FileNotFoundError:  # made with the first resized image
            return
        except OSError as error:
            self._stop_adding(*self._words(error))
            return
        newer: set[bytes] = set()
        for segment in reversed(segments):  # a newer copy may stand for a damaged older one
            with contextlib.suppress(OSError):
                self._open_segment(segment, wanted, newer)
        with contextlib.suppress(OSError):  # a limit that is lower now holds from now on
            make_room(self._folder.parent, self._limit_bytes, 0, keep=self._readers)

    def _open_segment(self, segment: Segment, wanted: frozenset[bytes], newer: set[bytes]) -> None:
        """Find the wanted resized images of a segment, or remove it if newer ones hold all of its resized
        images."""
        records = segment.records(self._resized_bytes)
        keys: list[bytes] = records["key"].tolist()
        if segment.idle and all(key in newer for key in keys):
            segment.remove()
            return
        rows = [row for row, key in enumerate(keys) if key in wanted and key not in newer]
        if rows:
            reader = self._readers[segment.stem] = SegmentReader(segment.resized_images)
            segment.touch()
            slots, checksums = records["slot"].tolist(), records["checksum"].tolist()
            self._found.update((keys[row], (reader, slots[row], checksums[row])) for row in rows)
        newer.update(keys)

    # --- the writer thread

    def _write(self) -> None:
        while not self._closed:
            waiting = self._segment is not None and self._segment.waiting
            try:
                order = self._queue.get(
                    timeout=max(0.0, self._commit_at - time.monotonic()) if waiting else None
                )
            except queue.Empty:
                self._commit()
                continue
            if isinstance(order, threading.Event):
                self._commit()
                order.set()
            elif self._adding:
                self._append(*order)
        self._end_segment()

    def _append(self, key: bytes, data: Bytes) -> None:
        try:
            if not self._has_room():
                self._stop_adding(*self._no_room_words())
                return
            if self._segment is None:
                self._segment = SegmentWriter(self._folder, self._resized_bytes)
            if not self._segment.waiting:
                self._commit_at = time.monotonic() + COMMIT_S
            self._segment.append(key, data)
        except OSError as error:
            self._stop_adding(*self._words(error))
            return
        if self._segment.waiting >= COMMIT_RESIZED or time.monotonic() >= self._commit_at:
            self._commit()

    def _has_room(self) -> bool:
        """Whether one more resized image fits; looks at the disk once for as many resized images as are
        committed at once."""
        needed = self._resized_bytes + RECORD.itemsize
        if self._room_bytes < needed:
            files.make_private_folder(self._folder)
            wanted = needed * COMMIT_RESIZED
            self._room_bytes = make_room(self._folder.parent, self._limit_bytes, wanted, keep=self._readers)
            if self._segment is not None:  # records that are still to come
                self._room_bytes -= self._segment.waiting * RECORD.itemsize
        self._room_bytes -= needed
        return self._room_bytes >= 0

    def _commit(self) -> None:
        if self._segment is not None:
            try:
                self._add_written(self._segment.stem, self._segment.commit())
            except OSError as error:
                self._stop_adding(*self._words(error))

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            with contextlib.suppress(OSError):
                self._add_written(segment.stem, segment.close())

    def _add_written(self, stem: Path, placed: list[Placed]) -> None:
        """Make resized images known that are now in this run's own segment. Raises OSError."""
        if placed and not self._closed:
            reader = self._readers.get(stem) or SegmentReader(Segment(stem, 0, 0.0).resized_images)
            self._readers[stem] = reader
            self._found.update((resized.key, (reader, resized.slot, resized.checksum)) for resized in placed)
            self._queued.difference_update(resized.key for resized in placed)

    def _stop_adding(self, text: str, hint: str) -> None:
        if self._adding:
            self._adding = False
            self._end_segment()
            self._on_problem(text, hint)

    def _words(self, error: OSError) -> tuple[str, str]:
        """What happened, and what to do."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            text = "The disk is full, so the photo cache cannot grow."
            return f"{text} {GOES_ON}", f"Free space on the disk that holds {self._folder}."
        text = f"The photo cache cannot be used fully ({error.strerror or error})."
        return f"{text} {GOES_ON}", f"See to it that {self._folder} can be read and written."

    def _no_room_words(self) -> tuple[str, str]:
        limit = f"{self._limit_bytes / 1e9:.3g} GB, or half of the free disk space"
        return (
            f"The photo cache has grown as far as it may ({limit}). {GOES_ON}",
            f"Free space on the disk that holds {self._folder}, or allow a larger cache.",
        )
