"""The demonstration dataset: six classes, the same each time, with a few files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from waste_gui.dataset.demo import OBJECTS, draw_dataset
from waste_gui.dataset.images import ImageError
from waste_gui.dataset.resized import read_resized
from waste_gui.dataset.scan import scan_sources


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_demo_has_six_classes_and_four_damaged_files(tmp_path: Path) -> None:
    draw_dataset(tmp_path, per_class=2)
    scan = scan_sources([str(tmp_path)])
    assert scan.classes == tuple(OBJECTS)
    kinds = []
    for sample in scan.samples:
        try:
            read_resized(sample.path, 32)
        except ImageError as error:
            assert "damaged" in sample.path
            kinds.append(error.kind)
    assert sorted(kinds) == ["damaged", "not_an_image", "truncated", "truncated"]
    assert len(scan.samples) == 2 * 6 + 4


def test_the_same_seed_draws_the_same_photos(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_dataset(tmp_path / name, per_class=1, seed=seed, damaged=0)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys() and a != c


def test_complete_folder_is_left_alone_and_an_incomplete_one_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_dataset(tmp_path, per_class=1, damaged=0)
    before = contents(tmp_path)
    (tmp_path / "README.txt").unlink()
    (tmp_path / "glass/glass_001.jpg").write_bytes(b"half of it")
    draw_dataset(tmp_path, per_class=1, damaged=0)
    assert contents(tmp_path) == before
    monkeypatch.setattr("waste_gui.dataset.demo.draw_photo", lambda *_: pytest.fail("drawn anew"))
    draw_dataset(tmp_path, per_class=1, damaged=0)
