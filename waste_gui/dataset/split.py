"""Train, validation and test: seeded, stratified, the same on every machine, saved with the run."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from waste_gui import files
from waste_gui.dataset.file_stats import FileStat, FileStats, file_stats
from waste_gui.dataset.folder_names import ReadySplit
from waste_gui.dataset.samples import DatasetError, Sample, Scan


@dataclass(frozen=True, slots=True)
class Split:
    """Which sample went where; `fingerprint` is that of the scan."""

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    seed: int
    fingerprint: str


def split_samples(
    scan: Scan, val_fraction: float, test_fraction: float, seed: int, stats: FileStats | None = None
) -> Split:
    """Stratified per class; ready split folders are kept, and what is missing is cut off the training photos.

    Each photo's place follows from a hash of its path within the source and the seed, so it does not depend
    on machine or file order, and adding a photo moves at most one other per class and boundary. A class
    with two photos or more has at least one in train and one in val, if need be against its ready split;
    but what a ready split has for testing is for that alone.
    """
    ready = _ready_splits(scan.samples)
    parts: dict[ReadySplit, list[Sample]] = {"train": [], "val": [], "test": []}
    for samples in _by_class(scan.samples):
        shuffled = sorted(samples, key=lambda sample: _rank(sample, seed))
        cut = _cut_class(shuffled, ready, val_fraction, test_fraction)
        for name, members in cut.items():
            parts[name].extend(members)
    order = {sample.path: place for place, sample in enumerate(scan.samples)}
    train, val, test = (
        tuple(sorted(parts[name], key=lambda sample: order[sample.path])) for name in ("train", "val", "test")
    )
    return Split(train, val, test, seed, fingerprint(scan, stats))


def fingerprint(scan: Scan, stats: FileStats | None = None) -> str:
    """16 hex digits that change when a photo is added, removed, resized or given another class.

    `stats` are those of its photos; without them the files are looked at now."""
    if stats is None:
        stats = file_stats([sample.path for sample in scan.samples])
    gone = FileStat(-1, 0)
    lines = sorted(
        b"%s\0%d\0%s"
        % (
            _key(sample),
            stats.get(sample.path, gone).size,
            scan.classes[sample.label].encode("utf-8", "surrogateescape"),
        )
        for sample in scan.samples
    )
    return hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]


def _ready_splits(samples: Iterable[Sample]) -> dict[str, set[ReadySplit]]:
    """For each source, the ready splits to keep: without photos to train on, not that of validation."""
    ready: dict[str, set[ReadySplit]] = defaultdict(set)
    trainable = False
    for sample in samples:
        if sample.split is not None:
            ready[sample.source].add(sample.split)
        trainable = trainable or sample.split in (None, "train")
    return ready if trainable else {source: parts & {"test"} for source, parts in ready.items()}


def _by_class(samples: Iterable[Sample]) -> list[list[Sample]]:
    classes: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        classes[sample.label].append(sample)
    return [classes[label] for label in sorted(classes)]


def _cut_class(
    samples: Sequence[Sample], ready: dict[str, set[ReadySplit]], val_fraction: float, test_fraction: float
) -> dict[ReadySplit, list[Sample]]:
    """One class, given in shuffled order. What a ready split lacks of this class is cut off as if all of it
    was lacking."""
    parts = {sample.split for sample in samples}
    learnt = bool(parts & {None, "train"})
    cut: dict[ReadySplit, list[Sample]] = {"train": [], "val": [], "test": []}
    pools: dict[tuple[bool, bool], list[Sample]] = defaultdict(list)
    for sample in samples:
        kept = ready.get(sample.source, set())
        if sample.split == "test" and "test" in kept or sample.split == "val" and "val" in kept and learnt:
            cut[sample.split].append(sample)
        else:  # a source without a split of its own, or its train folder: what it lacks is cut off
            unsplit = sample.split is None
            lacks_val = unsplit or "val" not in kept or "val" not in parts or not learnt
            pools[lacks_val, unsplit or "test" not in kept].append(sample)
    for (lacks_val, lacks_test), pool in sorted(pools.items()):
        val_end = round(len(pool) * val_fraction) if lacks_val else 0
        test_end = val_end + (round(len(pool) * test_fraction) if lacks_test else 0)
        cut["val"] += pool[:val_end]
        cut["test"] += pool[val_end:test_end]
        cut["train"] += pool[test_end:]
    if sum(sample.split != "test" for sample in samples) >= 2:
        _fill(cut, "train", "val")
        _fill(cut, "val", "train")
    return cut


def _fill(cut: dict[ReadySplit, list[Sample]], empty: ReadySplit, other: ReadySplit) -> None:
    """Give an empty part one sample; if the other part cannot spare any, one that was cut off to test."""
    if not cut[empty]:
        spare = [place for place, sample in enumerate(cut["test"]) if sample.split != "test"]
        # The one next to the boundary: a photo more then moves no other.
        if len(cut[other]) > 1 or not spare:
            cut[empty].append(cut[other].pop(0 if empty == "val" else -1))
        else:
            cut[empty].append(cut["test"].pop(spare[0] if empty == "val" else spare[-1]))


def _key(sample: Sample) -> bytes:
    """The path within the source, the same on every system."""
    relative = sample.path[len(sample.source) :].replace(os.sep, "/").lstrip("/")
    return relative.encode("utf-8", "surrogateescape")


def _rank(sample: Sample, seed: int) -> tuple[bytes, str]:
    return hashlib.blake2b(b"%d\0%s" % (seed, _key(sample)), digest_size=16).digest(), sample.source


# --- split.json


class _StoredSample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    path: str
    label: int
    source: int
    folder: str
    split: ReadySplit | None


class _StoredSplit(msgspec.Struct, frozen=True):
    """`source` in a sample is its place in `sources`, which saves repeating it for every photo."""

    seed: int
    fingerprint: str
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    train: tuple[_StoredSample, ...]
    val: tuple[_StoredSample, ...]
    test: tuple[_StoredSample, ...]


def save_split(path: Path, split: Split, classes: Sequence[str]) -> None:
    """Write `split.json`, the whole or nothing."""
    everyone = (*split.train, *split.val, *split.test)
    sources = tuple(dict.fromkeys(sample.source for sample in everyone))
    place = {source: index for index, source in enumerate(sources)}

    def stored(samples: Iterable[Sample]) -> tuple[_StoredSample, ...]:
        return tuple(_StoredSample(s.path, s.label, place[s.source], s.folder, s.split) for s in samples)

    content = _StoredSplit(
        split.seed,
        split.fingerprint,
        tuple(classes),
        sources,
        stored(split.train),
        stored(split.val),
        stored(split.test),
    )
    files.write_atomically(path, files.encode_json(content))


def load_split(path: Path) -> tuple[Split, tuple[str, ...]]:
    """The split and its classes; DatasetError if the file cannot be used."""
    hint = "Choose another run, or start a new one: it makes its own split."
    try:
        content = files.read_json(path, _StoredSplit, files.LARGE_BYTES)
        train, val, test = (
            tuple(Sample(s.path, s.label, content.sources[s.source], s.folder, s.split) for s in samples)
            for samples in (content.train, content.val, content.test)
        )
    except OSError as error:
        raise DatasetError(f"The split in {path} cannot be read ({error.strerror}).", hint) from None
    except (ValueError, IndexError) as error:
        raise DatasetError(f"{path} is no saved split ({error}).", hint) from None
    return Split(train, val, test, content.seed, content.fingerprint), content.classes
