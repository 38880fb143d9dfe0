"""How long a training will take that has not begun: by this computer's past."""

from __future__ import annotations

import msgspec

from waste_gui.config import STARTER_MODEL, RunConfig, epochs_on, tune_on
from waste_gui.monitor.history import History, RunKind, embedding_pace, kind_of
from waste_gui.monitor.run import Run
from waste_gui.stages import INSIDE_TRAIN, training_stages

TIMES_A_VIEW = 2.6
STARTER_TIMES_A_VIEW = 1.5
"""A photo in an epoch of all layers takes so many times what its embedding does, one view. Of the starter
model the first blocks, with the largest maps, are not trained."""

VIEWS = 2
"""Of each photo that is embedded."""

NOT_BEFORE = ("embed", "train", *INSIDE_TRAIN)
"""Stages that do not come before training where the embeddings are known."""


def expected(config: RunConfig, photos: int, past: History) -> tuple[float, int] | None:
    """Seconds that such a training will take by this computer's past, and by how many runs; else None."""
    tune = tune_here(config, past)
    kind = RunKind(model=config.model, photos=photos, image_size=config.image_size or 0, tune=tune)
    epoch, epochs = past.epoch(kind), epochs_on(msgspec.structs.replace(config, tune=tune), cpu=True)
    before = {
        info.id: past.stage(kind, info.id)
        for info in training_stages(embeds=tune != "all")
        if info.id not in ("train", *INSIDE_TRAIN)
    }
    if epoch is None or "embed" in before and before["embed"] is None:
        return None
    return sum(spread.p50 for spread in before.values() if spread) + epochs * epoch.p50, epoch.runs


def tune_here(config: RunConfig, past: History) -> str:
    """What will be trained: `auto` is decided by the device, and this computer has the ones that it had."""
    has_gpu = any(record.device and "CPU" not in record.device for record in past.records)
    return tune_on(config, cpu=config.device == "cpu" or config.device == "auto" and not has_gpu)


def fine_tuning(run: Run, config: RunConfig, past: History) -> float | None:
    """Seconds that it will take to train all layers after the last one of this run, whose embeddings are
    known: by runs that did, else by the pace at which they were computed, in this run or an earlier one."""
    kind = kind_of(run)
    all_of_it = msgspec.structs.replace(config, tune="head_then_all")
    if kind.photos is None:
        return None
    known = expected(all_of_it, kind.photos, past)
    if known is not None:
        return known[0]
    each, one = embedding_pace(run), past.embedding(kind, 1)
    each = one.p50 if each is None and one is not None else each
    if each is None:
        return None
    start_up_s = sum(stage.elapsed_s or 0.0 for stage in run.stages.values() if stage.id not in NOT_BEFORE)
    times = STARTER_TIMES_A_VIEW if config.model == STARTER_MODEL else TIMES_A_VIEW
    return start_up_s + epochs_on(all_of_it, cpu=True) * kind.photos * each / VIEWS * times
