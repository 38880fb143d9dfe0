"""What happens between the scan and the first step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.process import SMALL, Finished, run
from tests.photos import damage, make_photos
from waste_gui.dataset.catalog import Catalog
from waste_gui.dataset.resized_cache import cache_dir
from waste_gui.protocol import Heartbeat, ImageFailed, RunFailed, RunFinished, StageFinished
from waste_gui.rundir import RunDir


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos", per_class=10)


def train(photos: Path, run_dir: Path, *options: str) -> Finished:
    return run("train", "--source", photos, "--run-dir", run_dir, "--epochs", "1", *SMALL, *options)


def summary(finished: Finished, stage: str) -> str:
    (summary,) = (m.summary for m in finished.of(StageFinished) if m.stage == stage)
    return str(summary)


@pytest.mark.slow
def test_photos_are_read_while_the_model_is_built(photos: Path, tmp_path: Path) -> None:
    """A bad photo of the first batch is told of before the model is there."""
    for photo in photos.glob("*/*_0[1-9].jpg"):
        damage(photo)
    finished = train(photos, tmp_path / "run", "--model", "resnet101")
    assert isinstance(finished.last, RunFinished)
    built = next(m.seq for m in finished.of(StageFinished) if m.stage == "model")
    assert any(m.seq < built for m in finished.of(ImageFailed))


@pytest.mark.slow
def test_a_model_of_another_size_gets_tiles_of_its_own_size(photos: Path, tmp_path: Path) -> None:
    options = ("--model", "timm:test_resnet", "--pretrained", "none", "--batch-size", "8", "--workers", "1")
    finished = run("train", "--source", photos, "--run-dir", tmp_path / "run", "--epochs", "1", *options)
    assert isinstance(finished.last, RunFinished), finished.last
    assert "160 px" in summary(finished, "model")
    assert summary(finished, "first_train_batch").startswith("8 × 3 × 160 × 160")
    assert "200px" in os.listdir(cache_dir())


@pytest.mark.slow
def test_a_second_run_finds_all_photos_in_the_cache(photos: Path, tmp_path: Path) -> None:
    first, second = train(photos, tmp_path / "1"), train(photos, tmp_path / "2")
    assert ", 0 photos in the cache" in summary(first, "loaders")
    assert ", 30 photos in the cache" in summary(second, "loaders")
    weights = [RunDir(tmp_path / name).checkpoints / "last.safetensors" for name in "12"]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.slow
def test_the_cache_can_be_switched_off(photos: Path, tmp_path: Path) -> None:
    finished = train(photos, tmp_path / "run", "--cache-gb", "0")
    assert ", no photo cache" in summary(finished, "loaders")
    assert not cache_dir().exists()


@pytest.mark.slow
def test_a_class_of_which_nothing_can_be_read_does_not_stop_the_start(photos: Path, tmp_path: Path) -> None:
    for photo in (photos / "glass").iterdir():
        damage(photo)
    finished = train(photos, tmp_path / "run")
    assert isinstance(finished.last, RunFinished), finished.last
    assert len(finished.of(ImageFailed)) == 10
    assert summary(finished, "single_sample").endswith("(metal)")


@pytest.mark.slow
def test_nothing_readable_at_all_is_said_in_a_sentence(photos: Path, tmp_path: Path) -> None:
    for photo in photos.glob("*/*.jpg"):
        damage(photo)
    finished = train(photos, tmp_path / "run")
    assert isinstance(finished.last, RunFailed)
    assert finished.last.text == "Not one photo could be read."


@pytest.mark.slow
def test_photos_set_aside_are_left_out(photos: Path, tmp_path: Path) -> None:
    aside = [str(photos / "glass" / "glass_00.jpg"), str(photos / "paper" / "paper_05.jpg")]
    Catalog().exclude(aside, "blurred")
    finished = train(photos, tmp_path / "run")
    assert "28 photos" in summary(finished, "scan")
    assert "excluded photos (2)" in summary(finished, "scan")
    assert not any(path in RunDir(tmp_path / "run").split.read_text() for path in aside)


@pytest.mark.slow
def test_a_class_wholly_set_aside_is_said_in_a_sentence(photos: Path, tmp_path: Path) -> None:
    Catalog().exclude([str(path) for path in (photos / "glass").iterdir()])
    Catalog().exclude([str(path) for path in (photos / "metal").iterdir()])
    finished = train(photos, tmp_path / "run")
    assert isinstance(finished.last, RunFailed) and finished.last.kind == "dataset"
    assert "class" in finished.last.text


@pytest.mark.slow
def test_the_heartbeat_tells_of_the_readers_from_the_first_photo_on(photos: Path, tmp_path: Path) -> None:
    finished = train(photos, tmp_path / "run")
    scanned = next(m.seq for m in finished.of(StageFinished) if m.stage == "scan")
    assert all(m.workers for m in finished.of(Heartbeat) if m.seq > scanned)
