"""What is wrong with photos becomes one finding each, with words, and a cure that keeps the right photo."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from waste_gui.bounds import MOST_PATHS
from waste_gui.dataset.catalog import Checked
from waste_gui.dataset.findings import find
from waste_gui.dataset.folder_names import ReadySplit
from waste_gui.dataset.samples import Sample, Scan
from waste_gui.dataset.split import Split
from waste_gui.protocol import Finding, decode, encode

ALMOST_FLAT = bytes(767) + b"\x09"
"""Too little is on it to tell copies by."""


class Photos:
    """A dataset in the making."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.checked: dict[str, Checked] = {}

    def add(
        self, name: str, label: int = 0, part: ReadySplit = "train", picture: str = "", **checked: object
    ) -> str:
        path = f"/data/{name}.jpg"
        self.samples.append(Sample(path, label, "/data", "glass", part))
        digest = (picture or name).encode("utf-8", "surrogateescape").ljust(16)
        known = Checked(path, 1000, 0, 640, 480, digest=digest, thumbnail=ALMOST_FLAT)
        self.checked[path] = dataclasses.replace(known, **checked)  # type: ignore[arg-type]
        return path

    def find(self) -> list[Finding]:
        parts: Mapping[str, tuple[Sample, ...]] = {
            part: tuple(s for s in self.samples if s.split == part) for part in ("train", "val", "test")
        }
        split = Split(parts["train"], parts["val"], parts["test"], 0, "")
        scan = Scan(tuple(self.samples), ("glass", "paper", "metal"), {}, ())
        return find(scan, split, self.checked)


def test_good_photos_give_no_finding() -> None:
    photos = Photos()
    for number in range(20):
        photos.add(str(number))
    assert photos.find() == []


def test_an_unreadable_photo_says_why() -> None:
    photos = Photos()
    path = photos.add("a", kind="truncated", reason="is truncated", digest=b"", thumbnail=b"")
    photos.add("b", kind="damaged", reason="is empty", digest=b"", thumbnail=b"")
    first, second = photos.find()
    assert (first.kind, first.error, first.words) == ("damaged", "truncated", "Cannot be read: is truncated.")
    assert first.paths == first.suggest == (path,)
    assert second.error == "damaged"


def test_the_same_picture_in_training_and_validation_leaves_training() -> None:
    photos = Photos()
    train = photos.add("a", part="train", picture="x")
    val = photos.add("b", part="val", picture="x")
    (finding,) = photos.find()
    assert finding.kind == "leak"
    assert finding.words == "The same picture is in training and validation."
    assert finding.paths == (val, train)
    assert finding.suggest == (train,)


def test_the_same_picture_in_validation_and_test_is_a_duplicate() -> None:
    photos = Photos()
    photos.add("a", part="test", picture="x")
    photos.add("b", part="val", picture="x")
    (finding,) = photos.find()
    assert finding.kind == "duplicate"


def test_a_person_decides_between_two_classes() -> None:
    photos = Photos()
    photos.add("a", label=0, picture="x")
    photos.add("b", label=2, picture="x", part="val")
    (finding,) = photos.find()
    assert finding.kind == "two_labels"
    assert "the classes glass and metal" in finding.words
    assert "training and validation" in finding.words
    assert finding.suggest == ()


def test_two_copies_are_there_twice() -> None:
    photos = Photos()
    for name in "ab":
        photos.add(name, picture="x")
    (finding,) = photos.find()
    assert finding.words == "The same picture is there twice."


def test_many_copies_are_one_finding_and_the_largest_is_kept() -> None:
    photos = Photos()
    paths = [photos.add(name, picture="x", width=600 + n) for n, name in enumerate("abcd", 1)]
    (finding,) = photos.find()
    assert finding.kind == "duplicate"
    assert finding.words == "The same picture is there 4 times."
    assert finding.paths[0] == paths[3]
    assert set(finding.suggest) == set(paths[:3])


def test_sizes_and_shapes() -> None:
    photos = Photos()
    photos.add("tiny", width=63, height=80)
    photos.add("long", width=1000, height=330)
    photos.add("pixels", width=10_000, height=5_001)
    photos.add("bytes", size=30_000_001)
    photos.add("square", width=64, height=64)
    found = [(finding.kind, finding.paths[0]) for finding in photos.find()]
    assert found == [
        ("tiny", "/data/tiny.jpg"),
        ("odd_shape", "/data/long.jpg"),
        ("huge", "/data/pixels.jpg"),
        ("huge", "/data/bytes.jpg"),
    ]


def test_the_important_comes_first() -> None:
    photos = Photos()
    photos.add("a", width=10, height=10)
    photos.add("b", picture="x")
    photos.add("c", picture="x")
    photos.add("d", picture="y")
    photos.add("e", picture="y", part="val")
    photos.add("f", picture="z")
    photos.add("g", picture="z", label=1)
    photos.add("h", kind="damaged", reason="is empty", digest=b"", thumbnail=b"")
    kinds = [finding.kind for finding in photos.find()]
    assert kinds == ["damaged", "leak", "two_labels", "duplicate", "tiny"]


def test_keys_stay_the_same_and_differ_from_each_other() -> None:
    def keys(*names: str) -> set[str]:
        photos = Photos()
        for name in names:
            photos.add(name, picture="x", width=10, height=10)
        return {finding.key for finding in photos.find()}

    assert keys("a", "b", "c") == keys("c", "a", "b")
    assert len(keys("a", "b", "c")) == 4
    assert len(keys("a", "b", "c") & keys("a", "b", "d")) == 2


def test_names_that_are_no_utf8_have_keys() -> None:
    photos = Photos()
    photos.add("caf\udce9", width=10, height=10)
    assert len(photos.find()) == 1


def test_of_very_many_copies_as_many_are_named_as_a_message_holds() -> None:
    photos = Photos()
    for number in range(MOST_PATHS + 500):
        photos.add(str(number), picture="the same")
    (finding,) = photos.find()
    assert finding.words == f"The same picture is there {MOST_PATHS + 500} times."
    assert len(finding.paths) == MOST_PATHS and len(finding.suggest) == MOST_PATHS - 1
    assert decode(encode(finding)) == finding


def test_photos_of_one_colour_are_told() -> None:
    photos = Photos()
    black = photos.add("black", thumbnail=bytes(768))
    noisy = photos.add("noisy", thumbnail=bytes([200, 10, 30] * 128 + [202, 12, 32] * 128))
    photos.add("half", thumbnail=bytes(384) + bytes([90] * 384))
    found = photos.find()
    assert [(each.kind, each.paths) for each in found if each.kind == "one_colour"] == [
        ("one_colour", (black,)),
        ("one_colour", (noisy,)),
    ]
