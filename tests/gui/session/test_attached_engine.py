"""Following an engine that another window started, by its folder alone."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from waste_gui import config as configs
from waste_gui import protocol
from waste_gui.config import RunConfig
from waste_gui.gui.alerts.notifier import SendOutcome
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.attached_engine import AttachedEngine
from waste_gui.gui.session.pages import PHOTOS, RUNS
from waste_gui.gui.session.queue_store import QueueState
from waste_gui.gui.session.run_text import Offer
from waste_gui.gui.session.session_text import ended_alone_notice
from waste_gui.monitor.run import RunPhase
from waste_gui.rundir import RunDir, runs_dir

pytestmark = pytest.mark.slow

ENGINE = """
import sys, time
from pathlib import Path
from waste_gui import protocol as p
from waste_gui.reporting import Reporter, events_output
from waste_gui.rundir import RunDir
from waste_gui.stages import STAGES
folder = RunDir(Path(sys.argv[1]))
folder.acquire()
report = Reporter()
report.add_output(events_output(folder.events))
report(p.RunStarted(protocol=1, run="r", pid=1, host="h", started_at=time.time(), device="cpu", world_size=1,
                    stages=STAGES, versions={}, resumed_from=None))
report(p.StageStarted(stage="import"))
print("running", flush=True)
while not (folder.commands.exists() and folder.commands.stat().st_size):
    time.sleep(0.02)
report(p.RunStopped(checkpoint=None, reason=folder.commands.read_text().strip()))
report.close()
folder.release()
"""


@contextlib.contextmanager
def engine_in(folder: RunDir) -> Iterator[None]:
    """One that runs without a window, until it is told something."""
    command = [sys.executable, "-c", ENGINE, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"running\n"
        yield
        engine.kill()


@pytest.fixture
def running() -> Iterator[RunDir]:
    """The folder of an engine that runs without a window."""
    folder = RunDir(runs_dir() / "2026-01-01_here")
    folder.create()
    folder.config.write_bytes(configs.dump(RunConfig(model="resnet18")))
    with engine_in(folder):
        yield folder


def test_running_training_is_shown_at_the_start_and_can_be_stopped(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    window = make_window("finishes")
    window.rooms.left_behind.at_start()
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title.startswith("Reconnected to the training started at ")
    qtbot.waitUntil(window.frame.header.stop_button.isVisible, timeout=WAIT_MS)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    last = window.rooms.session.controller.run.last
    assert window.rooms.session.controller.run.phase is RunPhase.STOPPED
    assert last is not None and '"command":"stop"' in getattr(last, "reason", "")


def test_engine_that_nothing_proves_is_asked_and_never_forced(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    """Its lock is as an older version wrote it. What can't be done is said."""
    said = json.loads(running.lock.read_bytes())
    running.lock.write_text(json.dumps({"pid": said["pid"], "started": said["started"]}))
    window = make_window("finishes")
    controller = window.rooms.session.controller
    window.rooms.left_behind.at_start()
    qtbot.waitUntil(lambda: controller.session.evidence.unproven == said["pid"], timeout=WAIT_MS)
    for act in (controller.force_stop, controller.go_on):
        with qtbot.waitSignal(controller.trouble, timeout=WAIT_MS) as trouble:
            act()
        assert f"no signal to process {said['pid']}" in trouble.args[0]
    assert psutil.pid_exists(said["pid"])
    with qtbot.waitSignal(controller.ended, timeout=WAIT_MS):
        controller.stop_now()
    assert controller.run.phase is RunPhase.STOPPED


def test_training_that_ended_while_the_window_was_closed_is_told_once(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    window = make_window("finishes")
    window.rooms.left_behind.at_start()
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.STARTING, timeout=WAIT_MS)
    assert window.close()
    assert running.owner() is not None, "closing leaves an attached engine running"
    running.commands.write_text("somebody stops it")
    qtbot.waitUntil(lambda: running.owner() is None, timeout=WAIT_MS)
    after = make_window("finishes")
    after.rooms.left_behind.at_start()
    assert after.frame.bar.notice is not None
    assert after.frame.bar.notice.title.endswith("was stopped while the window was closed.")
    after.frame.bar.chosen.emit(Offer.SHOW_RUN)
    qtbot.waitUntil(lambda: after.rooms.shown.snapshot.run.phase is RunPhase.STOPPED, timeout=WAIT_MS)
    assert after.rooms.shown.folder == running
    later = make_window("finishes")
    later.rooms.left_behind.at_start()
    assert later.frame.bar.notice is None


def test_folder_without_a_run_is_said_to_be_none(
    make_window: Callable[[str], MainWindow], tmp_path: Path
) -> None:
    window = make_window("finishes")
    window.rooms.session.open(RunDir(tmp_path))
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == f"{tmp_path} holds no run."
    assert window.rooms.session.controller.folder is None


