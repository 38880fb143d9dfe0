"""A run once more, with what would have helped it: fewer workers, a smaller batch, no photo cache."""

from __future__ import annotations

import msgspec

from waste_gui.config import RunConfig
from waste_gui.monitor.verdict import Action
from waste_gui.rundir import RunDir

LAST = "last.safetensors"


def again(action: Action, config: RunConfig, folder: RunDir | None) -> RunConfig:
    """The settings for it. It goes on from the last checkpoint, if there is one, in the same folder."""
    changed = msgspec.structs.replace(config, run_dir=None, resume=None)
    if folder is not None and (folder.checkpoints / LAST).exists():
        changed = msgspec.structs.replace(changed, resume=str(folder.path))
    match action:
        case Action.SMALLER_BATCH:
            half = max(1, config.batch_size // 2)  # The weights change after as many photos as before.
            return msgspec.structs.replace(changed, batch_size=half, accumulate=config.accumulate * 2)
        case Action.FEWER_WORKERS:
            return msgspec.structs.replace(changed, workers=1)
        case Action.WITHOUT_CACHE:
            return msgspec.structs.replace(changed, cache_gb=0)
    return changed
