"""All that a preview tells, put together."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from waste_gui.engine.forecast import ridge
from waste_gui.engine.forecast.curve import Curve, measure, measure_apart
from waste_gui.engine.forecast.expected import Compared, Expected, expect
from waste_gui.engine.forecast.held_out import PARTS, held_out
from waste_gui.engine.forecast.photos import EmbeddedPhotos
from waste_gui.engine.forecast.projection import projected
from waste_gui.engine.forecast.sources import without_each
from waste_gui.engine.forecast.strange import find_outliers, find_twins
from waste_gui.engine.forecast.suspects import find_suspects
from waste_gui.engine.forecast.wanted import find_wanted
from waste_gui.engine.head import few_threads
from waste_gui.protocol import ClassForecast, Confused, CurvePoint, Previewed

Tell = Callable[[int, int, str], object]
"""How far it is: done, of how many, with what. May raise, to stop."""

LEAST = 5
"""Photos of a class, to say how often it would be right."""

MOST_CONFUSED = 100
MOST_HELD_OUT = 1_500
"""Photos that the head which training fits is asked for; the others are asked for by the quick one, and what
differs between the two on these is taken to hold for all."""

SMALLER = 256
"""Directions for the many regressions without some photos of a class."""


class Steps:
    """Where the forecast is: so many steps, each told again and again while it goes on."""

    def __init__(self, tell: Tell, of: int) -> None:
        self._tell, self._of, self._done, self._detail = tell, of, -1, ""

    def begin(self, detail: str) -> None:
        self._done, self._detail = self._done + 1, detail
        self.go_on()

    def go_on(self) -> None:
        self._tell(self._done, self._of, self._detail)


def forecast(photos: EmbeddedPhotos, seed: int, tell: Tell) -> Previewed:
    """The same photos and the same seed give the same."""
    with few_threads(photos.views_VNF[0].numel() * len(photos.classes)):
        return _forecast(photos, seed, Steps(tell, 6))


def _forecast(photos: EmbeddedPhotos, seed: int, steps: Steps) -> Previewed:
    labels_N, classes = photos.labels_N, photos.classes
    steps.begin("comparing photos")
    plain_NF = photos.views_VNF[0].float()
    twins = find_twins(photos.samples, photos.views_VNF, photos.last, photos.to_train)
    steps.go_on()
    outliers = find_outliers(photos.samples, plain_NF, photos.last, classes)
    steps.go_on()
    features_NK = projected(plain_NF, seed, steps.go_on)
    steps.begin("asking for photos that were held out")
    generator = torch.Generator().manual_seed(seed % 2**63)
    part_N = ridge.divide(labels_N, min(PARTS, len(labels_N)), generator)
    quick_NC, penalty = ridge.held_out_scores(features_NK, labels_N, len(classes), part_N)
    predicted_N = quick_NC.argmax(1)
    quick_error = (predicted_N != labels_N).float().mean().item()
    asked = some(len(labels_N), generator)
    said_NC = held_out(photos.rows()[asked], len(classes), part_N[asked], steps.go_on)
    predicted_N[asked] = said_NC.argmax(1)
    steps.begin("learning from fewer photos")
    if photos.is_divided:
        curve = measure_apart(features_NK, labels_N, len(classes), photos.to_train, seed, steps.go_on)
        compared = compare_apart(photos, curve, steps.go_on)
    else:
        curve = measure(features_NK, labels_N, len(classes), seed, steps.go_on)
        compared = compare(features_NK[asked], labels_N[asked], said_NC, part_N[asked], penalty)
    expected = expect(photos, curve, compared, quick_error, seed)
    steps.begin("leaving out photos of each class")
    small_NK = features_NK[:, -SMALLER:]
    wanted = find_wanted(small_NK, labels_N, classes, penalty, seed, steps.go_on)
    steps.begin("leaving out each source")
    sources = without_each(features_NK, photos.samples, labels_N, len(classes), penalty, steps.go_on)
    steps.begin("looking for wrong labels")
    suspects = find_suspects(features_NK, photos.samples, labels_N, classes, seed, steps.go_on)
    return Previewed(
        accuracy=expected.accuracy,
        interval=expected.interval,
        photos=len(photos.samples),
        per_class=per_class(classes, labels_N, predicted_N),
        confused=confused(classes, labels_N, predicted_N),
        curve=points(curve, expected),
        with_twice=expected.with_twice,
        wanted=wanted,
        sources=sources,
        suspects=suspects,
        outliers=outliers,
        twins=twins,
    )


def some(photos: int, generator: torch.Generator) -> Tensor:
    """All places, or so many at random as the slower regression is fitted to."""
    return torch.randperm(photos, generator=generator)[:MOST_HELD_OUT].sort().values


def compare(
    features_NK: Tensor, labels_N: Tensor, said_NC: Tensor, part_N: Tensor, penalty: float
) -> Compared:
    """With the quick regression, fitted to the same photos as what said this."""
    quick_NC, _ = ridge.held_out_scores(features_NK, labels_N, said_NC.shape[1], part_N, (penalty,))
    wrong, quick_wrong = (int((each_NC.argmax(1) != labels_N).sum()) for each_NC in (said_NC, quick_NC))
    return Compared(len(labels_N), wrong, quick_wrong)


def compare_apart(photos: EmbeddedPhotos, curve: Curve, tell: Callable[[], object]) -> Compared:
    """On the photos that a person has put aside to validate with."""
    labels_N = photos.labels_N
    apart_N = torch.arange(len(labels_N)) >= photos.to_train
    said_NC = held_out(photos.rows(), len(photos.classes), apart_N.long() - 1, tell)
    wrong = int((said_NC.argmax(1) != labels_N)[apart_N].sum())
    quick = curve.error_S[-1].item() * int(apart_N.sum()) if len(curve.sizes_S) else wrong
    return Compared(int(apart_N.sum()), wrong, round(quick), apart=True)


def points(curve: Curve, expected: Expected) -> tuple[CurvePoint, ...]:
    return tuple(
        CurvePoint(photos=round(photos), accuracy=round(1 - min(1.0, expected.ratio * error), 4))
        for photos, error in zip(curve.sizes_S.tolist(), curve.error_S.tolist(), strict=True)
    )


def per_class(classes: tuple[str, ...], labels_N: Tensor, predicted_N: Tensor) -> tuple[ClassForecast, ...]:
    told = []
    for label, name in enumerate(classes):
        of_class_N = labels_N == label
        photos = int(of_class_N.sum())
        share = (predicted_N[of_class_N] == label).float().mean().item() if photos >= LEAST else None
        told.append(
            ClassForecast(label=name, photos=photos, accuracy=None if share is None else round(share, 4))
        )
    return tuple(told)


def confused(classes: tuple[str, ...], labels_N: Tensor, predicted_N: Tensor) -> tuple[Confused, ...]:
    """The commonest first."""
    counts = torch.bincount(labels_N * len(classes) + predicted_N, minlength=len(classes) ** 2)
    pairs = [(*divmod(place, len(classes)), int(counts[place])) for place in counts.nonzero()[:, 0].tolist()]
    wrong = sorted((pair for pair in pairs if pair[0] != pair[1]), key=lambda pair: (-pair[2], pair))
    return tuple(
        Confused(label=classes[label], taken_for=classes[other], photos=photos)
        for label, other, photos in wrong[:MOST_CONFUSED]
    )
