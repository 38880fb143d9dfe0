"""What the curves of a run say: where warm-up ends, what guessing would give, how much is noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from waste_gui.monitor.run import Run
from waste_gui.monitor.series import FloatArray
from waste_gui.protocol import Baseline, EpochFinished

RATE_POINTS = 600
WARM = 0.9
"""Of the highest learning rate so far: warm-up is over."""

RECENT_POINTS = 200
KNOWS_SOMETHING = 0.3
"""So far above always naming the commonest class, a model has learned, whatever its loss."""

SETTLED_STEPS = 100
"""Batch norm's running averages forget 10 % a step; validation means nothing before they have followed."""
SETTLED_EPOCHS = 3
LONG_EPOCH_STEPS = 500
"""Of epochs as long as this, two are enough."""

WAITS_SHARE = 0.5
WAITS_WINDOW_S = 120.0
WAITS_SEEN_S = 60.0


def guessing(run: Run) -> float | None:
    """The training loss of one who knows only how frequent each class is; None for a single class."""
    return run.baseline.train_loss if run.baseline and run.baseline.classes > 1 else None


def chance_accuracy(guess: Baseline) -> float:
    """Always naming the commonest class, and one and a half standard errors."""
    share = guess.val_accuracy
    return share + 1.5 * math.sqrt(max(0.0, share * (1 - share)) / max(1, guess.val_photos))


def knows_something(run: Run) -> bool:
    """By the share of the training photos that were right lately."""
    right = run.accuracy.y[-RECENT_POINTS:]
    right = right[np.isfinite(right)]
    if run.baseline is None or not len(right):
        return False
    return bool(np.median(right) > run.baseline.val_accuracy + KNOWS_SOMETHING)


def learned(run: Run) -> bool:
    """Whether the best epoch answered better than by guessing, as far as is known."""
    if run.baseline is None or run.baseline.val_photos == 0 or run.best is None:
        return True
    return (run.best.val_accuracy or 0.0) > chance_accuracy(run.baseline)


def warm_from(run: Run) -> float | None:
    """The step at which the learning rate was first near its highest; None while it rises."""
    steps, rates = run.lr.sampled(0, RATE_POINTS)
    if not len(rates):
        return 0.0
    if len(rates) > 1 and rates[-1] == rates.max() > rates[0]:
        return None
    return float(steps[np.argmax(rates >= WARM * rates.max())])


def settled_epochs(run: Run, needed: int = 0) -> Sequence[EpochFinished]:
    """The last three (of long ones two), or as many as needed, if all came after warm-up and a hundred steps;
    else none."""
    warm = warm_from(run)
    needed = needed or (2 if epoch_steps(run) >= LONG_EPOCH_STEPS else SETTLED_EPOCHS)
    last = run.epochs[-needed:]
    if warm is None or len(last) < needed or last[0].step < max(SETTLED_STEPS, warm + 1):
        return ()
    return last


def waited(run: Run, now: float) -> tuple[float, float] | None:
    """Seconds that the last two minutes' steps took, and waited for photos: if that is more than half, and
    they say enough. A new count begins after the first epoch."""
    since = max(now - WAITS_WINDOW_S, run.epochs[0].at if run.epochs else 0.0)
    took_s = waited_s = 0.0
    for before, metric in pairwise(run.metrics):
        if metric.at > since:  # Its times are those of one step, the mean of all since the metric before.
            timing, steps = metric.timing, max(1, metric.step - before.step)
            took_s += steps * (timing.wait_s + timing.copy_s + timing.compute_s)
            waited_s += steps * timing.wait_s
    return (took_s, waited_s) if took_s >= WAITS_SEEN_S and waited_s > WAITS_SHARE * took_s else None


def noise(values: FloatArray) -> float:
    """The standard deviation around the trend, by the median step from point to point."""
    return float(1.4826 / math.sqrt(2) * np.median(np.abs(np.diff(values))))


def curvature(values: FloatArray) -> float:
    """The standard deviation around a straight trend, by how far each point lies beside its neighbours."""
    beside = values[1:-1] - (values[:-2] + values[2:]) / 2
    return float(np.sqrt(np.mean(beside**2) / 1.5))


def planned_epochs(run: Run) -> int:
    return run.started.epochs if run.started else 0


def epoch_steps(run: Run) -> float:
    """Steps of an epoch; 0 where it is not known."""
    train, epochs = run.stages.get("train"), planned_epochs(run)
    return train.total / epochs if train and train.total and epochs else 0.0


def epoch_of(run: Run, step: float) -> int:
    each = epoch_steps(run)
    return int((step - 1) // each) + 1 if each else max(1, run.epoch)


def lr_at(run: Run, step: float) -> float | None:
    """The learning rate of that step, or of the last one before it that told it."""
    index = int(np.searchsorted(run.lr.x, step, side="right")) - 1
    rate = float(run.lr.y[index]) if index >= 0 else math.nan
    return rate if rate > 0 else None


def peak_rate(run: Run) -> float | None:
    """The highest learning rate so far."""
    rates = run.lr.sampled(0, RATE_POINTS)[1]
    return float(rates.max()) if len(rates) else None
