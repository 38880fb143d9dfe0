"""Telling a person who looks elsewhere: with a real session bus, a notification server, a training."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import WAIT_MS, ready
from waste_gui.gui.alerts.desktop import Notifications, TaskBarProgress, session_address
from waste_gui.gui.alerts.dialog import NotificationsDialog
from waste_gui.gui.alerts.note import Note
from waste_gui.gui.alerts.notifier import SendOutcome, news
from waste_gui.gui.common.events import Event
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.interfaces import Answer
from waste_gui.monitor.run import RunPhase

SERVER = Path(__file__).parents[1] / "fakes/notification_server.py"
DESKTOP = ("body-markup", "actions")
LAUNCHER = "com.canonical.Unity.LauncherEntry"

Make = Callable[[str], MainWindow]


@pytest.fixture
def bus() -> Iterator[str]:
    """The address of a session bus of its own."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    pytest.importorskip("jeepney")
    with tempfile.TemporaryDirectory(prefix="bus") as folder:  # A socket's path may not be long.
        command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:dir={folder}"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as daemon:
            assert daemon.stdout is not None
            try:
                yield daemon.stdout.readline().strip()
            finally:
                daemon.terminate()


@pytest.fixture
def silent_bus() -> Iterator[str]:
    """The address of a bus that lets everybody in and then says no word."""
    pytest.importorskip("jeepney")
    with tempfile.TemporaryDirectory(prefix="bus") as folder, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{folder}/bus")
        door.listen()

        def let_in() -> None:
            guest, _ = door.accept()
            with guest:
                guest.recv(1000)
                guest.sendall(b"OK 1234\r\n")
                while guest.recv(1000):
                    pass

        porter = threading.Thread(target=let_in, daemon=True)
        porter.start()
        yield f"unix:path={folder}/bus"
        porter.join(WAIT_MS / 1000)


