"""A run that ended in whatever way goes on to the very weights of one that was never interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from tests.engine.process import command, finish, read_messages, run, start
from tests.photos import make_photos
from waste_gui import protocol
from waste_gui.dataset.catalog import Catalog
from waste_gui.dataset.split import load_split
from waste_gui.protocol import CheckpointSaved, EpochFinished, Progress, RunFinished, RunStopped, Warned
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow  # Each test trains for real.

# Dropout, a running average, gradients over three batches, and drawn classes: all that has a state.
SETTINGS = (
    *("--model", "mobilenet_v3_small", "--pretrained", "none", "--image-size", "32", "--batch-size", "4"),
    *("--workers", "1", "--epochs", "3", "--ema-decay", "0.9", "--accumulate", "3", "--balance", "sampler"),
)
STEPS, PHOTOS = 12, 48
"""Of an epoch: 48 of 60 photos, four at a time."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("resume") / "photos", per_class=20)


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run that nobody interrupts."""
    folder = RunDir(tmp_path_factory.mktemp("whole") / "run")
    finished = run("train", "--source", photos, "--run-dir", folder.path, *SETTINGS)
    assert finished.status == 0, finished.last
    assert len(finished.of(EpochFinished)) == 3
    return folder


def begin(photos: Path, folder: RunDir, *more: str) -> subprocess.Popen[bytes]:
    return start(["train", "--source", photos, "--run-dir", folder.path, *SETTINGS, *more])


def until_step(process: subprocess.Popen[bytes], step: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        message = protocol.decode(line)
        if isinstance(message, Progress) and message.stage == "train" and message.done >= step:
            return
    raise AssertionError("it ended before that step")


def weights(folder: RunDir, name: str = "last") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(folder.checkpoints / f"{name}.safetensors")
    return found


def assert_same(one: RunDir, other: RunDir) -> None:
    for name in ("last", "best"):
        first, second = weights(one, name), weights(other, name)
        assert first.keys() == second.keys()
        assert [key for key in first if not torch.equal(first[key], second[key])] == []
    for file in ("predictions.csv", "confusion.csv"):
        assert (one.results / file).read_bytes() == (other.results / file).read_bytes()


def progress_of(folder: RunDir) -> dict[str, object]:
    with safe_open(folder.checkpoints / "last.safetensors", framework="pt") as file:
        return json.loads(file.metadata()["waste_gui"])["progress"]  # type: ignore[no-any-return]


def test_stopped_inside_an_epoch_it_ends_with_the_same_weights(
    photos: Path, whole: RunDir, tmp_path: Path
) -> None:
    folder = RunDir(tmp_path / "run")
    process = begin(photos, folder)
    until_step(process, STEPS + 4)
    command(process, command="stop")
    assert isinstance(finish(process).last, RunStopped)
    stopped = progress_of(folder)
    assert stopped["epoch"] == 1 and 0 < stopped["photos"] <= PHOTOS  # type: ignore[operator]
    second = run("train", "--resume", folder.path)
    assert second.status == 0, second.last
    assert [m.epoch for m in second.of(EpochFinished)] == [2, 3]
    assert_same(folder, whole)


def test_killed_it_goes_on_from_what_it_saved_last(photos: Path, whole: RunDir, tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run")
    process = begin(photos, folder, "--save-minutes", "0.0001")
    until_step(process, 2 * STEPS + 5)
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    assert 2 * STEPS < progress_of(folder)["step"]  # type: ignore[operator]
    assert run("train", "--resume", folder.path).status == 0
    assert_same(folder, whole)


def test_damaged_checkpoint_is_told_and_the_one_before_it_is_taken(
    photos: Path, whole: RunDir, tmp_path: Path
) -> None:
    folder = RunDir(tmp_path / "run")
    process = begin(photos, folder)
    until_step(process, 2 * STEPS + 3)
    command(process, command="stop")
    finish(process)
    last = folder.checkpoints / "last.safetensors"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    second = run("train", "--resume", folder.path)
    assert second.status == 0, second.last
    told = [m.text for m in second.of(Warned) if "is damaged" in m.text]
    assert told and "goes on from the one before it, epoch 2" in told[0]
    assert_same(folder, whole)


def test_run_without_a_whole_checkpoint_says_so_and_changes_nothing(photos: Path, tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run")
    assert run("train", "--source", photos, "--run-dir", folder.path, *SETTINGS, "--epochs", "1").status == 0
    for file in folder.checkpoints.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-100])
    before = folder.config.read_bytes()
    refused = run("train", "--resume", folder.path, "--epochs", "2")
    assert refused.status == 1
    assert refused.last.kind == "checkpoint" and "is damaged" in refused.last.text  # type: ignore[union-attr]
    assert folder.config.read_bytes() == before


def test_resumed_run_keeps_its_division_although_photos_came_and_one_was_set_aside(
    photos: Path, tmp_path: Path
) -> None:
    own = make_photos(tmp_path / "photos", per_class=8)
    folder = RunDir(tmp_path / "run")
    assert run("train", "--source", own, "--run-dir", folder.path, *SETTINGS, "--epochs", "1").status == 0
    before, _ = load_split(folder.split)
    make_photos(own, per_class=12)
    aside = before.train[0].path
    Catalog().exclude([aside], "blurred")
    second = run("train", "--resume", folder.path, "--epochs", "2")
    assert second.status == 0, second.last
    after, _ = load_split(folder.split)
    assert (after.train, after.val) == (before.train, before.val)
    assert isinstance(second.last, RunFinished)


def test_checkpoint_is_made_inside_an_epoch_after_so_many_minutes(photos: Path, tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run")
    finished = run(
        "train", "--source", photos, "--run-dir", folder.path, *SETTINGS, "--save-minutes", "0.0001"
    )
    saved = [m for m in read_messages(folder.events.read_bytes()) if isinstance(m, CheckpointSaved)]
    assert finished.status == 0 and len([m for m in saved if not m.best]) > 6
    assert not list(folder.checkpoints.glob(".*")), "nothing temporary is left"
