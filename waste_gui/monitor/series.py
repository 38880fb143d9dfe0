"""Metric points that grow by one at a time and are read as arrays, thinned for plotting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Thinned:
    """At most `buckets` points: the mean and the extremes of each bucket; gaps are NaN."""

    x: FloatArray
    low: FloatArray
    mean: FloatArray
    high: FloatArray


class Series:
    """Points (x, y) with x rising. A y of None is kept as NaN: a gap in the line."""

    def __init__(self) -> None:
        self._x = np.empty(256)
        self._y = np.empty(256)
        self._size = 0
        self.last_finite: int | None = None  # The index of the last y that is a number.

    def __len__(self) -> int:
        return self._size

    def append(self, x: float, y: float | None) -> None:
        if self._size == len(self._x):
            self._x = np.concatenate([self._x, np.empty(self._size)])
            self._y = np.concatenate([self._y, np.empty(self._size)])
        self._x[self._size] = x
        self._y[self._size] = np.nan if y is None else y
        if np.isfinite(self._y[self._size]):
            self.last_finite = self._size
        self._size += 1

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
        if len(x) <= buckets:
            return Thinned(x.copy(), y.copy(), y.copy(), y.copy())
        starts = np.linspace(0, len(x), buckets, endpoint=False).astype(np.intp)
        finite = np.isfinite(y)
        count = np.add.reduceat(finite, starts, dtype=np.intp)
        filled = np.where(count > 0, count, 1)
        mean = np.add.reduceat(np.where(finite, y, 0.0), starts) / filled
        low = np.minimum.reduceat(np.where(finite, y, np.inf), starts)
        high = np.maximum.reduceat(np.where(finite, y, -np.inf), starts)
        for part in (mean, low, high):
            part[count == 0] = np.nan
        return Thinned(x[starts], low, mean, high)
