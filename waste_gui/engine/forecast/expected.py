"""The accuracy that training will show, and that with twice the photos: what was measured, and how far off it
may be. Both are of the head that training fits, on as many validation photos as it will have."""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.engine.forecast.curve import UNKNOWN, Curve, ahead
from waste_gui.engine.forecast.held_out import PARTS
from waste_gui.engine.forecast.interval import interval
from waste_gui.engine.forecast.photos import EmbeddedPhotos

FAR = 2.0
"""The head is taken to err at most so many times as often as the regression in closed form, or as seldom."""


@dataclass(frozen=True)
class Compared:
    """On so many photos the head and the regression in closed form, both fitted without them, were wrong so
    often. `apart`: those were the validation photos that a person has put aside, with a fit to the others."""

    photos: int
    wrong: int
    quick_wrong: int
    apart: bool = False

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
    count = len(photos.samples)
    scale = photos.total / count
    learnt, validated = photos.to_train * scale, max(1.0, (count - photos.to_train) * scale)
    now, here = ahead(curve, learnt, seed), ahead(curve, count * (1 - 1 / min(PARTS, count)), seed)
    change = now.error / max(here.error, 1e-6) if now and here else 1.0
    if compared.apart:
        measured = compared.wrong / compared.photos
    elif compared.photos == count:
        measured = compared.wrong / count * change
    else:
        measured = quick_error * compared.ratio * change
    accuracy, ratio = 1 - min(1.0, measured), compared.ratio
    off = now.deviation * ratio if now and scale > 1 else 0.0
    around = interval(accuracy, (off**2 + UNKNOWN**2) ** 0.5, count, validated)
    with_twice = None
    twice = ahead(curve, 2 * learnt, seed)
    if twice:
        later = 1 - min(1.0, twice.error * ratio)
        off = twice.deviation * ratio
        with_twice = interval(later, (off**2 + UNKNOWN**2) ** 0.5, count, 2 * validated)
    return Expected(round(accuracy, 4), around, with_twice, ratio)
