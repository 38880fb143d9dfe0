"""A real run for other programs: its tables, made anew, and what the README tells to read it with."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.process import SMALL, read_messages, run
from tests.photos import make_photos
from waste_gui.exports import EPOCHS_FILE, METRICS_FILE
from waste_gui.protocol import EpochFinished, Metric, RunFailed, RunFinished
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow  # Each test trains for real.

README = Path(__file__).parents[2] / "README.md"
EXAMPLE_LINES = 10


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("exports") / "photos")


@pytest.fixture(scope="module")
def resumed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """One epoch, then two more."""
    folder = RunDir(tmp_path_factory.mktemp("exports") / "run")
    first = run("train", "--source", photos, "--run-dir", folder.path, "--epochs", "1", *SMALL)
    assert first.status == 0, first.last
    second = run("train", "--resume", folder.path, "--epochs", "3")
    assert second.status == 0, second.last
    return folder


def rows(folder: RunDir, name: str) -> list[dict[str, str]]:
    with open(folder.path / name, newline="") as file:
        return list(csv.DictReader(file))


def test_tables_of_a_resumed_run_hold_what_both_starts_told(resumed: RunDir) -> None:
    files = (resumed.path / "events-1.jsonl", resumed.events)
    told = [message for file in files for message in read_messages(file.read_bytes())]
    metrics = [message for message in told if isinstance(message, Metric)]
    steps = [int(row["step"]) for row in rows(resumed, METRICS_FILE)]
    assert steps == [message.step for message in metrics]
    assert steps == sorted(set(steps))
    assert [row["epoch"] for row in rows(resumed, EPOCHS_FILE)] == ["1", "2", "3"]
    epochs = [message for message in told if isinstance(message, EpochFinished)]
    accuracies = [float(row["val_accuracy"]) for row in rows(resumed, EPOCHS_FILE)]
    assert accuracies == [epoch.val_accuracy for epoch in epochs]


def test_export_makes_the_same_tables_anew(resumed: RunDir) -> None:
    before = [(resumed.path / name).read_bytes() for name in (METRICS_FILE, EPOCHS_FILE)]
    for name in (METRICS_FILE, EPOCHS_FILE):
        (resumed.path / name).unlink()
    finished = run("export", resumed.path, "--to", "csv")
    assert finished.status == 0 and isinstance(finished.last, RunFinished)
    assert [(resumed.path / name).read_bytes() for name in (METRICS_FILE, EPOCHS_FILE)] == before


@pytest.mark.parametrize("target", ["onnx", ""])
def test_export_to_something_else_says_what_there_is(resumed: RunDir, target: str) -> None:
    refused = run("export", resumed.path, "--to", target)
    assert refused.status == 1
    assert isinstance(refused.last, RunFailed)
    assert refused.last.hint == "Choose csv or tensorboard."


def test_missing_tensorboard_is_said_before_anything_is_trained(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['tensorboard'] = None\n")
    where = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    refused = run(
        "train", "--source", photos, "--run-dir", tmp_path / "run", "--tensorboard", *SMALL, PYTHONPATH=where
    )
    assert refused.status == 1
    assert isinstance(refused.last, RunFailed)
    assert "TensorBoard is not installed" in refused.last.text
    assert "waste-gui[tensorboard]" in refused.last.hint


def test_real_run_writes_curves_that_tensorboard_reads(photos: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = RunDir(tmp_path / "run")
    finished = run(
        "train", "--source", photos, "--run-dir", folder.path, "--epochs", "2", "--tensorboard", *SMALL
    )
    assert finished.status == 0, finished.last
    read = EventAccumulator(str(folder.path / "tensorboard"), size_guidance={"scalars": 0})
    read.Reload()
    assert [e.step for e in read.Scalars("train/loss")] == [m.step for m in finished.of(Metric)]
    assert [e.step for e in read.Scalars("epoch/val_accuracy")] == [
        m.step for m in finished.of(EpochFinished)
    ]


def test_the_example_in_the_readme_reads_a_run(resumed: RunDir) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    (example,) = (block for block in blocks if EPOCHS_FILE in block)
    assert len(example.splitlines()) == EXAMPLE_LINES
    ran = subprocess.run(
        [sys.executable, "-I", "-c", example.replace("RUN_FOLDER", str(resumed.path))],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    best = max(float(row["val_accuracy"]) for row in rows(resumed, EPOCHS_FILE))
    assert ran.stdout.startswith(f"{json.loads(resumed.config.read_bytes())['model']}: {best:.1%} ")


def test_the_readme_names_every_file_of_a_run_folder(resumed: RunDir) -> None:
    words = README.read_text("utf-8")
    names = {re.sub(r"-\d+\.jsonl$", "-1.jsonl", path.name) for path in resumed.path.iterdir()}
    for name in sorted(name for name in names if not name.startswith(".")):
        assert f"`{name}`" in words or f"`{name}/`" in words, name
