"""A run folder that a stranger has prepared: with links, pipes, devices and endless files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.strangers.traps import environment
from tests.test_files import TRAPS, Trap
from waste_gui import exports, files
from waste_gui.config import RunConfig, dump
from waste_gui.engine import checkpoint
from waste_gui.engine.__main__ import write_log_to
from waste_gui.engine.errors import EngineError
from waste_gui.monitor.annotations import Annotations, read_annotations, write_annotations
from waste_gui.monitor.diagnosis_log import DiagnosisLog
from waste_gui.monitor.history import History
from waste_gui.monitor.report import save
from waste_gui.monitor.run_list import read_runs
from waste_gui.reporting import events_output
from waste_gui.rundir import RunDir, RunFolderError
from waste_gui.stack_file import StackFile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes links and pipes of POSIX")
WAIT_S = 20.0


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """Whose content nobody changes, and beside which nothing is made."""
    path = tmp_path / "elsewhere" / ".bashrc"
    path.parent.mkdir()
    path.write_bytes(b"alias ll='ls -l'\n")
    yield path
    assert path.read_bytes() == b"alias ll='ls -l'\n"
    assert os.listdir(path.parent) == [".bashrc"]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "run")
    run.path.mkdir()
    run.config.write_bytes(dump(RunConfig()))
    run.events.write_bytes(
        b'{"type":"epoch_finished","seq":1,"at":1.0,"epoch":1,"step":3,"train_loss":1.0,"val_loss":1.0,'
        b'"val_accuracy":0.5,"elapsed_s":1.0,"best":true}\n'
    )
    return run


def in_time(act: Callable[[], object]) -> None:
    """A pipe that is waited for, or an endless file, would hold it up."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            act()
        except (OSError, RunFolderError, EngineError, exports.ExportError):
            pass
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(WAIT_S)
    assert not thread.is_alive(), "it waits"
    assert not errors, errors


def say_events(path: Path) -> None:
    output = events_output(path)
    output.put(b"{}\n")
    output.close(5)


def write_log(path: Path) -> None:
    one, two = os.dup(1), os.dup(2)
    try:
        write_log_to(path)
        os.write(2, b"!")
    finally:
        os.dup2(one, 1)
        os.dup2(two, 2)
        os.close(one)
        os.close(two)


WRITERS: dict[str, Callable[[RunDir], object]] = {
    "evidence.jsonl": lambda run: DiagnosisLog(run.evidence).write(b"$(touch owned)\n"),
    "events.jsonl": lambda run: say_events(run.events),
    "stacks.txt": lambda run: StackFile(str(run.stacks), "engine"),
    "engine.log": lambda run: write_log(run.log),
    "marks.json": lambda run: write_annotations(run, Annotations(note="!")),
    ".lock-guard": lambda run: run.acquire(),
    "lock": lambda run: run.acquire(),
    "commands.jsonl": lambda run: files.append(run.commands, b"{}\n", run.path),
    "metrics.csv": lambda run: exports.export(run, "csv"),
    "epochs.csv": lambda run: exports.append(run.path / "epochs.csv", 0, b"!", run.path),
    "failures.csv": lambda run: exports.append(run.failures, 0, b"!"),
    "split.json": lambda run: files.write_atomically(run.split, b"{}"),
}


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_written_through(name: str, trap: Trap, run: RunDir, victim: Path) -> None:
    (run.path / name).unlink(missing_ok=True)
    trap(run.path / name, victim)
    in_time(lambda: WRITERS[name](run))
    run.release()


SUBFOLDERS: dict[str, Callable[[RunDir], object]] = {
    "checkpoints": lambda run: checkpoint.save(
        run.checkpoints / "last.safetensors", info(), {"a": torch.ones(3)}
    ),
    "results": lambda run: files.write_atomically(run.results / "predictions.csv", b"!", run.path),
    "tensorboard": lambda run: exports.export(run, "tensorboard"),
}


@pytest.mark.parametrize("name", SUBFOLDERS)
def test_nothing_is_written_into_a_folder_elsewhere(name: str, run: RunDir, victim: Path) -> None:
    (run.path / name).symlink_to(victim.parent)
    in_time(lambda: SUBFOLDERS[name](run))
    in_time(run.create)


