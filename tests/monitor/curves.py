"""Trainings as their curves, made up: the messages that matter for learning, without heartbeats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from waste_gui import protocol
from waste_gui.monitor.run import Run
from waste_gui.protocol import AnyMessage, Baseline, EpochFinished, Metric, MostPredicted, Timing
from waste_gui.stages import STAGES

FAST = Timing(wait_s=0.001, copy_s=0.001, compute_s=0.05)


@dataclass
class Training:
    """A plan, and its curves by the step (loss, accuracy) and by the epoch (validation)."""

    loss: Callable[[int], float | None]
    epochs: int = 10
    steps: int = 50  # Of an epoch.
    classes: int = 3
    val_photos: int = 60
    accuracy: Callable[[int], float] | None = None
    val_loss: Callable[[int], float | None] | None = None
    val_accuracy: Callable[[int], float] | None = None
    most: Callable[[int], MostPredicted] | None = None
    timing: Callable[[int], Timing] = lambda step: FAST
    peak_lr: float = 2e-3
    warmup_epochs: float = 3.0
    smoothing: float = 0.1
    run: Run = field(default_factory=Run)
    at: float = 0.0

    @property
    def total(self) -> int:
        return self.epochs * self.steps

    @property
    def baseline(self) -> Baseline:
        sure = [1 - self.smoothing + self.smoothing / self.classes]
        sure += [self.smoothing / self.classes] * (self.classes - 1)
        return Baseline(
            classes=self.classes,
            train_photos=self.steps * 32,
            val_photos=self.val_photos,
            train_loss=math.log(self.classes),
            least_loss=-sum(p * math.log(p) for p in sure if p),
            val_loss=math.log(self.classes),
            val_accuracy=1 / self.classes,
        )

    def lr(self, step: int) -> float:
        """As the engine's schedule."""
        warmup = min(self.warmup_epochs * self.steps, 0.3 * self.total)
        if step - 1 < warmup:
            return self.peak_lr * step / (warmup + 1)
        done = (step - 1 - warmup) / max(1.0, self.total - warmup)
        return self.peak_lr * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def play(self, until: int | None = None) -> Iterator[int]:
        """Give the messages to `run` one step after the other."""
        self._begin()
        best, losses = -1.0, []
        for step in range(1, (until or self.total) + 1):
            losses.append(loss := self.loss(step))
            self._step(step, loss)
            if step % self.steps == 0:
                numbers = [x for x in losses if x is not None]
                best = self._end_epoch(step // self.steps, float(np.mean(numbers)) if numbers else None, best)
                losses = []
            yield step

    def played(self, until: int | None = None) -> Run:
        for _ in self.play(until):
            pass
        return self.run

    def _say(self, message: AnyMessage) -> None:
        self.run.receive(msgspec.structs.replace(message, seq=self.run.next_seq, at=round(self.at, 3)))

    def _begin(self) -> None:
        self._say(
            protocol.RunStarted(
                protocol=1,
                run="test",
                pid=1,
                host="lab",
                started_at=0.0,
                device="auto",
                world_size=1,
                stages=STAGES,
                versions={},
                resumed_from=None,
                epochs=self.epochs,
            )
        )
        self._say(protocol.StageStarted(stage="train", total=self.total, unit="steps"))
        self._say(self.baseline)

    def _step(self, step: int, loss: float | None) -> None:
        timing = self.timing(step)
        self.at += timing.wait_s + timing.copy_s + timing.compute_s
        values = {"loss": loss, "lr": self.lr(step)}
        if self.accuracy is not None:
            values["accuracy"] = self.accuracy(step)
        epoch = (step - 1) // self.steps + 1
        self._say(Metric(step=step, epoch=epoch, values=values, timing=timing, images_per_s=100.0))
        self._say(protocol.Progress(stage="train", done=step, total=self.total))

    def _end_epoch(self, epoch: int, train_loss: float | None, best: float) -> float:
        accuracy = self.val_accuracy(epoch) if self.val_accuracy else 0.9
        self._say(
            EpochFinished(
                epoch=epoch,
                train_loss=train_loss,
                val_loss=self.val_loss(epoch) if self.val_loss else train_loss,
                val_accuracy=accuracy,
                elapsed_s=1.0,
                best=accuracy > best,
                step=epoch * self.steps,
                most_predicted=self.most(epoch) if self.most else None,
            )
        )
        return max(best, accuracy)
