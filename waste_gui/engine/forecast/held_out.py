"""What a regression says of photos that it was not fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from waste_gui.engine.head import DECAYS, FOLDS, Pace, Rows, Scale, best_decay, divide, few_threads, solve


def held_out(rows: Rows, classes: int, seed: int, tell: Callable[[int, int], object]) -> Tensor:
    """(photos, classes) probabilities, by cross-validation with the decay that fits best."""
    scaled = replace(rows, features_NF=Scale.of(rows.features_NF)(rows.features_NF))
    pace = Pace(tell, len(DECAYS) * FOLDS + FOLDS)
    photos = int(rows.photos_N.max()) + 1
    probabilities_NC = torch.zeros(photos, classes)
    with few_threads(rows.features_NF.numel() * classes):
        decay, _ = best_decay(scaled, classes, seed, pace)
        for held_out_N in divide(scaled, seed + 1):
            head = solve(scaled[~held_out_N], classes, decay, None, pace)
            part = scaled[held_out_N]
            plain = part.photos_N[: len(part.photos_N) // 2]
            probabilities_NC[plain] = head.logits(part.features_NF[: len(plain)]).softmax(1)
    return probabilities_NC
