"""How trees of folders are understood, of public datasets and drawn ones; and what is doubted of them."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.test_scan import plant
from waste_gui.dataset.cautions import in_words
from waste_gui.dataset.folder_names import is_of_system, part_name, parts_among, spelling_key
from waste_gui.dataset.samples import DatasetError, Scan
from waste_gui.dataset.scan import scan_sources
from waste_gui.dataset.split import split_samples

PARTS = {
    "train": "train Train TRAINING train2017 training_set trainset seg_train x_train train_images "
    "images_train TrainData trn trainval 1_train treino 训练集 entrainement",
    "val": "val valid validation dev val2017 valset Validation-Set seg_val val_data validierung 验证 "
    "devset eval",
    "test": "test Test testing test_set testset seg_test TestData holdout test2019 тест テスト tests 3_test "
    "hold-out HeldOut hold_out_set",
}


@pytest.mark.parametrize(
    ("part", "name"), [(part, n) for part, names in PARTS.items() for n in names.split()]
)
def test_parts_of_a_split_are_known_under_any_name(part: str, name: str) -> None:
    found = part_name(name)
    assert found is not None and (found.part, found.rest) == (part, "")


@pytest.mark.parametrize(
    "name",
    ["glass", "train station", "test tube", "toy_train", "training shoes", "validator", "contest", "latest"],
)
def test_other_names_are_no_parts(name: str) -> None:
    assert not parts_among([name, "paper"])


def test_names_that_say_the_same_for_several_parts_are_parts() -> None:
    names = ["flowers-train", "flowers-val", "toy train", "paper"]
    assert parts_among(names) == {"flowers-train": "train", "flowers-val": "val"}


@pytest.mark.parametrize(
    "name",
    "#recycle @Recycle $RECYCLE.BIN #snapshot found.000 lost+found .Trash-1000 @eaDir ~snapshot "
    "@Recently-Snapshot files_trashbin RECYCLER .Trashes @tmp #Recycle __MACOSX LOST.DIR".split()
    + ["System Volume Information"],
)
def test_what_systems_put_there_is_known(name: str) -> None:
    assert is_of_system(name)


@pytest.mark.parametrize(
    "name", ["trash", "recycling", "trash_bags", "bin", "found", "#1 plastic", "@home", "$100"]
)
def test_what_people_put_there_is_no_systems(name: str) -> None:
    assert not is_of_system(name)


TWO = ("cats", "dogs")


def tree(*folders: str, classes: tuple[str, ...] = TWO, photos: int = 4) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}/{photos}" for folder in folders for name in classes)


@pytest.mark.parametrize(
    ("planted", "split"),
    [
        (tree("training_set", "test_set"), {"train": 8, "test": 8}),  # 02, Kaggle
        (tree("train", "dev", "test"), {"train": 8, "val": 8, "test": 8}),  # 02, Hugging Face
        (tree("seg_train/seg_train", "seg_test/seg_test"), {"train": 8, "test": 8}),  # 02, Intel
        (tree("data/train2017", "data/val2017"), {"train": 8, "val": 8}),
        (tree("dataset/Training Data", "dataset/Test Data"), {"train": 8, "test": 8}),
        (tree("images/train", "images/val"), {"train": 8, "val": 8}),
        (tree("train/images", "valid/images"), {"train": 8, "val": 8}),
        (tree("waste-train", "waste-test"), {"train": 8, "test": 8}),
        (tree("cats/train", "cats/test", classes=()) + ("cats/train/4", "cats/test/4", "dogs/train/4"),
         {"train": 8, "test": 4}),
        (("cats/4", "dogs/4", *tree("test")), {"test": 8, None: 8}),  # The rest is there to train on.
        (tree("fold_1/train", "fold_1/val", "fold_2/train", "fold_2/val"), {"train": 8, "val": 8}),
        (tree("fold1", "fold2", "fold10"), {None: 24}),
    ],
)  # fmt: skip
def test_layouts_of_public_datasets(
    tmp_path: Path, planted: tuple[str, ...], split: dict[str | None, int]
) -> None:
    scan = scan_sources([plant(tmp_path, *planted)])
    assert scan.classes == TWO
    assert Counter(sample.split for sample in scan.samples) == split
    told = split_samples(scan, 0.2, 0.0, 0)
    assert not [s for s in (*told.train, *told.val) if s.split == "test"]


def kinds(scan: Scan) -> list[str]:
    return [caution.kind for caution in scan.cautions]


def text(scan: Scan) -> str:
    return " ".join(caution.text for caution in scan.cautions)


@pytest.mark.parametrize(
    "planted",
    [("train/8", "valid/8", "test/8"), ("images/train/8", "images/val/8", "labels/train/0.txt"),
     ("train2017/8", "val2017/8"), ("data/Training/8", "data/Testing/8")],
)  # fmt: skip
def test_parts_without_classes_are_no_classes(tmp_path: Path, planted: tuple[str, ...]) -> None:
    """02: training set against test set."""
    with pytest.raises(DatasetError, match="look like parts of a split, not like classes"):
        scan_sources([plant(tmp_path, *planted)])
    root = tmp_path / "images" if (tmp_path / "images").exists() else tmp_path
    root = root / "data" if (root / "data").exists() else root
    assert len(scan_sources([str(root)], class_folders="top").classes) >= 2


@pytest.mark.parametrize(
    ("one", "other"),
    [("Plastic", "plastic"), ("caf\u00e9", "cafe\u0301"), ("glass", "glass "), ("paper cup", "paper_cup"),
     ("Stra\u00dfe", "strasse"), ("\uff21luminium", "aluminium"), ("ﬁlm", "film")],
)  # fmt: skip
def test_names_spelled_alike_are_one_class_in_all_parts_and_it_is_said(
    tmp_path: Path, one: str, other: str
) -> None:
    """03."""
    scan = scan_sources([plant(tmp_path, f"train/{one}/5", f"val/{other}/3", "train/rest/5", "val/rest/3")])
    assert len(scan.classes) == 2 and spelling_key(one) == spelling_key(other)
    assert unicodedata.normalize("NFC", one).strip() in scan.classes
    assert kinds(scan) == ["spelling"] and "are one class here" in text(scan)


def test_class_without_a_usable_photo_is_told_with_the_reason(tmp_path: Path) -> None:
    """05."""
    plant(tmp_path, "glass/4", "paper/4", *(f"metal/{i}.cr2" for i in range(10)), "labels/1.txt")
    (tmp_path / "shoes").mkdir()
    scan = scan_sources([str(tmp_path)])
    assert (
        "No photo of the class 'metal' can be used: its files are no photos that are read (10 .cr2)"
        in text(scan)
    )
    assert "'shoes' can be used: the folder" in text(scan) and "is empty" in text(scan)
    assert kinds(scan) == ["empty_class"] * 2


def test_photos_without_a_suffix_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    plant(tmp_path, "glass/4", "paper/4", "metal/a", "metal/b")
    for name in "ab":
        (tmp_path / "metal" / name).write_bytes(b"\xff\xd8\xff\xe0" + bytes(20))
    plant(tmp_path, "metal/notes")
    assert scan_sources([str(tmp_path)]).photos_per_class() == {"glass": 4, "metal": 2, "paper": 4}


def test_photos_to_test_without_labels_are_never_trained_on(tmp_path: Path) -> None:
    """06: Keras' test/unknown."""
    scan = scan_sources([plant(tmp_path, *tree("train", "val"), "test/unknown/10")])
    assert scan.classes == TWO and not [s for s in scan.samples if "/test/" in s.path]
    assert kinds(scan) == ["one_part_only"] and "'unknown' is in the part for testing only" in text(scan)


