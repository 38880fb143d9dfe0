"""Classes that only the names of the photos tell are offered, never assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.test_scan import plant
from waste_gui.dataset.name_prefixes import prefix_of, prefixes
from waste_gui.dataset.samples import DatasetError
from waste_gui.dataset.scan import scan_sources


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("cat.0.jpg", "cat"),
        ("x/glass_012.png", "glass"),
        ("Plastic Bottle (3).jpg", "Plastic Bottle"),
        ("n02085620-Chihuahua_7.JPEG", "n02085620-Chihuahua"),
        ("metal10.jpg", "metal"),
        ("0001.jpg", ""),
        ("photo.jpg", ""),
        ("2023-11-14 12.30.jpg", ""),
    ],
)
def test_prefix_of_a_name(name: str, prefix: str) -> None:
    assert prefix_of(name) == prefix


def test_names_of_cameras_and_mixed_names_are_no_classes() -> None:
    assert not prefixes(f"IMG_{i:04}.jpg" for i in range(50))
    assert not prefixes([*(f"cat.{i}.jpg" for i in range(5)), *(f"{i}.jpg" for i in range(5))])
    assert not prefixes(f"{word}1.jpg" for word in ("one", "two", "three"))


@pytest.mark.parametrize("folder", [".", "train", "images"])
def test_heap_with_classes_in_its_names_is_offered_by_them(tmp_path: Path, folder: str) -> None:
    names = [f"{folder}/{kind}.{i}.jpg" for kind in ("cat", "dog") for i in range(6)]
    source = plant(tmp_path, *names, *([f"test/{i}.jpg" for i in range(2)] if folder == "train" else []))
    if folder == "train":
        plant(tmp_path, *(f"test/dog.{i}.jpg" for i in range(10, 22)))
    with pytest.raises(DatasetError) as caught:
        scan_sources([source])
    assert "begin with 'cat' and 'dog'" in caught.value.hint and "--class-folders names" in caught.value.hint
    scan = scan_sources([source], class_folders="names")
    assert scan.classes == ("cat", "dog")
    assert {s.split for s in scan.samples} == ({"train", "test"} if folder == "train" else {None})
