"""A regression in closed form: right about as often as the head that training fits, and far faster.

Least squares on the classes with a penalty. Fitted to 60, 120, 240 and 480 TrashNet photos it was right on
67.1, 74.7, 82.3 and 87.2 % of the others, the head on 66.4, 74.6, 82.3 and 86.4 % (mean of six draws).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


Solved = tuple[Tensor, Tensor]
"""Weights (penalties, K, classes) and biases (penalties, classes)."""


@dataclass(frozen=True)
class Sums:
    """All that the regression needs to know of some photos. Leaving out a few is a subtraction."""

    photos: int
    features_K: Tensor
    products_KK: Tensor
    towards_KC: Tensor
    counts_C: Tensor

    @classmethod
    def of(cls, features_NK: Tensor, labels_N: Tensor, classes: int) -> Sums:
        is_class_NC = torch.nn.functional.one_hot(labels_N, classes).float()
        return cls(
            len(labels_N),
            features_NK.sum(0),
            features_NK.T @ features_NK,
            features_NK.T @ is_class_NC,
            is_class_NC.sum(0),
        )

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.photos + other.photos,
            self.features_K + other.features_K,
            self.products_KK + other.products_KK,
            self.towards_KC + other.towards_KC,
            self.counts_C + other.counts_C,
        )

    def __sub__(self, other: Sums) -> Sums:
        return Sums(
            self.photos - other.photos,
            self.features_K - other.features_K,
            self.products_KK - other.products_KK,
            self.towards_KC - other.towards_KC,
            self.counts_C - other.counts_C,
        )

    def solve(self, penalties: Sequence[float]) -> Solved:
        mean_K, share_C = self.features_K / self.photos, self.counts_C / self.photos
        products_KK = self.products_KK - self.photos * torch.outer(mean_K, mean_K)
        towards_KC = self.towards_KC - self.photos * torch.outer(mean_K, share_C)
        factors = (_factor(products_KK, penalty * self.photos) for penalty in penalties)
        weight_PKC = torch.stack([torch.cholesky_solve(towards_KC, factor) for factor in factors])
        return weight_PKC, share_C - mean_K @ weight_PKC


def solve(features_NK: Tensor, labels_N: Tensor, classes: int, penalties: Sequence[float]) -> Solved:
    photos, features = features_NK.shape
    if photos > features:
        return Sums.of(features_NK, labels_N, classes).solve(penalties)
    mean_K = features_NK.mean(0)
    centred_NK = features_NK - mean_K
    is_class_NC = torch.nn.functional.one_hot(labels_N, classes).float()
    share_C = is_class_NC.mean(0)
    products_NN = centred_NK @ centred_NK.T
    factors = (_factor(products_NN, penalty * photos) for penalty in penalties)
    weight_PKC = torch.stack(
        [centred_NK.T @ torch.cholesky_solve(is_class_NC - share_C, factor) for factor in factors]
    )
    return weight_PKC, share_C - mean_K @ weight_PKC


def _factor(products: Tensor, added: float) -> Tensor:
    held = products.clone()
    held.diagonal().add_(added + 1e-6)
    factor: Tensor = torch.linalg.cholesky(held)
    return factor


def scores(features_NK: Tensor, solved: Solved) -> Tensor:
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


def each_part(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: int,
    part_N: Tensor,
    penalties: Sequence[float] = PENALTIES,
    *,
    small: bool = False,
) -> Iterator[tuple[Tensor, Solved]]:
    """(which photos to ask for, a fit to the others): each part is asked for once; with `small` it is learnt
    from, and all others asked for."""
    photos, features = features_NK.shape
    parts = int(part_N.max()) + 1
    whole = None
    if not small and photos * (1 - 1 / parts) > features:
        whole = Sums.of(features_NK, labels_N, classes)
    for part in range(parts):
        inside = part_N == part
        asked = ~inside if small else inside
        if whole is not None:
            yield asked, (whole - Sums.of(features_NK[asked], labels_N[asked], classes)).solve(penalties)
        else:
            yield asked, solve(features_NK[~asked], labels_N[~asked], classes, penalties)


def held_out_scores(
    features_NK: Tensor,
    labels_N: Tensor,
    classes: int,
    part_N: Tensor,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Tensor, float]:
    """(N, classes) scores of each photo by a fit without its part, with the penalty that fits best; and that
    penalty."""
    said_PNC = torch.zeros(len(penalties), len(labels_N), classes)
    for asked, solved in each_part(features_NK, labels_N, classes, part_N, penalties):
        said_PNC[:, asked] = scores(features_NK[asked], solved)
    is_class_NC = torch.nn.functional.one_hot(labels_N, classes)
    best = int((said_PNC - is_class_NC).square().sum((1, 2)).argmin())
    return said_PNC[best], penalties[best]
