"""What of a network is trained: its last layer on embeddings, all of it, or one after the other."""

from __future__ import annotations

import msgspec

from waste_gui.config import RunConfig, epochs_on, tune_on
from waste_gui.engine.devices import Device


def resolved(config: RunConfig, device: Device, *, goes_on: bool) -> RunConfig:
    """The settings with `auto` decided. A run that `goes_on` from a checkpoint of a version that did not
    decide trained all."""
    cpu = device.type == "cpu"
    tune = "all" if config.tune == "auto" and goes_on else tune_on(config, cpu=cpu)
    decided = msgspec.structs.replace(config, tune=tune)
    return msgspec.structs.replace(decided, epochs=epochs_on(decided, cpu=cpu))
