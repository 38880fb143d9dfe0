"""Embeddings in real runs: computed once, never wrong, and a run that is stopped or killed loses little."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.engine.process import Finished, finish, run, start, wait_for
from tests.photos import damage, make_photos
from waste_gui.config import RunConfig, load
from waste_gui.dataset.resized_cache import user_cache_dir
from waste_gui.protocol import (
    DeviceChosen,
    EpochFinished,
    ImageFailed,
    Predicted,
    Progress,
    RunFinished,
    RunStarted,
    StageFinished,
    Warned,
)
from waste_gui.rundir import RunDir

HEAD = ("--image-size", "64", "--workers", "1", "--device", "cpu")
PER_CLASS = 20

pytestmark = pytest.mark.slow


def photos_in(folder: Path) -> Path:
    return make_photos(folder, per_class=PER_CLASS)


def train(photos: Path, folder: Path, *more: str) -> Finished:
    return run("train", "--source", photos, "--run-dir", folder, *HEAD, *more)


def embedded(finished: Finished) -> str:
    return next(str(m.summary) for m in finished.of(StageFinished) if m.stage == "embed")


def weights_of(folder: Path) -> bytes:
    """The trained head, to the bit."""
    tensors = load_file(folder / "checkpoints/best.safetensors")
    return b"".join(tensors[f"model.head.{name}"].numpy().tobytes() for name in ("weight", "bias"))


def segments() -> list[Path]:
    return sorted((user_cache_dir() / "embeddings").glob("*/*.tiles"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return photos_in(tmp_path / "photos")


@pytest.fixture
def first(photos: Path, tmp_path: Path) -> tuple[Finished, Path]:
    folder = tmp_path / "first"
    finished = train(photos, folder)
    assert finished.status == 0, finished.last
    return finished, folder


def test_defaults_train_the_last_layer_and_a_second_run_computes_nothing(
    first: tuple[Finished, Path], photos: Path, tmp_path: Path
) -> None:
    finished, folder = first
    started, device = finished.of(RunStarted)[0], finished.of(DeviceChosen)[0]
    assert "embed" in [stage.id for stage in started.stages]
    assert (device.tune, device.epochs) == ("head", 1)
    assert [m.stage for m in finished.of(StageFinished) if m.stage in ("embed", "fit")] == ["embed", "fit"]
    kept = load(folder / "config.json")
    assert (kept.tune, kept.epochs) == ("head", RunConfig().epochs), "it can be trained on as it was asked"
    assert "known before" not in embedded(finished)
    epochs = finished.of(EpochFinished)
    assert len(epochs) == 1 and epochs[0].best and epochs[0].val_accuracy >= 0.9
    assert isinstance(finished.last, RunFinished)

    again = train(photos, tmp_path / "second")
    assert f"{3 * PER_CLASS} of them known before" in embedded(again)
    assert weights_of(tmp_path / "second") == weights_of(folder)


def test_prediction_is_that_of_the_results(first: tuple[Finished, Path]) -> None:
    folder = first[1]
    with open(folder / "results/predictions.csv", newline="", encoding="utf-8-sig") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    said = run("predict", folder, *rows)
    for predicted in said.of(Predicted):
        row = rows[predicted.path]
        assert predicted.label == row["predicted"]
        assert predicted.confidence == pytest.approx(float(row["confidence"]), abs=0.01)
    assert len(said.of(Predicted)) == len(rows)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_run_ended_while_it_embeds_goes_on_with_what_it_had(how: str, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    engine = start(["train", "--source", photos, "--run-dir", folder, *HEAD])
    assert engine.stdout is not None
    while True:
        told = wait_for(engine.stdout, Progress)
        assert isinstance(told, Progress)
        if told.stage == "embed" and told.done >= 32:
            break
    os.kill(engine.pid, signal.SIGTERM if how == "stop" else signal.SIGKILL)
    ended = finish(engine)
    assert ended.status == (3 if how == "stop" else -signal.SIGKILL)
    resumed = run("train", "--resume", folder)
    assert resumed.status == 0, resumed.last
    if how == "stop":
        assert "known before" in embedded(resumed)
    undisturbed = tmp_path / "undisturbed"
    os.environ["WASTE_GUI_HOME"] += "-another"
    assert train(photos, undisturbed).status == 0
    assert weights_of(folder) == weights_of(undisturbed)


def cut(path: Path, randomly: random.Random) -> None:
    with open(path, "r+b") as file:
        file.truncate(randomly.randrange(path.stat().st_size))


def flip(path: Path, randomly: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(20):
        content[randomly.randrange(len(content))] ^= 1 << randomly.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("seed", [1, 5, 11])
def test_store_that_is_cut_off_or_changed_gives_no_wrong_row(
    seed: int, first: tuple[Finished, Path], photos: Path, tmp_path: Path
) -> None:
    randomly = random.Random(seed)
    harm: Callable[[Path, random.Random], None] = randomly.choice([cut, flip])
    for rows in segments():
        harm(randomly.choice([rows, rows.with_suffix(".index")]), randomly)
    again = train(photos, tmp_path / "again")
    assert again.status == 0, again.last
    assert weights_of(tmp_path / "again") == weights_of(first[1])


def test_changed_photo_and_another_network_find_no_old_row(
    first: tuple[Finished, Path], photos: Path, tmp_path: Path
) -> None:
    shutil.copyfile(photos / "glass/glass_01.jpg", photos / "metal/metal_01.jpg")
    again = train(photos, tmp_path / "again")
    assert f"{3 * PER_CLASS - 1} of them known before" in embedded(again)
    larger = run(
        "train", "--source", photos, "--run-dir", tmp_path / "larger", *HEAD[2:], "--image-size", "96"
    )
    assert larger.status == 0 and "known before" not in embedded(larger)


def test_photo_that_cannot_be_read_is_left_out_and_never_kept(photos: Path, tmp_path: Path) -> None:
    bad = damage(photos / "paper/paper_03.jpg")
    for number, way in enumerate(("replace", "blank")):
        finished = train(photos, tmp_path / way, "--bad-image", way)
        assert finished.status == 0, finished.last
        assert [m.path for m in finished.of(ImageFailed)] == [str(bad)]
        if number:
            assert f"{3 * PER_CLASS - 1} of them known before" in embedded(finished)


def test_store_that_may_not_grow_costs_time_alone(
    first: tuple[Finished, Path], photos: Path, tmp_path: Path
) -> None:
    shutil.rmtree(user_cache_dir())
    full = train(photos, tmp_path / "full", "--cache-gb", "0.0000001")
    assert full.status == 0
    assert any("store of embeddings has grown" in m.text for m in full.of(Warned))
    without = train(photos, tmp_path / "without", "--cache-gb", "0")
    assert without.status == 0 and not segments()
    assert weights_of(tmp_path / "full") == weights_of(tmp_path / "without") == weights_of(first[1])


def test_head_first_and_all_layers_after_it_begin_where_the_head_was(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    finished = train(
        photos, folder, "--tune", "head_then_all", "--epochs", "2", "--batch-size", "16", "--lr", "1e-6"
    )
    assert finished.status == 0, finished.last
    head = next(m for m in finished.of(StageFinished) if m.stage == "fit").summary
    epochs = finished.of(EpochFinished)
    assert len(epochs) == 2
    alone = float(head.split("; ")[1].split(" %")[0]) / 100
    assert epochs[0].val_accuracy >= alone - 0.1
    assert '"tune": "head_then_all"' in RunDir(folder).config.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_all_layers_train_goes_on_without_another_head(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = ("--tune", "head_then_all", "--epochs", "3", "--batch-size", "16")
    engine = start(["train", "--source", photos, "--run-dir", folder, *HEAD, *settings])
    assert engine.stdout is not None
    wait_for(engine.stdout, EpochFinished)
    engine.kill()
    finish(engine)
    resumed = run("train", "--resume", folder)
    assert resumed.status == 0, resumed.last
    assert "embed" not in {m.stage for m in resumed.of(StageFinished)}
    assert resumed.of(EpochFinished)[-1].epoch == 3


def test_what_lies_below_the_heads_blocks_stays_and_the_rest_is_trained(photos: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("head", "all")]
    assert train(photos, folders[0]).status == 0
    settings = ("--tune", "head_then_all", "--epochs", "1", "--batch-size", "16")
    assert train(photos, folders[1], *settings).status == 0
    before, after = (
        load_file(folder / "checkpoints" / name)
        for folder, name in zip(folders, ("best.safetensors", "last.safetensors"), strict=True)
    )
    changed = {name for name, tensor in before.items() if not tensor.equal(after[name])}
    early = tuple(f"model.backbone.{name}." for name in ("conv_stem", "bn1", "blocks.0", "blocks.1"))
    assert not any(name.startswith(early) or "running_" in name for name in changed)
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    assert changed == {name for name in before if not name.startswith(early) and not name.endswith(buffers)}
