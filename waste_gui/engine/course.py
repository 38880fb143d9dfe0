"""Where a training is and what comes next, counted in photos: a run may go on with another batch size,
another number of batches an update, or more epochs, at the very photo where it was.

An update of the weights comes after `per_update` photos, or at the epoch's end; gradients are gathered as
means over that many, so that two half batches are one whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from waste_gui.config import EPOCHS, RunConfig
from waste_gui.dataset.samples import Sample


@dataclass(frozen=True)
class Course:
    """What does not change while a training runs. `least` photos are needed for a step (batch norm: 2)."""

    config: RunConfig
    photos: int
    least: int

    @property
    def per_update(self) -> int:
        return self.config.batch_size * self.config.accumulate

    @property
    def epochs(self) -> int:
        return self.config.epochs or EPOCHS

    @property
    def all_photos(self) -> int:
        return self.epochs * self.photos

    def batches(self, order: Sequence[Sample], begin: int) -> list[Sequence[Sample]]:
        """Of an epoch's order from photo `begin` on: every photo once. A last one that is too small for a
        step joins the batch before it."""
        size = self.config.batch_size
        found = [order[i : i + size] for i in range(begin, len(order), size)]
        if found and len(found[-1]) < self.least:
            last = found.pop()
            if found:  # Else a version that left it out had come so far.
                found[-1] = [*found[-1], *last]
        return found

    def steps(self, begin: int = 0) -> int:
        """As many as such batches."""
        whole, rest = divmod(max(0, self.photos - begin), self.config.batch_size)
        return whole + (rest >= max(1, self.least))


class Schedule:
    """Linear warm-up, then half a cosine down to nothing, by the share of all photos that have been seen."""

    def __init__(self, optimizer: torch.optim.Optimizer, course: Course) -> None:
        self._optimizer = optimizer  # Its groups are others once its state was restored.
        self._peaks = [group["lr"] for group in optimizer.param_groups]
        self._all = max(1, course.all_photos)
        self._warmup = min(course.config.warmup_epochs * course.photos, 0.3 * self._all)

    def set(self, seen: int, coming: float) -> None:
        """For an update of `coming` photos after `seen` of all."""
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * self.factor(seen, coming)

    def factor(self, seen: int, coming: float) -> float:
        if seen < self._warmup:
            return (seen + coming) / (self._warmup + coming)
        done = min(1.0, (seen - self._warmup) / max(1.0, self._all - self._warmup))
        return 0.5 * (1 + math.cos(math.pi * done))
