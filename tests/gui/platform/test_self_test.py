"""The self-test's page, and the program's flag for the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from waste_gui.gui import app
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.platform.self_test import SelfTestDialog
from waste_gui.monitor.self_test import NAMES

REAL_MS = 180_000
"""It imports the real torch."""

Make = Callable[[str], MainWindow]


def shown(window: MainWindow) -> SelfTestDialog:
    (dialog,) = window.findChildren(SelfTestDialog)
    return dialog


@pytest.mark.slow
def test_lines_come_one_after_the_other_and_can_be_copied(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.commands.show_self_test(first=True)
    dialog = shown(window)
    assert [line.word.text() for line in dialog.lines.values()] == ["checking…"] + ["waiting"] * (
        len(NAMES) - 1
    )
    assert not dialog.copy_button.isEnabled() and not dialog.again_button.isEnabled()
    qtbot.waitUntil(lambda: dialog.lines["Python"].word.text() == "ok", timeout=REAL_MS)
    qtbot.waitUntil(dialog.copy_button.isEnabled, timeout=REAL_MS)
    assert [check.name for check in dialog.found] == list(NAMES)
    assert {line.word.text() for line in dialog.lines.values()} <= {"ok", "look", "fails"}
    assert dialog.lines["PyTorch"].accessibleName().startswith("PyTorch: ok. ")
    dialog.copy_button.click()
    assert QApplication.clipboard().text().count("Python") >= 1
    assert "opens once by itself" in dialog.text.text()


def test_closing_ends_the_looking(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.commands.show_self_test()
    dialog = shown(window)
    with qtbot.waitSignal(dialog.destroyed):
        dialog.close_button.click()


def test_first_start_is_remembered(make_window: Make) -> None:
    window = make_window("finishes")
    assert not window.settings.self_test_shown
    assert not window.findChildren(SelfTestDialog)
    window.commands.show_self_test(first=True)
    window.settings.sync()
    assert Preferences().self_test_shown


def test_very_first_start_shows_it_once_the_window_is_there(tmp_path: Path) -> None:
    code = (
        "from PySide6.QtWidgets import QApplication; from waste_gui.gui import app; "
        "from waste_gui.gui.commands import Commands; "
        "shown = lambda self, first: QApplication.exit(7 if self._over.isVisible() else 1); "
        "Commands.show_self_test = shown; "
        "raise SystemExit(app.main([]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], timeout=REAL_MS / 1000)
    assert ended.returncode == 7


@pytest.mark.slow
def test_terminal_needs_no_screen_and_no_window(tmp_path: Path) -> None:
    code = (
        "import sys; from waste_gui.gui.app import main; status = main(['--self-test']); "
        "assert 'PySide6' not in sys.modules and 'torch' not in sys.modules; sys.exit(status)"
    )
    unset = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"WASTE_GUI_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}  # A terminal without our signs.
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=REAL_MS / 1000
    )
    assert ended.returncode in (0, 1), ended.stderr
    assert [name for name in NAMES if name in ended.stdout] == list(NAMES)


def test_flags_for_the_terminal_are_told_from_those_of_the_window() -> None:
    assert app.in_terminal(app.parse(["--demo"])) is None
    assert app.parse(["--self-test"]).self_test
