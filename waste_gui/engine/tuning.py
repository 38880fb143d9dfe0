"""What of a network is trained: its last layer on embeddings, all of it, or one after the other."""

from __future__ import annotations

import msgspec

from waste_gui.config import RunConfig
from waste_gui.engine.devices import Device


def resolved(config: RunConfig, device: Device, *, goes_on: bool) -> RunConfig:
    """The settings with `auto` decided: from nothing, all is trained; else the last layer, and where a
    graphics card makes that quick, all after it. A run that `goes_on` from a checkpoint of a version that did
    not decide trained all. The head alone has no epochs: one stands for it."""
    tune = config.tune
    if tune == "auto":
        if config.pretrained == "none" or goes_on:
            tune = "all"
        else:
            tune = "head" if device.type == "cpu" else "head_then_all"
    epochs = 1 if tune == "head" else config.epochs
    return msgspec.structs.replace(config, tune=tune, epochs=epochs)
