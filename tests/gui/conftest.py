"""A window, and engines that are small real processes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.session.run_controller import RunController
from waste_gui.monitor.snapshot import Snapshot

FAKE_ENGINE = Path(__file__).parent / "fakes/fake_engine.py"
FAKE_CHECK = Path(__file__).parent / "fakes/fake_check.py"
FAKE_PREVIEW = Path(__file__).parent / "fakes/fake_preview.py"
WAIT_MS = 20_000


def fake(scenario: str) -> Callable[[Path], list[str]]:
    """The command that plays a scenario."""
    return lambda config: [sys.executable, str(FAKE_ENGINE), str(config), scenario]


def fake_check(scenario: str) -> Callable[[Path], list[str]]:
    """The command that plays a check."""
    return lambda config: [sys.executable, str(FAKE_CHECK), str(config), scenario]


def fake_preview(scenario: str) -> Callable[[Path], list[str]]:
    """The command that plays a preview."""
    return lambda config: [sys.executable, str(FAKE_PREVIEW), str(config), scenario]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform says this of every dialog; it means nothing."""
    for item in items:
        if "tests/gui" in item.path.as_posix():
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints"))


@pytest.fixture(autouse=True)
def _widgets_of_the_test_before_are_gone(qapp: QApplication) -> None:
    """Outside of a loop of events none is deleted later, and each theme is worked out for all there are."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def make_window(qtbot: QtBot, theme: Theme) -> Callable[[str], MainWindow]:
    """A window whose Start plays a scenario."""

    def make(scenario: str) -> MainWindow:
        controller = RunController(command=fake(scenario), ask_s=0.2, terminate_s=0.2)
        window = MainWindow(Preferences(), theme, controller)
        qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
        window.show()
        return window

    return make


def show_run(window: MainWindow, snapshot: Snapshot) -> None:
    """As if it were the one that trains."""
    window.rooms.session.controller.snapshot = lambda: snapshot  # type: ignore[method-assign]
    window.rooms.session.controller.changed.emit(snapshot)


def end_engine(window: MainWindow, qtbot: QtBot) -> None:
    """A window may not go while its engine runs."""
    window.rooms.session.queue.close()
    window.rooms.session.controller.kill_now()
    qtbot.waitUntil(lambda: not window.rooms.session.controller.running, timeout=WAIT_MS)
    end_check(window.rooms.data, qtbot)


def end_check(page: DataPage, qtbot: QtBot) -> None:
    page.works.close()
    qtbot.waitUntil(lambda: page.works.now is None, timeout=WAIT_MS)


def ready(window: MainWindow, photos: Path, qtbot: QtBot) -> MainWindow:
    """With photos chosen and looked at, so that Start can be pressed."""
    window.rooms.data.add_folders([str(photos)])
    qtbot.waitUntil(window.frame.header.start_button.isEnabled, timeout=WAIT_MS)
    return window


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of three files that look like photos by their names."""
    folder = tmp_path / "waste"
    for name in ("glass", "paper"):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            (folder / name / f"{i}.jpg").write_bytes(b"photo")
    return folder
