"""Photos that are like no others, and pairs across training and validation that show the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from waste_gui.dataset.samples import Sample
from waste_gui.protocol import Outlier

NEAREST = 10
CLEAR = 3.2
"""Deviations from the usual distance to others. Seven pictures of something else among 600 TrashNet photos
came first, each beyond 3.5; of TrashNet's own none was beyond 3.1."""

MOST_OUTLIERS = 200
SAME = 0.95
"""Cosine of two photos that show the same."""

MOST_TWINS = 1_000
BLOCK = 2_000


def find_outliers(
    samples: Sequence[Sample], features_NF: Tensor, last: int, classes: tuple[str, ...]
) -> tuple[Outlier, ...]:
    """The strangest first, by the `last` features, which name things, and by those before them."""
    if len(samples) <= 2 * NEAREST:
        return ()
    strange_N = deviations(1 - nearest(unit(features_NF[:, :last]), unit(features_NF[:, :last])))
    if last < features_NF.shape[1]:
        inner_NF = features_NF[:, last:]
        spread = inner_NF.std(0).clamp_min(1e-6)
        away_N = distances((inner_NF - inner_NF.mean(0)) / spread)
        strange_N = (strange_N + deviations(away_N.clamp_min(1e-6).log())) / 2
    order = torch.argsort(strange_N, descending=True, stable=True).tolist()
    listed = [place for place in order if strange_N[place] >= CLEAR][:MOST_OUTLIERS]
    return tuple(Outlier(path=samples[place].path, label=classes[samples[place].label]) for place in listed)


def unit(features_NF: Tensor) -> Tensor:
    return torch.nn.functional.normalize(features_NF, dim=1)


def nearest(asked_NF: Tensor, others_MF: Tensor) -> Tensor:
    """(N,) mean cosine to the nearest others, where a photo itself is among them."""
    found = [
        (block @ others_MF.T).topk(NEAREST + 1).values[:, 1:].mean(1)
        for block in torch.split(asked_NF, BLOCK)
    ]
    return torch.cat(found)


def distances(features_NF: Tensor) -> Tensor:
    """(N,) mean distance to the nearest others."""
    found = [
        torch.cdist(block, features_NF).topk(NEAREST + 1, largest=False).values[:, 1:].mean(1)
        for block in torch.split(features_NF, BLOCK)
    ]
    return torch.cat(found)


def deviations(values_N: Tensor) -> Tensor:
    """How far above the middle each is, in deviations of a normal distribution with that upper half."""
    middle = values_N.median()
    above = values_N[values_N > middle] - middle
    if not len(above):
        return torch.zeros_like(values_N)
    return (values_N - middle) / (above.median() * 1.4826).clamp_min(1e-6)


def find_twins(
    samples: Sequence[Sample], views_VNF: Tensor, last: int, to_train: int
) -> tuple[tuple[str, str], ...]:
    """(in training, in validation) photos that show the same, also mirrored; the nearest first."""
    train_NF = unit(views_VNF[0, :to_train, :last].float())
    pairs: dict[tuple[int, int], float] = {}
    for view_NF in views_VNF[:, to_train:, :last]:
        for begin, block in enumerate(torch.split(unit(view_NF.float()), BLOCK)):
            cosines = block @ train_NF.T
            for row, column in (cosines >= SAME).nonzero()[: 10 * MOST_TWINS].tolist():
                pair = (column, to_train + begin * BLOCK + row)
                pairs[pair] = max(pairs.get(pair, 0.0), cosines[row, column].item())
    order = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:MOST_TWINS]
    return tuple((samples[train].path, samples[val].path) for train, val in order)