def test_flat_heap_to_test_beside_classes_is_no_class(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, "glass/4", "paper/4", "test/9")])
    assert scan.classes == ("glass", "paper") and kinds(scan) == ["unlabelled_test"]
    remedy = scan.cautions[0].remedy
    assert remedy is not None and remedy.class_folders == "top"
    assert "test" in scan_sources([str(tmp_path)], class_folders="top").classes


def test_only_photos_to_test_cannot_be_trained_on(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="All photos are in a part for testing"):
        scan_sources([plant(tmp_path, *tree("test"))])


def test_split_made_of_links_is_used(tmp_path: Path) -> None:
    """07."""
    plant(tmp_path, "images/24")
    for number in range(24):
        folder = tmp_path / ("val" if number % 4 == 0 else "train") / TWO[number // 2 % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").symlink_to(f"../../images/{number}.jpg")
    scan = scan_sources([str(tmp_path)])
    assert scan.classes == TWO and Counter(s.split for s in scan.samples) == {"train": 18, "val": 6}
    assert not scan.skipped


def test_split_made_of_linked_folders_is_used(tmp_path: Path) -> None:
    plant(tmp_path, "pool/a/6", "pool/b/6", "pool/c/6", "pool/d/6")
    for part, name, to in (("train", "x", "a"), ("train", "y", "b"), ("test", "x", "c"), ("test", "y", "d")):
        (tmp_path / part).mkdir(exist_ok=True)
        (tmp_path / part / name).symlink_to(f"../pool/{to}")
    scan = scan_sources([str(tmp_path)])
    assert scan.classes == ("x", "y") and Counter(s.split for s in scan.samples) == {"train": 12, "test": 12}


def test_deleted_photos_do_not_come_back(tmp_path: Path) -> None:
    """08."""
    plant(tmp_path, "glass/4", "paper/4", "#recycle/glass/6", "$RECYCLE.BIN/S-1-5-21/6", "glass/@Recycle/3")
    scan = scan_sources([str(tmp_path)])
    assert scan.photos_per_class() == {"glass": 4, "paper": 4}
    assert scan.skipped == {"folders of the system, or of deleted photos": 3}


def test_what_stands_beside_a_ready_split_is_left_out(tmp_path: Path) -> None:
    """09."""
    scan = scan_sources([plant(tmp_path, *tree("train", "val"), "predictions/6", "runs/train/exp1/3")])
    assert scan.classes == TWO and scan.skipped == {"photos outside the ready split": 9}
    assert kinds(scan) == ["beside_split"] and "'predictions' and 'runs'" in text(scan)


def test_levels_are_the_same_in_every_branch(tmp_path: Path) -> None:
    """10."""
    upper = {"biodegradable": "food_waste leaf_waste paper_waste wood_waste",
             "non_biodegradable": "ewaste metal_cans plastic_bags plastic_bottles"}  # fmt: skip
    names = [
        f"{part}/{up}/{low}/6"
        for part in ("train", "val")
        for up, lows in upper.items()
        for low in lows.split()
    ]
    scan = scan_sources([plant(tmp_path, *names)])
    assert len(scan.classes) == 8 and "levels" in kinds(scan)
    inner = scan_sources([plant(tmp_path / "own", "a/x/3", "a/y/3", "b/z/3", "b/w/3")])
    assert inner.classes == ("a", "b") and kinds(inner) == ["levels"]
    assert inner.cautions[0].remedy is not None
    assert scan_sources([str(tmp_path / "own")], class_folders="innermost").classes == ("w", "x", "y", "z")


def test_single_photos_are_named_all_at_once(tmp_path: Path) -> None:
    """20."""
    source = plant(tmp_path, *(f"a{i}/1" for i in range(4)), *(f"b{i}/4" for i in range(4)))
    with pytest.raises(DatasetError, match="'a0', 'a1', 'a2' and 'a3' each have a single photo"):
        scan_sources([source])
    assert kinds(scan_sources([source], require_trainable=False)) == ["single_photo"]


def test_summary_says_how_the_tree_was_understood(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, *tree("train"), *tree("val", "test", photos=2))])
    assert in_words(scan) == "split by folders: train 8, validation 4, test 4; classes: cats, dogs"
    assert in_words(scan_sources([plant(tmp_path / "train", "rest/2")])).startswith(
        "not split by folders; classes:"
    )


