"""A home that is read-only, a file, or not there: the window opens, the engine says a sentence."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.photos import make_photos
from tests.strangers.traps import environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="homes of POSIX")

WINDOW = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from waste_gui.gui import app
run = QApplication.exec
def shown(*_):
    windows = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    print("windows", len(windows), flush=True)
    QTimer.singleShot(1500, lambda: QApplication.exit(7))
    return run()
QApplication.exec = shown
sys.exit(app.main([]))
"""
HOMES = ("read-only", "file", "missing", "link to nothing")


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One in which nothing can be made, for root either."""
    path = tmp_path / "home"
    match request.param:
        case "read-only":
            path = Path("/proc/self")  # Where not even root makes a folder.
        case "file":
            path.write_text("mine")
        case "missing":
            path = Path("/proc/nowhere")
        case "link to nothing":
            path.symlink_to("/proc/nowhere")
    return path


def run(home: Path, scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = environment(scratch) | {"HOME": str(home)}
    return subprocess.run(
        [sys.executable, *arguments],
        env=variables,
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_the_window_opens(home: Path, tmp_path: Path) -> None:
    done = run(home, tmp_path / "scratch", "-c", WINDOW)
    assert "windows 1" in done.stdout, done.stderr
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
    assert "not kept" in done.stderr


def test_the_engine_says_one_sentence(home: Path, tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    asked = ("--source", str(photos), "--model", "resnet18", "--pretrained", "none", "--format", "json")
    done = run(home, tmp_path / "scratch", "-m", "waste_gui.engine", "train", *asked)
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1 and last["type"] == "run_failed"
    assert "cannot be written" in last["text"] and "\n" not in last["text"]


@pytest.mark.slow
def test_what_the_window_keeps_is_the_persons_own(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        done = run(tmp_path / "mine", tmp_path / "mine", "-c", WINDOW)
    finally:
        os.umask(before)
    assert done.returncode == 7, done.stderr
    own = tmp_path / "mine" / ".local" / "share" / "waste-gui"
    assert (own / "window.ini").is_file()
    for path in (own, *own.rglob("*")):
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
