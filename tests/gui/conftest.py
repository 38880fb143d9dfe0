"""A window, and engines that are small real processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.run_controller import RunController
from waste_gui.gui.settings import Settings
from waste_gui.gui.theme import Theme

FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")
WAIT_MS = 20_000


def fake(scenario: str) -> Callable[[Path], list[str]]:
    """The command that plays a scenario."""
    return lambda config: [sys.executable, str(FAKE_ENGINE), str(config), scenario]


def _ended(window: MainWindow) -> bool:
    return not window.controller.running


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def make_window(qtbot: QtBot, theme: Theme) -> Iterator[Callable[[str], MainWindow]]:
    """A window whose Start plays a scenario."""
    windows: list[MainWindow] = []

    def make(scenario: str) -> MainWindow:
        window = MainWindow(Settings(), theme, RunController(command=fake(scenario)))
        qtbot.addWidget(window)
        windows.append(window)
        window.show()
        return window

    yield make
    for window in windows:
        window.controller.kill_now()
        qtbot.waitUntil(partial(_ended, window), timeout=WAIT_MS)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of three files that look like photos by their names."""
    folder = tmp_path / "waste"
    for name in ("glass", "paper"):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            (folder / name / f"{i}.jpg").write_bytes(b"photo")
    return folder
