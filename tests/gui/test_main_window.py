"""The window with a real child process: what it shows in each state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from waste_gui.gui.main_window import MainWindow
from waste_gui.monitor.run import Phase

Make = Callable[[str], MainWindow]


def ready(window: MainWindow, photos: Path, qtbot: QtBot) -> MainWindow:
    window.data.add_folders([str(photos)])
    qtbot.waitUntil(window.header.start_button.isEnabled, timeout=WAIT_MS)
    return window


def test_idle_window_says_what_to_do(make_window: Make) -> None:
    window = make_window("finishes")
    assert not window.header.start_button.isEnabled()
    assert window.header._advice.text() == "Choose a folder of photos."


def test_finished_run_says_how_good_it_is(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("finishes"), photos, qtbot)
    with qtbot.waitSignal(window.controller.ended, timeout=WAIT_MS):
        window.header.start_button.click()
    assert window.controller.run.phase is Phase.FINISHED
    assert window.bar.notice is not None
    assert window.bar.notice.title.startswith("Done: 92.0\u202f% of 120 validation photos right (epoch 2).")
