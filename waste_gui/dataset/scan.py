"""Folders of photos to samples: which photo has which label, and what was passed over and why."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from waste_gui.dataset.mapping import VOCABULARY, build_mapping, key

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
)

ReadySplit = Literal["train", "val", "test"]
SPLIT_FOLDERS: dict[str, ReadySplit] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""Folder names (in any case) that mean a ready split."""

_HIDDEN = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir"})
_CHECKPOINTS = frozenset({"checkpoints", ".ipynb_checkpoints"})

MAX_DEPTH = 40
"""Folders below each other; deeper ones are passed over."""

Progress = Callable[[int, str], None]
"""Called with the photos found so far and the folder being read; may raise, to stop."""


class DatasetError(Exception):
    """A dataset that cannot be used: one sentence that says why, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


class Sample(msgspec.Struct, frozen=True, gc=False):
    """A photo and its label; `folder` is its class folder's name as found, `split` the ready split's."""

    path: str
    label: int
    source: str
    folder: str
    split: ReadySplit | None = None


@dataclass(frozen=True, slots=True)
class FolderCount:
    """How many photos one class folder holds, and the class that they belong to (None: left out)."""

    source: str
    folder: str
    mapped: str | None
    photos: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: samples in order of source and path, and what was passed over, by reason in words."""

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    skipped: dict[str, int]
    folders: tuple[FolderCount, ...]

    def photos_per_class(self) -> dict[str, int]:
        """For every class in order, 0 included."""
        counts = Counter(sample.label for sample in self.samples)
        return {name: counts[label] for label, name in enumerate(self.classes)}


def scan_sources(
    sources: Sequence[str],
    classes: Sequence[str] = (),
    mapping: Mapping[str, str | None] | None = None,
    progress: Progress | None = None,
    require_trainable: bool = True,
) -> Scan:
    """All photos below the sources with their labels, in the same order on every machine; or a DatasetError.

    The class is the first folder below the source, or below a folder named train, val or test. Photos deeper
    down belong to the same class. A folder without photos of its own is passed through as a dataset (its
    sub-folders are the classes) if it holds ready splits, if it is the only one, or if its sub-folders'
    names are known as classes and its own is not.

    `progress` is called at most ten times a second. `require_trainable=False` also accepts what can be
    looked at but not trained on: one class only, or a class with a single photo.
    """
    mapping = mapping or {}
    _check_mapping(classes, mapping)
    roots, skipped = _read_sources(sources, _Pulse(progress))
    known = VOCABULARY | {key(name) for name in (*classes, *mapping)}
    found = [
        _Found(source, part)
        for source, root in zip(sources, roots, strict=True)
        for part in _class_folders(root, known, skipped)
    ]
    _check_sources(sources, roots, found)
    names, class_of = _name_classes(found, classes, mapping)
    scan = _label(found, names, class_of, skipped)
    if require_trainable:
        check_trainable(scan)
    return scan


# --- the tree of folders as it is on disk


@dataclass(slots=True)
class _Folder:
    path: str
    name: str
    depth: int = 0
    photos: list[str] = field(default_factory=list)
    children: list[_Folder] = field(default_factory=list)

    def filled(self) -> list[_Folder]:
        """The sub-folders with photos in or below them, by name."""
        return sorted((c for c in self.children if c.holds_photos()), key=lambda c: c.name)

    def holds_photos(self) -> bool:
        return bool(self.photos) or any(child.holds_photos() for child in self.children)

    def all_photos(self) -> Iterator[str]:
        yield from self.photos
        for child in self.children:
            yield from child.all_photos()


