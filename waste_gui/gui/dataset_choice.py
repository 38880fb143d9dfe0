"""Which folders, which classes, which folder belongs to which: a value, its undo, and the scan of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtGui import QUndoCommand

from waste_gui.dataset.mapping import PRESETS
from waste_gui.dataset.scan import FolderCount, Scan, scan_sources


@dataclass(frozen=True)
class DatasetChoice:
    """`preset` is one of PRESETS or empty for the folders' own names; `mapping` what the person set."""

    sources: tuple[str, ...] = ()
    preset: str = ""
    mapping: dict[str, str | None] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        return PRESETS.get(self.preset, ())


@dataclass(frozen=True)
class Found:
    """A scan without its hundred thousand samples."""

    folders: tuple[FolderCount, ...]
    classes: tuple[str, ...]
    photos_per_class: dict[str, int]
    skipped: dict[str, int]

    @property
    def photos(self) -> int:
        return sum(self.photos_per_class.values())

    @property
    def filled_classes(self) -> int:
        return sum(1 for n in self.photos_per_class.values() if n)


def look(choice: DatasetChoice, tell: Callable[[object], None]) -> Found:
    """Read the folders; DatasetError says why they can't be used. For a thread: a drive may be slow."""
    scan: Scan = scan_sources(
        choice.sources, choice.classes, choice.mapping, lambda n, folder: tell((n, folder)), False
    )
    return Found(scan.folders, scan.classes, scan.photos_per_class(), dict(scan.skipped))


def problem(found: Found) -> str:
    """Why this can be looked at but not trained on; empty if it can."""
    if not found.photos:
        return "None of the folders belongs to one of the classes. Map each folder to a class."
    if found.filled_classes < 2:
        return "There is only one class with photos. Training needs at least two: add a folder."
    single = [name for name, n in found.photos_per_class.items() if n == 1]
    if single:
        return f"The class '{single[0]}' has a single photo. Add photos, or leave the folder out."
    return ""


class ChangeChoice(QUndoCommand):
    """One step of undo: the choice before and after."""

    def __init__(
        self, words: str, before: DatasetChoice, after: DatasetChoice, apply: Callable[[DatasetChoice], None]
    ) -> None:
        super().__init__(words)
        self._before, self._after, self._apply = before, after, apply

    def undo(self) -> None:
        self._apply(self._before)

    def redo(self) -> None:
        self._apply(self._after)
