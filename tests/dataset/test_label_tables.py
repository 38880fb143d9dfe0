"""Labels from tables beside the photos, however these are written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.dataset.test_scan import plant
from waste_gui.dataset.cautions import in_words
from waste_gui.dataset.labels_file import write_labels
from waste_gui.dataset.samples import DatasetError
from waste_gui.dataset.scan import scan_sources
from waste_gui.dataset.split import split_samples

SIX = ("images/6",)


def write(folder: Path, name: str, *lines: str, encoding: str = "utf-8") -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding=encoding)


def kinds(number: int) -> str:
    return ("glass", "paper")[number % 2]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("train.csv", ["id,label", *(f"{i}.jpg,{kinds(i)}" for i in range(6))]),  # Kaggle
        ("train.csv", ["image_id,breed", *(f"{i},{kinds(i)}" for i in range(6))]),  # without a suffix
        ("data.csv", ["label,path", *(f"{kinds(i)},images/{i}.jpg" for i in range(6))]),
        ("data.csv", ["label;file", *(f"{kinds(i)};images\\{i}.jpg" for i in range(6))]),  # Windows
        ("a.tsv", ["w\th\tfile\twhat", *(f"{60 + i}\t48\t/data/x/{i}.JPG.jpg\t{kinds(i)}" for i in range(0)),
                   *(f"{60 + i}\t48\t/data/x/{i}.jpg\t{kinds(i)}" for i in range(6))]),
        ("bare.csv", [f"{i}.jpg,{kinds(i)}" for i in range(6)]),  # no heading
        ("hot.csv", ["image,glass,paper", *(f"{i},{int(i % 2 == 0)},{i % 2}" for i in range(6))]),
        ("quoted.csv", ['"file name","class"', *(f'"{i}.jpg","{kinds(i)}"' for i in range(6))]),
    ],
)  # fmt: skip
def test_tables_as_people_write_them_are_understood(tmp_path: Path, name: str, lines: list[str]) -> None:
    plant(tmp_path, *SIX)
    write(tmp_path, name, *lines)
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 3, "paper": 3}
    assert [Path(s.path).name for s in scan.samples if scan.classes[s.label] == "glass"] == [
        "0.jpg",
        "2.jpg",
        "4.jpg",
    ]
    assert f"labels of {name}" in in_words(scan)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_spreadsheets(tmp_path: Path, encoding: str) -> None:
    plant(tmp_path, *SIX)
    write(tmp_path, "t.csv", "file;class", *(f"{i}.jpg;{('Flaschenö', 'Papier')[i % 2]}" for i in range(6)),
          encoding=encoding)  # fmt: skip
    assert scan_sources([str(tmp_path)]).classes == ("Flaschenö", "Papier")


def test_numbers_are_classes_where_no_words_are(tmp_path: Path) -> None:
    plant(tmp_path, *SIX)
    write(tmp_path, "t.csv", "id,width,label", *(f"{i},{100 + i},{i % 3}" for i in range(6)))
    assert scan_sources([str(tmp_path)]).classes == ("0", "1", "2")


def test_parts_come_from_a_column_or_from_the_folders(tmp_path: Path) -> None:
    plant(tmp_path / "a", "img/6")
    parts = ("train", "train", "valid", "valid", "test", "test")
    write(tmp_path / "a", "t.csv", "f,split,y", *(f"{i}.jpg,{parts[i]},{kinds(i)}" for i in range(6)))
    scan = scan_sources([str(tmp_path / "a")])
    assert Counter(s.split for s in scan.samples) == {"train": 2, "val": 2, "test": 2}
    told = split_samples(scan, 0.2, 0, 0)
    assert [Path(s.path).name for s in told.test] == ["4.jpg", "5.jpg"]
    plant(
        tmp_path / "b",
        "train/x1.jpg",
        "train/x2.jpg",
        "train/x3.jpg",
        "train/x4.jpg",
        "test/y1.jpg",
        "test/y2.jpg",
    )
    write(tmp_path / "b", "train.csv", "id,label", *(f"x{i},{kinds(i)}" for i in range(1, 5)))
    scan = scan_sources([str(tmp_path / "b")])  # Kaggle's test has no labels.
    assert Counter(s.split for s in scan.samples) == {"train": 4}
    assert scan.skipped["photos without a label in the table"] == 2


def test_what_is_wrong_with_a_table_is_told(tmp_path: Path) -> None:
    plant(tmp_path, *SIX)
    write(tmp_path, "t.csv", "id,label", *(f"{i},{kinds(i)}" for i in range(6)), "77,glass", "0,paper")
    scan = scan_sources([str(tmp_path)])
    said = [caution.text for caution in scan.cautions if caution.kind == "table"]
    assert said == [
        "1 of the 8 rows of t.csv name photos that are not there.",
        "1 photo with several labels in t.csv is left out.",
    ]
    assert scan.photos_per_class() == {"glass": 2, "paper": 3}


def test_own_labels_are_used_with_and_without_other_tables(tmp_path: Path) -> None:
    plant(tmp_path, "./6", "sub/0.jpg")
    photos = sorted(map(str, tmp_path.glob("*.jpg")))
    write(tmp_path, "export.csv", "id,label", *(f"{i}.jpg,wrong{i % 2}" for i in range(6)))
    write_labels(tmp_path / "labels.csv", {photo: kinds(i) for i, photo in enumerate(photos[:5])})
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 3, "paper": 2}


def test_folders_of_classes_come_before_any_table(tmp_path: Path) -> None:
    plant(tmp_path, "glass/3", "paper/3")
    write(tmp_path, "t.csv", "id,label", *(f"{i},{'xy'[i % 2]}" for i in range(3)))
    assert scan_sources([str(tmp_path)]).classes == ("glass", "paper")


@pytest.mark.parametrize(
    "lines",
    [
        ["a,b", "1,2", "3,4"],
        ["id,remark", *(f"{i},remark {i}" for i in range(6))],
        [""],
        ["\0\0\0", "x"],
        ["id", "1"],
    ],
)
def test_other_tables_are_none_of_labels(tmp_path: Path, lines: list[str]) -> None:
    plant(tmp_path, *SIX)
    write(tmp_path, "t.csv", *lines)
    with pytest.raises(DatasetError, match="only one class with photos"):
        scan_sources([str(tmp_path)])