class _Pulse:
    """Reports progress at most ten times a second."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._next = progress, 0.0
        self.found = 0

    def __call__(self, folder: str) -> None:
        if self._progress is not None and time.monotonic() >= self._next:
            self._progress(self.found, folder)
            self._next = time.monotonic() + 0.1


@dataclass(slots=True)
class _Walk:
    """What has been read so far; links wait until every real folder has been, so that these come first."""

    pulse: _Pulse
    skipped: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[int, int]] = field(default_factory=set)
    linked_folders: list[tuple[_Folder, str, str]] = field(default_factory=list)
    linked_photos: list[tuple[_Folder, str]] = field(default_factory=list)

    def read_tree(self, top: _Folder) -> None:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if folder.depth > MAX_DEPTH:
                self.skipped["folders nested too deep"] += 1
                continue
            try:
                status = os.stat(folder.path)
                if (status.st_dev, status.st_ino) in self.seen:
                    self.skipped["folders reached twice"] += 1
                    continue
                self.seen.add((status.st_dev, status.st_ino))
                self._read(folder)
            except OSError:
                if folder is top and not folder.name:
                    raise
                self.skipped["folders that cannot be opened"] += 1
            folder.children.sort(key=lambda child: child.name)
            waiting.extend(reversed(folder.children))

    def _read(self, folder: _Folder) -> None:
        """The entries of one folder. Written for speed: this loop runs once a file."""
        photos, skipped, pulse = folder.photos, self.skipped, self.pulse
        pulse(folder.path)
        empty = True
        with os.scandir(folder.path) as entries:
            for entry in entries:
                empty = False
                name = entry.name
                if name[0] == "." or name.lower() in _HIDDEN or name.lower() in _CHECKPOINTS:
                    skipped[_why_hidden(entry)] += 1
                elif _suffix(name) in PHOTO_SUFFIXES and entry.is_file(follow_symlinks=False):
                    photos.append(entry.path)
                    if not len(photos) % 1024:
                        pulse.found += 1024
                        pulse(folder.path)
                else:
                    self._other(folder, entry)
        pulse.found += len(photos) % 1024
        photos.sort()
        if empty:
            skipped["empty folders"] += 1

    def _other(self, folder: _Folder, entry: os.DirEntry[str]) -> None:
        """What is neither hidden nor simply a photo."""
        if _is_folder(entry):
            if entry.is_symlink():
                self.linked_folders.append((folder, entry.path, entry.name))
            else:
                folder.children.append(_Folder(entry.path, entry.name, folder.depth + 1))
        elif _suffix(entry.name) not in PHOTO_SUFFIXES:
            self.skipped["not photos"] += 1
        elif _is_file(entry):
            self.linked_photos.append((folder, entry.path))
        else:
            self.skipped["not ordinary files"] += 1

    def follow_links(self, roots: Sequence[_Folder]) -> None:
        """Linked folders and photos, each unless what it points at has been found already."""
        while self.linked_folders:
            self.linked_folders.sort(key=lambda link: link[1], reverse=True)
            parent, path, name = self.linked_folders.pop()
            folder = _Folder(path, name, parent.depth + 1)
            self.read_tree(folder)
            parent.children.append(folder)
        if self.linked_photos:
            self._follow_linked_photos(roots)

    def _follow_linked_photos(self, roots: Sequence[_Folder]) -> None:
        real_folder: dict[str, str] = {}
        found = set()
        for path in (path for root in roots for path in root.all_photos()):
            folder, name = os.path.split(path)
            if folder not in real_folder:
                real_folder[folder] = os.path.realpath(folder)
            found.add(os.path.join(real_folder[folder], name))
        for parent, path in sorted(self.linked_photos, key=lambda link: link[1]):
            target = os.path.realpath(path)
            if target in found:
                self.skipped["photos reached twice"] += 1
            else:
                found.add(target)
                parent.photos.append(path)
                self.pulse.found += 1
            self.pulse(parent.path)


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _why_hidden(entry: os.DirEntry[str]) -> str:
    if not _is_folder(entry):
        return "hidden files"
    return "checkpoint folders" if entry.name.lower() in _CHECKPOINTS else "hidden folders"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _read_sources(sources: Sequence[str], pulse: _Pulse) -> tuple[list[_Folder], Counter[str]]:
    if not sources:
        raise DatasetError("No folder of photos is chosen.", "Choose a folder with one sub-folder per class.")
    walk = _Walk(pulse)
    roots = [_Folder(source, "") for source in sources]
    for root in roots:
        if not os.path.exists(root.path):
            raise DatasetError(
                f"There is no folder {root.path}.", "Is the drive connected? Else choose another folder."
            )
        if not os.path.isdir(root.path):
            raise DatasetError(
                f"{root.path} is a file, not a folder.", "Choose the folder that holds the class folders."
            )
        try:
            walk.read_tree(root)
        except OSError as error:
            raise DatasetError(
                f"The folder {root.path} cannot be opened ({error.strerror}).",
                "Ask for permission to read it, or choose another folder.",
            ) from None
    walk.follow_links(roots)
    return roots, walk.skipped


# --- which of the folders are classes


@dataclass(frozen=True, slots=True)
class _Part:
    """A class folder, or the part of one in a ready split."""

    name: str
    photos: list[str]
    split: ReadySplit | None


@dataclass(frozen=True, slots=True)
class _Found:
    source: str
    part: _Part


def _class_folders(
    folder: _Folder, known: frozenset[str], skipped: Counter[str], split: ReadySplit | None = None
) -> Iterator[_Part]:
    """The class folders of a dataset; `scan_sources` states the rule."""
    skipped["photos outside a class folder"] += len(folder.photos)
    children = folder.filled()
    splits = {} if split else _ready_splits(children)
    for child in children:
        ready = splits.get(child.name)
        if ready and child.filled():
            yield from _class_folders(child, known, skipped, ready)
        elif ready:
            skipped["photos outside a class folder"] += len(child.photos)
        elif _is_dataset(child, known, len(children) == 1):
            yield from _class_folders(child, known, skipped, split)
        else:
            yield from _parts(child, split)


def _ready_splits(children: Sequence[_Folder]) -> dict[str, ReadySplit]:
    """The children that are ready splits: `train` among them or nothing else beside, and classes below."""
    splits = {c.name: SPLIT_FOLDERS[c.name.lower()] for c in children if c.name.lower() in SPLIT_FOLDERS}
    complete = "train" in splits.values() or len(splits) == len(children)
    with_classes = any(child.filled() for child in children if child.name in splits)
    return splits if complete and with_classes else {}


def _is_dataset(folder: _Folder, known: frozenset[str], alone: bool) -> bool:
    children = folder.filled()
    if folder.photos or not children:
        return False
    if _ready_splits(children):
        return True
    if key(folder.name) in known:
        return False
    if alone and len(children) > 1:
        return True
    if 2 * sum(key(child.name) in known for child in children) >= len(children):
        return True
    return any(_is_dataset(child, known, alone and len(children) == 1) for child in children)


def _parts(folder: _Folder, split: ReadySplit | None) -> Iterator[_Part]:
    """A class folder as a whole, or cut by splits that stand below it (glass/train/1.jpg)."""
    children = folder.filled()
    if split is None and not folder.photos and all(c.name.lower() in SPLIT_FOLDERS for c in children):
        for child in children:
            yield _Part(folder.name, list(child.all_photos()), SPLIT_FOLDERS[child.name.lower()])
    else:
        yield _Part(folder.name, list(folder.all_photos()), split)


def _check_sources(sources: Sequence[str], roots: Sequence[_Folder], found: Sequence[_Found]) -> None:
    used = {each.source for each in found}
    for source, root in zip(sources, roots, strict=True):
        if source in used:
            continue
        if root.holds_photos():
            raise DatasetError(
                "This folder has no sub-folders with photos. It needs one sub-folder per class.",
                f"Sort the photos in {source} into sub-folders named after their classes, or choose the "
                "folder above it.",
            )
        if not used:
            raise DatasetError(
                f"There are no photos in {source}.",
                "Choose a folder with one sub-folder of photos (JPEG, PNG, WebP, BMP, TIFF, GIF) per class.",
            )


# --- labels


def _check_mapping(classes: Sequence[str], mapping: Mapping[str, str | None]) -> None:
    for folder, name in mapping.items():
        if classes and name is not None and name not in classes:
            raise DatasetError(
                f"The folder '{folder}' is mapped to '{name}', which is none of the classes.",
                f"Add '{name}' to the classes, or map the folder to one of them.",
            )


def _name_classes(
    found: Sequence[_Found], classes: Sequence[str], mapping: Mapping[str, str | None]
) -> tuple[tuple[str, ...], dict[str, str | None]]:
    """The classes in order, and the class of each folder name."""
    folder_names = {each.part.name for each in found}
    if classes:
        return tuple(classes), build_mapping(folder_names, classes, mapping)
    class_of = _own_names(found) | {name: mapping[name] for name in folder_names if name in mapping}
    return tuple(sorted({name for name in class_of.values() if name is not None})), class_of


def _own_names(found: Sequence[_Found]) -> dict[str, str | None]:
    """Folders are their own classes; one that differs from an earlier source's in case or plural joins it."""
    class_of: dict[str, str | None] = {}
    earlier: dict[str, str] = {}
    for source in dict.fromkeys(each.source for each in found):
        names = {each.part.name for each in found if each.source == source}
        for name in sorted(names - class_of.keys()):
            spelling = earlier.get(key(name))
            class_of[name] = spelling if spelling and spelling not in names else name
        for name in sorted(names):
            earlier.setdefault(key(name), name)
    return class_of


