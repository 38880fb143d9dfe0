"""The accuracy that training will show, and that with twice the photos: what was measured, and how far off it
may be. Both are of the head that training fits, on as many validation photos as it will have."""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.engine.forecast.curve import UNKNOWN, Curve, ahead
from waste_gui.engine.forecast.held_out import PARTS
from waste_gui.engine.forecast.interval import chance, interval
from waste_gui.engine.forecast.photos import EmbeddedPhotos

FAR = 2.0
"""The head is taken to err at most so many times as often as the regression in closed form, or as seldom."""


@dataclass(frozen=True)
class Compared:
    """On so many photos the head and the regression in closed form, both fitted without them, were wrong so
    often."""

    photos: int
    wrong: int
    quick_wrong: int

    @property
    def ratio(self) -> float:
        return min(FAR, max(1 / FAR, (self.wrong + 1) / (self.quick_wrong + 1)))


@dataclass(frozen=True)
class Expected:
    """`ratio`: how often the head errs, by how often the regression in closed form does."""

    accuracy: float
    interval: tuple[float, float]
    with_twice: tuple[float, float] | None
    ratio: float


def expect(
    photos: EmbeddedPhotos, curve: Curve, compared: Compared, quick_error: float, seed: int
) -> Expected:
    """`quick_error` is the error on all photos of the regression in closed form."""
    count, ratio = len(photos.samples), compared.ratio
    scale = photos.total / count
    learnt, validated = photos.to_train * scale, max(1.0, (count - photos.to_train) * scale)
    all_compared = compared.photos == count
    measured = compared.wrong / count if all_compared else quick_error * ratio
    now, here = ahead(curve, learnt, seed), ahead(curve, count * (1 - 1 / min(PARTS, count)), seed)
    change = now.error / max(here.error, 1e-6) if now and here else 1.0
    accuracy = 1 - min(1.0, measured * change)
    variance = chance(accuracy, count, validated) + UNKNOWN**2
    if now and here and scale > 1:
        variance += (now.deviation * ratio) ** 2
    with_twice = None
    twice = ahead(curve, 2 * learnt, seed)
    if twice and here:
        later = 1 - min(1.0, twice.error * ratio)
        around = (twice.deviation * ratio) ** 2 + UNKNOWN**2 + chance(later, count, 2 * validated)
        with_twice = interval(later, around**0.5, count)
    return Expected(round(accuracy, 4), interval(accuracy, variance**0.5, count), with_twice, ratio)
