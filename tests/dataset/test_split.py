"""Where each photo goes: stratified, seeded, the same everywhere, saved and loaded."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste_gui.dataset.folder_names import ReadySplit
from waste_gui.dataset.samples import DatasetError, Sample, Scan
from waste_gui.dataset.split import Split, fingerprint, load_split, save_split, split_samples

SOURCE = "/nowhere/photos"


def sample(name: str, label: int, split: ReadySplit | None = None, source: str = SOURCE) -> Sample:
    return Sample(f"{source}/{split or 'all'}/{label}/{name}.jpg", label, source, str(label), split)


def scan_of(samples: list[Sample]) -> Scan:
    labels = {s.label for s in samples}
    return Scan(tuple(samples), tuple(str(label) for label in range(max(labels) + 1)), {}, ())


def even(per_class: int, classes: int = 3) -> Scan:
    return scan_of([sample(f"p{i}", label) for label in range(classes) for i in range(per_class)])


def place(split: Split) -> dict[str, str]:
    return {
        s.path: name
        for name, part in (("train", split.train), ("val", split.val), ("test", split.test))
        for s in part
    }


sizes = st.lists(st.integers(1, 40), min_size=2, max_size=5)
readies: st.SearchStrategy[ReadySplit | None] = st.sampled_from([None, "train", "val", "test"])
scans = st.one_of(
    sizes.map(lambda ns: scan_of([sample(f"p{i}", label) for label, n in enumerate(ns) for i in range(n)])),
    st.lists(
        st.tuples(st.integers(0, 3), readies, st.sampled_from(["/a", "/b"])), min_size=2, max_size=60
    ).map(lambda rows: scan_of([sample(f"p{i}", label, s, src) for i, (label, s, src) in enumerate(rows)])),
)
fractions = st.tuples(st.floats(0.01, 0.6), st.floats(0, 0.39))


@given(scans, fractions, st.integers(0, 2**63 - 1))
def test_every_photo_is_in_one_part_none_to_test_is_learned_and_every_class_can_be(
    scan: Scan, fraction: tuple[float, float], seed: int
) -> None:
    split = split_samples(scan, *fraction, seed)
    together = [*split.train, *split.val, *split.test]
    assert sorted(s.path for s in together) == sorted(s.path for s in scan.samples)
    assert not [s for s in (*split.train, *split.val) if s.split == "test"]
    for label, count in Counter(s.label for s in scan.samples if s.split != "test").items():
        if count >= 2:
            assert label in {s.label for s in split.train}
            assert label in {s.label for s in split.val}


@given(scans, fractions, st.integers(0, 9), st.randoms())
def test_file_order_does_not_matter(
    scan: Scan, fraction: tuple[float, float], seed: int, random: object
) -> None:
    shuffled = list(scan.samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = replace(scan, samples=tuple(shuffled))
    assert place(split_samples(other, *fraction, seed)) == place(split_samples(scan, *fraction, seed))
    assert fingerprint(other) == fingerprint(scan)


@given(st.integers(3, 60), st.floats(0.05, 0.5), st.integers(0, 9))
def test_one_photo_more_moves_at_most_one_other(count: int, fraction: float, seed: int) -> None:
    before = place(split_samples(even(count), fraction, 0, seed))
    more = even(count)
    more = replace(more, samples=(*more.samples, sample("new", 0)))
    after = place(split_samples(more, fraction, 0, seed))
    assert sum(after[path] != part for path, part in before.items()) <= 1


def test_shares_hold_in_every_class() -> None:
    split = split_samples(even(100), 0.2, 0.1, seed=0)
    assert Counter(s.label for s in split.val) == {0: 20, 1: 20, 2: 20}
    assert Counter(s.label for s in split.test) == {0: 10, 1: 10, 2: 10}


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    scan = even(50)
    assert split_samples(scan, 0.2, 0, seed=1) == split_samples(scan, 0.2, 0, seed=1)
    assert place(split_samples(scan, 0.2, 0, seed=1)) != place(split_samples(scan, 0.2, 0, seed=2))


def test_the_split_is_the_same_on_every_machine() -> None:
    split = split_samples(scan_of([sample(f"p{i}", label) for label in (0, 1) for i in range(5)]), 0.4, 0, 0)
    moved = [Sample(s.path.replace(SOURCE, "/mnt/b"), s.label, "/mnt/b", s.folder) for s in split.val]
    elsewhere = [sample(f"p{i}", label, source="/mnt/b") for label in (0, 1) for i in range(5)]
    assert list(split_samples(scan_of(elsewhere), 0.4, 0, 0).val) == moved


def test_parts_keep_the_order_of_the_scan() -> None:
    split = split_samples(even(30), 0.2, 0.2, 0)
    for part in (split.train, split.val, split.test):
        assert [s.label for s in part] == sorted(s.label for s in part)


def ready(*splits: ReadySplit) -> list[Sample]:
    return [sample(f"p{i}", label, split) for split in splits for label in (0, 1) for i in range(10)]


def test_ready_splits_are_kept() -> None:
    split = split_samples(scan_of(ready("train", "val", "test")), 0.5, 0.3, 0)
    for name, part in (("train", split.train), ("val", split.val), ("test", split.test)):
        assert {s.split for s in part} == {name} and len(part) == 20


def test_missing_val_is_cut_off_train() -> None:
    split = split_samples(scan_of(ready("train", "test")), 0.2, 0.3, 0)
    assert (len(split.train), len(split.val), len(split.test)) == (16, 4, 20)
    assert {s.split for s in split.val} == {"train"}


def test_missing_test_is_cut_off_train_and_only_if_asked_for() -> None:
    split = split_samples(scan_of(ready("train", "val")), 0.2, 0.1, 0)
    assert (len(split.train), len(split.val), len(split.test)) == (18, 20, 2)
    assert not split_samples(scan_of(ready("train", "val")), 0.2, 0, 0).test


def test_source_without_a_split_is_split_beside_one_with() -> None:
    other = [sample(f"q{i}", label, None, "/other") for label in (0, 1) for i in range(10)]
    split = split_samples(scan_of(ready("train", "val") + other), 0.2, 0, 0)
    assert len(split.val) == 20 + 4 and len(split.train) == 20 + 16


def test_without_training_photos_the_rest_is_split_anew() -> None:
    split = split_samples(scan_of(ready("val")), 0.2, 0, 0)
    assert (len(split.train), len(split.val)) == (16, 4)


# --- fingerprint and file


@pytest.fixture
def real(tmp_path: Path) -> Scan:
    samples = []
    for label in (0, 1):
        for name in (b"a.jpg", b"b\xe9.jpg", "ü\n\\x.jpg".encode()):
            path = os.fsencode(tmp_path) + b"/%d-%s" % (label, name)
            Path(os.fsdecode(path)).write_bytes(b"photo")
            samples.append(Sample(os.fsdecode(path), label, str(tmp_path), str(label)))
    return scan_of(samples)


def test_fingerprint_changes_with_size_class_and_photos(real: Scan) -> None:
    first = fingerprint(real)
    assert len(first) == 16 and int(first, 16) >= 0
    assert fingerprint(replace(real, classes=("0", "x"))) != first
    assert fingerprint(replace(real, samples=real.samples[1:])) != first
    Path(real.samples[0].path).write_bytes(b"another")
    assert fingerprint(real) != first


def test_vanished_photo_has_a_fingerprint_still(real: Scan) -> None:
    first = fingerprint(real)
    Path(real.samples[0].path).unlink()
    assert fingerprint(real) != first


def test_saved_split_is_loaded_as_it_was_names_without_utf8_included(real: Scan, tmp_path: Path) -> None:
    split = split_samples(real, 0.3, 0.3, 7)
    save_split(tmp_path / "split.json", split, real.classes)
    assert load_split(tmp_path / "split.json") == (split, real.classes)
    (tmp_path / "split.json").read_bytes().decode("utf-8")


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b'{"seed": 1}', b"[1"])
def test_split_that_cannot_be_loaded_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "split.json").write_bytes(content)
    with pytest.raises(DatasetError, match=r"split\.json"):
        load_split(tmp_path / "split.json")
