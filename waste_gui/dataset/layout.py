"""Which of the folders are classes and which are parts of a ready split, and what of that is doubtful.

The class is the first folder below the source, or below a part of a split (train, val, test under any of
their names). Photos deeper down belong to the same class. A folder without photos of its own is passed
through as a dataset (its sub-folders are the classes) if it holds a ready split, if it is the only one, if
its name says nothing ("images"), if it is one of counted pieces (fold_1, fold_2), or if its sub-folders'
names are known as classes and its own is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from waste_gui.config import ClassFolders
from waste_gui.dataset.folder_names import (
    ReadySplit,
    are_folds,
    fold_number,
    part_name,
    parts_among,
    says_nothing,
    spelling_key,
)
from waste_gui.dataset.mapping import key
from waste_gui.dataset.tree import Folder

PICTURES = frozenset(
    ".jxl .raw .cr2 .cr3 .nef .arw .dng .orf .rw2 .raf .psd .xcf .svg .eps .tga "
    ".mp4 .mov .avi .mkv .webm .m4v .pdf .zip .rar .7z .tar .gz".split()
) | {""}
"""Suffixes of what may hold pictures, though none that is read here; "" is a file without one."""

OUTSIDE = "photos outside a class folder"
BESIDE = "photos outside the ready split"
UNLABELLED = "photos of a test part without a class"
FOLDS = "photos of further folds"


@dataclass(frozen=True, slots=True)
class Part:
    """A class folder, or the part of one in a ready split."""

    name: str
    photos: list[str]
    split: ReadySplit | None
    path: str = ""


@dataclass(frozen=True)
class LabelTable:
    """What a table says: the label of each photo, and its part of a split where a column tells one."""

    path: str
    column: str
    labels: Mapping[str, str]
    parts: Mapping[str, ReadySplit]
    rows: int
    lost: int
    """Rows whose photo is not there."""
    twofold: int
    """Photos that have several different labels; they are left out."""


@dataclass
class Layout:
    """How the folders of one source were understood; what each list has in it is a doubt to be told."""

    parts: list[Part] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    beside: list[Folder] = field(default_factory=list)
    """Left out, as they stand beside a ready split."""
    loose: int = 0
    """Photos that lie beside the folders of a ready split."""
    unlabelled: list[tuple[Folder, ReadySplit]] = field(default_factory=list)
    """Parts of a split whose photos lie flat, in no class folder."""
    flat: list[Folder] = field(default_factory=list)
    """They look like parts of a split, and no class folder is there at all."""
    empty: list[Folder] = field(default_factory=list)
    """Class folders without a photo that can be used."""
    passed: list[Folder] = field(default_factory=list)
    """Folders with several sub-folders, which were taken as the classes."""
    deep: list[Folder] = field(default_factory=list)
    """Class folders with sub-folders that might be the classes."""
    folds: list[Folder] = field(default_factory=list)
    like_parts: list[Folder] = field(default_factory=list)
    """Classes whose names look like parts of a split."""
    table: LabelTable | None = None
    """From which the labels are, if it is not from the folders."""

    @property
    def classes(self) -> set[str]:
        return {spelling_key(part.name) for part in self.parts}

    @property
    def has_classes(self) -> bool:
        """Whether folders are classes: two at least, that are not all called by words that say nothing."""
        named = [part for part in self.parts if not says_nothing(part.name) and part_name(part.name) is None]
        return len(self.classes) > 1 and bool(named)

    @property
    def has_split(self) -> bool:
        return any(part.split is not None for part in self.parts)


def understand(root: Folder, known: frozenset[str], class_folders: ClassFolders = "auto") -> Layout:
    """`known` are the keys of names that are classes; `class_folders` is the setting of that name."""
    layout = Layout()
    if class_folders == "top":
        layout.skipped[OUTSIDE] += len(root.photos)
        for child in root.filled():
            layout.parts.append(Part(child.name, list(child.all_photos()), None, child.path))
    else:
        _Reader(layout, known, innermost=class_folders == "innermost").read(root, None)
    return layout


@dataclass
class _Reader:
    layout: Layout
    known: frozenset[str]
    innermost: bool = False

    def read(self, folder: Folder, split: ReadySplit | None) -> None:
        """The class folders of a dataset, or of one part of it."""
        layout = self.layout
        children = folder.filled()
        splits = {} if split else self._splits(folder)
        layout.skipped[UNLABELLED if split == "test" else OUTSIDE] += len(folder.photos)
        if splits:
            layout.loose += len(folder.photos)
            self._read_split(children, splits)
            return
        if split is None and self._is_flat_split(children):
            layout.flat += children
            layout.skipped[OUTSIDE] += sum(len(list(child.all_photos())) for child in children)
            return
        if are_folds([child.name for child in children]) and all(self._holds_classes(c) for c in children):
            self._read_folds(children, split)
            return
        self._read_classes(folder, children, split)

    def _holds_classes(self, folder: Folder) -> bool:
        return not folder.photos and bool(folder.filled())

    # --- ready splits

    def _splits(self, folder: Folder) -> dict[str, ReadySplit]:
        """The children that are parts of a ready split. There must be classes below, and `train` or nothing
        else beside; or the classes stand beside the part for testing and are those below it."""
        children = folder.filled()
        splits = parts_among(child.name for child in children)
        parts = [child for child in children if child.name in splits]
        below = {spelling_key(c.name) for part in parts for c in self._class_level(part).filled()}
        if not below:
            return {}
        rest = [child for child in children if child.name not in splits]
        if "train" in splits.values() or not rest:
            return splits
        # What has the same classes in it is there to train on, whatever it is called.
        alike = [child for child in rest if below & {spelling_key(c.name) for c in child.filled()}]
        beside = below & {spelling_key(child.name) for child in rest}
        return splits | dict.fromkeys((child.name for child in alike), "train") if alike or beside else {}

    def _class_level(self, part: Folder) -> Folder:
        """Below `seg_train/seg_train` and `train/images`."""
        children = part.filled()
        while self._is_wrapped(part, children):
            part, children = children[0], children[0].filled()
        if len(children) == 1 and says_nothing(children[0].name) and not children[0].filled():
            return Folder(part.path, part.name, photos=children[0].photos)
        return part

    def _is_wrapped(self, part: Folder, children: Sequence[Folder]) -> bool:
        if len(children) != 1 or part.photos or not children[0].filled():
            return False
        return says_nothing(children[0].name) or part_name(children[0].name) is not None

    def _is_flat_split(self, children: Sequence[Folder]) -> bool:
        """Photos in train, val and test, and in no class folders."""
        splits = parts_among(child.name for child in children)
        flat = all(not self._class_level(child).filled() for child in children)
        return flat and len(set(splits.values())) > 1 and len(splits) == len(children)

    def _read_split(self, children: Sequence[Folder], splits: dict[str, ReadySplit]) -> None:
        layout = self.layout
        has_train = "train" in splits.values()
        for child in children:
            ready = splits.get(child.name)
            if ready is not None:
                level = self._class_level(child)
                if level.filled():
                    self.read(level, ready)
                else:
                    layout.unlabelled.append((child, ready))
                    layout.skipped[UNLABELLED if ready == "test" else OUTSIDE] += _count(child)
            elif has_train:
                layout.beside.append(child)
                layout.skipped[BESIDE] += _count(child)
        if not has_train:  # The classes stand beside their part for testing.
            rest = [child for child in children if child.name not in splits]
            for child in rest:
                layout.parts += self._parts(child, None)

    def _read_folds(self, children: Sequence[Folder], split: ReadySplit | None) -> None:
        """Put together; of folds that are split themselves each has all photos, so that one will do."""
        ordered = sorted(children, key=lambda child: (fold_number(child.name), child.name))
        self.layout.folds += ordered
        if split is None and any(self._splits(child) for child in ordered):
            for child in ordered[1:]:
                self.layout.skipped[FOLDS] += _count(child)
            ordered = ordered[:1]
        for child in ordered:
            self.read(child, split)

    # --- classes

    def _read_classes(self, folder: Folder, children: Sequence[Folder], split: ReadySplit | None) -> None:
        layout = self.layout
        unlabelled = self._unlabelled(children) if split is None else {}
        together = self._all_pass(children)
        for child in children:
            if child.name in unlabelled:
                layout.unlabelled.append((child, unlabelled[child.name]))
                layout.skipped[UNLABELLED] += _count(child)
            elif together or self._is_dataset(child, len(children) == 1):
                if len(child.filled()) > 1 and not self._splits(child) and len(children) > 1:
                    layout.passed.append(child)
                self.read(child, split)
            elif self.innermost and child.filled() and not child.photos:
                self.read(child, split)
            else:
                layout.parts += self._parts(child, split)
                self._doubt(child)
        if len(children) > 1 or split is not None:
            layout.empty += [child for child in folder.children if _is_lost(child)]

    def _unlabelled(self, children: Sequence[Folder]) -> dict[str, ReadySplit]:
        """Flat parts for testing or checking beside two class folders or more: none of these is a class."""
        flat: dict[str, ReadySplit] = {}
        names = parts_among(child.name for child in children)
        for child in children:
            part = names.get(child.name)
            if part is not None and part != "train" and not child.filled():
                flat[child.name] = part
        return flat if len(children) - len(flat) > 1 else {}

    def _doubt(self, child: Folder) -> None:
        if part_name(child.name) is not None and child.name in parts_among([child.name]):
            self.layout.like_parts.append(child)
        inner = child.filled()
        if not child.photos and len(inner) > 1 and not _are_parts(inner):
            self.layout.deep.append(child)

    def _all_pass(self, children: Sequence[Folder]) -> bool:
        """All or none: whether the sub-folders of several folders, put together, are the classes by name."""
        if len(children) < 2 or not all(self._holds_classes(child) for child in children):
            return False
        if any(key(child.name) in self.known or self._splits(child) for child in children):
            return False
        below = [inner.name for child in children for inner in child.filled()]
        return 2 * sum(key(name) in self.known for name in below) >= len(below)

    def _is_dataset(self, folder: Folder, alone: bool) -> bool:
        children = folder.filled()
        if folder.photos or not children:
            return False
        if self._splits(folder) or self._is_flat_split(children) and alone:
            return True
        if key(folder.name) in self.known:
            return False
        if alone and (len(children) > 1 or says_nothing(folder.name)):
            return True
        if 2 * sum(key(child.name) in self.known for child in children) >= len(children):
            return True
        return any(self._is_dataset(child, alone and len(children) == 1) for child in children)

    def _parts(self, folder: Folder, split: ReadySplit | None) -> Iterator[Part]:
        """A class folder as a whole, or cut by splits that stand below it (glass/train/1.jpg)."""
        children = folder.filled()
        parts = parts_among(child.name for child in children)
        if split is None and parts and ("train" in parts.values() or _are_parts(children)):
            for child in children:  # Of others nobody says what they are for.
                yield Part(folder.name, list(child.all_photos()), parts.get(child.name), folder.path)
            if folder.photos:
                yield Part(folder.name, list(folder.photos), None, folder.path)
        else:
            yield Part(folder.name, list(folder.all_photos()), split, folder.path)


def _are_parts(children: Sequence[Folder]) -> bool:
    names = [child.name for child in children]
    return bool(names) and len(parts_among(names)) == len(names)


def _is_lost(folder: Folder) -> bool:
    """A class folder without photos: locked, empty, or with pictures of kinds that are not read."""
    if folder.holds_photos() or says_nothing(folder.name) or part_name(folder.name) is not None:
        return False
    others = folder.all_others()
    may_not = any(each.closed for each in folder.all_folders())
    return may_not or not others or any(suffix in PICTURES for suffix in others)


def _count(folder: Folder) -> int:
    return sum(1 for _ in folder.all_photos())
