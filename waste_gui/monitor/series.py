"""Metric points that grow and are read as arrays, thinned for plotting; bounded in memory."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CAPACITY = 2**20
"""Points that are kept of a series: those of a day at ten a second."""

FEW = 4096
"""As many have room at first."""

BLOCK = 16
"""Points whose extremes are known together, so that a frame need not look at a million of them."""


@dataclass(frozen=True)
class Thinned:
    """At most `buckets` points: the mean and the extremes of each bucket; gaps are NaN."""

    x: FloatArray
    low: FloatArray
    mean: FloatArray
    high: FloatArray


def thinned(x: FloatArray, y: FloatArray, buckets: int) -> Thinned:
    """All of these points, one bucket for each of at most `buckets` equal runs of them."""
    if len(x) <= buckets:
        return Thinned(x.copy(), y.copy(), y.copy(), y.copy())
    starts = np.linspace(0, len(x), buckets, endpoint=False).astype(np.intp)
    return _thinned(x[starts], starts, *_parts(y))


class Series:
    """Points (x, y) with x rising. A y of None is kept as NaN: a gap in the line. When there are too many,
    of every six in the older half only the lowest and the highest are kept, and a gap."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._x, self._y = np.empty(FEW), np.empty(FEW)
        self._size = 0
        self._blocks = _Blocks()
        self.count = 0  # All points ever.
        self.cuts = 0  # How often points were forgotten again.
        self.last_finite: int | None = None  # The index of the last y that is a number.

    def __len__(self) -> int:
        return self._size

    def append(self, x: float, y: float | None) -> None:
        self.extend([x], [y])

    def extend(self, xs: Sequence[float] | FloatArray, ys: Sequence[float | None]) -> None:
        """Points in the order of x; fewer than a quarter of the capacity."""
        if not len(xs):
            return
        if self._size + len(xs) > self._capacity:
            self._grow_coarser()
        begin, end = self._size, self._size + len(xs)
        if end > len(self._x):  # All at once: what is not in use takes no memory yet, and no copy is long.
            self._x, self._y = (_grown(column, begin, self._capacity) for column in (self._x, self._y))
        self._x[begin:end], self._y[begin:end] = xs, ys  # None becomes NaN.
        finite = np.flatnonzero(np.isfinite(self._y[begin:end]))
        if len(finite):
            self.last_finite = begin + int(finite[-1])
        self._size = end
        self.count += len(xs)

    def cut(self, x: float) -> None:
        """Forget the points from `x` on: they are told anew."""
        size = int(np.searchsorted(self.x, x, side="left"))
        if size == self._size:
            return
        self._size = size
        self.cuts += 1
        self._blocks = _Blocks()
        self._find_last_finite()

    def _find_last_finite(self) -> None:
        finite = np.flatnonzero(np.isfinite(self.y))
        self.last_finite = int(finite[-1]) if len(finite) else None

    @property
    def x(self) -> FloatArray:
        return self._x[: self._size]

    @property
    def y(self) -> FloatArray:
        return self._y[: self._size]

    @property
    def last(self) -> float | None:
        """The last y that is a number."""
        return None if self.last_finite is None else float(self._y[self.last_finite])

    def sampled(self, first: int, most: int) -> tuple[FloatArray, FloatArray]:
        """At most `most` of the points from index `first`, evenly taken, with the last one; numbers only."""
        every = max(1, -(-(self._size - first) // most))
        x, y = self.x[first:][::-every][::-1], self.y[first:][::-every][::-1]
        finite = np.isfinite(y)
        return x[finite], y[finite]

    def thinned(self, low_x: float, high_x: float, buckets: int) -> Thinned:
        """The points in [low_x, high_x], one bucket for each of at most `buckets` equal runs of points."""
        first, last = np.searchsorted(self.x, [low_x, high_x], side="left")
        first, last = max(0, int(first) - 1), min(self._size, int(last) + 1)
        x, y = self.x[first:last], self.y[first:last]
        if buckets > 1 and len(x) >= 2 * BLOCK * buckets:  # One of them is for what fills no block.
            self._blocks.take(self.y)
            whole = self._blocks.thinned(self.x, first // BLOCK, last // BLOCK, buckets - 1)
            rest = slice(last // BLOCK * BLOCK, last)
            return _joined(whole, _one(self.x[rest], self.y[rest]))
        return thinned(x, y, buckets)

    def _grow_coarser(self) -> None:
        old = self._size // 12 * 6
        y = self._y[:old].reshape(-1, 6)
        gap, rows = np.isnan(y), np.arange(len(y))
        keep = np.zeros(y.shape, bool)
        keep[rows, np.where(gap, np.inf, y).argmin(1)] = True
        keep[rows, np.where(gap, -np.inf, y).argmax(1)] = True
        keep[rows, gap.argmax(1)] |= gap.any(1)
        kept = np.append(np.flatnonzero(keep), np.arange(old, self._size))
        for column in (self._x, self._y):
            column[: len(kept)] = column[kept]
        self._size = len(kept)
        self._find_last_finite()
        self._blocks = _Blocks()


class _Blocks:
    """Extremes, sum and number of the numbers in each whole block of points."""

    def __init__(self) -> None:
        self._rows = np.empty((4, 0))
        self._size = 0

    def take(self, y: FloatArray) -> None:
        """All points so far; only blocks that are new are looked at."""
        whole = len(y) // BLOCK
        if whole > self._rows.shape[1]:
            room = np.empty((4, 2 * whole))
            room[:, : self._size] = self._rows[:, : self._size]
            self._rows = room
        if whole > self._size:
            new = y[BLOCK * self._size : BLOCK * whole]
            starts = np.arange(0, len(new), BLOCK)
            self._rows[:, self._size : whole] = _reduced(starts, *_parts(new))
            self._size = whole

    def thinned(self, x: FloatArray, first: int, last: int, buckets: int) -> Thinned:
        """Of the blocks [first, last)."""
        starts = np.linspace(0, last - first, buckets, endpoint=False).astype(np.intp)
        low, high, total, count = self._rows[:, first:last]
        return _thinned(x[BLOCK * (first + starts)], starts, low, high, total, count)


def _parts(y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """For each value the lowest, highest, sum and number of what is there: of a gap, nothing."""
    finite = np.isfinite(y)
    return np.where(finite, y, np.inf), np.where(finite, y, -np.inf), np.where(finite, y, 0.0), finite * 1.0


def _reduced(
    starts: NDArray[np.intp], low: FloatArray, high: FloatArray, total: FloatArray, count: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    return (
        np.minimum.reduceat(low, starts),
        np.maximum.reduceat(high, starts),
        np.add.reduceat(total, starts),
        np.add.reduceat(count, starts),
    )


def _thinned(x: FloatArray, starts: NDArray[np.intp], *parts: FloatArray) -> Thinned:
    low, high, total, count = _reduced(starts, *parts)
    mean = total / np.where(count > 0, count, 1.0)
    for part in (low, mean, high):
        part[count == 0] = np.nan
    return Thinned(x, low, mean, high)


def _one(x: FloatArray, y: FloatArray) -> Thinned:
    """All of them in one bucket, if there are any."""
    return _thinned(x[:1], np.zeros(1, np.intp), *_parts(y)) if len(x) else Thinned(x, y, y, y)


def _joined(a: Thinned, b: Thinned) -> Thinned:
    pairs = (a.x, b.x), (a.low, b.low), (a.mean, b.mean), (a.high, b.high)
    return Thinned(*map(np.concatenate, pairs))


def _grown(column: FloatArray, size: int, room: int) -> FloatArray:
    """Only what is in use is copied, so that the rest takes no memory yet. Not by `np.empty`: it asks for
    huge pages, and each takes 3 ms when it is first written to."""
    new = np.frombuffer(mmap.mmap(-1, room * column.itemsize))
    new[:size] = column[:size]
    return new
