"""What a desktop shows of a program that is not in front, and how each system does it: the one place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from waste_gui.gui.alerts.note import DESKTOP_ENTRY, Note
from waste_gui.gui.common import resources
from waste_gui.gui.common.background import Background

LAUNCHER = ("/com/waste_gui/launcher", "com.canonical.Unity.LauncherEntry", "Update")
TOKEN_VARIABLE = "XDG_ACTIVATION_TOKEN"


def desktop_address() -> str:
    """Of the session bus, where there is a real screen of Linux; without one, nobody looks."""
    return session_address() if QGuiApplication.platformName() in ("xcb", "wayland") else ""


def session_address() -> str:
    """As the desktop says it; else where systemd puts it. Empty where there is none."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not address and runtime and Path(runtime, "bus").exists():
        return f"unix:path={runtime}/bus"
    return address


class Notifications(QObject):
    """Linux tells by D-Bus, which also says when the notification is clicked; Windows, macOS and a Linux
    without a notification server by the system's tray."""

    shown = Signal(bool)  # Whether it could be; once for each `show`.

    def __init__(self, window: QWidget, address: str | None = None) -> None:
        """`address` is that of the session bus, looked for when it is needed."""
        super().__init__(window)
        self._window = window
        self._address = address
        self._number = 0  # Of the last notification, which the next one replaces.
        self._note = Note("", "")
        self._pending = False
        self._tray: QSystemTrayIcon | None = None
        self._notifier = Background(self._on_no_server, self)
        self._notifier.progressed.connect(self._on_told)
        self._notifier.finished.connect(self._on_over)

    def show(self, note: Note) -> None:
        self._note, self._pending = note, True
        address = desktop_address() if self._address is None else self._address
        if not address:
            self._show_in_tray()
            return
        replaces, icon = self._number, resources.path("icons/waste-gui.svg").as_uri()
        self._notifier.start(lambda tell: _tell_and_wait(address, note, icon, replaces, tell))

    def _on_told(self, number: int | None) -> None:
        if number is not None:
            self._number = number
            self._end(True)

    def _on_over(self, token: str | None) -> None:
        """It was clicked, with a token by which Wayland lets a window come to the front; or closed."""
        if token is not None:
            self._bring_to_front(token)

    def _on_no_server(self, error: Exception) -> None:
        if self._pending:
            self._show_in_tray()

    def _show_in_tray(self) -> None:
        if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
            self._end(False)
            return
        if self._tray is None:
            icon = QIcon(str(resources.path("icons/waste-gui.svg")))
            self._tray = QSystemTrayIcon(icon, self)
            self._tray.messageClicked.connect(lambda: self._bring_to_front(""))
            self._tray.activated.connect(lambda _: self._bring_to_front(""))
        signs = QSystemTrayIcon.MessageIcon
        self._tray.show()
        self._tray.showMessage(
            *self._note.for_tray,
            signs.Warning if self._note.urgent else signs.Information,
        )
        self._end(True)

    def _end(self, shown: bool) -> None:
        self._pending = False
        self.shown.emit(shown)

    def _bring_to_front(self, token: str) -> None:
        if self._tray is not None:
            self._tray.hide()
        if token:
            os.environ[TOKEN_VARIABLE] = token  # Qt takes it from there, once.
        self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowMinimized)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()


def _tell_and_wait(
    address: str, note: Note, icon: str, replaces: int, tell: Callable[[object], None]
) -> str | None:
    """For a thread; ImportError where jeepney is not installed, as nowhere but on Linux."""
    from waste_gui.gui.alerts.dbus import tell_and_wait

    return tell_and_wait(address, note, icon, replaces, tell)


class TaskBarProgress:
    """How far the training is, on the program's button in the task bar. On Linux by the signal that Unity's
    launcher introduced (KDE, Ubuntu, Dash to Dock, Plank read it); elsewhere nothing: Qt 6 has nothing for it
    there. The window's title says the percent everywhere."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._percent: int | None = None
        self._bus: object = None

    def show(self, percent: int | None) -> None:
        """None takes it away."""
        if percent == self._percent:
            return
        self._percent = percent
        address = desktop_address() if self._address is None else self._address
        if address:
            self._send(address, percent)

    def _send(self, address: str, percent: int | None) -> None:
        try:
            from PySide6.QtDBus import QDBusConnection, QDBusMessage
        except ImportError:  # Some systems ship PySide6 without it.
            return
        if not isinstance(self._bus, QDBusConnection):
            self._bus = QDBusConnection.connectToBus(address, "waste-gui")
        message = QDBusMessage.createSignal(*LAUNCHER)
        progress = {"progress": (percent or 0) / 100, "progress-visible": percent is not None}
        message.setArguments([f"application://{DESKTOP_ENTRY}.desktop", progress])
        self._bus.send(message)