# --- drawn trees

CLASSES = ("glass", "Glas", "paper cup", "caf\u00e9", "metal", "Zeug")
SPELLINGS = (
    str,
    str.upper,
    lambda n: unicodedata.normalize("NFD", n),
    lambda n: f"{n} ",
    lambda n: n.replace(" ", "_"),
)
JUNK = ("#recycle", "$RECYCLE.BIN", ".Trash-1000", "@eaDir", "lost+found", "__MACOSX")
names_of = {part: st.sampled_from(names.split()) for part, names in PARTS.items()}


@st.composite
def trees(draw: st.DrawFn) -> list[str]:
    """Photos of classes in parts, each part and class under a drawn spelling, with junk beside."""
    classes = draw(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=4, unique_by=spelling_key))
    parts = ["train", *draw(st.lists(st.sampled_from(["val", "test"]), unique=True, max_size=2))]
    ready = draw(st.booleans()) and len(parts) > 1
    planted = []
    for part in parts if ready else [""]:
        top = f"{draw(names_of[part])}/" if ready else ""
        for name in classes:
            if part == "test" and draw(st.integers(0, 3)) == 0:
                name = "unknown"
            spelled = draw(st.sampled_from(SPELLINGS))(name)
            planted.append(f"{top}{spelled}/{draw(st.integers(2, 5))}")
    for junk in draw(st.lists(st.sampled_from(JUNK), max_size=2, unique=True)):
        planted.append(f"{junk}/{draw(st.sampled_from(CLASSES))}/3")
    if ready and draw(st.booleans()):
        planted.append("predictions/2")
    return planted


