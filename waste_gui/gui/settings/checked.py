"""Settings as far as they can be checked without the model, and how long such a training would take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from waste_gui import config as configs
from waste_gui import patches
from waste_gui.config import ConfigError, RunConfig


@dataclass(frozen=True)
class TimeHere:
    """Seconds that such a training took by this computer's past, of how many photos and runs."""

    seconds: float
    photos: int
    runs: int


Forecast = Callable[[RunConfig], TimeHere | None]


def checked(config: RunConfig) -> RunConfig:
    """The same settings, or ConfigError: also where the weights are a file that is gone, or
    a transformer would not see the edge of the photos."""
    missing = configs.missing_weights(config.pretrained)
    if missing:
        raise ConfigError(missing)
    if unfit := patches.why_unfit(config.model, config.image_size):
        raise ConfigError(unfit)
    return configs.check(config)