def _label(
    found: Sequence[_Found], names: tuple[str, ...], class_of: Mapping[str, str | None], skipped: Counter[str]
) -> Scan:
    labels = {name: label for label, name in enumerate(names)}
    samples: list[Sample] = []
    photos: Counter[tuple[str, str]] = Counter()
    for source, part in ((each.source, each.part) for each in found):
        photos[source, part.name] += len(part.photos)
        mapped = class_of[part.name]
        if mapped is None:
            skipped["folders left out by the mapping"] += 1
            continue
        label = labels[mapped]
        samples.extend(Sample(path, label, source, part.name, part.split) for path in sorted(part.photos))
    return Scan(
        samples=tuple(samples),
        classes=names,
        skipped={reason: count for reason, count in sorted(skipped.items()) if count},
        folders=tuple(
            FolderCount(source, folder, class_of[folder], count) for (source, folder), count in photos.items()
        ),
    )


def check_trainable(scan: Scan) -> None:
    counts = {name: count for name, count in scan.photos_per_class().items() if count}
    if not counts:
        raise DatasetError(
            "None of the folders belongs to one of the classes.",
            "Map each folder to a class, or use the folders' own names as classes.",
        )
    if len(counts) == 1:
        raise DatasetError(
            f"There is only one class with photos, '{next(iter(counts))}'.",
            "Training needs at least two: add a folder of other photos.",
        )
    single = [name for name, count in counts.items() if count == 1]
    if single:
        raise DatasetError(
            f"The class '{single[0]}' has a single photo.",
            "A class needs at least two, one to learn from and one to check with: add photos, or leave the "
            "folder out.",
        )
