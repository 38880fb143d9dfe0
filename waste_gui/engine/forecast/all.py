"""All that a preview tells, put together."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from waste_gui.config import RunConfig
from waste_gui.engine.forecast.held_out import held_out
from waste_gui.engine.forecast.photos import EmbeddedPhotos
from waste_gui.protocol import ClassForecast, Confused, Previewed

Tell = Callable[[int, int, str], object]
"""How far it is: done, of how many, with what. May raise, to stop."""


def forecast(photos: EmbeddedPhotos, config: RunConfig, tell: Tell) -> Previewed:
    probabilities_NC = held_out(
        photos.rows(), len(photos.classes), config.seed, lambda done, of: tell(done, of, "held-out photos")
    )
    labels_N = photos.labels_N
    right_N = probabilities_NC.argmax(1) == labels_N
    accuracy = right_N.float().mean().item()
    validated = max(1, len(photos.samples) - photos.to_train)
    spread = 1.645 * (accuracy * (1 - accuracy) * (1 / validated + 1 / len(labels_N))) ** 0.5
    return Previewed(
        accuracy=round(accuracy, 4),
        interval=(round(max(0.0, accuracy - spread), 4), round(min(1.0, accuracy + spread), 4)),
        photos=len(photos.samples),
        per_class=per_class(photos.classes, labels_N, right_N),
        confused=confused(photos.classes, labels_N, probabilities_NC.argmax(1)),
    )


def per_class(classes: tuple[str, ...], labels_N: Tensor, right_N: Tensor) -> tuple[ClassForecast, ...]:
    told = []
    for label, name in enumerate(classes):
        of_class_N = labels_N == label
        photos = int(of_class_N.sum())
        share = round(right_N[of_class_N].float().mean().item(), 4) if photos >= 2 else None
        told.append(ClassForecast(label=name, photos=photos, accuracy=share))
    return tuple(told)


def confused(classes: tuple[str, ...], labels_N: Tensor, predicted_N: Tensor) -> tuple[Confused, ...]:
    """The commonest first."""
    counts = torch.bincount(labels_N * len(classes) + predicted_N, minlength=len(classes) ** 2)
    pairs = [divmod(place, len(classes)) + (int(counts[place]),) for place in counts.nonzero()[:, 0].tolist()]
    wrong = sorted((pair for pair in pairs if pair[0] != pair[1]), key=lambda pair: (-pair[2], pair))
    return tuple(
        Confused(label=classes[label], taken_for=classes[other], photos=photos)
        for label, other, photos in wrong[:MOST_CONFUSED]
    )


MOST_CONFUSED = 50
