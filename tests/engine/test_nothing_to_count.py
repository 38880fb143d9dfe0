"""Of no photos there is no share: nothing is said as a number, and no result is written over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.engine.process import SMALL, Finished, run
from tests.photos import damage, make_photos
from waste_gui.protocol import EpochFinished, StageFinished, StageStarted, Warned
from waste_gui.rundir import RunDir

WORST_GAP_S = 1.0


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, RunDir, Path]:
    """With photos kept for a test."""
    scratch = tmp_path_factory.mktemp("counted")
    photos, folder = make_photos(scratch / "photos", per_class=10), RunDir(scratch / "run")
    split = ("--test-fraction", "0.2", "--val-fraction", "0.2")
    finished = run("train", "--source", photos, "--run-dir", folder.path, "--epochs", "2", *SMALL, *split)
    assert finished.status == 0, finished.last
    return finished, folder, photos


@pytest.mark.slow
def test_no_second_of_a_run_lies_outside_its_stages(trained: tuple[Finished, RunDir, Path]) -> None:
    """The window's checklist and countdown account for all of it, the test at the end included."""
    open_, since, gaps = 0, trained[0].messages[0].at, []
    for message in trained[0].messages:
        if isinstance(message, StageStarted):
            gaps += [message.at - since] if not open_ else []
            open_ += 1
        if isinstance(message, StageFinished):
            open_ -= 1
            since = message.at
    gaps.append(trained[0].last.at - since)
    assert max(gaps) <= WORST_GAP_S, gaps
    tests = [m for m in trained[0].of(StageFinished) if "test photos right" in m.summary]
    assert [m.stage for m in tests] == ["validate"]
    assert trained[0].last.metrics["test_accuracy"] is not None  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize("away", ["moved", "damaged"])
def test_evaluate_without_photos_says_so_and_leaves_the_results(
    away: str, trained: tuple[Finished, RunDir, Path], tmp_path: Path
) -> None:
    _, original, photos = trained
    folder = RunDir(tmp_path / "run")
    shutil.copytree(original.path, folder.path)
    own = tmp_path / "photos"
    shutil.copytree(photos, own)
    folder.split.write_text(folder.split.read_text().replace(str(photos), str(own)))
    if away == "moved":
        for photo in own.rglob("*.jpg"):
            photo.unlink()
    else:
        for photo in own.rglob("*.jpg"):
            damage(photo)
    before = {file.name: file.read_bytes() for file in folder.results.iterdir()}
    ended = run("evaluate", folder.path)
    assert ended.status == 1
    assert ended.last.kind == "dataset", ended.last  # type: ignore[union-attr]
    assert "validation photos can be read" in ended.last.text  # type: ignore[union-attr]
    assert {file.name: file.read_bytes() for file in folder.results.iterdir()} == before
    assert not any("nan" in m.summary for m in ended.of(StageFinished))


@pytest.mark.slow
def test_validation_that_empties_while_training_is_no_number(tmp_path: Path) -> None:
    photos, folder = make_photos(tmp_path / "photos", per_class=10), RunDir(tmp_path / "run")
    for photo in [*photos.glob("*/*_0[0-1].jpg")]:
        (photos / "val" / photo.parent.name).mkdir(parents=True, exist_ok=True)
        damage(photo.rename(photos / "val" / photo.parent.name / photo.name))
    train = photos / "train"
    train.mkdir()
    for name in ("glass", "metal", "paper"):
        (photos / name).rename(train / name)
    ended = run("train", "--source", photos, "--run-dir", folder.path, "--epochs", "2", *SMALL)
    assert ended.status == 0, ended.last
    assert [m.val_accuracy for m in ended.of(EpochFinished)] == [None, None]
    assert [m.best for m in ended.of(EpochFinished)] == [True, True], "the newest is as good as any"
    assert any("Not one validation photo can be read" in m.text for m in ended.of(Warned))
    assert not any("nan" in m.summary or "100.0 %" in m.summary for m in ended.of(StageFinished))
    assert not (folder.results / "predictions.csv").exists()
    assert (folder.checkpoints / "best.safetensors").exists()
    assert json.loads((folder.checkpoints / "best.json").read_bytes())["progress"]["best_accuracy"] is None


@pytest.mark.slow
def test_predict_of_nothing_readable_fails_in_a_sentence(trained: tuple[Finished, RunDir, Path]) -> None:
    ended = run("predict", trained[1].path, "/no/such.jpg")
    assert ended.status == 1 and ended.last.kind == "dataset"  # type: ignore[union-attr]
