"""A data folder and runs full of links, pipes, devices and endless files: the window opens and shows them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.strangers.test_run_folders import ENDLESS, READ
from tests.strangers.traps import environment
from waste_gui.config import RunConfig, dump

pytestmark = [pytest.mark.skipif(os.name == "nt", reason="homes of POSIX"), pytest.mark.slow]

WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from waste_gui.gui import app
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.runs.compare import CompareDialog
from waste_gui.monitor.run_list import read_runs
from waste_gui.rundir import RunDir
run = QApplication.exec
def shown(*_):
    window, = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
    runs = [summary for summary in read_runs()]
    steps = [lambda page=page: window.show_page(page) for page in ("runs", "results", "training", "runs")]
    steps += [lambda r=r: window.rooms.shown.show(RunDir(Path(r.folder))) for r in runs]
    steps += [lambda: window.show_page("results"), lambda: CompareDialog(window, runs[:6]).show()]
    def step():
        if steps:
            QTimer.singleShot(150, step)
            steps.pop(0)()
        else:
            print("runs", len(runs), flush=True)
            QTimer.singleShot(1500, lambda: QApplication.exit(7))
    step()
    return run()
QApplication.exec = shown
sys.exit(app.main([]))
"""
KEPT = ("queue.json", "window.ini", "history.jsonl", "photos.sqlite", ".lock-key")
RESULTS = ("predictions.csv", "per_class.csv", "confusion.csv")


@pytest.mark.parametrize(
    "trap", ["link", "pipe", "device", "folder", "zeros", "large", "brackets", "objects"]
)
def test_the_window_opens_over(trap: str, tmp_path: Path) -> None:
    victim = tmp_path / "elsewhere" / ".bashrc"
    victim.parent.mkdir()
    victim.write_bytes(b"alias ll='ls -l'\n")
    data = tmp_path / "home" / ".local" / "share" / "waste-gui"
    data.mkdir(parents=True)
    for name in KEPT:
        if (trap, name) == ("link", "window.ini"):
            continue  # People link their own settings from elsewhere: in their own folder that is followed.
        ENDLESS[trap](data / name, victim)
    for name in ("good", *READ, *(f"results/{result}" for result in RESULTS)):
        folder = data / "runs" / name.replace("/", "-")
        (folder / "results").mkdir(parents=True)
        (folder / "config.json").write_bytes(dump(RunConfig(name="a run")))
        (folder / "events.jsonl").write_bytes(b"")
        if name != "good":
            (folder / name).unlink(missing_ok=True)
            ENDLESS[trap](folder / name, victim)
    done = subprocess.run(
        [sys.executable, "-c", WINDOW],
        env=environment(tmp_path / "home"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 7 and "runs " in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert victim.read_bytes() == b"alias ll='ls -l'\n" and os.listdir(victim.parent) == [".bashrc"]