def info() -> checkpoint.CheckpointInfo:
    from waste_gui.engine.models import ModelSpec

    spec = ModelSpec(
        library="torchvision", name="resnet18", image_size=32, mean=(0.5,) * 3, std=(0.5,) * 3, classes=("a",)
    )
    progress = checkpoint.Progress(
        epoch=1, step=1, val_accuracy=None, val_loss=None, best_accuracy=None, best_epoch=0
    )
    return checkpoint.CheckpointInfo(spec=spec, resized_size=32, progress=progress)


ENDLESS: dict[str, Callable[[Path, Path], object]] = {
    **{trap.__name__: trap for trap in TRAPS},
    "zeros": lambda trap, victim: os.symlink("/dev/zero", trap),
    "large": lambda trap, victim: subprocess.run(["truncate", "-s", "4G", trap], check=True),
    "brackets": lambda trap, victim: trap.write_bytes(b"[" * 200_000),
    "objects": lambda trap, victim: trap.write_bytes(b'{"a":' * 100_000),
    "digits": lambda trap, victim: trap.write_bytes(b'{"pid":1' + b"0" * 400 + b',"started":0}'),
    "Infinity": lambda trap, victim: trap.write_bytes(b'{"pid":-1,"started":Infinity}'),
    "no UTF-8": lambda trap, victim: trap.write_bytes(b"\xff\xfe" * 1000),
}
READ = ("config.json", "split.json", "events.jsonl", "events-1.jsonl", "marks.json", "lock", "engine.log")


@pytest.mark.slow
@pytest.mark.parametrize("trap", ENDLESS)
def test_one_bad_run_hides_no_other(trap: str, tmp_path: Path, victim: Path) -> None:
    for name in ("good", *READ):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_bytes(dump(RunConfig(name="a run")))
        if name != "good":
            (folder / name).unlink(missing_ok=True)
            ENDLESS[trap](folder / name, victim)
    found: list[str] = []
    in_time(lambda: found.extend(Path(run.folder).name for run in read_runs(folder=tmp_path / "runs")))
    assert {"good", *READ} - {"config.json"} <= set(found)
    for name in READ:
        run = RunDir(tmp_path / "runs" / name)
        in_time(lambda run=run: read_annotations(run))  # type: ignore[misc]
        in_time(run.owner)


@pytest.mark.parametrize("trap", ENDLESS)
def test_a_history_that_is_none_is_empty(trap: str, tmp_path: Path, victim: Path) -> None:
    ENDLESS[trap](tmp_path / "history.jsonl", victim)
    in_time(lambda: History.load(tmp_path / "history.jsonl"))


def test_a_report_holds_nothing_from_elsewhere(run: RunDir, victim: Path, tmp_path: Path) -> None:
    for path in (run.log, run.failures, run.stacks, run.commands, run.evidence):
        path.symlink_to(victim)
    save({"report.txt": "x"}, run.path, tmp_path / "report.zip")
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        content = b"".join(map(archive.read, archive.namelist()))
    assert b"alias" not in content


OTHERS = (
    *("config.json", "split.json", "metrics.csv", "photo.jpg", "request.json", "results/own.csv", ".hidden"),
    *("checkpoints/best.safetensors", "failures.csv", "events-1.jsonl"),
)


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_of_somebodys_own_is_no_run_folder(name: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / name).parent.mkdir(parents=True)
    (own / name).write_text(json.dumps({"of": "another program"}))
    asked = ("--source", str(tmp_path), "--model", "resnet18", "--pretrained", "none", "--run-dir", str(own))
    for more in ((), ("--resume", str(own))):
        options = asked if not more else more
        done = subprocess.run(
            [sys.executable, "-m", "waste_gui.engine", "train", *options, "--format", "json"],
            env=environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=100,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["type"] == "run_failed" and "\n" not in last["text"]
    assert [str(path.relative_to(own)) for path in own.rglob("*") if path.is_file()] == [name]
    assert json.loads((own / name).read_text()) == {"of": "another program"}
