"""Names that are no UTF-8, dates that no 64 bits hold, and the largest seed: trained like any other."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.engine.process import SMALL, run
from tests.photos import make_photos
from waste_gui import files
from waste_gui import request as requests
from waste_gui.config import RunConfig
from waste_gui.dataset.catalog import Catalog, Checked
from waste_gui.dataset.file_stats import FileStat, file_stats
from waste_gui.engine.loading import training_order
from waste_gui.protocol import RunFailed, RunFinished
from waste_gui.request import RunRequest

ODD = os.fsdecode(b"caf\xe9")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_source_class_and_run_folder_may_have_names_that_are_no_utf8(tmp_path: Path) -> None:
    source, folder = tmp_path / f"photos {ODD}", tmp_path / f"run {ODD}"
    make_photos(source, classes=("paper", "glass"), per_class=6)
    os.rename(source / "paper", source / ODD)
    told = run("train", "--source", source, "--run-dir", folder, "--epochs", "1", *SMALL)
    assert isinstance(told.last, RunFinished), told.of(RunFailed)
    for name in ("config.json", "split.json", "checkpoints/last.json"):
        content = (folder / name).read_bytes()
        assert ODD in json.dumps(json.loads(content.decode("utf-8")), ensure_ascii=False)
    predicted = run("predict", folder, next((source / ODD).iterdir()))
    assert isinstance(predicted.last, RunFinished), predicted.of(RunFailed)
    resumed = run("train", "--resume", folder, "--epochs", "2")
    assert isinstance(resumed.last, RunFinished), resumed.of(RunFailed)


def test_settings_with_odd_names_are_valid_utf8_and_come_back(tmp_path: Path) -> None:
    config = RunConfig(source=(f"/photos/{ODD}",), classes=(ODD, "glass\\udce9"), mapping={ODD: None})
    request = RunRequest(config=config, run_dir=f"/runs/{ODD}")
    path = tmp_path / "request.json"
    path.write_bytes(requests.dump(request))
    path.read_text("utf-8")
    assert requests.load(path) == request


def test_numbers_that_are_none_are_null_also_beside_odd_names() -> None:
    assert json.loads(files.encode_json({"name": ODD, "loss": [float("nan"), 1.5]})) == {
        "name": ODD,
        "loss": [None, 1.5],
    }


@pytest.mark.parametrize("seconds", [-11_644_473_600, 19_880_899_200, 0], ids=["1601", "2600", "1970"])
def test_photo_of_any_date_is_remembered(tmp_path: Path, seconds: int) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")
    try:
        os.utime(photo, ns=(0, seconds * 10**9))
    except (OSError, OverflowError) as error:
        pytest.skip(f"the file system has no such date ({error})")
    stats = file_stats([str(photo)])
    catalog = Catalog(tmp_path / "photos.sqlite")
    stat = stats[str(photo)]
    catalog.remember([Checked(str(photo), stat.size, stat.changed_ns, kind="damaged", reason="is damaged")])
    assert catalog.recall(stats)[str(photo)].reason == "is damaged"
    assert not catalog.recall({str(photo): FileStat(stat.size, stat.changed_ns + 1)})


@pytest.mark.parametrize("seed", [20261130130455, 2**63 - 1])
def test_every_seed_of_the_setting_orders_the_photos(seed: int) -> None:
    assert training_order([], 3, seed, False) == []


@pytest.mark.slow
def test_largest_seed_trains(tmp_path: Path) -> None:
    make_photos(tmp_path / "photos", classes=("paper", "glass"), per_class=6)
    told = run(
        *("train", "--source", tmp_path / "photos", "--run-dir", tmp_path / "run"),
        *("--epochs", "1", "--seed", str(2**63 - 1), *SMALL),
    )
    assert isinstance(told.last, RunFinished), told.of(RunFailed)
