"""What Start would train, as the pages for photos and settings have it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.session.dataset_choice import choice_of
from waste_gui.gui.session.run_text import Readiness
from waste_gui.gui.settings.checked import TimeHere
from waste_gui.gui.settings.page import SettingsPage
from waste_gui.rundir import RunDir

Expected = Callable[[RunConfig, int], tuple[float, int] | None]


class ChosenInputs:
    """`expected` gives the seconds that such a training takes here, and how many runs tell so."""

    def __init__(self, photos: DataPage, settings: SettingsPage, expected: Expected) -> None:
        self._photos, self._settings, self._expected = photos, settings, expected
        photos.works.use_settings(settings.config)
        settings.forecast = self._forecast

    def _forecast(self, config: RunConfig) -> TimeHere | None:
        if self._photos.found is None:
            return None
        photos = self._photos.found.photos
        expected = self._expected(config, photos)
        return TimeHere(expected[0], photos, expected[1]) if expected else None

    def config(self) -> RunConfig:
        """ConfigError says which setting is wrong."""
        return self._photos.choice.applied_to(self._settings.config())

    def config_or_none(self) -> RunConfig | None:
        try:
            return self.config()
        except ConfigError:
            return None

    def readiness(self, *, first_run: bool = False) -> Readiness:
        """`first_run` is whether no training has finished on this computer yet."""
        readiness = replace(self._photos.readiness, reading=self._photos.works.now)
        if not readiness.ready or self._photos.found is None:
            return readiness
        try:
            config = self._settings.config()
        except ConfigError:
            return Readiness(False, readiness.detail, "Look at the settings.")
        expected = self._expected(config, self._photos.found.photos)
        if expected is None:
            return replace(readiness, first_run=first_run)
        return replace(readiness, expected_s=expected[0], earlier_runs=expected[1])

    def reading(self) -> bool:
        return self._photos.works.now is not None

    def stop_reading(self, *, for_training: bool) -> None:
        self._photos.works.stop(for_training=for_training)

    def fill(self, config: RunConfig) -> None:
        """With the photos and settings of a run."""
        self._settings.show_config(config)
        self._photos.set_choice(choice_of(config))

    def fill_from(self, folder: RunDir) -> None:
        """With those of a run that was left behind, where nothing is chosen yet: it can be started anew."""
        if not self._photos.choice.sources:
            with contextlib.suppress(ConfigError):
                self.fill(configs.load(folder.config))
