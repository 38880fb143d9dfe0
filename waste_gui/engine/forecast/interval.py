"""Between which shares of the photos that it will be counted on an accuracy will lie, nine times of ten."""

from __future__ import annotations

import torch

TAIL = 0.05
"""On each side."""

Z = 1.645
"""Of a normal distribution, as much lies beyond so many deviations."""

ROUNDED = 1e-4
"""A count's share that was rounded elsewhere lies within, too."""

MOST = 20_000
"""Photos that are counted one by one; what more would change is less than a thousandth."""


def interval(share: float, deviation: float, measured: float, counted: float) -> tuple[float, float]:
    """A share measured on some photos, which may be off by a deviation, and is counted anew on others.

    Beta-binomial: all of 40 photos are often right where 97 % are, and where all of 24 were, not all need to
    be.
    """
    count = round(min(MOST, max(1.0, counted)))
    middle = (share * measured + 0.5) / (measured + 1)
    variance = middle * (1 - middle)
    certain = max(2.0, variance / max(deviation**2, 1e-9) - 1)
    ones, zeros = (torch.tensor(certain * part, dtype=torch.float64) for part in (middle, 1 - middle))
    right = torch.arange(count + 1, dtype=torch.float64)
    wrong = count - right
    logs = torch.lgamma(right + ones) + torch.lgamma(wrong + zeros)
    logs -= torch.lgamma(right + 1) + torch.lgamma(wrong + 1)
    below = logs.softmax(0).cumsum(0)
    low, high = (int((below < tail).sum()) / count for tail in (TAIL, 1 - TAIL))
    low, high = min(low, share) - ROUNDED, max(high, share) + ROUNDED
    return round(max(0.0, low), 4), round(min(1.0, high), 4)
