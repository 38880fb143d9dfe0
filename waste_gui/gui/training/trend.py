"""The trend of a curve while it grows: what its noise hides, without lagging behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from waste_gui.monitor.series import FloatArray, Series, Thinned, thinned

CAPACITY = 2**18
WIDEST, NARROWEST, SHARE = 50.0, 2.0, 0.25
"""Points over which is averaged: a share of those so far, so that a short run's trend follows it as well as a
long one's."""
_BLOCK = 4096


@dataclass(frozen=True)
class Points:
    """A few values of a curve."""

    x: FloatArray
    y: FloatArray


class Trend:
    """A straight line through the last points, at the newest one; the weights fall exponentially with age
    (discounted least squares: R. G. Brown, Smoothing, Forecasting and Prediction, 1963). An average would lag
    by as many points as it goes back, from its first one on; a line does not, while the curve falls.

    Takes in only what is new; a gap stays one. When it has too many points, every second one of the older
    half is left out: it is smooth."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._block = min(_BLOCK, capacity // 4)
        self._x, self._y = np.empty(capacity), np.empty(capacity)  # Takes memory only as it fills.
        self._cuts = 0  # How often the series forgot points.
        self._forget(0)

    def _forget(self, seen: int) -> None:
        self._size, self._seen = 0, seen  # `_seen` is of all points that the series ever had.
        self._taken = 0  # Those that are numbers.
        self._sums = np.zeros(5)  # Weighted, of 1, age, age², y and age · y.
        self._lowest, self._highest = np.inf, -np.inf
        self.last: float | None = None

    def take(self, raw: Series) -> None:
        if raw.cuts != self._cuts:  # Drawn anew: the points before a cut count for those after it.
            self._cuts = raw.cuts
            self._forget(raw.count - len(raw))
        first = max(0, len(raw) - (raw.count - self._seen))
        self._seen = raw.count
        for begin in range(first, len(raw), self._block):
            block = slice(begin, begin + self._block)
            self._take_block(raw.x[block], raw.y[block])

    def _make_room(self) -> None:
        if self._size + self._block > self._capacity:
            old = self._size // 4 * 2
            kept = np.r_[1:old:2, old : self._size]
            self._size = len(kept)
            self._x[: self._size], self._y[: self._size] = self._x[kept], self._y[kept]

    def _take_block(self, x: FloatArray, new: FloatArray) -> None:
        self._make_room()
        finite = np.isfinite(new)
        before = np.nan if self.last is None else self.last
        fitted = np.concatenate([[before], self._fit(new[finite])])
        end = self._size + len(new)
        self._x[self._size : end] = x
        self._y[self._size : end] = np.where(finite, fitted[np.cumsum(finite)], np.nan)
        self._size = end

    def _fit(self, y: FloatArray) -> FloatArray:
        """sums[i] = d[i] · (sums + Σ term[j] / d[j]), with d the product of the weights until then. d ends
        at 1e-31 or above: nothing overflows."""
        if not len(y):
            return y
        place = np.arange(1.0, len(y) + 1)
        width = np.clip(SHARE * (self._taken + place), NARROWEST, WIDEST)
        decay = np.cumprod(width / (1 + width))
        terms = np.stack([np.ones_like(y), place, place**2, y, place * y])
        n, age, age2, total, aged = self._sums
        start = np.array([n, -age, age2, total, -aged])  # Of places, which are ages below 0.
        sums = decay * (start[:, None] + np.cumsum(terms / decay, axis=1))
        fitted = _at_the_end(sums, place)
        self._taken += len(y)
        n, at, at2, total, at_y = sums[:, -1]
        end = place[-1]
        self._sums = np.array([n, end * n - at, end**2 * n - 2 * end * at + at2, total, end * total - at_y])
        return self._within(fitted, y)

    def _within(self, fitted: FloatArray, y: FloatArray) -> FloatArray:
        """No line leads further than any value has been: after a sudden fall it would, below a loss of 0."""
        lowest = np.minimum(self._lowest, np.minimum.accumulate(y))
        highest = np.maximum(self._highest, np.maximum.accumulate(y))
        self._lowest, self._highest = float(lowest[-1]), float(highest[-1])
        fitted = np.clip(fitted, lowest, highest)
        self.last = float(fitted[-1])
        return fitted

    def sampled(self, low: float, high: float, count: int) -> Points:
        """At most `count` points of it in [low, high]: it is smooth, so that single ones will do, and a gap
        shows only where two of them fall into it."""
        drawn = some(self._x[: self._size], self._y[: self._size], low, high, count)
        gap = np.isnan(drawn.y)
        alone = gap & ~np.r_[False, gap[:-1]] & ~np.r_[gap[1:], False]
        return Points(drawn.x[~alone], drawn.y[~alone])


def _at_the_end(sums: FloatArray, place: FloatArray) -> FloatArray:
    """The value of the fitted line at each place: (Σa² Σy − Σa Σay) / (Σ1 Σa² − (Σa)²), a the age there."""
    n, at, at2, total, at_y = sums
    age, age2 = place * n - at, place**2 * n - 2 * place * at + at2
    aged = place * total - at_y
    spread = n * age2 - age**2
    line = spread > 1e-9 * n * n
    fitted: FloatArray = np.where(line, (age2 * total - age * aged) / np.where(line, spread, 1.0), total / n)
    return fitted


def some(x: FloatArray, y: FloatArray, low: float, high: float, count: int) -> Points:
    """At most `count` of the points in [low, high], and the one on either side."""
    first, last = np.searchsorted(x, [low, high])
    first, last = max(0, int(first) - 1), min(len(x), int(last) + 1)
    chosen = np.unique(np.linspace(first, last - 1, min(count, last - first)).astype(np.intp))
    return Points(x[chosen], y[chosen])


def in_sight(points: Points, low: float, high: float, most: int) -> Thinned:
    """As many of them as can be told apart, each by itself where these are all."""
    first, last = np.searchsorted(points.x, [low, high])
    seen = slice(max(0, int(first) - 1), int(last) + 1)
    return thinned(points.x[seen], points.y[seen], max(2, most))
