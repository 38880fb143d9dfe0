"""Bad input gives one sentence that says what to do, exit status 1, and no traceback but in the details."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.process import SMALL, run
from tests.photos import make_photos
from tests.rights import opens_everything
from waste_gui.protocol import RunFailed, RunStarted


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos", per_class=3)


def fails(*arguments: str | Path, kind: str, saying: str, **environment: str) -> RunFailed:
    finished = run("train", *arguments, **environment)
    assert finished.status == 1, finished.stderr
    assert isinstance(finished.messages[0], RunStarted)
    last = finished.last
    assert isinstance(last, RunFailed)
    assert last.kind == kind, last
    assert saying in last.text
    assert last.hint
    assert "Traceback" not in last.text + last.hint
    assert len(last.text) < 400
    return last


@pytest.mark.slow
def test_no_such_folder(tmp_path: Path) -> None:
    fails(
        "--source",
        tmp_path / "gone",
        "--run-dir",
        tmp_path / "r",
        kind="dataset",
        saying="no folder",
    )


@pytest.mark.slow
def test_no_photos(tmp_path: Path) -> None:
    (tmp_path / "empty" / "glass").mkdir(parents=True)
    fails("--source", tmp_path / "empty", "--run-dir", tmp_path / "r", kind="dataset", saying="photos")


@pytest.mark.slow
def test_one_class_only(tmp_path: Path) -> None:
    make_photos(tmp_path / "one", classes=["glass"], per_class=3)
    fails("--source", tmp_path / "one", "--run-dir", tmp_path / "r", kind="dataset", saying="glass")


@pytest.mark.slow
def test_a_class_with_a_single_photo(photos: Path, tmp_path: Path) -> None:
    for extra in sorted((photos / "paper").iterdir())[1:]:
        extra.unlink()
    fails("--source", photos, "--run-dir", tmp_path / "r", kind="dataset", saying="paper")


def test_a_source_that_may_not_be_opened(photos: Path, tmp_path: Path) -> None:
    if opens_everything():
        pytest.skip("root may open every folder")
    photos.chmod(0)
    try:
        fails("--source", photos, "--run-dir", tmp_path / "r", kind="dataset", saying="cannot be opened")
    finally:
        photos.chmod(0o755)


def test_a_run_folder_that_cannot_be_written(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    fails(
        "--source",
        photos,
        "--run-dir",
        tmp_path / "file" / "r",
        kind="run_folder",
        saying="cannot be written",
    )


@pytest.mark.slow
def test_a_model_name_that_does_not_exist(photos: Path, tmp_path: Path) -> None:
    last = fails(
        "--source", photos, "--run-dir", tmp_path / "r", "--model", "resnt18", kind="model", saying="resnt18"
    )
    assert "resnet18" in last.hint


def test_a_setting_out_of_bounds(photos: Path, tmp_path: Path) -> None:
    fails(
        "--source", photos, "--run-dir", tmp_path / "r", "--epochs", "0", kind="settings", saying="at least 1"
    )


def test_a_config_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{not json")
    fails(tmp_path / "config.json", kind="settings", saying="no file of settings")


@pytest.mark.slow
def test_cuda_asked_for_and_absent(photos: Path, tmp_path: Path) -> None:
    fails(
        "--source", photos, "--run-dir", tmp_path / "r", "--device", "cuda",
        kind="device", saying="PyTorch finds none", CUDA_VISIBLE_DEVICES="",
    )  # fmt: skip


@pytest.mark.slow
def test_weights_of_another_model(photos: Path, tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    other = tmp_path / "other.safetensors"
    save_file({"conv.weight": np.zeros((3, 3), np.float32)}, other)
    fails(
        "--source", photos, "--run-dir", tmp_path / "r", *SMALL, "--pretrained", other,
        kind="checkpoint", saying="do not belong to resnet18",
    )  # fmt: skip


@pytest.mark.slow
def test_a_file_that_holds_no_weights(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_text("no weights")
    fails(
        "--source", photos, "--run-dir", tmp_path / "r", *SMALL, "--pretrained", tmp_path / "weights.pt",
        kind="weights", saying="cannot be read",
    )  # fmt: skip


@pytest.mark.slow
def test_weights_that_cannot_be_downloaded(photos: Path, tmp_path: Path) -> None:
    fails(
        "--source", photos, "--run-dir", tmp_path / "r", "--model", "ViT-B-32",
        kind="weights", saying="could not be downloaded",
        HF_ENDPOINT="https://no-such-host.invalid", HF_HOME=str(tmp_path / "cache"),
    )  # fmt: skip


def test_an_unknown_option_is_one_sentence(tmp_path: Path) -> None:
    finished = run("train", "--learning-rate-please", "1")
    assert finished.status == 1
    assert len(finished.stderr.splitlines()) == 1
    assert "learning-rate-please" in finished.stderr