def test_run_that_is_resumed_elsewhere_is_followed(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    window = make_window("finishes")
    window.rooms.session.open(running)
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.live, timeout=WAIT_MS)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        running.commands.write_text("stop")
    window.show_page(PHOTOS)
    running.commands.unlink()
    running.put_events_aside()
    with engine_in(running):
        qtbot.waitUntil(
            lambda: window.rooms.session.controller.running and window.rooms.shown.snapshot.live,
            timeout=WAIT_MS,
        )
        assert window.frame.bar.notice is not None
        assert "resumed in another window" in window.frame.bar.notice.title
        assert window.frame.page == PHOTOS, "the person stays where they are"


def test_line_of_an_attached_run_goes_on_with_it(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    window = make_window("finishes")
    window.rooms.session.open(running)
    window.show_page(RUNS)
    table = window.rooms.runs.table.runs
    qtbot.waitUntil(lambda: window.rooms.runs.library.live is not None and bool(table.lines), timeout=WAIT_MS)
    assert table.lines[0].run.state == "running"
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        running.commands.write_text("stop")
    qtbot.waitUntil(lambda: table.lines[0].run.state == "stopped", timeout=WAIT_MS)


@pytest.mark.parametrize(
    ("state", "words", "said"),
    [
        ("done", "92.0 %", "ended while the window was closed: 92.0 %."),
        ("done", "", "ended while the window was closed."),
        ("failed", "The disk is full.", "failed while the window was closed."),
    ],
)
def test_end_of_a_training_that_nobody_watched_in_words(state: QueueState, words: str, said: str) -> None:
    told = ended_alone_notice(0.0, state, words)
    assert told.title.startswith("Training from ") and told.title.endswith(said)
    assert (told.text == words) is (state == "failed" or not words)
    assert told.offers[0] is Offer.SHOW_RUN


def test_end_of_a_run_that_another_window_started_is_told(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    window = make_window("finishes")
    window.settings.on_event_command = f'"{sys.executable}" -c pass'
    window.rooms.session.open(running)
    qtbot.waitUntil(lambda: window.rooms.notifier._live == running.path, timeout=WAIT_MS)
    with qtbot.waitSignal(window.rooms.notifier.told, timeout=WAIT_MS) as told:
        window.rooms.session.controller.kill_now()
    assert told.args == [SendOutcome("command", True, "Your command was run.")]
    assert window.rooms.session.controller.run.phase is RunPhase.CRASHED


def test_window_shows_the_curves_of_all_starts_of_a_run(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    timing = protocol.Timing(wait_s=0, copy_s=0, compute_s=0.1)
    for start, steps in ((2, range(21, 41)), (1, range(1, 26))):
        lines = [
            protocol.encode(
                protocol.Metric(
                    seq=n, step=step, epoch=1, values={"loss": 1.0 * start}, timing=timing, images_per_s=1
                )
            )
            for n, step in enumerate(steps)
        ]
        (running.path / f"events-{start}.jsonl").write_bytes(b"".join(lines))
    window = make_window("trains")
    window.rooms.left_behind.at_start()
    qtbot.waitUntil(lambda: window.rooms.session.controller.run.phase is RunPhase.STARTING, timeout=WAIT_MS)
    loss = window.rooms.session.controller.run.loss
    assert loss.x.tolist() == list(range(1, 41))
    assert loss.y.tolist() == [1.0] * 20 + [2.0] * 20
    window.rooms.session.controller.stop_now()
    qtbot.waitUntil(lambda: not window.rooms.session.controller.running, timeout=WAIT_MS)


def test_clock_that_was_set_while_a_run_trained_makes_no_silence(
    make_window: Callable[[str], MainWindow], running: RunDir, qtbot: QtBot
) -> None:
    """As if it had begun an hour ago: the clock was set forward, or the computer slept."""
    qtbot.waitUntil(lambda: running.events.read_bytes().count(b"\n") == 2, timeout=WAIT_MS)
    first, rest = running.events.read_bytes().split(b"\n", 1)
    started = protocol.decode(first)
    assert isinstance(started, protocol.RunStarted)
    earlier = msgspec.structs.replace(started, started_at=started.started_at - 3600)
    running.events.write_bytes(protocol.encode(earlier) + rest)
    window = make_window("trains")
    window.rooms.left_behind.at_start()
    engine = window.rooms.session.controller._engine
    assert isinstance(engine, AttachedEngine)
    qtbot.waitUntil(lambda: engine.caught_up, timeout=WAIT_MS)
    assert window.rooms.session.controller.now() > 3000
    with open(running.events, "ab") as file:
        beat = protocol.Heartbeat(seq=2, at=1.0, where="importing torch", workers=(), queued=0, gpu=None)
        file.write(protocol.encode(beat))
    qtbot.waitUntil(lambda: window.rooms.session.controller.now() < 60, timeout=WAIT_MS)
    window.rooms.session.controller.stop_now()
    qtbot.waitUntil(lambda: not window.rooms.session.controller.running, timeout=WAIT_MS)
