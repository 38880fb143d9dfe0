"""What the head that training fits says of photos that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from waste_gui.engine.head import DECAYS, Head, Pace, Rows, Scale, solve

PARTS = 5
"""A fit sees four fifths, as with the usual share of validation photos."""

COMPARED = 800
"""Photos, at most, on which decays are compared."""


def held_out(rows: Rows, classes: int, part_N: Tensor, tell: Callable[[], object]) -> Tensor:
    """(N, classes) probabilities by cross-validation over `part_N`, with the decay chosen on the first part;
    zeros for photos of no part (-1), which are learnt from only. The rows are one a photo: mirrored ones
    change the accuracy by less than it can be measured to."""
    scaled = replace(rows, features_NF=Scale.of(rows.features_NF)(rows.features_NF))
    parts = torch.unique(part_N[part_N >= 0])
    pace = Pace(lambda done, of: tell(), len(DECAYS) + len(parts))
    probabilities_NC = torch.zeros(len(part_N), classes)
    decay = choose_decay(scaled, classes, part_N, pace)
    for part in parts:
        asked = part_N == part
        head = solve(scaled[~asked], classes, decay, None, pace)
        probabilities_NC[asked] = head.logits(scaled.features_NF[asked]).softmax(1)
    return probabilities_NC


def choose_decay(rows: Rows, classes: int, part_N: Tensor, pace: Pace) -> float:
    """That with the least loss on the photos of the first part."""
    kept_N = (part_N != 0).nonzero()[:, 0]
    drawn = torch.randperm(len(kept_N), generator=torch.Generator().manual_seed(0))[:COMPARED]
    asked, kept = rows[part_N == 0], rows[kept_N[drawn]]
    losses: list[float] = []
    head: Head | None = None
    for decay in DECAYS:
        head = solve(kept, classes, decay, head, pace)
        logits = head.logits(asked.features_NF)
        losses.append(torch.nn.functional.cross_entropy(logits, asked.labels_N).item())
    return DECAYS[losses.index(min(losses))]
