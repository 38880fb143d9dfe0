"""A run once more, with what would have helped it: fewer workers, a smaller batch, weights that are here; or
with all layers, after one of the last layer."""

from __future__ import annotations

import msgspec

from waste_gui.config import STARTER_MODEL, RunConfig
from waste_gui.monitor.verdict import Action
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

CHECKPOINTS = ("last.safetensors", "previous.safetensors")
"""From either of them a run goes on."""


CHANGES = (
    Action.FEWER_WORKERS,
    Action.WITHOUT_CACHE,
    Action.STARTER_WEIGHTS,
    Action.FROM_SCRATCH,
    Action.ON_PROCESSOR,
)
LEAST_BATCH = 2


def again(action: Action, config: RunConfig, folder: RunDir | None) -> RunRequest:
    """The run with these settings, changed. It goes on from the last checkpoint of the run in `folder`, if
    there is one, and is a new run otherwise; so is one of another model, or that trains other layers."""
    saved = folder is not None and any((folder.checkpoints / name).exists() for name in CHECKPOINTS)
    asked = changed(action, config)
    same = asked.model == config.model and action is not Action.FINE_TUNE
    resume = str(folder.path) if folder is not None and saved and same else None
    return RunRequest(config=asked, resume=resume)


def helps(action: Action, config: RunConfig) -> bool:
    """Whether the run would be another with it. Many models cannot be trained on one photo at a time."""
    if action is Action.SMALLER_BATCH:
        return config.batch_size // 2 >= LEAST_BATCH
    return action not in CHANGES or changed(action, config) != config


def changed(action: Action, config: RunConfig) -> RunConfig:
    match action:
        case Action.SMALLER_BATCH:
            half = max(1, config.batch_size // 2)  # The weights change after as many photos as before.
            return msgspec.structs.replace(config, batch_size=half, accumulate=config.accumulate * 2)
        case Action.FEWER_WORKERS:
            return msgspec.structs.replace(config, workers=1)
        case Action.WITHOUT_CACHE:
            return msgspec.structs.replace(config, cache_gb=0)
        case Action.STARTER_WEIGHTS:
            return msgspec.structs.replace(config, model=STARTER_MODEL, pretrained="default")
        case Action.FROM_SCRATCH:
            return msgspec.structs.replace(config, pretrained="none", tune="auto")
        case Action.FINE_TUNE:
            name = f"{config.name}, fine-tuned" if config.name else ""
            return msgspec.structs.replace(config, tune="head_then_all", name=name)
        case Action.ON_PROCESSOR:
            return msgspec.structs.replace(config, device="cpu")
    return config
