"""What a scan gives: photos with their labels, what was passed over, and what a person should look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from waste_gui.config import ClassFolders
from waste_gui.dataset.folder_names import ReadySplit

CautionKind = Literal[
    "parts_as_classes",
    "spelling",
    "empty_class",
    "one_part_only",
    "beside_split",
    "unlabelled_test",
    "folds",
    "levels",
    "single_photo",
    "table",
    "names",
]


class DatasetError(Exception):
    """A dataset that cannot be used: one sentence that says why, and what to do."""

    def __init__(self, text: str, hint: str, remedy: Remedy | None = None) -> None:
        """`remedy` is a change that a button can make."""
        super().__init__(text)
        self.text, self.hint, self.remedy = text, hint, remedy


class Sample(msgspec.Struct, frozen=True, gc=False):
    """A photo and its label; `folder` is its class folder's name as found, `split` the ready split's."""

    path: str
    label: int
    source: str
    folder: str
    split: ReadySplit | None = None


@dataclass(frozen=True)
class Remedy:
    """`words` are those of a button; it sets what stands here, the rest stays."""

    words: str
    mapping: dict[str, str | None] = field(default_factory=dict)
    class_folders: ClassFolders | None = None


@dataclass(frozen=True)
class Caution:
    """`text` says in one sentence what is doubtful, `hint` what to do."""

    kind: CautionKind
    text: str
    hint: str
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True)
class FolderCount:
    """How many photos one class folder holds, and the class that they belong to (None: left out)."""

    source: str
    folder: str
    mapped: str | None
    photos: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: samples in order of source and path, what was passed over, by reason in words, and what
    a person should look at before training."""

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    skipped: dict[str, int]
    folders: tuple[FolderCount, ...]
    cautions: tuple[Caution, ...] = ()
    tables: str = ""
    """From which tables labels are, and from which of their columns."""

    def photos_per_class(self) -> dict[str, int]:
        """For every class in order, 0 included."""
        counts = Counter(sample.label for sample in self.samples)
        return {name: counts[label] for label, name in enumerate(self.classes)}

    def trainable_per_class(self) -> dict[str, int]:
        """Without photos for testing, and without classes that have no others."""
        counts = Counter(sample.label for sample in self.samples if sample.split != "test")
        return {name: counts[label] for label, name in enumerate(self.classes) if counts[label]}
