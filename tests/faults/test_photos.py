"""Each trouble has the name that it should, and each odd photo looks as it should."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults.photos import (
    BAD,
    ODD,
    Bad,
    Odd,
    bring_back,
    make_hostile_dataset,
    picture,
    take_away,
)
from waste_gui.dataset.images import ImageError, photo_size
from waste_gui.dataset.resized import read_resized
from waste_gui.dataset.scan import scan_sources

GREEN = (40, 160, 90)


def named(value: object) -> str | None:
    return value.name if isinstance(value, Bad | Odd) else None


@pytest.mark.parametrize("bad", BAD, ids=named)
def test_trouble_is_called_by_its_kind(tmp_path: Path, bad: Bad) -> None:
    if reason := bad.lacking():
        pytest.skip(reason)
    path = tmp_path / f"{bad.name}{bad.suffix}"
    bad.write(path, picture(GREEN))
    with pytest.raises(ImageError) as caught:
        read_resized(str(path), 64)
    assert caught.value.kind == bad.kind
    assert caught.value.reason


@pytest.mark.parametrize("odd", ODD, ids=named)
@pytest.mark.parametrize("size", [32, 64])
def test_odd_photo_looks_as_it_should(tmp_path: Path, odd: Odd, size: int) -> None:
    path = tmp_path / (odd.file_name or f"{odd.name}{odd.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = odd.draw(path, picture(GREEN))
    except OSError as error:
        pytest.skip(f"the file system does not take this name ({error.strerror})")
    assert np.abs(read_resized(str(path), size).astype(int) - squashed(seen, size)).mean() <= odd.tolerance
    assert min(photo_size(str(path))) >= 1


def squashed(image: Image.Image, size: int) -> np.ndarray:
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC)).astype(int)


def test_pictures_tell_each_turn_and_each_channel_apart() -> None:
    """Else the test above would see nothing."""
    upright = squashed(picture(GREEN), 64)
    others = [np.rot90(upright, turns) for turns in (1, 2, 3)]
    others += [upright[::-1], upright[:, ::-1], upright.transpose(1, 0, 2), upright[..., ::-1], 255 - upright]
    assert min(np.abs(upright - other).mean() for other in others) > 15


def test_there_are_enough_kinds() -> None:
    assert len(BAD) >= 25 and len({bad.name for bad in BAD}) == len(BAD)
    assert len(ODD) >= 15 and len({odd.name for odd in ODD}) == len(ODD)
    assert len({bad.kind for bad in BAD}) == 6  # all but timed_out, which a drive or a decoder makes


def test_scan_lists_bad_and_odd_photos_and_passes_over_the_rest(tmp_path: Path) -> None:
    hostile = make_hostile_dataset(tmp_path / "waste", photos=150)
    listed = {sample.path for sample in scan_sources([str(tmp_path / "waste")]).samples}
    assert listed == {*hostile.good, *hostile.odd, *hostile.bad}
    assert len(listed) == 150
    assert not listed & hostile.passed_over.keys()
    if sys.platform == "linux":
        assert hostile.left_out.keys() <= {"without_rights", "device"}
        assert len(hostile.passed_over) == 8


def test_troubles_are_where_they_should_be_after_the_strike(tmp_path: Path) -> None:
    hostile = make_hostile_dataset(tmp_path / "waste", photos=150, seed=1)
    struck = {hostile.names[path] for path in hostile.bad} & {bad.name for bad in BAD if bad.strikes}
    assert struck
    before = {path: kind_of(path) for path in hostile.bad}
    assert {hostile.names[path] for path in before if before[path] == "good"} == struck
    hostile.strike()
    assert {path: kind_of(path) for path in hostile.bad} == hostile.bad
    assert {kind_of(path) for path in (*hostile.good, *hostile.odd)} == {"good"}


def kind_of(path: str) -> str:
    try:
        read_resized(path, 32)
    except ImageError as error:
        return error.kind
    return "good"


def test_the_seed_spreads_the_troubles(tmp_path: Path) -> None:
    one, same, other = (
        make_hostile_dataset(tmp_path / name, photos=1, seed=seed)
        for name, seed in (("one", 0), ("same", 0), ("other", 1))
    )
    assert places(one.bad, tmp_path / "one") == places(same.bad, tmp_path / "same")
    assert places(one.bad, tmp_path / "one") != places(other.bad, tmp_path / "other")
    assert {Path(path).parent.name for path in one.bad} == {"glass", "metal", "paper"}


def places(paths: dict[str, str], folder: Path) -> set[str]:
    return {os.path.relpath(path, folder) for path in paths}


def test_real_photos_are_among_the_ordinary_ones(tmp_path: Path, trashnet: Path) -> None:
    hostile = make_hostile_dataset(tmp_path / "waste", photos=150, real=trashnet)
    assert photo_size(hostile.good[0]) in {(512, 384), (384, 512)}
    assert {kind_of(path) for path in hostile.good} == {"good"}


def test_folder_vanishes_and_returns(tmp_path: Path) -> None:
    hostile = make_hostile_dataset(tmp_path / "waste", photos=150)
    photo = hostile.good[0]
    take_away(tmp_path / "waste")
    assert kind_of(photo) == "vanished"
    bring_back(tmp_path / "waste")
    assert kind_of(photo) == "good"
