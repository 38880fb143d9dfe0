"""Of which class more photos would help most: what is lost without half, or three quarters, of its own.

All other photos stay. Each photo is asked for by fits that did not see it, with and without, so that their
chance falls out of the difference; what the photos' own chance leaves is drawn (bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
TIMES, FITS, PHOTOS = 4, 260, 5_000
"""How often anew, and how many regressions, and looks at photos, that may come to."""


@dataclass(frozen=True)
class Lost:
    """(N,) each, between -1 and 1: how much more often a photo was right with all of a class than with half
    of it, and with half than with a quarter."""

    half_N: Tensor
    quarter_N: Tensor


def find_wanted(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: tuple[str, ...],
    penalty: float,
    seed: int,
    tell: Callable[[], object],
) -> tuple[Wanted, ...]:
    """The class that would gain most first; those that would bring nothing last."""
    counts = torch.bincount(labels_N, minlength=len(classes))
    asked = [label for label in range(len(classes)) if counts[label] >= LEAST]
    asked = sorted(asked, key=lambda label: int(counts[label]))[:MOST_CLASSES]
    fits = PARTS * (1 + 2 * max(1, len(asked)))
    times = max(1, min(TIMES, FITS // fits, PHOTOS // len(labels_N)))
    lost = measure(features_NK, labels_N, len(classes), asked, penalty, seed, times, tell)
    generator = torch.Generator().manual_seed(seed % 2**63)
    drawn = torch.randint(len(labels_N), (DRAWN, len(labels_N)), generator=generator)
    told = []
    for label in asked:
        photos = min(MORE, int(counts[label]))
        share = photos / int(counts[label])
        middle, deviation = gain(lost[label], share, drawn)
        low, high = middle - Z * deviation, middle + Z * deviation
        told.append(
            (middle, Wanted(label=classes[label], photos=photos, gain=(round(low, 4), round(high, 4))))
        )
    order = sorted(told, key=lambda each: (each[1].gain[0] <= 0, -each[0], each[1].label))
    return tuple(wanted for _, wanted in order)


def gain(lost: Lost, share: float, drawn: Tensor) -> tuple[float, float]:
    """What `share` more photos of the class bring, as a share of all, and its deviation. What doubling it
    brings falls by doubling, as a power: half to whole brought so much, whole to twice brings 0.75 of that,
    or of the mean with what quarter to half brought, 0.6."""
    doubled_N = 0.5 * (0.75 * lost.half_N + 0.56 * lost.quarter_N)
    part = torch.log2(torch.tensor(1 + share)).item()
    deviation = doubled_N[drawn].mean(1).std().item()
    return part * doubled_N.mean().item(), part * (deviation**2 + (0.3 * doubled_N.mean().item()) ** 2) ** 0.5


def measure(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: int,
    asked: list[int],
    penalty: float,
    seed: int,
    times: int,
    tell: Callable[[], object],
) -> dict[int, Lost]:
    generator = torch.Generator().manual_seed(seed % 2**63)
    lost = {label: Lost(torch.zeros(len(labels_N)), torch.zeros(len(labels_N))) for label in asked}
    for _ in range(times):
        part_N = ridge.divide(labels_N, PARTS, generator)
        for part in range(PARTS):
            held_out = part_N == part
            kept = (~held_out).nonzero()[:, 0]

            def right(known: Sums, held_out: Tensor = held_out) -> Tensor:
                said_NC = ridge.scores(features_NK[held_out], known.solve((penalty,)))[0]
                return (said_NC.argmax(1) == labels_N[held_out]).float()

            whole = Sums.of(features_NK[kept], labels_N[kept], classes)
            right_N = right(whole)
            for label in asked:
                tell()
                own = kept[labels_N[kept] == label]
                own = own[torch.randperm(len(own), generator=generator)]
                without_half, without_more = (
                    right(whole - Sums.of(features_NK[gone], labels_N[gone], classes))
                    for gone in (own[len(own) // 2 :], own[len(own) // 4 :])
                )
                lost[label].half_N[held_out] += (right_N - without_half) / times
                lost[label].quarter_N[held_out] += (without_half - without_more) / times
    return lost