@settings(max_examples=60, deadline=None)
@given(trees(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_drawn_trees(planted: list[str], seed: int, random: object) -> None:
    """No photo to test is learnt, no deleted one comes back, no class is doubled or lost without a word, and
    elsewhere and in another order all is the same."""
    scans = []
    for place in ("a", "elsewhere/b c"):
        with TemporaryDirectory() as home:
            random.shuffle(planted)  # type: ignore[attr-defined]
            root = Path(home) / place
            root.mkdir(parents=True)
            scan = scan_sources([plant(root, *planted)], require_trainable=False)
            split = split_samples(scan, 0.3, 0.1, seed, {})
            scans.append((scan, [os.path.relpath(s.path, root) for s in split.train], split))
    (scan, trained, split), (other, trained_there, _) = scans
    assert trained == trained_there and scan.classes == other.classes
    assert not [s for s in (*split.train, *split.val) if s.split == "test"]
    assert not [path for path in trained if any(junk in path for junk in JUNK)]
    keys = [spelling_key(name) for name in scan.classes]
    assert len(set(keys)) == len(keys)
    said = {spelling_key(name) for caution in scan.cautions for name in caution.text.split("'")[1::2]}
    there = {spelling_key(path.split("/")[-2]) for path in planted if not path.startswith(JUNK)} - {
        "predictions"
    }
    assert there <= set(keys) | said
    spelled = Counter(
        spelling_key(n) for n in {path.split("/")[-2] for path in planted if not path.startswith(JUNK)}
    )
    assert {key for key, number in spelled.items() if number > 1 and key in keys} <= said


@pytest.mark.parametrize(
    "planted",
    [
        tree("trainig", "test"),
        tree("Ausbildung", "Prüfung"),
        tree("something", "test_final"),
        ("cats/train/4", "cats/PrivateTest/4", "dogs/train/4", "dogs/PrivateTest/4"),
        ("cats/train/4", "cats/test-dev/4", "dogs/train/4", "dogs/public_test/4"),
        tree("imagenet_train", "hidden_test"),
        tree("pool_a", "pool_b", "hold_out"),
    ],
)
def test_whatever_stands_beside_it_a_part_to_test_is_never_learnt(
    tmp_path: Path, planted: tuple[str, ...]
) -> None:
    scan = scan_sources([plant(tmp_path, *planted)])
    assert scan.classes == TWO
    told = split_samples(scan, 0.3, 0.1, 0)
    trained = {os.path.relpath(s.path, tmp_path) for s in (*told.train, *told.val)}
    for_tests = ("test", "Test", "Prüfung", "hold_out")
    assert trained and not [path for path in trained if any(word in path for word in for_tests)]


@pytest.mark.parametrize("name", ["Papierkorb", "_recycle_bin", "System_Volume_Information", "Corbeille"])
def test_trash_in_other_words_is_no_class(tmp_path: Path, name: str) -> None:
    assert scan_sources([plant(tmp_path, "glass/3", "paper/3", f"{name}/5")]).classes == ("glass", "paper")


@pytest.mark.parametrize(("one", "other"), [("plastic bag", "plasticbag"), ("e-waste", "ewaste")])
def test_names_that_differ_in_spaces_and_hyphens_only_are_one_class(
    tmp_path: Path, one: str, other: str
) -> None:
    scan = scan_sources([plant(tmp_path, f"train/{one}/3", f"val/{other}/2", "train/rest/3", "val/rest/2")])
    assert len(scan.classes) == 2 and "spelling" in kinds(scan)


def test_photos_beside_the_parts_of_a_split_are_told(tmp_path: Path) -> None:
    scan = scan_sources([plant(tmp_path, *tree("train", "val"), "./3")])
    assert "3 photos lie beside the folders of a ready split" in text(scan)
