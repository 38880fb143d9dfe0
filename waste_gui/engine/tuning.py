"""What of a network is trained: its last layer on embeddings, all of it, or one after the other."""

from __future__ import annotations

from typing import Any

import msgspec
import torch

from waste_gui.config import RunConfig, epochs_on, tune_on
from waste_gui.engine.devices import Device
from waste_gui.engine.models import Classifier


def resolved(config: RunConfig, device: Device, *, goes_on: bool) -> RunConfig:
    """The settings with `auto` decided. A run that `goes_on` from a checkpoint of a version that did not
    decide trained all."""
    cpu = device.type == "cpu"
    tune = "all" if config.tune == "auto" and goes_on else tune_on(config, cpu=cpu)
    decided = msgspec.structs.replace(config, tune=tune)
    return msgspec.structs.replace(decided, epochs=epochs_on(decided, cpu=cpu))


def keep_early_blocks(model: Classifier) -> None:
    """What lies below the first block that the head sees stays as it is: edges and colours are those of any
    photo. It has the largest maps, so that an epoch takes two thirds of the time and less memory."""
    if not model.inner:
        return
    backbone: Any = model.backbone
    for module in (backbone.conv_stem, backbone.bn1, *backbone.blocks[: model.inner[0]]):
        module.requires_grad_(False)


def keep_norms(model: torch.nn.Module) -> None:
    """Batch norms go on with what they know: the head was fitted to that, and the statistics of a small batch
    would take it away (measured: 85 % right before, 64 % after the first epoch)."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
