"""An attached engine that cannot be told anything, or is killed: what is said, and that a stop ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from tests.engine import process
from tests.engine.process import SMALL
from tests.gui.conftest import WAIT_MS
from tests.monitor.test_crash import tmpfs
from tests.photos import make_photos
from tests.two_computers import engine_here
from waste_gui import config as configs
from waste_gui import protocol
from waste_gui.config import RunConfig
from waste_gui.gui.session.run_controller import RunController
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.protocol import EpochFinished, Heartbeat, RunStarted, RunStopped
from waste_gui.reporting import OWN_LINE
from waste_gui.rundir import RunDir

LONG_MS = 180_000
OLD_LINE = "writer of the window's pipe: [Errno 32] Broken pipe"


def no_folder(folder: RunDir) -> None:
    folder.path.rename(folder.path.with_name("elsewhere"))


def a_link(folder: RunDir) -> None:
    (folder.path.parent / "victim").touch()
    folder.commands.symlink_to(folder.path.parent / "victim")


UNWRITABLE: dict[str, Callable[[RunDir], object]] = {
    "a folder": lambda folder: folder.commands.mkdir(),
    "a link": a_link,
    "a pipe": lambda folder: os.mkfifo(folder.commands),
    "no folder": no_folder,
}

COMMANDS: dict[str, Callable[[RunController], object]] = {
    "stop": lambda controller: controller.stop_now(),
    "stop after the epoch": lambda controller: controller.stop_after_epoch(),
    "pause": lambda controller: controller.pause_or_resume(),
    "save": lambda controller: controller.save_now(),
    "skip": lambda controller: controller.skip_photo("/a.jpg"),
    "workers": lambda controller: controller.restart_workers(),
    "stacks": lambda controller: controller.ask_for_stacks(),
}


def attached(folder: RunDir, qtbot: QtBot) -> RunController:
    controller = RunController(ask_s=0.3, terminate_s=0.3)
    controller.attach(folder)
    qtbot.waitUntil(lambda: controller.snapshot().live, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: controller.session.owner is not None, timeout=WAIT_MS)
    return controller


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "run")
    run.create()
    run.config.write_bytes(configs.dump(RunConfig(model="resnet18")))
    return run


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes")
@pytest.mark.parametrize("how", UNWRITABLE)
def test_every_command_that_cannot_be_written_is_said_and_a_stop_still_ends_it(
    how: str, folder: RunDir, qtbot: QtBot
) -> None:
    with engine_here(folder.path, deaf=True) as engine:
        controller = attached(folder, qtbot)
        UNWRITABLE[how](folder)
        for name, ask in COMMANDS.items():
            if name != "stop":
                with qtbot.waitSignal(controller.trouble, timeout=WAIT_MS) as told:
                    ask(controller)
                title, hint = told.args
                assert title.startswith("The training could not be told (") and hint
                assert controller.run.log[-1].text == title
        with qtbot.waitSignal(controller.ended, timeout=WAIT_MS):
            COMMANDS["stop"](controller)
        assert engine.wait(10) == -signal.SIGKILL
        assert controller.run.crash is not None and controller.run.crash.cause == "forced"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_stop_asked_before_it_is_known_whose_engine_it_is_ends_it_all_the_same(
    folder: RunDir, qtbot: QtBot
) -> None:
    with engine_here(folder.path, deaf=True) as engine:
        controller = RunController(ask_s=0.5, terminate_s=0.3)
        controller.attach(folder)
        assert controller.session.owner is None
        with qtbot.waitSignal(controller.ended, timeout=WAIT_MS):
            controller.stop_now()
        assert engine.wait(10) == -signal.SIGKILL


def test_last_word_of_a_run_elsewhere_is_its_end_without_another_look(folder: RunDir, qtbot: QtBot) -> None:
    """A run of a million messages is shown when they are read, not at the next of a look a second."""
    started = RunStarted(
        protocol=1, run="r", pid=1, host="another", started_at=time.time(), device="cpu", world_size=1,
        stages=(), versions={}, resumed_from=None, seq=0,
    )  # fmt: skip
    with open(folder.events, "wb") as events:
        events.write(protocol.encode(started))
    controller = RunController()
    controller.attach(folder)
    qtbot.waitUntil(lambda: controller.session.elsewhere == "another", timeout=WAIT_MS)
    controller._tick_timer.stop()
    with qtbot.waitSignal(controller.ended, timeout=WAIT_MS), open(folder.events, "ab") as events:
        events.write(protocol.encode(RunStopped(checkpoint=None, reason="", seq=1, at=1.0)))
    assert controller.run.phase is RunPhase.STOPPED


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from tests.two_computers import engine_here
from waste_gui.gui.session.run_controller import RunController
from waste_gui.rundir import RunDir
folder = RunDir(Path(sys.argv[1]) / "run")
folder.create()
app = QCoreApplication([])
with engine_here(folder.path, deaf=True) as engine:
    (folder.path / "fill").touch()
    controller = RunController(ask_s=0.5, terminate_s=0.5)
    controller.trouble.connect(lambda *words: print(*words, flush=True))
    controller.ended.connect(app.quit)
    def stop(snapshot):
        if not snapshot.live or controller.session.owner is None:
            return
        controller.changed.disconnect(stop)
        with open(folder.path / "fill", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        controller.save_now()
        controller.stop_now()
    controller.changed.connect(stop)
    controller.attach(folder)
    app.exec()
    print(engine.wait(10), flush=True)
"""


