"""What the window remembers between two starts: one typed value over an INI file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QSettings

from waste_gui import files
from waste_gui.gui.common.events import Event
from waste_gui.rundir import data_dir

ThemeName = Literal["system", "light", "dark"]
RECENT_FOLDERS = 8


def make_ready(path: Path) -> str:
    """A private file that Qt can read and write: it holds addresses that are secret. One that it would read
    for ever, or not at all, is put aside. Why nothing is kept, if so."""
    try:
        files.make_private_folder(path.parent)
        try:
            files.read(path, files.SMALL_BYTES, follow=True)
        except FileNotFoundError:
            files.create(path, mode=files.PRIVATE_FILE).close()
        except files.UnsafeFile:
            files.rename(path, path.with_name("window.broken.ini"))
            files.create(path, mode=files.PRIVATE_FILE).close()
        path.chmod(files.PRIVATE_FILE)
    except OSError as error:
        return f"Settings of the window are not kept: {path} cannot be written ({error.strerror or error})."
    return ""


class Preferences:
    """Typed access; QSettings itself gives back strings. `trouble` says in a sentence why nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        path = (data_dir() if folder is None else folder) / "window.ini"
        self.trouble = make_ready(path)
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
    def told_events(self) -> frozenset[Event]:
        """Of what a person who looks elsewhere is told; at first of all."""
        return frozenset(event for event in Event if self._text(f"tell_{event.value}", "true") == "true")

    @told_events.setter
    def told_events(self, events: Iterable[Event]) -> None:
        wanted = frozenset(events)
        for event in Event:
            self._store.setValue(f"tell_{event.value}", "true" if event in wanted else "false")

    @property
    def on_event_command(self) -> str:
        """A command of the user's own, run when there is something to tell; empty at first."""
        return self._text("on_event_command", "")

    @on_event_command.setter
    def on_event_command(self, value: str) -> None:
        self._store.setValue("on_event_command", value)

    @property
    def on_event_webhook(self) -> str:
        """A web address that is told the same; empty at first."""
        return self._text("on_event_webhook", "")

    @on_event_webhook.setter
    def on_event_webhook(self, value: str) -> None:
        self._store.setValue("on_event_webhook", value)

    @property
    def self_test_shown(self) -> bool:
        """Whether this is no longer the very first start on this computer."""
        return self._text("self_test_shown", "false") == "true"

    @self_test_shown.setter
    def self_test_shown(self, value: bool) -> None:
        self._store.setValue("self_test_shown", "true" if value else "false")

    @property
    def watched_run(self) -> str:
        """The folder of the training that the window shows while it runs; empty once its end was seen."""
        return self._text("watched_run", "")

    @watched_run.setter
    def watched_run(self, value: str) -> None:
        self._store.setValue("watched_run", value)

    @property
    def recent_folders(self) -> list[str]:
        """The newest first."""
        size = min(self._store.beginReadArray("recent"), RECENT_FOLDERS)
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
