"""What the window remembers between two starts: one typed value over an INI file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QSettings

from waste_gui.rundir import data_dir

ThemeName = Literal["system", "light", "dark"]
RECENT_FOLDERS = 8


class Settings:
    """Typed access; QSettings itself gives back strings."""

    def __init__(self, folder: Path | None = None) -> None:
        path = (data_dir() if folder is None else folder) / "window.ini"
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def theme(self) -> ThemeName:
        value = self._text("theme", "system")
        return value if value in get_args(ThemeName) else "system"  # type: ignore[return-value]

    @theme.setter
    def theme(self, value: ThemeName) -> None:
        self._store.setValue("theme", value)

    @property
    def geometry(self) -> QByteArray:
        value = self._store.value("geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def diagnosis_geometry(self) -> QByteArray:
        value = self._store.value("diagnosis_geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @diagnosis_geometry.setter
    def diagnosis_geometry(self, value: QByteArray) -> None:
        self._store.setValue("diagnosis_geometry", value)

    @property
    def log_shown(self) -> bool:
        return self._text("log_shown", "false") == "true"

    @log_shown.setter
    def log_shown(self, value: bool) -> None:
        self._store.setValue("log_shown", "true" if value else "false")

    @property
    def form(self) -> str:
        """The training form's last values, as JSON of a RunConfig; empty at first."""
        return self._text("form", "")

    @form.setter
    def form(self, value: str) -> None:
        self._store.setValue("form", value)

    @property
    def recent_folders(self) -> list[str]:
        """The newest first."""
        size = self._store.beginReadArray("recent")
        found = []
        for i in range(size):
            self._store.setArrayIndex(i)
            found.append(self._text("folder", ""))
        self._store.endArray()
        return [folder for folder in found if folder]

    def remember_folder(self, folder: str) -> None:
        folders = [folder, *(f for f in self.recent_folders if f != folder)][:RECENT_FOLDERS]
        self._store.beginWriteArray("recent", len(folders))
        for i, each in enumerate(folders):
            self._store.setArrayIndex(i)
            self._store.setValue("folder", each)
        self._store.endArray()

    def sync(self) -> None:
        """To the disk now: needed before `os._exit`."""
        self._store.sync()

    def _text(self, key: str, default: str) -> str:
        return str(self._store.value(key, default, type=str))
