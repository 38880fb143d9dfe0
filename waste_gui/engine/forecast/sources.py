"""Will it hold elsewhere: each folder of photos asked for by a regression on the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from waste_gui.dataset.samples import Sample
from waste_gui.engine.forecast import ridge
from waste_gui.protocol import SourceForecast

KNOWN = 0.5
"""The share of a source's photos whose class the others must know."""


def without_each(
    features_NK: Tensor,
    samples: Sequence[Sample],
    labels_N: Tensor,
    classes: int,
    penalty: float,
    tell: Callable[[], object],
) -> tuple[SourceForecast, ...]:
    """None of one source: nobody knows what another camera or place would show."""
    sources = list(dict.fromkeys(sample.source for sample in samples))
    if len(sources) < 2:
        return ()
    number = {source: place for place, source in enumerate(sources)}
    source_N = torch.tensor([number[sample.source] for sample in samples])
    told = []
    for place, source in enumerate(sources):
        tell()
        left_out = source_N == place
        learnt_N, asked_N = labels_N[~left_out], labels_N[left_out]
        accuracy = None
        known = torch.isin(asked_N, learnt_N).float().mean().item()
        if len(torch.unique(learnt_N)) >= 2 and known >= KNOWN:
            solved = ridge.solve(features_NK[~left_out], learnt_N, classes, (penalty,))
            right = ridge.scores(features_NK[left_out], solved)[0].argmax(1) == asked_N
            accuracy = round(right.float().mean().item(), 4)
        told.append(SourceForecast(source=source, photos=len(asked_N), accuracy=accuracy))
    return tuple(told)
