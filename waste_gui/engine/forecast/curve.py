"""How often a head is right by the number of photos that it learnt from, and what more of them would bring.

An error that falls as a power of the photos, with a floor or without: on thirteen subsets of TrashNet, asked
by a half for the whole, the mean of both was nearest among five forms. What it may be off by is drawn: the
photos again (bootstrap), and the two forms' difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from waste_gui.engine.forecast import ridge

DESIGN = (
    (16, True, 1),
    (8, True, 1),
    (4, True, 2),
    (2, True, 4),
    (4, False, 1),
    (5, False, 1),
    (10, False, 1),
)
"""Parts, whether each part alone is learnt from (else all others), and how often anew."""

APART = (16, 8, 4, 2, 1)
"""Parts of the training photos, each learnt from, where others are asked for."""

LEAST = 8
"""Photos that the smallest sizes have, and two of each class."""

DRAWN, FLOORS = 100, 16
UNKNOWN = 0.005
"""What another split, another order or another machine change, as a share."""


@dataclass(frozen=True)
class Curve:
    """By size (S,): photos learnt from, and `right_SN`, how often each photo was right."""

    sizes_S: Tensor
    right_SN: Tensor

    @property
    def error_S(self) -> Tensor:
        return 1 - self.right_SN.mean(1)


def measure(
    features_NK: Tensor, labels_N: Tensor, classes: int, seed: int, tell: Callable[[], object]
) -> Curve:
    """By fits to parts of the photos, each asked for photos that it was not fitted to."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    sizes: list[float] = []
    rights: list[Tensor] = []
    for parts, small, times in DESIGN:
        photos = len(labels_N) / parts if small else len(labels_N) * (1 - 1 / parts)
        if photos >= max(LEAST, 2 * classes):
            divided = [ridge.divide(labels_N, parts, generator) for _ in range(times)]
            sizes.append(photos)
            rights.append(how_often_right(features_NK, labels_N, classes, divided, small, tell))
    return Curve(torch.tensor(sizes), torch.stack(rights) if rights else torch.empty(0, len(labels_N)))


def measure_apart(
    features_NK: Tensor, labels_N: Tensor, classes: int, to_train: int, seed: int, tell: Callable[[], object]
) -> Curve:
    """Of the photos after the first `to_train`, by fits to parts of those: what they bring may be less where
    they show something else."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    learnt_NK, learnt_N = features_NK[:to_train], labels_N[:to_train]
    asked_MK, asked_M = features_NK[to_train:], labels_N[to_train:]
    sizes: list[float] = []
    rights: list[Tensor] = []
    for parts in APART:
        if to_train / parts < max(LEAST, 2 * classes):
            continue
        part_N = ridge.divide(learnt_N, parts, generator)
        right_PM = torch.zeros(len(ridge.PENALTIES), len(asked_M))
        loss_P = torch.zeros(len(ridge.PENALTIES))
        for part in range(parts):
            tell()
            inside = part_N == part
            said_PMC = ridge.scores(
                asked_MK, ridge.solve(learnt_NK[inside], learnt_N[inside], classes, ridge.PENALTIES)
            )
            right_PM += (said_PMC.argmax(2) == asked_M).float() / parts
            loss_P += (said_PMC - torch.nn.functional.one_hot(asked_M, classes)).square().sum((1, 2))
        sizes.append(to_train / parts)
        rights.append(right_PM[int(loss_P.argmin())])
    return Curve(torch.tensor(sizes), torch.stack(rights) if rights else torch.empty(0, len(asked_M)))


def how_often_right(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: int,
    divided: Sequence[Tensor],
    small: bool,
    tell: Callable[[], object],
) -> Tensor:
    """(N,) the share of times, with the penalty that fits best. `small`: one part is learnt from, and all
    others asked for; else the other way round."""
    penalties = ridge.PENALTIES
    right_PN, asked_N = torch.zeros(len(penalties), len(labels_N)), torch.zeros(len(labels_N))
    loss_P = torch.zeros(len(penalties))
    for part_N in divided:
        for asked, solved in ridge.each_part(features_NK, labels_N, classes, part_N, penalties, small=small):
            tell()
            said_PNC = ridge.scores(features_NK[asked], solved)
            is_class_NC = torch.nn.functional.one_hot(labels_N[asked], classes)
            right_PN[:, asked] += (said_PNC.argmax(2) == labels_N[asked]).float()
            loss_P += (said_PNC - is_class_NC).square().sum((1, 2))
            asked_N[asked] += 1
    return right_PN[int(loss_P.argmin())] / asked_N.clamp_min(1)


def errors_at(sizes_S: Tensor, error_BS: Tensor, photos: float) -> Tensor:
    """(2, B) the error at so many photos by both forms, for each of B measured curves."""
    weight_S = sizes_S / sizes_S.sum()
    x_S = sizes_S.log()
    mean_x = (weight_S * x_S).sum()
    away_S = x_S - mean_x
    ahead = torch.tensor(float(photos)).log() - mean_x

    def line(log_BS: Tensor) -> tuple[Tensor, Tensor]:
        slope_B = (log_BS * weight_S * away_S).sum(1) / (weight_S * away_S.square()).sum()
        return (log_BS * weight_S).sum(1), slope_B.clamp_max(0)  # More photos do no harm.

    level_B, slope_B = line(error_BS.log())
    power_B = (level_B + slope_B * ahead).exp()
    floored_B, best_B = power_B.clone(), torch.full_like(power_B, torch.inf)
    for share in torch.linspace(0, 0.95, FLOORS):
        floor_B = share * error_BS.min(1).values
        level_B, slope_B = line((error_BS - floor_B[:, None]).log())
        fitted_BS = (level_B[:, None] + slope_B[:, None] * away_S).exp() + floor_B[:, None]
        off_B = ((fitted_BS - error_BS).square() * weight_S).sum(1)
        better_B = off_B < best_B
        best_B = torch.where(better_B, off_B, best_B)
        floored_B = torch.where(better_B, (level_B + slope_B * ahead).exp() + floor_B, floored_B)
    return torch.stack([power_B, floored_B])


@dataclass(frozen=True)
class Ahead:
    """The error at some size: what is likeliest, and the deviation of that, without the chance of the photos
    that it is compared on."""

    error: float
    deviation: float


def ahead(curve: Curve, photos: float, seed: int) -> Ahead | None:
    """None where the curve is too short to say."""
    if len(curve.sizes_S) < 3:
        return None
    asked = curve.right_SN.shape[1]
    least = 0.5 / asked
    generator = torch.Generator().manual_seed(seed % 2**63)
    drawn = torch.randint(asked, (DRAWN, asked), generator=generator)
    error_BS = (1 - curve.right_SN[:, drawn].mean(2)).T.clamp(least, 1 - least)
    measured_1S = curve.error_S[None].clamp(least, 1 - least)
    power, floored = errors_at(curve.sizes_S, measured_1S, photos)[:, 0].tolist()
    deviation = errors_at(curve.sizes_S, error_BS, photos).mean(0).std().item()
    off = abs(power - floored) / 2
    return Ahead((power + floored) / 2, (deviation**2 + off**2) ** 0.5)
