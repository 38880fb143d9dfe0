"""Commands to a running engine, and what happens when nobody listens to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.process import SMALL, command, finish, read_messages, start, wait_for
from tests.photos import make_photos
from waste_gui.protocol import (
    CheckpointSaved,
    EpochFinished,
    Heartbeat,
    Metric,
    RunFinished,
    RunStarted,
    RunStopped,
    Stacks,
    Warned,
)
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow  # Each test trains for real.

MANY_EPOCHS = ("--epochs", "2000")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos", per_class=6)


@pytest.fixture(autouse=True)
def _terminal() -> Iterator[None]:
    """Whoever started the tests with nohup gave that on to us; the engines here are to have a terminal."""
    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def training(photos: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An engine in the middle of a long training into `tmp_path/run`."""
    process = start(["train", "--source", photos, "--run-dir", tmp_path / "run", *MANY_EPOCHS, *SMALL])
    assert process.stdout is not None
    wait_for(process.stdout, Metric)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_stop_on_stdin_saves_and_exits_with_3(training: subprocess.Popen[bytes], tmp_path: Path) -> None:
    command(training, command="stop")
    finished = finish(training)
    assert finished.status == 3
    assert isinstance(finished.last, RunStopped)
    assert finished.last.checkpoint is not None
    assert Path(finished.last.checkpoint).exists()
    assert not RunDir(tmp_path / "run").lock.exists()


def test_stop_through_the_run_folder(training: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with open(tmp_path / "run/commands.jsonl", "a") as file:
        file.write(json.dumps({"command": "stop"}) + "\n")
    assert finish(training).status == 3


def test_stop_at_the_end_of_the_epoch_finishes_it(training: subprocess.Popen[bytes], tmp_path: Path) -> None:
    command(training, command="stop", when="epoch_end")
    assert finish(training).status == 3
    messages = read_messages(RunDir(tmp_path / "run").events.read_bytes())
    last_metric = [m for m in messages if isinstance(m, Metric)][-1]
    last_epoch = [m for m in messages if isinstance(m, EpochFinished)][-1]
    assert last_epoch.epoch == last_metric.epoch
    assert last_epoch.seq > last_metric.seq
    assert (tmp_path / "run/results/predictions.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_end_of_the_session_stops_like_the_button(training: subprocess.Popen[bytes], name: str) -> None:
    training.send_signal(getattr(signal, name))
    finished = finish(training)
    assert finished.status == 3
    assert isinstance(finished.last, RunStopped)
    assert finished.last.checkpoint is not None and Path(finished.last.checkpoint).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_closed_terminal_does_not_end_what_was_started_with_nohup(photos: Path, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As nohup does; the child inherits it.
    try:
        process = start(["train", "--source", photos, "--run-dir", tmp_path / "run", "--epochs", "3", *SMALL])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert process.stdout is not None
    wait_for(process.stdout, Metric)
    process.send_signal(signal.SIGHUP)
    finished = finish(process)
    assert (finished.status, type(finished.last)) == (0, RunFinished)


def test_a_broken_command_is_a_warning_and_nothing_else(training: subprocess.Popen[bytes]) -> None:
    assert training.stdout is not None
    command(training, command="make_coffee")
    warned = wait_for(training.stdout, Warned)
    assert isinstance(warned, Warned)
    assert "make_coffee" in warned.text
    wait_for(training.stdout, Metric)


def test_stacks_are_dumped_on_request_and_name_the_main_thread(training: subprocess.Popen[bytes]) -> None:
    assert training.stdout is not None
    command(training, command="dump_stacks")
    stacks = wait_for(training.stdout, Stacks)
    assert isinstance(stacks, Stacks)
    main = next(thread for thread in stacks.threads if thread.role == "main")
    assert any(frame.function.endswith("train") for frame in main.frames)


def test_a_paused_training_makes_no_steps_until_it_goes_on(training: subprocess.Popen[bytes]) -> None:
    assert training.stdout is not None
    command(training, command="pause")
    while (beat := wait_for(training.stdout, Heartbeat)).where != "paused":  # type: ignore[union-attr]
        pass
    assert isinstance(beat, Heartbeat)
    command(training, command="resume")
    wait_for(training.stdout, Metric)


def test_pause_is_no_part_of_the_time_that_a_stage_took(
    training: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert training.stdout is not None
    wait_for(training.stdout, EpochFinished)
    command(training, command="pause")
    first = None
    while True:
        beat = wait_for(training.stdout, Heartbeat)
        assert isinstance(beat, Heartbeat)
        if beat.where == "paused":
            first = first or beat.at
            if beat.at - first >= 3:
                break
    command(training, command="resume")
    command(training, command="stop", when="epoch_end")
    assert finish(training).status == 3
    messages = read_messages(RunDir(tmp_path / "run").events.read_bytes())
    ends = [m for m in messages if isinstance(m, EpochFinished)]
    longest = max(range(1, len(ends)), key=lambda i: ends[i].at - ends[i - 1].at)
    assert ends[longest].elapsed_s < ends[longest].at - ends[longest - 1].at - 2.5


def test_save_now_saves_between_two_epochs(training: subprocess.Popen[bytes]) -> None:
    assert training.stdout is not None
    command(training, command="save_now")
    saved = wait_for(training.stdout, CheckpointSaved)
    assert isinstance(saved, CheckpointSaved)
    assert Path(saved.path).exists()


def test_a_closed_stdin_and_stdout_do_not_end_the_training(photos: Path, tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run")
    process = start(["train", "--source", photos, "--run-dir", folder.path, "--epochs", "2", *SMALL])
    assert process.stdout is not None and process.stdin is not None and process.stderr is not None
    wait_for(process.stdout, RunStarted)
    process.stdout.close()
    process.stdin.close()
    process.stderr.close()
    assert process.wait(110) == 0
    assert isinstance(read_messages(folder.events.read_bytes())[-1], RunFinished)


def test_stop_is_obeyed_while_a_download_hangs(photos: Path, tmp_path: Path) -> None:
    """A server that accepts and never answers: the library would wait for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(100)
        process = start(
            ["train", "--source", photos, "--run-dir", tmp_path / "run", "--model", "timm:resnet10t"],
            HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            HF_HOME=str(tmp_path / "cache"),
            HF_HUB_ETAG_TIMEOUT="600",
        )
        try:
            connection, _ = silent.accept()
            command(process, command="stop")
            finished = finish(process)
            connection.close()
        finally:
            process.kill()
    assert finished.status == 3
    assert isinstance(finished.last, RunStopped)
    assert finished.last.checkpoint is None


def test_prints_of_libraries_go_to_the_log_and_not_into_the_protocol(photos: Path, tmp_path: Path) -> None:
    noisy = tmp_path / "site"
    noisy.mkdir()
    (noisy / "sitecustomize.py").write_text(
        "import atexit, os, threading\n"
        "def shout():\n"
        "    import time\n"
        "    while True:\n"
        "        print('{\"half', end='', flush=True); os.write(1, b'from C'); time.sleep(0.05)\n"
        "import sys\n"
        "if 'waste_gui.engine' in ' '.join(sys.orig_argv): threading.Timer(1, shout).start()\n"
    )
    folder = RunDir(tmp_path / "run")
    arguments: list[str | Path] = ["train", "--source", photos, "--run-dir", folder.path, *SMALL]
    arguments += ["--epochs", "1"]
    finished = finish(start(arguments, PYTHONPATH=str(noisy) + os.pathsep + os.environ.get("PYTHONPATH", "")))
    assert finished.status == 0
    assert b"from C" in folder.log.read_bytes()
