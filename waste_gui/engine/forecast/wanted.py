"""Of which class more photos would help most: what all of its photos brought where the others had half.

Leaving photos out of one class alone would tell another thing: it spoils the balance. On halves of TrashNet
40 more of a class brought -0.5 to +0.5 points, where that promised +0.8 to +1.8. Each photo is asked for by
fits that did not see it, with and without, so that its own chance falls out of the difference.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from waste_gui.engine.forecast import ridge
from waste_gui.engine.forecast.interval import Z
from waste_gui.engine.forecast.ridge import Sums
from waste_gui.protocol import Wanted

MORE = 40
"""Photos, or as many as the class has, if those are fewer."""

PARTS = 5
LEAST = 8
"""Photos of a class, to learn anything from leaving some out."""

MOST_CLASSES = 40
DRAWN = 200
LATER = 0.75
"""What doubling a class brings, by what doubling it to that size brought."""

TIMES, FITS, PHOTOS = 4, 260, 5_000
"""How often anew, and how many regressions, and looks at photos, that may come to."""


def find_wanted(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: tuple[str, ...],
    penalty: float,
    seed: int,
    tell: Callable[[], object],
) -> tuple[Wanted, ...]:
    """The class that would gain most first; those of which nothing can be told last."""
    counts = torch.bincount(labels_N, minlength=len(classes))
    asked = [label for label in range(len(classes)) if counts[label] >= LEAST]
    asked = sorted(asked, key=lambda label: int(counts[label]))[:MOST_CLASSES]
    fits = 2 * PARTS * (1 + max(1, len(asked)))
    times = max(1, min(TIMES, FITS // fits, PHOTOS // len(labels_N)))
    gained = measure(features_NK, labels_N, len(classes), asked, penalty, seed, times, tell)
    generator = torch.Generator().manual_seed(seed % 2**63)
    drawn = torch.randint(len(labels_N), (DRAWN, len(labels_N)), generator=generator)
    told = []
    for label in asked:
        photos = min(MORE, int(counts[label]))
        share = photos / int(counts[label])
        middle, deviation = gain(gained[label], share, drawn)
        low, high = middle - Z * deviation, middle + Z * deviation
        told.append(
            (middle, Wanted(label=classes[label], photos=photos, gain=(round(low, 4), round(high, 4))))
        )
    order = sorted(told, key=lambda each: (not each[1].helps, -each[0], each[1].label))
    return tuple(wanted for _, wanted in order)


def gain(gained_RN: Tensor, share: float, drawn: Tensor) -> tuple[float, float]:
    """What `share` more photos of the class bring, as a share of all, and the deviation of that: of the
    photos asked for, of those that were added, and of what twice the photos change."""
    middle = gained_RN.mean().item()
    asked = gained_RN.mean(0)[drawn].mean(1).std().item()
    added = gained_RN.mean(1).std().item() if len(gained_RN) > 1 else 0.0
    part = LATER * torch.log2(torch.tensor(1 + share)).item()
    return part * middle, part * (asked**2 + added**2 + (0.5 * middle) ** 2) ** 0.5


def measure(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: int,
    asked: list[int],
    penalty: float,
    seed: int,
    times: int,
    tell: Callable[[], object],
) -> dict[int, Tensor]:
    """(R, N) for each class asked for: how much more often each photo was right with all of the class and
    half of the others than with half of all, in each of R draws."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    gained = {label: torch.zeros(2 * times, len(labels_N)) for label in asked}
    for draw in range(times):
        part_N = ridge.divide(labels_N, PARTS, generator)
        half_N = ridge.divide(labels_N, 2, generator)
        for part in range(PARTS):
            held_out = part_N == part

            def right(known: Sums, held_out: Tensor = held_out) -> Tensor:
                said_NC = ridge.scores(features_NK[held_out], known.solve((penalty,)))[0]
                return (said_NC.argmax(1) == labels_N[held_out]).float()

            for side in range(2):
                here, there = (~held_out & (half_N == each) for each in (side, 1 - side))
                base = Sums.of(features_NK[here], labels_N[here], classes)
                before_N = right(base)
                for label in asked:
                    tell()
                    added = there & (labels_N == label)
                    more = Sums.of(features_NK[added], labels_N[added], classes)
                    gained[label][2 * draw + side, held_out] = right(base + more) - before_N
    return gained
