"""The program's beginning: flags, resources, and that the window never loads torch."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from waste_gui.gui import app
from waste_gui.gui.common import resources, theme
from waste_gui.gui.common.preferences import Preferences


def test_the_window_is_imported_without_torch() -> None:
    code = (
        "import sys, waste_gui.gui.app, waste_gui.gui.main_window, waste_gui.gui.training.plots\n"
        "heavy = {'torch', 'torchvision', 'open_clip', 'timm', 'PIL', 'waste_gui.engine'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_is_imported_before_qt_brings_no_qt() -> None:
    code = "import sys, waste_gui.gui.without_qt; assert 'PySide6' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_window_leaves_at_once_and_remembers_its_form(number: int, tmp_path: Path) -> None:
    code = (
        "from PySide6.QtCore import QTimer; from waste_gui.config import RunConfig\n"
        "from waste_gui.gui import app, main_window as m\n"
        "old = m.MainWindow.show\n"
        "def show(self):\n"
        "    old(self); self.rooms.form.show_config(RunConfig(model='resnet50'))\n"
        "    QTimer.singleShot(100, lambda: print('up', flush=True))\n"
        "m.MainWindow.show = show\n"
        "app.main(['--offscreen', '.'])"
    )
    environment = {**os.environ, "WASTE_GUI_HOME": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as window:
        assert window.stdout is not None and window.stdout.readline() == b"up\n"
        window.send_signal(number)
        assert window.wait(60) == 128 + number
    assert "resnet50" in Preferences(tmp_path).form


@pytest.mark.slow
def test_small_example_trains_a_model_that_is_right_without_a_word_of_epochs(tmp_path: Path) -> None:
    code = "import sys; from waste_gui.gui import app; sys.exit(app.main(['--demo', '--offscreen']))"
    home = {"WASTE_GUI_HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **home, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.splitlines()
    told = re.fullmatch(r"Done: (\d+\.\d) % of \d+ validation photos right, after \d:\d\d", last)
    assert told is not None and float(told[1]) >= 95, last
    assert "Embed photos: 240 photos" in done.stdout and "Epoch" not in done.stdout


def test_flags_and_folders() -> None:
    options = app.parse(["--demo", "--offscreen", "a", "b"])
    assert options.demo and options.offscreen and options.folders == ["a", "b"]


def test_resources_are_found_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "waste_gui"
    monkeypatch.setattr(resources, "PACKAGE", package)
    with pytest.raises(FileNotFoundError):
        resources.resources_dir()
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/style.qss").touch()
    assert resources.resources_dir() == tmp_path / "resources"
    (package / "resources").mkdir(parents=True)
    (package / "resources/style.qss").touch()
    assert resources.resources_dir() == package / "resources"


@pytest.mark.parametrize("name", ["waste-gui", "check-light", "check-dark", "chevron-down-dark"])
def test_icons_can_be_drawn(qapp: QApplication, name: str) -> None:
    assert not QImage(str(resources.path(f"icons/{name}.svg"))).isNull()


STATES = ("text", "muted", "accent", "done", "slow", "stuck")


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back"),
    [
        *((role, "window") for role in STATES),
        *((role, "surface") for role in STATES),
        ("on_accent", "accent"),
        ("slow_bar_text", "slow_bar"),
        ("stuck_bar_text", "stuck_bar"),
        ("text", "selection"),
    ],
)
def test_text_has_contrast(colours: theme.Colours, front: str, back: str) -> None:
    assert _contrast(getattr(colours, front), getattr(colours, back)) >= 4.5


def _contrast(a: str, b: str) -> float:
    """By WCAG 2.1."""
    bright, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(name: str) -> float:
    colour = QColor(name)
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (v / 12.92 if v <= 0.04045 else float(((v + 0.055) / 1.055) ** 2.4) for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_style_sheet_names_only_colours_that_exist() -> None:
    assert "@" not in theme.style_sheet(theme.LIGHT)


def test_settings_come_back_as_they_were(tmp_path: Path) -> None:
    first = Preferences(tmp_path)
    first.theme, first.log_shown, first.form = "dark", True, "{}"
    for i in range(12):
        first.remember_folder(f"/data/{i}")
    first.remember_folder("/data/8")
    first.sync()
    again = Preferences(tmp_path)
    assert (again.theme, again.log_shown, again.form) == ("dark", True, "{}")
    assert again.recent_folders[:3] == ["/data/8", "/data/11", "/data/10"]
    assert len(again.recent_folders) == 8


def test_theme_changes_what_is_painted(qapp: QApplication) -> None:
    chosen = theme.Theme(qapp, "light")
    assert theme.colours() is theme.LIGHT
    chosen.choose("dark")
    assert theme.colours() is theme.DARK
    assert qapp.palette().window().color().name() == theme.DARK.window.lower()
