"""Whole runs of the real engine among all kinds of trouble: they end by themselves and lose nothing."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests.engine.process import Finished, command, finish, read_messages, start, wait_for
from tests.faults import decoder
from tests.faults.decoder import DECODER_FAULTS
from tests.faults.drive import Drive, in_own_namespace
from tests.faults.photos import Hostile, bring_back, make_hostile_dataset, take_away
from tests.photos import damage, make_photos
from waste_gui import protocol
from waste_gui.protocol import AnyMessage
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow  # Each test trains for real.

DEADLINE_S = 4.0
PATIENCE_S = 100.0
"""Only ever waited for if the test is about to fail."""

TRAIN = (
    *("train", "--model", "resnet18", "--pretrained", "none", "--image-size", "32", "--batch-size", "16"),
    *("--photo-timeout", DEADLINE_S),
)


class Watched:
    """An engine whose messages are read as they come, so that a test can act at the right moment."""

    def __init__(self, arguments: tuple[object, ...], **environment: str) -> None:
        self.process = start([str(argument) for argument in arguments], **environment)
        self.messages: list[AnyMessage] = []

    def until(self, wanted: Callable[[AnyMessage], bool]) -> AnyMessage:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.messages += read_messages(line)
            if wanted(self.messages[-1]):
                return self.messages[-1]
        raise AssertionError(f"ended with {self.messages[-1]}")

    def finish(self) -> Finished:
        rest = finish(self.process)
        return Finished(rest.status, self.messages + rest.messages, rest.stderr)


def finished(stage: str) -> Callable[[AnyMessage], bool]:
    return lambda m: isinstance(m, protocol.StageFinished) and m.stage == stage


def failures_of(run: Path) -> dict[str, str]:
    """Path to kind, from failures.csv."""
    with open(RunDir(run).failures, encoding="utf-8", newline="") as file:
        return {row["path"]: row["kind"] for row in csv.DictReader(file)}


def printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()


def longest_wait_s(run: Finished) -> float:
    """The longest silence of progress in the loading stages: what any step can have waited."""
    loading = ("single_sample", "first_train_batch", "first_val_batch", "train", "validate")
    moved = [
        m.at
        for m in run.messages
        if isinstance(m, protocol.StageStarted | protocol.StageFinished | protocol.Progress)
        and m.stage in loading
    ]
    return max(after - before for before, after in pairwise(moved))


def train_hostile(hostile: Hostile, run: Path, folder_that_leaves: Path) -> Finished:
    """The photos that vanish or turn into something else do so after the scan, as does a whole folder."""
    watched = Watched(
        (*TRAIN, "--source", hostile.folder, "--run-dir", run, "--epochs", 2, "--workers", 2),
        **decoder.environment(),
    )
    watched.until(finished("scan"))
    hostile.strike()
    take_away(folder_that_leaves)
    watched.until(lambda m: isinstance(m, protocol.SourceGone))
    bring_back(folder_that_leaves)
    return watched.finish()


def check_hostile(hostile: Hostile, run: Path, ended: Finished) -> None:
    assert ended.status == 0, ended.last
    assert isinstance(ended.last, protocol.RunFinished)
    assert failures_of(run) == {printable(path): kind for path, kind in hostile.bad.items()}
    assert [m.folder for m in ended.of(protocol.SourceGone)] == [
        m.folder for m in ended.of(protocol.SourceBack)
    ]
    assert longest_wait_s(ended) <= DEADLINE_S + 2


def test_run_ends_by_itself_with_exactly_the_bad_photos_listed(tmp_path: Path) -> None:
    hostile = make_hostile_dataset(tmp_path / "photos", 300, decoder_faults=tuple(DECODER_FAULTS))
    assert len({hostile.names[path] for path in hostile.bad}) >= 25
    ended = train_hostile(hostile, tmp_path / "run", tmp_path / "photos" / "glass")
    check_hostile(hostile, tmp_path / "run", ended)


@in_own_namespace
def test_photos_on_a_drive_that_drips_or_never_answers_are_set_aside(tmp_path: Path) -> None:
    """The same with files of which a byte comes each second, or whose read never returns, even killed."""
    there = make_photos(tmp_path / "there", ("glass",), per_class=4) / "glass"
    names = {path.stem: path for path in sorted(there.iterdir())}
    with Drive(tmp_path / "drive", mirrors=there) as drive:
        behaviours = dict(zip(names, ("normal", "slow", "silent", "unkillable"), strict=True))
        links = []
        for name, behaviour in behaviours.items():
            drive.behave(f"{name}.jpg", behaviour)  # type: ignore[arg-type]
            kind = None if behaviour == "normal" else "timed_out"
            links.append((f"drive_{behaviour}", drive.at / f"{name}.jpg", kind))
        hostile = make_hostile_dataset(
            tmp_path / "photos",
            300,
            decoder_faults=tuple(DECODER_FAULTS),
            links=links,  # type: ignore[arg-type]
        )
        ended = train_hostile(hostile, tmp_path / "run", tmp_path / "photos" / "glass")
        check_hostile(hostile, tmp_path / "run", ended)


def test_more_bad_photos_than_allowed_name_the_commonest_reason_and_the_worst_folder(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", ("glass", "metal"), per_class=120)
    for photo in sorted((photos / "glass").iterdir())[:90] + sorted((photos / "metal").iterdir())[:20]:
        damage(photo)
    (photos / "metal" / "metal_30.jpg").write_bytes(b"")
    run = finish(start([str(a) for a in (*TRAIN, "--source", photos, "--run-dir", tmp_path / "run")]))
    assert run.status == 1
    assert isinstance(run.last, protocol.RunFailed) and run.last.kind == "photos"
    assert "101 photos cannot be read, more than the 100 allowed" in run.last.text
    assert "the photo is incomplete" in run.last.text
    assert f"Look at {photos / 'glass'} first" in run.last.hint
    assert len(failures_of(tmp_path / "run")) == 101


def workers_of(engine: int) -> list[psutil.Process]:
    try:
        children = psutil.Process(engine).children()
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if "waste_gui.dataset.worker" in _command_line(child)]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_fifty_killed_workers_change_nothing(tmp_path: Path) -> None:
    """The trained weights are the same, bit for bit, as of a run whose workers were left alone."""
    photos = make_photos(tmp_path / "photos", per_class=60)
    runs = {}
    for name, kills in (("left alone", 0), ("harassed", 50)):
        folder = tmp_path / name
        arguments = (*TRAIN, "--source", photos, "--run-dir", folder, "--epochs", 8, "--cache-gb", 0)
        process = start([str(a) for a in (*arguments, "--workers", 2)])
        assert process.stdout is not None
        head = process.stdout.readline()
        choice = random.Random(name)
        killed: set[int] = set()
        while len(killed) < kills:
            assert process.poll() is None, f"the run was over after {len(killed)} kills"
            alive = [worker for worker in workers_of(process.pid) if worker.pid not in killed]
            for worker in choice.sample(alive, min(1, len(alive))):
                worker.kill()
                killed.add(worker.pid)
            time.sleep(choice.uniform(0, 0.3))
        run = finish(process)
        runs[name] = Finished(run.status, read_messages(head) + run.messages, run.stderr)
        assert run.status == 0
    left_alone, harassed = runs.values()
    assert harassed.of(protocol.ImageFailed) == []
    assert not RunDir(tmp_path / "harassed").failures.exists()
    assert [m.step for m in harassed.of(protocol.EpochFinished)] == [
        m.step for m in left_alone.of(protocol.EpochFinished)
    ]
    weights = [RunDir(tmp_path / name).checkpoints / "last.safetensors" for name in runs]
    assert weights[0].read_bytes() == weights[1].read_bytes()


# --- nothing stays behind


@pytest.fixture
def long_run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a training that would go on for long, and ends it in any case."""
    started: list[subprocess.Popen[bytes]] = []
    photos = make_photos(tmp_path / "photos", per_class=30)

    def start_one(epochs: int = 1000) -> subprocess.Popen[bytes]:
        run = tmp_path / f"run{len(started)}"
        arguments = (*TRAIN, "--source", photos, "--run-dir", run, "--epochs", epochs, "--workers", 2)
        process = start([str(argument) for argument in arguments])
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[bytes]) -> None:
    command(process, command="stop")


