"""Which folders, which classes, which folder belongs to which: a value, its undo, and the scan of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from waste_gui.config import ClassFolders, RunConfig
from waste_gui.dataset import cautions
from waste_gui.dataset.mapping import PRESETS
from waste_gui.dataset.samples import Caution, FolderCount, Remedy, Scan
from waste_gui.dataset.scan import scan_sources

PATHS_KEPT, FEWEST_KEPT = 100_000, 24
"""Paths of photos that are kept to be shown, of all classes together and of each."""


@dataclass(frozen=True)
class DatasetChoice:
    """`preset` is one of PRESETS or empty for the folders' own names; `mapping` what the person set."""

    sources: tuple[str, ...] = ()
    preset: str = ""
    mapping: dict[str, str | None] = field(default_factory=dict)
    class_folders: ClassFolders = "auto"

    @property
    def classes(self) -> tuple[str, ...]:
        return PRESETS.get(self.preset, ())

    def applied_to(self, config: RunConfig) -> RunConfig:
        """These settings, with these photos and classes."""
        return msgspec.structs.replace(
            config,
            source=self.sources,
            classes=self.classes,
            mapping=self.mapping,
            class_folders=self.class_folders,
        )

    def mended(self, remedy: Remedy) -> DatasetChoice:
        """As a scan's caution proposes."""
        folders = remedy.class_folders or self.class_folders
        return replace(self, mapping={**self.mapping, **remedy.mapping}, class_folders=folders)


def choice_of(config: RunConfig) -> DatasetChoice:
    """The folders and classes of these settings."""
    preset = next((name for name, classes in PRESETS.items() if classes == config.classes), "")
    return DatasetChoice(config.source, preset, dict(config.mapping), config.class_folders)


@dataclass(frozen=True)
class Found:
    """A scan without its hundred thousand samples.

    The photos set aside are still counted; `aside` has the class of each that was set aside then, or None if
    the photo is not there any more."""

    folders: tuple[FolderCount, ...]
    classes: tuple[str, ...]
    photos_per_class: dict[str, int]
    skipped: dict[str, int]
    aside: dict[str, str | None] = field(default_factory=dict)
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Photos to show of each class: all, or as many as are kept."""
    ready_validation: dict[str, int] = field(default_factory=dict)
    """How many of each class are for validation, where the folders say so themselves."""
    understood: str = ""
    """How the folders were read: "split by folders: train 120, validation 30; classes: glass, paper"."""
    cautions: tuple[Caution, ...] = ()

    @property
    def photos(self) -> int:
        return sum(self.photos_per_class.values())

    @property
    def filled_classes(self) -> int:
        return sum(1 for n in self.photos_per_class.values() if n)


def look(choice: DatasetChoice, tell: Callable[[object], None]) -> Found:
    """Read the folders; DatasetError says why they can't be used. For a thread: a drive may be slow."""
    from waste_gui.dataset.catalog import Catalog  # With numpy, which the window's start must not wait for.

    scan: Scan = scan_sources(
        choice.sources,
        choice.classes,
        choice.mapping,
        lambda n, folder: tell((n, folder)),
        False,
        choice.class_folders,
    )
    catalog = Catalog()
    catalog.follow([sample.path for sample in scan.samples])
    aside: dict[str, str | None] = dict.fromkeys(catalog.aside(choice.sources))
    if aside:
        there = {s.path: scan.classes[s.label] for s in scan.samples if s.path in aside}
        aside.update(there)
    return Found(
        scan.folders,
        scan.classes,
        scan.photos_per_class(),
        dict(scan.skipped),
        aside,
        _paths(scan),
        _ready_validation(scan),
        cautions.in_words(scan),
        scan.cautions,
    )


def _paths(scan: Scan) -> dict[str, tuple[str, ...]]:
    """Evenly from all over each class, where there are more than are kept."""
    by_label: list[list[str]] = [[] for _ in scan.classes]
    for sample in scan.samples:
        by_label[sample.label].append(sample.path)
    most = max(FEWEST_KEPT, PATHS_KEPT // max(1, len(scan.classes)))
    return {
        name: tuple(paths[i * len(paths) // most] for i in range(most)) if len(paths) > most else tuple(paths)
        for name, paths in zip(scan.classes, by_label, strict=True)
    }


def _ready_validation(scan: Scan) -> dict[str, int]:
    split = Counter(scan.classes[s.label] for s in scan.samples if s.split is not None)
    validation = Counter(scan.classes[s.label] for s in scan.samples if s.split == "val")
    return {name: validation[name] for name in split if validation[name]}


def without(found: Found, aside: Collection[str]) -> tuple[Found, int]:
    """What is left when these photos are set aside, and how many of them are in the classes."""
    folders = {(each.source, each.folder): each.mapped for each in found.folders}
    names = (found.aside[p] if p in found.aside else _class_by_folder(folders, p) for p in aside)
    fewer = Counter(name for name in names if name)
    counts = {name: max(0, n - fewer[name]) for name, n in found.photos_per_class.items()}
    return replace(found, photos_per_class=counts), found.photos - sum(counts.values())


def _class_by_folder(folders: Mapping[tuple[str, str], str | None], path: str) -> str | None:
    """The first of the folders that a photo is in, from its source down, that belongs to a class."""
    for source in dict.fromkeys(source for source, _ in folders):
        if path.startswith(os.path.join(source, "")):
            for name in os.path.relpath(path, source).split(os.sep)[:-1]:
                if (source, name) in folders:
                    return folders[source, name]
    return None


def problem(found: Found) -> str:
    """Why this can be looked at but not trained on; empty if it can."""
    if not found.photos:
        return "None of the folders belongs to one of the classes. Map each folder to a class."
    if found.filled_classes < 2:
        return "There is only one class with photos. Training needs at least two: add a folder."
    single = [name for name, n in found.photos_per_class.items() if n == 1]
    if single:
        one = len(single) == 1
        return (
            f"{cautions.class_words(single)} {'has' if one else 'each have'} a single photo. Add photos, or "
            f"leave {'the folder' if one else 'the folders'} out."
        )
    return ""
