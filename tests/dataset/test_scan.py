"""Which folders are classes, which photos count, and what is said when none do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rights import opens_everything
from waste_gui.dataset.mapping import LAB_CLASSES
from waste_gui.dataset.samples import DatasetError, Scan
from waste_gui.dataset.scan import scan_sources


def plant(folder: Path, *names: str) -> str:
    """Make files of one byte; `glass/3` stands for three photos in glass. The scan opens none of them."""
    for name in names:
        head, _, tail = name.rpartition("/")
        files = [f"{head}/{i}.jpg" for i in range(int(tail))] if tail.isdecimal() else [name]
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(b"x")
    return str(folder)


def relative(scan: Scan) -> list[str]:
    return [os.path.relpath(sample.path, sample.source) for sample in scan.samples]


def test_each_subfolder_is_a_class_in_the_order_of_names(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "paper/3", "glass/2")])
    assert scan.classes == ("glass", "paper")
    assert scan.photos_per_class() == {"glass": 2, "paper": 3}
    assert relative(scan) == ["glass/0.jpg", "glass/1.jpg", "paper/0.jpg", "paper/1.jpg", "paper/2.jpg"]
    assert [sample.label for sample in scan.samples] == [0, 0, 1, 1, 1]
    assert scan.skipped == {}


@pytest.mark.parametrize("name", ["a.JPG", "a.jpeg", "a.Png", "a.webp", "a.tiff", "a.b.gif", "a b.jfif"])
def test_suffix_counts_in_any_case(tmp_path: Path, name: str) -> None:
    scan = scan_sources([plant(tmp_path, f"glass/{name}", "glass/2", "paper/2")])
    assert scan.photos_per_class()["glass"] == 3


def test_what_is_no_photo_is_passed_over_and_counted(tmp_path: Path) -> None:
    plant(tmp_path, "glass/2", "paper/2", "glass/notes.txt", "README.md", "loose.jpg")
    plant(tmp_path, "glass/.hidden.jpg", "glass/Thumbs.db", ".DS_Store", "__MACOSX/glass/._0.jpg")
    plant(tmp_path, "glass/.ipynb_checkpoints/2", "checkpoints/2", ".git/config")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "glass/pipe.jpg")
    (tmp_path / "glass/broken.jpg").symlink_to("nowhere")
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 2, "paper": 2}
    assert scan.skipped == {
        "not photos": 2,
        "photos outside a class folder": 1,
        "hidden files": 3,
        "hidden folders": 1,
        "folders of the system, or of deleted photos": 1,
        "checkpoint folders": 2,
        "empty folders": 1,
        "not ordinary files": 2,
    }


# --- where the classes are


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("TRAIN", "Validation", "Test"), ("train", "valid")]
)
def test_ready_splits_are_seen_in_any_case(tmp_path: Path, names: tuple[str, ...]) -> None:
    plant(tmp_path, *(f"{name}/{kind}/2" for name in names for kind in ("glass", "paper")))
    scan = scan_sources([str(tmp_path)])
    assert scan.classes == ("glass", "paper")
    assert {s.split for s in scan.samples} == set(("train", "val", "test")[: len(names)])


def test_ready_splits_are_seen_one_level_deeper(tmp_path: Path) -> None:
    plant(tmp_path, "trashnet/train/glass/2", "trashnet/val/glass/2", "trashnet/train/paper/2")
    scan = scan_sources([plant(tmp_path, "taco/metal/2", "taco/glass/2")])
    assert scan.photos_per_class() == {"glass": 6, "metal": 2, "paper": 2}
    assert {s.split for s in scan.samples if "taco" in s.path} == {None}


def test_splits_below_the_classes_are_ready_splits_too(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "glass/train/2", "glass/val/1", "paper/train/2", "paper/val/1")])
    assert scan.classes == ("glass", "paper")
    assert [s.split for s in scan.samples] == ["train", "train", "val"] * 2


def test_test_photos_without_a_class_are_left_out(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "train/glass/2", "train/paper/2", "test/5")])
    assert scan.skipped == {"photos of a test part without a class": 5}
    assert [each.kind for each in scan.cautions][:1] == ["unlabelled_test"]
    assert "5 photos in 'test' are in no class folder" in scan.cautions[0].text


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    assert scan_sources([plant(tmp_path, "test/2", "glass/2")]).classes == ("glass", "test")


def test_photos_deeper_down_belong_to_the_class(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "glass/brown/dark/2", "glass/green/1", "paper/2")])
    assert scan.photos_per_class() == {"glass": 3, "paper": 2}
    assert {sample.folder for sample in scan.samples} == {"glass", "paper"}


def test_datasets_within_the_source_are_passed_through(tmp_path: Path) -> None:
    plant(tmp_path, "kaggle/archive/glass/2", "kaggle/archive/paper/2", "own photos/glass/2")
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 4, "paper": 2}


def test_the_one_folder_of_an_unpacked_archive_is_passed_through(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "Animals/Animals/cat/2", "Animals/Animals/dog/2")])
    assert scan.classes == ("cat", "dog")


def test_the_labs_own_layout_is_understood(tmp_path: Path) -> None:
    plant(
        tmp_path, *(f"images/{name}/{part}/2" for name in LAB_CLASSES for part in ("default", "real_world"))
    )
    scan = scan_sources([str(tmp_path)], classes=LAB_CLASSES)
    assert scan.photos_per_class() == dict.fromkeys(LAB_CLASSES, 4)


# --- classes and mapping


def test_folders_map_to_the_given_classes_by_name_synonym_and_hand(tmp_path: Path) -> None:
    plant(tmp_path, "Paper/2", "organic/3", "trash/4", "cups/5")
    scan = scan_sources([str(tmp_path)], LAB_CLASSES, {"cups": "paper_cups"})
    assert scan.classes == LAB_CLASSES
    counts = {name: n for name, n in scan.photos_per_class().items() if n}
    assert counts == {"food_waste": 3, "office_paper": 2, "paper_cups": 5}
    assert {(f.folder, f.mapped, f.photos) for f in scan.folders} == {
        ("Paper", "office_paper", 2),
        ("organic", "food_waste", 3),
        ("trash", None, 4),
        ("cups", "paper_cups", 5),
    }
    assert scan.skipped == {"folders left out by the mapping": 1}


def test_mapping_without_classes_renames_unites_and_leaves_out(tmp_path: Path) -> None:
    plant(tmp_path, "brown/2", "green/2", "paper/2", "odd/2")
    scan = scan_sources([str(tmp_path)], (), {"brown": "glass", "green": "glass", "odd": None})
    assert scan.photos_per_class() == {"glass": 4, "paper": 2}


def test_sources_are_united_by_class(tmp_path: Path) -> None:
    one = plant(tmp_path / "one", "glass/2", "paper/2")
    two = plant(tmp_path / "two", "Glass/3", "metal/2")
    scan = scan_sources([one, two])
    assert scan.photos_per_class() == {"glass": 5, "metal": 2, "paper": 2}
    assert [sample.source for sample in scan.samples] == [one] * 4 + [two] * 5


def test_folders_that_differ_only_in_case_are_one_class_and_may_be_kept_apart(tmp_path: Path) -> None:
    if (plant(tmp_path, "a/2") and (tmp_path / "A").exists()) is True:
        pytest.skip("this file system does not tell A from a")
    plant(tmp_path, "A/3", "b/2")
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"A": 5, "b": 2}
    (caution,) = scan.cautions
    assert "'A' and 'a' are spelled alike, and are one class here: 'A'" in caution.text
    assert caution.remedy is not None
    apart = scan_sources([str(tmp_path)], (), caution.remedy.mapping)
    assert apart.photos_per_class() == {"A": 3, "a": 2, "b": 2} and not apart.cautions


# --- links and odd names


def test_loop_of_links_ends(tmp_path: Path) -> None:
    plant(tmp_path, "glass/2", "paper/2")
    (tmp_path / "glass/again").symlink_to(tmp_path)
    (tmp_path / "paper/self").symlink_to("self")
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 2, "paper": 2}
    assert scan.skipped == {"folders reached twice": 1, "not photos": 1}


def test_photo_keeps_its_real_folders_class_though_a_link_comes_first(tmp_path: Path) -> None:
    plant(tmp_path, "glass/2", "paper/2")
    (tmp_path / "glass/also").symlink_to(tmp_path / "paper")
    (tmp_path / "glass/copy.jpg").symlink_to(tmp_path / "paper/0.jpg")
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 2, "paper": 2}
    assert scan.skipped == {"folders reached twice": 1, "photos reached twice": 1}


def test_linked_class_folders_and_photos_are_followed(tmp_path: Path) -> None:
    plant(tmp_path, "disk/0/2", "disk/1/2", "source/paper/2")
    (tmp_path / "source/glass").symlink_to(tmp_path / "disk/0")
    (tmp_path / "source/paper/linked.jpg").symlink_to(tmp_path / "disk/1/0.jpg")
    scan = scan_sources([str(tmp_path / "source")])
    assert scan.photos_per_class() == {"glass": 2, "paper": 3}


def test_photo_reached_by_two_sources_counts_once(tmp_path: Path) -> None:
    source = plant(tmp_path / "a", "glass/2", "paper/2")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    scan = scan_sources([source, str(tmp_path / "b"), source])
    assert len(scan.samples) == 4


def test_names_that_are_no_utf8_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "glass/2", "paper/2")
    odd = os.fsencode(tmp_path) + b"/glass/caf\xe9\n.jpg"
    Path(os.fsdecode(odd)).write_bytes(b"x")
    assert odd in [os.fsencode(sample.path) for sample in scan_sources([str(tmp_path)]).samples]


def test_very_deep_folders_do_not_hurt(tmp_path: Path) -> None:
    plant(tmp_path, "glass/2", "paper/2", "glass/" + "a/" * 200 + "1")
    scan = scan_sources([str(tmp_path)])
    assert scan.skipped == {"folders nested too deep": 1}


# --- progress


def test_progress_tells_photos_and_folder_and_can_stop(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []

    def progress(found: int, folder: str) -> None:
        told.append((found, folder))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan_sources([plant(tmp_path, "glass/2", "paper/2")], progress=progress)
    assert told == [(0, str(tmp_path))]


# --- errors


@pytest.mark.parametrize(
    ("planted", "text"),
    [
        ((), "There are no photos in"),
        (("glass/notes.txt",), "There are no photos in"),
        (("3",), "This folder has no sub-folders with photos. It needs one sub-folder per class."),
        (("glass/3",), "only one class with photos, 'glass'"),
        (("glass/3", "paper/1"), "class 'paper' has a single photo"),
    ],
)
def test_dataset_that_cannot_be_trained_on_is_told_in_words(
    tmp_path: Path, planted: tuple[str, ...], text: str
) -> None:
    plant(tmp_path, *(name if "/" in name else f"./{name}" for name in planted))
    with pytest.raises(DatasetError, match=text) as caught:
        scan_sources([str(tmp_path)])
    assert caught.value.text == str(caught.value)
    assert caught.value.hint


def test_what_cannot_be_trained_on_can_be_looked_at(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "glass/1")], require_trainable=False)
    assert scan.photos_per_class() == {"glass": 1}


def test_source_that_is_not_there_or_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No folder of photos"):
        scan_sources([])
    with pytest.raises(DatasetError, match="There is no folder"):
        scan_sources([str(tmp_path / "nowhere")])
    with pytest.raises(DatasetError, match="is a file"):
        scan_sources([plant(tmp_path, "a.jpg") + "/a.jpg"])


def test_second_source_without_class_folders_is_told(tmp_path: Path) -> None:
    good = plant(tmp_path / "good", "glass/2", "paper/2")
    bad = plant(tmp_path / "bad", "./2")
    with pytest.raises(DatasetError, match="one sub-folder per class") as caught:
        scan_sources([good, bad])
    assert bad in caught.value.hint


def test_mapping_to_an_unknown_class_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="'odd' is mapped to 'x'"):
        scan_sources([plant(tmp_path, "glass/2", "paper/2")], ("glass", "paper"), {"odd": "x"})


def test_folders_that_belong_to_no_class_are_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="None of the folders belongs"):
        scan_sources([plant(tmp_path, "cat/2", "dog/2")], LAB_CLASSES)


@pytest.mark.skipif(opens_everything(), reason="root may open every folder")
def test_folder_without_permission_is_told_or_passed_over(tmp_path: Path) -> None:
    plant(tmp_path, "glass/2", "paper/2", "locked/2")
    (tmp_path / "locked").chmod(0)
    assert scan_sources([str(tmp_path)]).skipped == {"folders that cannot be opened": 1}
    with pytest.raises(DatasetError, match="cannot be opened"):
        scan_sources([str(tmp_path / "locked")])