def spoil_and_stop(process: subprocess.Popen[bytes]) -> None:
    """The checkpoints' folder turns into a file: the next one cannot be saved, and training goes on."""
    arguments = [str(argument) for argument in process.args]  # type: ignore[union-attr]
    run = Path(arguments[arguments.index("--run-dir") + 1])
    (run / "checkpoints").rename(run / "moved")
    (run / "checkpoints").write_bytes(b"")
    assert process.stdout is not None
    wait_for(process.stdout, protocol.NotSaved)
    stop(process)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (None, 0),
        (stop, 3),
        (spoil_and_stop, 3),
        (lambda process: process.kill(), -signal.SIGKILL),
        (lambda process: process.send_signal(signal.SIGSEGV), -signal.SIGSEGV),
    ],
    ids=["finished", "stopped", "not saved", "killed", "crashed"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker that hangs outlives a killed engine")
def test_no_process_and_no_shared_memory_is_left(
    long_run: Callable[..., subprocess.Popen[bytes]],
    end: Callable[[subprocess.Popen[bytes]], None] | None,
    status: int,
) -> None:
    before = set(os.listdir("/dev/shm"))
    process = long_run(epochs=1000 if end else 2)
    assert process.stdout is not None
    wait_for(process.stdout, protocol.EpochFinished)
    family = psutil.Process(process.pid).children(recursive=True)
    workers = workers_of(process.pid)
    assert workers
    workers[0].suspend()  # one that would not end by itself
    if end:
        end(process)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status
    alive = psutil.wait_procs(family, timeout=PATIENCE_S)[1]
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
    assert set(os.listdir("/dev/shm")) == before
