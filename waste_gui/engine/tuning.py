"""What of a network is trained: its last layer on embeddings, all of it, or one after the other."""

from __future__ import annotations

import msgspec

from waste_gui.config import RunConfig, tune_on
from waste_gui.engine.devices import Device


def resolved(config: RunConfig, device: Device, *, goes_on: bool) -> RunConfig:
    """The settings with `auto` decided. A run that `goes_on` from a checkpoint of a version that did not
    decide trained all. The head alone has no epochs: one stands for it."""
    tune = tune_on(config, cpu=device.type == "cpu")
    if config.tune == "auto" and goes_on:
        tune = "all"
    epochs = 1 if tune == "head" else config.epochs
    return msgspec.structs.replace(config, tune=tune, epochs=epochs)
