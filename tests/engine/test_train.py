"""A whole training by the real engine on a few photos: its messages, its folder, what can be done with it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.engine.process import SMALL, Finished, run
from tests.photos import damage, make_photos
from waste_gui.protocol import (
    CheckpointSaved,
    DeviceChosen,
    EpochFinished,
    ImageFailed,
    Metric,
    Predicted,
    RunFailed,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.slow

CHECKER = Path(__file__).parents[3] / "shared/check/transcript.py"
START_UP = [
    "import",
    "scan",
    "model",
    "loaders",
    "single_sample",
    "first_train_batch",
    "first_val_batch",
    "label_check",
    "model_check",
    "train",
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_photos(tmp_path_factory.mktemp("photos"), per_class=12)
    damage(folder / "glass" / "glass_03.jpg")
    damage(folder / "metal" / "metal_05.jpg")
    return folder


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, RunDir]:
    folder = tmp_path_factory.mktemp("run")
    return run("train", "--source", photos, "--run-dir", folder, "--epochs", "3", *SMALL), RunDir(folder)


Trained = tuple[Finished, RunDir]


@pytest.mark.slow
def test_a_run_on_photos_with_damaged_ones_among_them_finishes(trained: Trained) -> None:
    finished, folder = trained
    assert finished.status == 0, folder.log.read_text()
    assert isinstance(finished.last, RunFinished)
    assert finished.last.checkpoint == str(folder.checkpoints / "best.safetensors")
    assert Path(finished.last.checkpoint).exists()


def test_stages_come_in_the_order_of_the_checklist(trained: Trained) -> None:
    started = [m.stage for m in trained[0].of(StageStarted)]
    assert list(dict.fromkeys(s for s in started if s in START_UP)) == START_UP
    assert started[-6:] == ["validate", "save"] * 3
    assert {m.stage for m in trained[0].of(StageFinished)} == set(started)


def test_run_started_is_first_and_the_device_is_told_within_the_import_stage(trained: Trained) -> None:
    messages = trained[0].messages
    assert isinstance(messages[0], RunStarted)
    assert messages[0].at < 1
    kinds = [(type(m), getattr(m, "stage", None)) for m in messages]
    device = next(i for i, (kind, _) in enumerate(kinds) if kind is DeviceChosen)
    assert device < kinds.index((StageFinished, "import"))


def test_pipe_and_events_file_say_the_same(trained: Trained) -> None:
    finished, folder = trained
    lines = folder.events.read_bytes().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(len(lines)))
    assert len(lines) == len(finished.messages)


def test_the_contract_checker_finds_no_breach(trained: Trained) -> None:
    if not CHECKER.exists():
        pytest.skip("the contract's checker is not on this machine")
    checked = subprocess.run([sys.executable, CHECKER, trained[1].path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_a_damaged_photo_is_told_of_once_and_listed(trained: Trained) -> None:
    finished, folder = trained
    failed = finished.of(ImageFailed)
    assert sorted(Path(m.path).name for m in failed) == ["glass_03.jpg", "metal_05.jpg"]
    assert {m.kind for m in failed} == {"truncated"}
    with open(folder.failures, newline="") as file:
        assert {Path(row["path"]).name for row in csv.DictReader(file)} == {"glass_03.jpg", "metal_05.jpg"}


def test_metrics_carry_loss_timing_and_throughput(trained: Trained) -> None:
    metrics: list[Metric] = trained[0].of(Metric)
    assert metrics
    for metric in metrics:
        assert {"loss", "accuracy", "lr"} <= set(metric.values)
        assert metric.images_per_s > 0
        assert metric.timing.compute_s > 0
    assert metrics[-1].step == trained[0].of(EpochFinished)[-1].step


def test_checkpoints_are_told_of_after_they_are_on_disk(trained: Trained) -> None:
    finished, folder = trained
    saved = finished.of(CheckpointSaved)
    assert [m.epoch for m in saved if not m.best] == [1, 2, 3]
    assert any(m.best for m in saved)
    assert {p.suffix for p in folder.checkpoints.iterdir()} == {".safetensors", ".json"}


def test_the_folder_tells_how_to_run_again(trained: Trained, photos: Path) -> None:
    settings = json.loads(trained[1].config.read_text())
    assert settings["source"] == [str(photos)]
    assert settings["epochs"] == 3
    assert trained[1].split.exists()
    assert not trained[1].lock.exists()


@pytest.mark.slow
def test_predict_from_the_folder_alone_agrees_with_validation(trained: Trained) -> None:
    _, folder = trained
    with open(folder.results / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    predicted = run("predict", folder.path, *(row["path"] for row in rows))
    assert predicted.status == 0, predicted.stderr
    labels = {m.path: m for m in predicted.of(Predicted)}
    for row in rows:
        assert labels[row["path"]].label == row["predicted"]
        assert labels[row["path"]].confidence == pytest.approx(float(row["confidence"]), abs=1e-4)


@pytest.mark.slow
def test_evaluate_repeats_the_validation(trained: Trained) -> None:
    finished, folder = trained
    evaluated = run("evaluate", folder.path)
    assert evaluated.status == 0, evaluated.stderr
    assert evaluated.last.metrics["val_accuracy"] == finished.last.metrics["val_accuracy"]  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_photo_that_cannot_be_predicted_is_named_and_the_others_are_predicted(
    trained: Trained, photos: Path
) -> None:
    predicted = run("predict", trained[1].path, "/no/such.jpg", photos / "paper" / "paper_00.jpg")
    assert predicted.status == 0
    assert [m.kind for m in predicted.of(ImageFailed)] == ["vanished"]
    assert len(predicted.of(Predicted)) == 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(trained: Trained, photos: Path, tmp_path: Path) -> None:
    again = run("train", "--source", photos, "--run-dir", tmp_path / "again", "--epochs", "3", *SMALL)
    assert again.status == 0
    first = load_file(trained[1].checkpoints / "last.safetensors")
    second = load_file(tmp_path / "again/checkpoints/last.safetensors")
    assert first.keys() == second.keys()
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.slow
def test_a_run_goes_on_from_its_last_epoch(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = run("train", "--source", photos, "--run-dir", folder, "--epochs", "1", *SMALL)
    assert first.status == 0
    settings = (folder / "config.json").read_bytes()
    refused = run("train", "--resume", folder, "--model", "mobilenet_v3_small")
    assert refused.status == 1
    assert refused.last.kind == "checkpoint"  # type: ignore[union-attr]
    assert (folder / "config.json").read_bytes() == settings
    second = run("train", "--resume", folder, "--epochs", "2")
    assert second.status == 0, second.last
    assert [m.epoch for m in second.of(EpochFinished)] == [2]
    assert second.of(RunStarted)[0].resumed_from == str(folder)


def test_a_folder_that_holds_a_run_is_not_overwritten(trained: Trained, photos: Path) -> None:
    before = trained[1].events.read_bytes()
    refused = run("train", "--source", photos, "--run-dir", trained[1].path, *SMALL)
    assert refused.status == 1
    assert isinstance(refused.last, RunFailed)
    assert refused.last.kind == "run_folder"
    assert "already holds a run" in refused.last.text
    assert trained[1].events.read_bytes() == before


@pytest.mark.slow
def test_a_frozen_backbone_keeps_its_weights_and_a_test_share_is_tested(
    trained: Trained, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    weights = trained[1].checkpoints / "best.safetensors"
    frozen = run(
        "train", "--source", photos, "--run-dir", folder, "--epochs", "1", *SMALL,
        "--pretrained", weights, "--freeze-backbone", "--test-fraction", "0.2", "--ema-decay", "0",
    )  # fmt: skip
    assert frozen.status == 0, frozen.last
    before, after = load_file(weights), load_file(folder / "checkpoints/best.safetensors")
    backbone = [name for name in before if name.startswith("model.backbone.")]
    assert backbone
    assert all((before[name] == after[name]).all() for name in backbone)
    assert (before["model.head.weight"] != after["model.head.weight"]).any()
    assert frozen.last.metrics["test_accuracy"] is not None  # type: ignore[union-attr]
