"""A shared home: each computer shows the other's run as running there, and signals nobody."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from tests.two_computers import engine_on, on_computer
from waste_gui import config as configs
from waste_gui.config import RunConfig
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_queue import look_at
from waste_gui.gui.session.training_session import SessionState
from waste_gui.monitor.run import RunPhase
from waste_gui.rundir import RunDir, runs_dir

WINDOW = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_queue import look_at
from waste_gui.gui.session.training_session import SessionState
from waste_gui.rundir import RunDir
app = QCoreApplication([])
controller = RunController(ask_s=0.2, terminate_s=0.2)
said = []
def show(snapshot):
    cause = snapshot.view.verdict.cause if snapshot.view else ""
    words = (snapshot.elsewhere, cause, snapshot.run.phase.value)
    if snapshot.live and words not in said:
        said.append(words)
        print(*words, sep="|", flush=True)
controller.changed.connect(show)
controller.trouble.connect(lambda *words: print("trouble", *words, sep="|", flush=True))
controller.ended.connect(lambda s: (print("ended", s.run.phase.value, sep="|", flush=True), app.quit()))
controller.attach(RunDir(Path(sys.argv[1])))
def stop():
    controller.stop_now()
    controller.force_stop()
    controller.ask_for_stacks()
    controller.go_on()
    QTimer.singleShot(3000, lambda: (controller.kill_now(), print("tried", flush=True)))
    QTimer.singleShot(6000, app.quit)
if len(sys.argv) > 2:
    QTimer.singleShot(2500, stop)
app.exec()
"""


def run_folder(name: str) -> RunDir:
    folder = RunDir(runs_dir() / name)
    folder.create()
    folder.config.write_bytes(configs.dump(RunConfig(model="resnet18")))
    return folder


@pytest.fixture
def there() -> Iterator[tuple[RunDir, subprocess.Popen[bytes]]]:
    """A run on a computer named `alpha`, that obeys."""
    folder = run_folder("2026-01-01_there")
    with engine_on("alpha", folder.path) as engine:
        yield folder, engine


def signals_at(folder: RunDir) -> bytes:
    return (folder.path / "signals.txt").read_bytes()


@pytest.mark.slow
def test_window_shows_where_it_runs_and_stops_it_by_its_commands_alone(
    there: tuple[RunDir, subprocess.Popen[bytes]], qtbot: QtBot
) -> None:
    folder, engine = there
    controller = RunController(ask_s=0.1, terminate_s=0.1)
    controller.attach(folder)
    qtbot.waitUntil(lambda: controller.snapshot().live, timeout=WAIT_MS)
    shown = controller.snapshot()
    assert shown.elsewhere == "alpha" and shown.run.phase.running
    assert shown.view is not None and shown.view.verdict.text.startswith("It runs on alpha. ")
    with qtbot.waitSignal(controller.ended, timeout=WAIT_MS):
        controller.stop_now()
    assert controller.run.phase is RunPhase.STOPPED
    assert engine.wait(10) == 0 and signals_at(folder) == b""


@pytest.mark.slow
def test_each_of_two_computers_shows_the_others_run_and_signals_nobody() -> None:
    """Both obey nothing: a stop is written down, and then it is said that each is to be ended where it is."""
    folders = {"alpha": run_folder("2026-01-01_a"), "beta": run_folder("2026-01-01_b")}
    with contextlib.ExitStack() as running:
        engines = {
            name: running.enter_context(engine_on(name, folder.path, deaf=True))
            for name, folder in folders.items()
        }
        others = {"alpha": "beta", "beta": "alpha"}
        windows = {name: window_on(name, folders[other]) for name, other in others.items()}
        for name, other in others.items():
            out, err = windows[name].communicate(timeout=60)
            assert err == "" and windows[name].returncode == 0
            lines = out.splitlines()
            assert any(line.startswith(f"{other}|") for line in lines), out
            assert f"trouble|It runs on {other} and cannot be ended from here.|End it on {other}." in lines
            assert "tried" in lines and not any(line.startswith("ended") for line in lines)
            assert b'"command":"stop"' in folders[other].commands.read_bytes()
            assert engines[other].poll() is None and signals_at(folders[other]) == b""


def window_on(computer: str, folder: RunDir) -> subprocess.Popen[str]:
    return subprocess.Popen(
        on_computer(computer, sys.executable, "-c", WINDOW, str(folder.path), "stop"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )


@pytest.mark.slow
def test_window_here_and_run_here_are_on_one_computer_whatever_its_name(qtbot: QtBot) -> None:
    """The same, with no other name: proven, and ended by force when it does not obey."""
    folder = run_folder("2026-01-01_a")
    with engine_on(os.uname().nodename, folder.path, deaf=True) as engine:
        controller = RunController(ask_s=0.1, terminate_s=0.1)
        controller.attach(folder)
        qtbot.waitUntil(lambda: controller.snapshot().live, timeout=WAIT_MS)
        assert controller.snapshot().elsewhere == ""
        with qtbot.waitSignal(controller.ended, timeout=WAIT_MS):
            controller.stop_now()
        assert engine.wait(10) == -9 and signals_at(folder).split() == [b"15"]


@pytest.mark.slow
def test_terminal_says_where_it_runs_and_why_it_is_silent(
    there: tuple[RunDir, subprocess.Popen[bytes]],
) -> None:
    folder, engine = there
    watching = subprocess.Popen(
        on_computer("beta", sys.executable, "-m", "waste_gui.monitor", str(folder.path)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    assert first["text"].startswith("It runs on alpha. ") and first["verdict"] == "on_schedule"
    folder.commands.write_text('{"command":"stop"}\n')
    out, _ = watching.communicate(timeout=60)
    assert watching.returncode == 3 and json.loads(out.splitlines()[-1])["cause"] == "stopped"
    assert engine.wait(10) == 0 and signals_at(folder) == b""


@pytest.mark.slow
def test_run_of_another_computer_keeps_neither_the_window_nor_the_queue_busy(
    there: tuple[RunDir, subprocess.Popen[bytes]], make_window: Callable[[str], MainWindow], qtbot: QtBot
) -> None:
    """A window that is opened is this computer's; the other's run can be opened from the list."""
    folder, _ = there
    window = make_window("trains")
    window.rooms.left_behind.at_start()
    assert not window.rooms.session.running and window.rooms.session.state is SessionState.IDLE
    entry = QueuedRun(id="a", config=RunConfig())
    assert not look_at(entry, lambda _: None).elsewhere
    window.rooms.session.open(folder)
    qtbot.waitUntil(lambda: window.rooms.session.snapshot.elsewhere == "alpha", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.frame.header._normal.detail.text() == "on alpha", timeout=WAIT_MS)
    with qtbot.waitSignal(window.rooms.session.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    assert window.rooms.session.controller.run.phase is RunPhase.STOPPED and signals_at(folder) == b""
