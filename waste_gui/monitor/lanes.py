"""Lanes and curves over a run's time, bounded in memory: what is old grows coarser, nothing is lost whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from waste_gui.monitor.series import FloatArray

SEGMENTS, SAMPLES = 20_000, 45_000
"""What a lane and a curve keep at most: a sample each second for twelve hours."""

FEW = 256
"""Segments that are written down together, so that it is never felt."""

LONG_S, HELD_S = 2.0, 20.0
"""A photo takes some 10 ms; one that takes this long is shown by name, and then as one that holds all up."""

IN_ONE_S = 0.05
"""Two segments of one kind so close to each other are one."""


class SegmentKind(Enum):
    """What a process does; the values are the words of the legend."""

    STAGE = "stage"
    TRAIN = "trains"
    VALIDATE = "validates"
    SAVE = "saves"
    WORK = "works"
    WAIT = "waits for photos"
    COPY = "copies"
    COMPUTE = "computes"
    PAUSED = "paused"
    STUCK = "no progress"
    SILENT = "no response"
    STARTING = "starts"
    IDLE = "idle"
    READING = "reads photos"
    LONG = "one photo, over 2 s"
    HELD = "one photo, over 20 s"

    __hash__ = object.__hash__  # That of Enum is slow, and lanes look up kinds all the time.


@dataclass
class Open:
    """The segment that still grows. `shares` are seconds by kind, where more than one kind is in it."""

    kind: SegmentKind
    start: float
    end: float
    name: str = ""
    shares: dict[SegmentKind, float] = field(default_factory=dict)

    @property
    def length(self) -> float:
        return self.end - self.start

    def seconds(self) -> dict[SegmentKind, float]:
        """Its length, divided by kind."""
        total = sum(self.shares.values())
        if total > 0:
            return {kind: self.length * share / total for kind, share in self.shares.items()}
        return {aged(self.kind, self.length, self.name): self.length}


def aged(kind: SegmentKind, length_s: float, name: str) -> SegmentKind:
    """A photo that is read for long is told apart."""
    if kind is not SegmentKind.READING or not name or length_s < LONG_S:
        return kind
    return SegmentKind.LONG if length_s < HELD_S else SegmentKind.HELD


@dataclass(slots=True)
class _Closed:
    """A segment as it is kept: `seconds` by column, `only` its kind where it has but one."""

    start: float
    end: float
    seconds: list[float]
    name: str
    only: SegmentKind | None

    def goes_on_from(self, last: _Closed) -> bool:
        """Whether it is but a continuation."""
        return self.only is last.only and self.name == last.name and self.start - last.end <= IN_ONE_S


@dataclass(frozen=True)
class Segments:
    """A lane's segments in the order of time, none overlapping. `seconds` is (segments, kinds of the lane);
    a merged segment holds several kinds, and the name of its longest part."""

    start: FloatArray
    end: FloatArray
    seconds: FloatArray
    names: tuple[str, ...]
    name: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def times(self) -> FloatArray:
        """Starts and ends in turns."""
        return np.column_stack([self.start, self.end]).ravel()

    @cached_property
    def sums(self) -> dict[int, FloatArray]:
        """For each kind that is there, by its column: its seconds until each of `times`."""
        found = {}
        for kind in range(self.seconds.shape[1]):
            after = np.cumsum(self.seconds[:, kind])
            if len(after) and after[-1] > 0:
                found[kind] = np.column_stack([after - self.seconds[:, kind], after]).ravel()
        return found

    def at(self, time: float) -> int | None:
        """The one that this moment is in."""
        i = int(np.searchsorted(self.start, time, side="right")) - 1
        return i if i >= 0 and time <= self.end[i] else None


class Lane:
    """What one process, or the run, did when."""

    def __init__(self, title: str, kinds: tuple[SegmentKind, ...], capacity: int = SEGMENTS) -> None:
        self.title, self.kinds = title, kinds
        self.changes = 0  # Whoever draws it knows by this number whether to draw anew.
        self.merges = 0  # How often its old segments were merged.
        self.open: Open | None = None
        self._columns = {kind: i for i, kind in enumerate(kinds)}
        self._capacity = capacity
        self._size = 0  # Of the columns; what comes after is in `_new`.
        self._new: list[_Closed] = []
        self._start, self._end = np.zeros(256), np.zeros(256)
        self._seconds = np.zeros((256, len(kinds)))
        self._name = np.zeros(256, np.intp)
        self._names: dict[str, int] = {"": 0}
        self._seen: set[SegmentKind] = set()
        self._told: tuple[int, Segments] | None = None

    def __len__(self) -> int:
        return self._size + len(self._new) + (self.open is not None)

    @property
    def ends_at(self) -> float:
        if self.open is not None:
            return self.open.end
        return self._new[-1].end if self._new else 0.0

    @property
    def known_kinds(self) -> frozenset[SegmentKind]:
        """Those that are anywhere in it."""
        now = (
            frozenset(self.open.seconds()) if self.open is not None and self.open.length > 0 else frozenset()
        )
        return frozenset(self._seen) | now

    def become(self, kind: SegmentKind, at: float, name: str = "") -> None:
        """From this moment on it does this, until it becomes something else."""
        if self.open is not None and (self.open.kind, self.open.name) == (kind, name):
            self.extend(at)
            return
        self.close(at)
        at = max(at, self.ends_at)
        self.open = Open(kind, at, at, name)
        self.changes += 1

    def extend(self, at: float) -> None:
        """It still does what it did."""
        if self.open is not None and at > self.open.end:
            self.open.end = at
            self.changes += 1

    def next_photo(self, since: float, name: str) -> bool:
        """It reads another photo, and the one before took no time worth telling; False where it did."""
        was, last = self.open, self._new[-1] if self._new else None
        if was is None or last is None or was.end - was.start >= LONG_S or last.name or since < was.end:
            return False
        if last.only is not SegmentKind.READING or was.start - last.end > IN_ONE_S:
            return False
        last.seconds[self._columns[SegmentKind.READING]] += since - last.end
        last.end = was.start = was.end = since
        was.name = name
        self.changes += 1
        return True

    def share(self, at: float, shares: Mapping[SegmentKind, float], every_s: float) -> None:
        """What was done since the last time, by kind; a segment is closed each `every_s`."""
        if self.open is None:
            return
        known = self.open.shares
        for kind, seconds in shares.items():
            known[kind] = known.get(kind, 0.0) + seconds
        self.extend(at)
        if self.open.length >= every_s:
            kind, name = self.open.kind, self.open.name
            self.close(at)
            self.open = Open(kind, at, at, name)

    def close(self, at: float) -> None:
        """It does nothing any more that is known."""
        done, self.open = self.open, None
        if done is None:
            return
        done.end = max(done.start, at)
        if done.length > 0:
            self._append(done)
        self.changes += 1

    def segments(self) -> Segments:
        """All of them, with the one that is still open; to be looked at before the lane changes again."""
        if self._told is None or self._told[0] != self.changes:
            self._write_down()
            size = self._size + len(self._new)
            if self.open is not None and self.open.length > 0:
                self._write(size, self._closed(self.open))
                size += 1
            columns = self._start[:size], self._end[:size], self._seconds[:size]
            self._told = self.changes, Segments(*columns, tuple(self._names), self._name[:size])
        return self._told[1]

    def _append(self, done: Open) -> None:
        closed, last = self._closed(done), self._new[-1] if self._new else None
        if last is not None and closed.only is not None and closed.goes_on_from(last):
            last.seconds[self._columns[closed.only]] += done.end - last.end
            last.end = done.end
            return
        self._seen.update(done.shares if closed.only is None else (closed.only,))
        self._new.append(closed)
        if len(self._new) >= FEW:
            self._write_down()
        if self._size + len(self._new) >= self._capacity:
            self._write_down()
            self._size += len(self._new)
            self._grow_coarser()
            self._size -= 1
            self._new = [self._read(self._size)]

    def _closed(self, segment: Open) -> _Closed:
        columns, length = [0.0] * len(self.kinds), segment.end - segment.start
        total = sum(segment.shares.values())
        if total > 0:
            for kind, seconds in segment.shares.items():
                columns[self._columns[kind]] = length * seconds / total
            return _Closed(segment.start, segment.end, columns, segment.name, None)
        only = aged(segment.kind, length, segment.name)
        columns[self._columns[only]] = length
        name = "" if only is SegmentKind.READING else segment.name  # Short ones have no name of their own.
        return _Closed(segment.start, segment.end, columns, name, only)

    def _write_down(self) -> None:
        """All but the newest for good: that one may go on."""
        for i, closed in enumerate(self._new, self._size):
            self._write(i, closed)
        self._size += max(0, len(self._new) - 1)
        self._new = self._new[-1:]

    def _write(self, i: int, closed: _Closed) -> None:
        if i >= len(self._start):
            self._make_room(2 * len(self._start))
        self._start[i], self._end[i], self._seconds[i] = closed.start, closed.end, closed.seconds
        self._name[i] = self._names.setdefault(closed.name, len(self._names))

    def _read(self, i: int) -> _Closed:
        seconds, name = self._seconds[i].tolist(), list(self._names)[self._name[i]]
        longest = max(range(len(seconds)), key=seconds.__getitem__)
        only = self.kinds[longest] if seconds[longest] >= 0.999 * sum(seconds) else None
        return _Closed(float(self._start[i]), float(self._end[i]), seconds, name, only)

    def _make_room(self, rows: int) -> None:
        more = rows - len(self._start)
        self._start = np.concatenate([self._start, np.zeros(more)])
        self._end = np.concatenate([self._end, np.zeros(more)])
        self._seconds = np.concatenate([self._seconds, np.zeros((more, len(self.kinds)))])
        self._name = np.concatenate([self._name, np.zeros(more, np.intp)])

    def _grow_coarser(self) -> None:
        """Merge what is narrow, but leave the newest quarter as it is. Wide segments stay: there are at most
        as many as widths in the span, and of the buckets of narrow ones no more, so that room is made."""
        old = self._size - self._capacity // 4
        start, end, seconds = self._start[:old], self._end[:old], self._seconds[:old]
        width = (end[-1] - start[0]) / (0.3 * self._capacity)
        wide = end - start >= width
        bucket = np.floor((start - start[0]) / width)
        new = np.ones(old, bool)
        new[1:] = wide[1:] | wide[:-1] | (bucket[1:] != bucket[:-1])
        firsts = np.flatnonzero(new)
        lasts = np.append(firsts[1:], old) - 1
        longest = np.lexsort((end - start, np.cumsum(new)))[lasts]  # Sorted by length inside each group.
        merged, kept = len(firsts), self._size - old
        coarse = start[firsts], end[lasts], np.add.reduceat(seconds, firsts), self._name[:old][longest]
        for column, rows in zip((self._start, self._end, self._seconds, self._name), coarse, strict=True):
            newest = column[old : self._size].copy()
            column[:merged] = rows
            column[merged : merged + kept] = newest
        self._size = merged + kept
        self.merges += 1
        self._forget_names()

    def _forget_names(self) -> None:
        """Those that no segment has any more."""
        used, places = np.unique(self._name[: self._size], return_inverse=True)
        all_names = list(self._names)
        kept = ["", *(all_names[i] for i in used if i != 0)]
        shift = 0 if len(used) and used[0] == 0 else 1
        self._name[: self._size] = places + shift
        self._names = {name: i for i, name in enumerate(kept)}


class Curve:
    """Samples of something measured, with the extremes of those that were merged."""

    def __init__(self, capacity: int = SAMPLES) -> None:
        self.changes = 0
        self._capacity = capacity
        self._size = 0
        self._rows = np.empty((3, 256))  # Time, lowest, highest.

    def __len__(self) -> int:
        return self._size

    def append(self, at: float, value: float) -> None:
        self.extend([(at, value)])

    def extend(self, samples: Sequence[tuple[float, float]]) -> None:
        """(time, value) in the order of time, fewer than a quarter of the capacity; samples from before the
        last one are passed over."""
        newest = self._rows[0, self._size - 1] if self._size else -1.0
        new = [sample for sample in samples if sample[0] > newest]
        if not new:
            return
        end = self._size + len(new)
        if end > self._rows.shape[1]:
            more = np.empty((3, max(self._rows.shape[1], len(new))))
            self._rows = np.concatenate([self._rows, more], axis=1)
        columns = np.array(new).T
        self._rows[0, self._size : end] = columns[0]
        self._rows[1:, self._size : end] = columns[1]
        self._size = end
        self.changes += 1
        if end >= self._capacity:
            self._grow_coarser()

    @property
    def last(self) -> float | None:
        return float(self._rows[2, self._size - 1]) if self._size else None

    def at(self, time: float) -> tuple[float, float] | None:
        """The lowest and the highest around this moment."""
        if not self._size:
            return None
        i = int(np.searchsorted(self._rows[0, : self._size], time))
        i = min(i, self._size - 1)
        return float(self._rows[1, i]), float(self._rows[2, i])

    def thinned(self, low: float, high: float, buckets: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Times, lowest and highest values in [low, high], at most `buckets` of them."""
        first, last = np.searchsorted(self._rows[0, : self._size], [low, high])
        first, last = max(0, int(first) - 1), min(self._size, int(last) + 1)
        rows = self._rows[:, first:last]
        if rows.shape[1] <= buckets:
            return rows[0], rows[1], rows[2]
        starts = np.linspace(0, rows.shape[1], buckets, endpoint=False).astype(np.intp)
        return rows[0, starts], np.minimum.reduceat(rows[1], starts), np.maximum.reduceat(rows[2], starts)

    def _grow_coarser(self) -> None:
        """Merge the older half two by two."""
        old = self._size // 4 * 2
        rows = self._rows
        pairs = rows[:, :old].reshape(3, -1, 2)
        merged = old // 2
        newest = rows[:, old : self._size].copy()
        rows[:, :merged] = pairs[0, :, 0], pairs[1].min(1), pairs[2].max(1)
        self._size = merged + newest.shape[1]
        rows[:, merged : self._size] = newest
