"""What is wrong with photos, alone or together, in sentences, the most important first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from waste_gui.bounds import MOST_PATHS
from waste_gui.dataset.catalog import Checked
from waste_gui.dataset.folder_names import ReadySplit
from waste_gui.dataset.near_duplicates import Groups, near_copies
from waste_gui.dataset.samples import Sample, Scan
from waste_gui.dataset.split import Split
from waste_gui.protocol import FailureKind, Finding, FindingKind

TINY_SIDE = 64
HUGE_PIXELS = 50_000_000
HUGE_BYTES = 30_000_000
ODD_RATIO = 3
FLAT = 3
"""Of 255: JPEG makes no more of a single colour."""

ORDER: tuple[FindingKind, ...] = (
    "damaged",
    "leak",
    "two_labels",
    "duplicate",
    "near_duplicate",
    "one_colour",
    "tiny",
    "odd_shape",
    "huge",
)
"""The most important first."""

_KEPT_FIRST: tuple[ReadySplit, ...] = ("val", "test", "train")
_PARTS: tuple[tuple[ReadySplit, str], ...] = (("train", "training"), ("val", "validation"), ("test", "test"))


def find(
    scan: Scan,
    split: Split,
    checked: Mapping[str, Checked],
    tell: Callable[[int], object] = lambda looked_at: None,
) -> list[Finding]:
    """What is wrong with these samples. Of several copies, however many, there is one finding.

    `tell` is called often while pictures are compared, with a number that grows; it may raise, to stop.
    """
    photos = _photos(scan, split, checked)
    found = [finding for photo in photos for finding in _alone(photo)]
    found += _together([photo for photo in photos if not photo.checked.kind], scan.classes, tell)
    return sorted(found, key=lambda finding: ORDER.index(finding.kind))  # stable: then in order of the scan


@dataclass(frozen=True, slots=True)
class _Photo:
    sample: Sample
    checked: Checked
    part: ReadySplit

    @property
    def path(self) -> str:
        return self.sample.path

    @property
    def pixels(self) -> int:
        return self.checked.width * self.checked.height


def _photos(scan: Scan, split: Split, checked: Mapping[str, Checked]) -> list[_Photo]:
    parts: dict[str, ReadySplit] = {}
    for part, samples in (("train", split.train), ("val", split.val), ("test", split.test)):
        parts.update((sample.path, cast(ReadySplit, part)) for sample in samples)
    return [
        _Photo(sample, checked[sample.path], parts.get(sample.path, "train"))
        for sample in scan.samples
        if sample.path in checked
    ]


def _alone(photo: _Photo) -> Iterator[Finding]:
    width, height, size = photo.checked.width, photo.checked.height, photo.checked.size
    if photo.checked.kind:
        words = f"Cannot be read: {photo.checked.reason}."
        error = cast(FailureKind, photo.checked.kind)
        yield _finding("damaged", [photo.path], words, suggest=[photo.path], error=error)
        return
    if _is_of_one_colour(photo.checked.thumbnail):
        yield _finding("one_colour", [photo.path], "Shows nothing but one colour.", suggest=[photo.path])
    if min(width, height) < TINY_SIDE:
        words = f"Is very small: {width} × {height} pixels."
        yield _finding("tiny", [photo.path], words, suggest=[photo.path])
    if max(width, height) > ODD_RATIO * min(width, height):
        words = f"Is very long and narrow: {width} × {height} pixels."
        yield _finding("odd_shape", [photo.path], words, suggest=[photo.path])
    if photo.pixels > HUGE_PIXELS or size > HUGE_BYTES:
        words = f"Is very large: {photo.pixels / 1e6:.0f} megapixels, {size / 1e6:.0f} MB."
        yield _finding("huge", [photo.path], words)


def _is_of_one_colour(thumbnail: bytes) -> bool:
    """No part of it differs from another by more than noise does."""
    return bool(thumbnail) and all(
        max(channel) - min(channel) <= FLAT for channel in (thumbnail[0::3], thumbnail[1::3], thumbnail[2::3])
    )


def _together(
    photos: Sequence[_Photo], classes: Sequence[str], tell: Callable[[int], object]
) -> Iterator[Finding]:
    groups = Groups(len(photos))
    first: dict[bytes, int] = {}
    for place, photo in enumerate(photos):
        groups.join(first.setdefault(photo.checked.digest, place), place)
    places = list(first.values())
    for one, other in near_copies([photos[place].checked.thumbnail for place in places], tell):
        groups.join(places[one], places[other])
    for members in groups.of_several():
        yield _copies([photos[place] for place in members], classes)


def _copies(photos: Sequence[_Photo], classes: Sequence[str]) -> Finding:
    """The photo worth keeping comes first: one that training does not see, then the largest."""
    photos = sorted(photos, key=lambda photo: (_KEPT_FIRST.index(photo.part), -photo.pixels))
    paths = [photo.path for photo in photos[:MOST_PATHS]]  # The next check tells the others.
    same = len({photo.checked.digest for photo in photos}) == 1
    picture = "The same picture" if same else "Nearly the same picture"
    parts = [words for part, words in _PARTS if part in {photo.part for photo in photos}]
    labels = sorted({photo.sample.label for photo in photos})
    leaks = len(parts) > 1 and parts[0] == "training"
    if len(labels) > 1:
        words = f"{picture} is in the classes {_listed([classes[label] for label in labels])}."
        words += f" It is in {_listed(parts)}, too." if leaks else ""
        return _finding("two_labels", paths, words)
    if leaks:
        words = f"{picture} is in {_listed(parts)}."
        return _finding("leak", paths, words, suggest=paths[1:])
    kind: Literal["duplicate", "near_duplicate"] = "duplicate" if same else "near_duplicate"
    times = "twice" if len(photos) == 2 else f"{len(photos)} times"
    return _finding(kind, paths, f"{picture} is there {times}.", suggest=paths[1:])


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _finding(
    kind: FindingKind,
    paths: Sequence[str],
    words: str,
    suggest: Sequence[str] = (),
    error: FailureKind | None = None,
) -> Finding:
    names = b"\0".join(sorted(os.fsencode(path) for path in paths))
    key = hashlib.blake2b(kind.encode() + b"\0" + names, digest_size=8).hexdigest()
    return Finding(kind=kind, paths=tuple(paths), words=words, suggest=tuple(suggest), key=key, error=error)
