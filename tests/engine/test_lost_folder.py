"""The run folder is removed, moved or away while the engine trains: it trains on, and says so."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.process import SMALL, command, finish, read_messages, start, wait_for
from tests.photos import make_photos
from waste_gui.protocol import (
    CheckpointSaved,
    EpochFinished,
    NotSaved,
    RunStarted,
    RunStopped,
    SavedAgain,
    Warned,
)
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow  # Each test trains for real.


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    (tmp_path / "drive").mkdir()
    return RunDir(tmp_path / "drive/run")


@pytest.fixture
def training(tmp_path: Path, folder: RunDir) -> Iterator[subprocess.Popen[bytes]]:
    photos = make_photos(tmp_path / "photos", per_class=6)
    process = start(["train", "--source", photos, "--run-dir", folder.path, "--epochs", "2000", *SMALL])
    assert process.stdout is not None
    wait_for(process.stdout, EpochFinished)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("moved", [False, True])
def test_removed_or_moved_folder_is_made_anew(
    training: subprocess.Popen[bytes], folder: RunDir, moved: bool
) -> None:
    assert training.stdout is not None
    if moved:
        folder.path.rename(folder.path.with_name("elsewhere"))
    else:
        shutil.rmtree(folder.path, ignore_errors=True)
        shutil.rmtree(folder.path, ignore_errors=True)  # What was written meanwhile.
    warned = wait_for(training.stdout, Warned)
    assert isinstance(warned, Warned) and "removed or moved" in warned.text
    best = wait_for(training.stdout, CheckpointSaved)
    while not (isinstance(best, CheckpointSaved) and best.best):
        best = wait_for(training.stdout, CheckpointSaved)
    owner = folder.owner()
    assert owner is not None and owner.pid == training.pid
    command(training, command="stop")
    stopped = finish(training).last
    assert isinstance(stopped, RunStopped) and stopped.checkpoint == best.path
    assert Path(best.path).exists() and not folder.lock.exists()
    told = read_messages(folder.events.read_bytes())
    assert isinstance(told[0], RunStarted) and isinstance(told[-1], RunStopped)
    again = start(["train", "--resume", folder.path, "--epochs", "1", *SMALL])
    assert finish(again).status == 0, "it can be resumed: settings, division and model are there"


def test_drive_that_is_away_for_a_while_costs_nothing(
    training: subprocess.Popen[bytes], folder: RunDir
) -> None:
    assert training.stdout is not None
    drive = folder.path.parent
    drive.rename(drive.with_name("away"))
    not_saved = wait_for(training.stdout, NotSaved)
    assert isinstance(not_saved, NotSaved) and "gone" in not_saved.text
    assert not drive.exists(), "nothing is written where the drive is missing"
    drive.with_name("away").rename(drive)
    wait_for(training.stdout, SavedAgain)
    command(training, command="stop")
    assert isinstance(finish(training).last, RunStopped)
    seqs = [message.seq for message in read_messages(folder.events.read_bytes())]
    assert seqs == list(range(len(seqs)))