class Desktop:
    """The notification server, seen from the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self.next()[0] == "ready"

    def next(self) -> tuple[str, str, list[Any]]:
        """Method, signature, arguments."""
        assert self._process.stdout is not None
        method, signature, arguments = json.loads(self._process.stdout.readline())
        return method, signature, arguments

    def notified(self) -> list[Any]:
        """The arguments of the next notification."""
        while True:
            method, signature, arguments = self.next()
            if method == "Notify":
                assert signature == "susssasa{sv}i"  # As the specification has it: servers check it.
                return arguments

    def click(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("click\n")
        self._process.stdin.flush()


@pytest.fixture
def make_desktop(bus: str) -> Iterator[Callable[..., Desktop]]:
    started = []

    def make(*abilities: str) -> Desktop:
        process = subprocess.Popen(
            [sys.executable, str(SERVER), *abilities],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus},
        )
        started.append(process)
        return Desktop(process)

    yield make
    for process in started:
        process.terminate()
        with process:
            pass


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def show(notifications: Notifications, note: Note, qtbot: QtBot) -> bool:
    with qtbot.waitSignal(notifications.shown, timeout=WAIT_MS) as shown:
        notifications.show(note)
    return bool(shown.args[0])


def test_notification_reaches_the_desktop_without_markup(
    bus: str, make_desktop: Callable[..., Desktop], window: QWidget, qtbot: QtBot
) -> None:
    desktop = make_desktop(*DESKTOP)
    assert show(Notifications(window, bus), Note("Done", "<img src='x'> & co\nline", urgent=True), qtbot)
    name, replaces, icon, title, body, actions, _, _ = desktop.notified()
    assert (name, replaces, title) == ("waste-gui", 0, "Done")
    assert body == "&lt;img src='x'&gt; &amp; co line"
    assert actions == ["default", "Show the window"]
    assert icon.startswith("file://")


def test_desktop_that_knows_no_markup_gets_plain_text(
    bus: str, make_desktop: Callable[..., Desktop], window: QWidget, qtbot: QtBot
) -> None:
    desktop = make_desktop("body")
    assert show(Notifications(window, bus), Note("Done", "a < b & c"), qtbot)
    arguments = desktop.notified()
    assert arguments[4] == "a < b & c" and arguments[5] == []


@pytest.mark.qt_log_ignore("does not support raise")  # Of the offscreen platform.
def test_click_brings_the_window_to_the_front(
    bus: str,
    make_desktop: Callable[..., Desktop],
    window: QWidget,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_ACTIVATION_TOKEN", raising=False)
    window.showMinimized()
    desktop = make_desktop(*DESKTOP)
    notifications = Notifications(window, bus)
    assert show(notifications, Note("Done", "92 %"), qtbot)
    desktop.click()
    qtbot.waitUntil(lambda: not window.isMinimized() and window.isActiveWindow(), timeout=WAIT_MS)
    assert os.environ["XDG_ACTIVATION_TOKEN"] == "a-token"


def test_next_notification_takes_the_place_of_the_last(
    bus: str, make_desktop: Callable[..., Desktop], window: QWidget, qtbot: QtBot
) -> None:
    desktop = make_desktop(*DESKTOP)
    notifications = Notifications(window, bus)
    for text in ("one", "two"):
        assert show(notifications, Note("Stuck", text), qtbot)
    assert [desktop.notified()[1] for _ in range(2)] == [0, 7]


def test_desktop_without_a_notification_server_is_said(bus: str, window: QWidget, qtbot: QtBot) -> None:
    assert not show(Notifications(window, bus), Note("Done", "text"), qtbot)


@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus", "tcp:host=localhost", "nonsense"])
def test_session_bus_that_is_none_is_said(window: QWidget, qtbot: QtBot, address: str) -> None:
    assert not show(Notifications(window, address), Note("Done", "text"), qtbot)


def test_session_bus_that_falls_silent_is_said(
    silent_bus: str, window: QWidget, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waste_gui.gui.alerts.dbus.ANSWER_S", 0.1)
    assert not show(Notifications(window, silent_bus), Note("Done", "text"), qtbot)


def test_system_without_jeepney_is_said(
    bus: str, window: QWidget, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "waste_gui.gui.alerts.dbus", raising=False)
    monkeypatch.setitem(sys.modules, "jeepney", None)  # As if it were not installed.
    assert not show(Notifications(window, bus), Note("Done", "text"), qtbot)


def test_first_address_that_answers_is_taken(
    bus: str, make_desktop: Callable[..., Desktop], window: QWidget, qtbot: QtBot
) -> None:
    desktop = make_desktop(*DESKTOP)
    addresses = f"tcp:host=localhost;unix:path=/nowhere/bus;{bus};nonsense"
    assert show(Notifications(window, addresses), Note("Done", "text"), qtbot)
    assert desktop.notified()[3] == "Done"


def test_session_bus_is_looked_for_where_systemd_puts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    assert session_address() == ""
    (tmp_path / "bus").touch()
    assert session_address() == f"unix:path={tmp_path}/bus"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/elsewhere")
    assert session_address() == "unix:path=/elsewhere"


def test_progress_is_told_to_the_task_bar(bus: str, qtbot: QtBot) -> None:
    from jeepney import MatchRule, message_bus
    from jeepney.io.blocking import Proxy, open_dbus_connection

    updates = MatchRule(type="signal", interface=LAUNCHER, member="Update")
    with open_dbus_connection(bus) as listener, listener.filter(updates, queue=deque()) as told:
        Proxy(message_bus, listener).AddMatch(updates)
        progress = TaskBarProgress(bus)
        for percent in (42, 42, None):
            progress.show(percent)
        bodies = [listener.recv_until_filtered(told, timeout=WAIT_MS / 1000).body for _ in range(2)]
    entry = "application://waste-gui.desktop"
    assert bodies == [
        (entry, {"progress": ("d", 0.42), "progress-visible": ("b", True)}),
        (entry, {"progress": ("d", 0.0), "progress-visible": ("b", False)}),
    ]


# --- of a training


def run_to_end(window: MainWindow, photos: Path, qtbot: QtBot) -> None:
    ready(window, photos, qtbot)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.frame.header.start_button.click()


def told_by_command(window: MainWindow, file: Path) -> None:
    """Let a command write down what it is told."""
    program = "import os,sys; open(sys.argv[1], 'a').write(os.environ['WASTE_GUI_EVENT'] + '\\n')"
    window.settings.on_event_command = f'"{sys.executable}" -c "{program}" "{file}"'


def test_end_of_a_training_is_told_while_the_window_is_not_in_front(
    bus: str, make_desktop: Callable[..., Desktop], make_window: Make, photos: Path, qtbot: QtBot
) -> None:
    desktop = make_desktop(*DESKTOP)
    window = make_window("finishes")
    window.rooms.notifier.notifications._address = bus
    ready(window, photos, qtbot)
    window.hide()  # Nobody looks.
    with qtbot.waitSignal(window.rooms.notifier.told, timeout=WAIT_MS) as told:
        window.rooms.session.start()
    assert told.args == [SendOutcome("desktop", True, "The desktop shows it.")]
    arguments = desktop.notified()
    assert arguments[3] == "Training is done"
    assert arguments[4].startswith("Done: 92.0\u202f% of 120 validation photos right")


def test_window_in_front_is_not_told_what_it_shows(
    make_window: Make, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = make_window("finishes")
    told_by_command(window, tmp_path / "told")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    ready(window, photos, qtbot)
    with qtbot.waitSignal(window.rooms.notifier.told, timeout=WAIT_MS) as told:
        window.rooms.session.start()
    assert told.args == [SendOutcome("command", True, "Your command was run.")]
    assert (tmp_path / "told").read_text() == "done\n"


@pytest.mark.parametrize("scenario", ["fails", "crashes"])
def test_failure_is_told(
    make_window: Make, photos: Path, qtbot: QtBot, tmp_path: Path, scenario: str
) -> None:
    window = make_window(scenario)
    told_by_command(window, tmp_path / "told")
    run_to_end(window, photos, qtbot)
    qtbot.waitUntil(lambda: not window.rooms.notifier._commanding.working, timeout=WAIT_MS)
    assert (tmp_path / "told").read_text() == "failed\n"


def test_stall_is_told_in_the_words_of_the_bar(make_window: Make, qtbot: QtBot, tmp_path: Path) -> None:
    window = make_window("finishes")
    told_by_command(window, tmp_path / "told")
    snapshot = pictures.snapshot(pictures.stuck())
    window.rooms.session.controller.stuck.emit(snapshot)
    qtbot.waitUntil(lambda: not window.rooms.notifier._commanding.working, timeout=WAIT_MS)
    assert (tmp_path / "told").read_text() == "stuck\n"
    assert snapshot.view is not None
    assert news(Event.STUCK, snapshot).text.startswith(snapshot.view.verdict.title)


def test_stop_by_the_person_is_no_news(make_window: Make, photos: Path, qtbot: QtBot, tmp_path: Path) -> None:
    window = ready(make_window("trains"), photos, qtbot)
    told_by_command(window, tmp_path / "told")
    window.rooms.session.start()
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    window.rooms.session.stop()
    assert window.prompts.question is not None
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.prompts.question.buttons[Answer.STOP_NOW].click()
    assert not window.rooms.notifier._commanding.working and not (tmp_path / "told").exists()


def test_run_that_ended_long_ago_is_no_news(
    make_window: Make, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    first = make_window("finishes")
    run_to_end(first, photos, qtbot)
    folder = first.rooms.session.controller.folder
    assert folder is not None
    healthy = Path(__file__).parents[2] / "transcripts/healthy.jsonl"
    folder.events.write_bytes(healthy.read_bytes())
    second = make_window("finishes")
    told_by_command(second, tmp_path / "told")
    second.rooms.session.open(folder)
    qtbot.waitUntil(lambda: second.rooms.shown.snapshot.run.phase is RunPhase.FINISHED, timeout=WAIT_MS)
    assert not second.rooms.notifier._commanding.working and not (tmp_path / "told").exists()


def test_event_that_is_switched_off_is_not_told(
    make_window: Make, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    window = make_window("finishes")
    told_by_command(window, tmp_path / "told")
    window.settings.told_events = {Event.FAILED, Event.STUCK}
    run_to_end(window, photos, qtbot)
    assert not window.rooms.notifier._commanding.working and not (tmp_path / "told").exists()


def test_command_that_fails_is_said_in_the_bar(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.settings.on_event_command = f'"{sys.executable}" -c "import sys; sys.exit(4)"'
    run_to_end(window, photos, qtbot)
    qtbot.waitUntil(lambda: "status 4" in (window.frame.bar.notice or Note("", "")).text, timeout=WAIT_MS)
    assert window.frame.bar.notice is not None and window.frame.bar.notice.title.startswith("Done: 92.0")
    assert window.frame.bar.notice.text.endswith("Look at it under Edit, Notifications.")


# --- the dialog


@pytest.fixture
def dialog(make_window: Make) -> NotificationsDialog:
    window = make_window("finishes")
    window.commands.show_notifications()
    return window.findChildren(NotificationsDialog)[0]


def test_dialog_keeps_what_is_saved(dialog: NotificationsDialog) -> None:
    settings = dialog._settings
    assert settings.told_events == frozenset(Event)
    dialog.boxes[Event.DONE].setChecked(False)
    dialog.command.setText("tell, 'me now' \\ 100 %")
    dialog.webhook.setText("https://example.org/hook?a=1,2")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert settings.told_events == {Event.FAILED, Event.STUCK}
    settings.sync()
    assert settings.on_event_command == "tell, 'me now' \\ 100 %"
    assert settings.on_event_webhook == "https://example.org/hook?a=1,2"
    assert not dialog.isVisible()


def test_dialog_refuses_what_is_no_web_address(dialog: NotificationsDialog) -> None:
    dialog.webhook.setText("file:///etc/passwd")
    dialog.save_button.click()
    assert dialog.isVisible() and dialog._settings.on_event_webhook == ""
    assert "https://" in dialog.outcomes["webhook"].words.text()


def test_escape_keeps_what_was(dialog: NotificationsDialog) -> None:
    dialog.command.setText("something")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog._settings.on_event_command == ""


def test_trial_says_how_each_channel_went(
    dialog: NotificationsDialog, bus: str, make_desktop: Callable[..., Desktop], qtbot: QtBot
) -> None:
    desktop = make_desktop(*DESKTOP)
    dialog._notifier.notifications._address = bus
    dialog.command.setText("/no/such/program")
    dialog.try_button.click()
    for channel in ("desktop", "command"):
        qtbot.waitUntil(dialog.outcomes[channel].isVisible, timeout=WAIT_MS)
    assert desktop.notified()[3] == "A trial"
    assert dialog.outcomes["desktop"].words.text() == "The desktop shows it."
    assert "cannot be started" in dialog.outcomes["command"].words.text()
    assert not dialog.outcomes["webhook"].isVisible()


def test_every_control_of_the_dialog_has_a_letter_and_a_name(dialog: NotificationsDialog) -> None:
    buttons = [*dialog.boxes.values(), dialog.try_button, dialog.save_button, dialog.cancel_button]
    texts = [button.text() for button in buttons]
    letters = [text.partition("&")[2][0].lower() for text in texts] + ["o", "w"]  # The captions' own.
    assert len(set(letters)) == len(letters)
    assert dialog.command.accessibleName() == "Run a command, too"
