"""Rows of bytes of one size, kept on disk and shared by all runs: resized images, and what a model makes of
them. Each is made once, and read from here at near memory speed ever after."""

from __future__ import annotations

import contextlib
import errno
import queue
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Self

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

QUEUE_ROWS = 256
"""Rows that may wait for the disk; further ones are dropped and come again in the next epoch."""

COMMIT_ROWS, COMMIT_S = 64, 1.0
"""Rows are committed after so many or so long: what a kill can cost."""

MAX_SEGMENTS = 64
"""Segments used in one folder: as many files are open."""

CLOSE_S = 3.0
"""What the rows still waiting at the end get."""


class RowCache:
    """Rows of `row_bytes` in `folder`, shared by any number of runs and processes; `name` is what people are
    told of, and `goes_on` what happens without.

    `keys` are those this run may ask for: the folder may hold millions of others. All folders beside
    `folder` together take at most `limit_bytes`, and half of the disk space that would be free without them.
    A disk that is full, read-only or broken is no error: what cannot be read is missing, and when nothing
    can be added any more, `on_problem(text, hint)` is called, once, in any thread.
    """

    name, goes_on = "cache", ""

    def __init__(
        self,
        folder: Path,
        row_bytes: int,
        limit_bytes: int,
        keys: Collection[bytes],
        on_problem: Callable[[str, str], object] = lambda text, hint: None,
    ) -> None:
        self._folder, self._limit_bytes, self._on_problem = folder, limit_bytes, on_problem
        self._row_bytes = row_bytes
        self._found: dict[bytes, tuple[SegmentReader, int, int]] = {}  # reader, slot, checksum
        self._readers: dict[Path, SegmentReader] = {}
        self._queue: queue.Queue[tuple[bytes, Bytes] | threading.Event] = queue.Queue(QUEUE_ROWS)
        self._queued: set[bytes] = set()
        self._adding, self._closed = True, False
        # Below: the writer thread's own.
        self._segment: SegmentWriter | None = None
        self._commit_at = 0.0
        self._room_bytes = 0
        self._open(frozenset(keys))
        self._writer = threading.Thread(target=self._write, name=self.name, daemon=True)
        self._writer.start()

    def __contains__(self, key: bytes) -> bool:
        return key in self._found

    def __len__(self) -> int:
        return len(self._found)

    def read_row(self, key: bytes, row: Bytes) -> bool:
        """Fill `row`, from any thread.

        False if it is not there, or not undamaged: then `row` holds anything, and the key may be put again.
        """
        found = self._found.get(key)
        if found is None:
            return False
        reader, slot, expected = found
        with contextlib.suppress(OSError, ValueError):  # the disk fails; the cache was closed meanwhile
            if reader.read(slot * self._row_bytes, row) and checksum(row) == expected:
                return True
        self._found.pop(key, None)
        return False

    def put_row(self, key: bytes, row: Bytes) -> None:
        """Have a row written, from any thread; never waits. It is not copied: leave it as it is."""
        if not self._adding or self._closed or key in self._found or key in self._queued:
            return
        self._queued.add(key)
        try:
            self._queue.put_nowait((key, row))
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        """Find the wanted rows of a segment, or remove it if newer ones hold all of its rows."""
        records = segment.records(self._row_bytes)
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
                self._segment = SegmentWriter(self._folder, self._row_bytes)
            if not self._segment.waiting:
                self._commit_at = time.monotonic() + COMMIT_S
            self._segment.append(key, data)
        except OSError as error:
            self._stop_adding(*self._words(error))
            return
        if self._segment.waiting >= COMMIT_ROWS or time.monotonic() >= self._commit_at:
            self._commit()

    def _has_room(self) -> bool:
        """Whether one more row fits; looks at the disk once for as many rows as are committed at once."""
        needed = self._row_bytes + RECORD.itemsize
        if self._room_bytes < needed:
            files.make_private_folder(self._folder)
            wanted = needed * COMMIT_ROWS
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
        """Make rows known that are now in this run's own segment. Raises OSError."""
        if placed and not self._closed:
            reader = self._readers.get(stem) or SegmentReader(Segment(stem, 0, 0.0).resized_images)
            self._readers[stem] = reader
            self._found.update((row.key, (reader, row.slot, row.checksum)) for row in placed)
            self._queued.difference_update(row.key for row in placed)

    def _stop_adding(self, text: str, hint: str) -> None:
        if self._adding:
            self._adding = False
            self._end_segment()
            self._on_problem(text, hint)

    def _words(self, error: OSError) -> tuple[str, str]:
        """What happened, and what to do."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            text = f"The disk is full, so the {self.name} cannot grow."
            return f"{text} {self.goes_on}", f"Free space on the disk that holds {self._folder}."
        text = f"The {self.name} cannot be used fully ({error.strerror or error})."
        return f"{text} {self.goes_on}", f"See to it that {self._folder} can be read and written."

    def _no_room_words(self) -> tuple[str, str]:
        limit = f"{self._limit_bytes / 1e9:.3g} GB, or half of the free disk space"
        return (
            f"The {self.name} has grown as far as it may ({limit}). {self.goes_on}",
            f"Free space on the disk that holds {self._folder}, or allow a larger cache.",
        )
