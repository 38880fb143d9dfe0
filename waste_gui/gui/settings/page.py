"""The settings page: its form, and the settings while there is none yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from waste_gui import config as configs
from waste_gui import files
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.settings.checked import Forecast, checked

if TYPE_CHECKING:
    from waste_gui.gui.settings.form import Fields


class SettingsPage(QWidget):
    """Its fields are made when they are first looked at, as the window opens sooner without them; `changed`
    comes with every change that can be used."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config = RunConfig()
        self._fields: Fields | None = None
        self.forecast: Forecast = lambda config: None
        """How long such a training would take, by the photos that are chosen and this computer's past."""
        self._page = QVBoxLayout(self)
        self._page.setContentsMargins(0, 0, 0, 0)

    @property
    def fields(self) -> Fields:
        if self._fields is None:
            from waste_gui.gui.settings.form import Fields

            self._fields = Fields(self._config)
            self._fields.changed.connect(self.changed)
            self._fields.model_part.forecast = lambda config: self.forecast(config)
            self._page.addWidget(self._fields)
        return self._fields

    def showEvent(self, event: QShowEvent) -> None:
        self.fields.show()
        super().showEvent(event)

    def show_config(self, config: RunConfig) -> None:
        if self._fields is not None:
            self._fields.show_config(config)
        else:
            self._config = config
            self.changed.emit()

    def restore(self, kept: str) -> None:
        """What `kept` gave, of this version or another; then the defaults are as good."""
        try:
            raw = files.decode_json(kept.encode(), object)
            self.show_config(configs.from_raw(raw, "the settings that were kept"))
        except (ValueError, ConfigError):
            self.show_config(RunConfig())

    def kept(self) -> str:
        """To be restored later; empty where it is half typed, and not worth keeping."""
        try:
            return files.encode_json(self.config()).decode()
        except ConfigError:
            return ""

    def config(self) -> RunConfig:
        """What the form says; ConfigError says which field is wrong."""
        return checked(self._config) if self._fields is None else self._fields.config()
