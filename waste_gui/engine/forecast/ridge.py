"""A regression in closed form: right about as often as the head that training fits, and far faster.

Least squares on the classes with a penalty. Fitted to 60, 120, 240 and 480 TrashNet photos it was right on
67.1, 74.7, 82.3 and 87.2 % of the others, the head on 66.4, 74.6, 82.3 and 86.4 % (mean of six draws).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


def solve(
    features_NK: Tensor, labels_N: Tensor, classes: int, penalties: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Weights (penalties, K, classes) and biases (penalties, classes)."""
    photos, features = features_NK.shape
    mean_K = features_NK.mean(0)
    centred_NK = features_NK - mean_K
    wanted_NC = torch.nn.functional.one_hot(labels_N, classes).float()
    share_C = wanted_NC.mean(0)
    wanted_NC = wanted_NC - share_C
    few = photos <= features
    products = centred_NK @ centred_NK.T if few else centred_NK.T @ centred_NK
    towards = wanted_NC if few else centred_NK.T @ wanted_NC
    weights = []
    for penalty in penalties:
        held = products.clone()
        held.diagonal().add_(penalty * photos + 1e-6)
        solved = torch.cholesky_solve(towards, torch.linalg.cholesky(held))
        weights.append(centred_NK.T @ solved if few else solved)
    weight_PKC = torch.stack(weights)
    return weight_PKC, share_C - mean_K @ weight_PKC


def scores(features_NK: Tensor, solved: tuple[Tensor, Tensor]) -> Tensor:
    """(penalties, N, classes): about 1 for the class that it is, 0 for the others."""
    weight_PKC, bias_PC = solved
    return features_NK @ weight_PKC + bias_PC[:, None]


def divide(labels_N: Tensor, parts: int, generator: torch.Generator) -> Tensor:
    """(N,) the part of each photo: of each class about as many in each."""
    shuffled_N = torch.randperm(len(labels_N), generator=generator)
    by_class_N = shuffled_N[torch.argsort(labels_N[shuffled_N], stable=True)]
    part_N = torch.empty_like(labels_N)
    part_N[by_class_N] = torch.arange(len(labels_N)) % parts
    return part_N


def held_out_scores(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: int,
    part_N: Tensor,
    *,
    small: bool = False,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Tensor, float]:
    """(N, classes) scores of each photo by a fit without its part (`small`: mean of the fits to each other
    part alone), with the penalty that fits best; and that penalty."""
    total = torch.zeros(len(penalties), len(labels_N), classes)
    times_N = torch.zeros(len(labels_N))
    for part in range(int(part_N.max()) + 1):
        inside = part_N == part
        learnt, asked = (inside, ~inside) if small else (~inside, inside)
        solved = solve(features_NK[learnt], labels_N[learnt], classes, penalties)
        total[:, asked] += scores(features_NK[asked], solved)
        times_N[asked] += 1
    total /= times_N.clamp_min(1)[:, None]
    wanted_NC = torch.nn.functional.one_hot(labels_N, classes)
    best = int((total - wanted_NC).square().sum((1, 2)).argmin())
    return total[best], penalties[best]