@pytest.mark.slow
def test_stop_on_a_full_disk_is_said_and_ends_it(tmp_path: Path) -> None:
    before = tmpfs(tmp_path / "disk", "512k")
    done = subprocess.run(
        [*before, sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path / "disk")],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith("The training could not be told (save now): No space left on device.")
    assert lines[1].startswith("The training could not be told (stop): No space left on device.")
    assert lines[1].endswith("it is ended by force in a few seconds.") and lines[2:] == ["-9"]


# --- a real engine


@pytest.fixture
def real_engine(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Begins a training without an end, on other options if any; none is left when the test has ended."""
    engines: list[subprocess.Popen[bytes]] = []

    def begin(*more: str) -> subprocess.Popen[bytes]:
        engines.append(_real_engine(tmp_path, *more))
        return engines[-1]

    yield begin
    for engine in engines:
        engine.kill()
        engine.wait(20)


def _real_engine(tmp_path: Path, *more: str) -> subprocess.Popen[bytes]:
    photos = tmp_path / "photos"
    if not photos.exists():
        make_photos(photos, per_class=3)
    new = ("--source", photos, "--run-dir", tmp_path / "run", "--epochs", "100000", *SMALL)
    return process.start(["train", *(more or new)])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_crash_of_an_attached_engine_is_not_explained_by_a_line_of_our_own(
    real_engine: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, qtbot: QtBot
) -> None:
    """Its window was closed, which older engines noted; it is killed, resumed, and killed."""
    folder = RunDir(tmp_path / "run")
    for more in ((), ("--resume", str(folder.path))):
        engine = real_engine(*more)
        assert engine.stdout is not None and engine.stdin is not None and engine.stderr is not None
        process.wait_for(engine.stdout, EpochFinished)
        engine.stdout.close()
        engine.stdin.close()
        with open(folder.log, "a") as log:
            log.write(f"{OWN_LINE}exporting to events.csv: tried again\n{OLD_LINE}\n")
        controller = RunController()
        controller.attach(folder)
        qtbot.waitUntil(lambda controller=controller: controller.snapshot().live, timeout=LONG_MS)  # type: ignore[misc]
        with qtbot.waitSignal(controller.ended, timeout=LONG_MS):
            psutil.Process(engine.pid).kill()
            engine.wait(20)
        engine.stderr.close()
        qtbot.waitUntil(lambda controller=controller: controller.explained, timeout=LONG_MS)  # type: ignore[misc]
        assert controller.run.phase is RunPhase.CRASHED and controller.run.crash is not None
        crash = controller.run.crash
        assert crash.lines == () and "pipe" not in crash.text
        shown = RunController()  # Opened again after its end.
        shown.attach(folder)
        qtbot.waitUntil(lambda shown=shown: shown.run.phase is RunPhase.CRASHED, timeout=LONG_MS)  # type: ignore[misc]
        assert shown.run.crash is not None and shown.run.crash.lines == ()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_real_engine_tells_how_long_it_was_stopped(
    real_engine: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    stopped_s = 5.0
    engine = real_engine()
    assert engine.stdout is not None
    process.wait_for(engine.stdout, EpochFinished)
    os.kill(engine.pid, signal.SIGSTOP)
    threading.Event().wait(stopped_s)
    os.kill(engine.pid, signal.SIGCONT)
    beat = process.wait_for(engine.stdout, Heartbeat)
    while isinstance(beat, Heartbeat) and not beat.stood_still_s:
        beat = process.wait_for(engine.stdout, Heartbeat)
    assert isinstance(beat, Heartbeat) and stopped_s - 1.5 < beat.stood_still_s < stopped_s + 2
    process.wait_for(engine.stdout, EpochFinished)
    process.wait_for(engine.stdout, EpochFinished)
    process.command(engine, command="stop")
    process.finish(engine)
    run = Run()
    for line in (tmp_path / "run" / "events.jsonl").read_bytes().splitlines():
        run.receive(protocol.decode(line))
    assert run.epoch_times and max(run.epoch_times) < stopped_s - 1.5
