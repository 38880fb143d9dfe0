"""A heap of photos is given its classes: what is labelled, what comes next, undo. No widgets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from waste_gui.dataset.labels_file import NAME, can_be_named, read_labels, write_labels
from waste_gui.dataset.samples import DatasetError
from waste_gui.dataset.tree import Folder, Pulse, Tree
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.undo_writer import NotWritten, UndoWriter

ELSEWHERE = "Save the labels in another place."


@dataclass(frozen=True)
class Heap:
    """Photos without classes, the labels that they have, and where these are kept."""

    photos: tuple[str, ...]
    labels: dict[str, str]
    file: Path
    unnameable: int = 0
    """Photos whose names no text file can hold; they are left out."""


def look_at_heap(folder: str, tell: Callable[[object], None], file: Path | None = None) -> Heap:
    """For a thread: a drive may be slow. Raises DatasetError."""
    top = Folder(folder, "")
    tree = Tree(Pulse(lambda found, place: tell((found, place))))
    try:
        tree.read(top)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(
            f"The folder {folder} cannot be opened ({reason}).", "Is its drive there?"
        ) from error
    photos = sorted(os.path.normpath(path) for path in top.all_photos())
    named = tuple(path for path in photos if can_be_named(path))
    file = file or Path(folder) / NAME
    return Heap(named, read_labels(file), file, len(photos) - len(named))


class Labelling(QObject):
    """Each label is shown at once and written in a thread; the file is whole after each."""

    changed = Signal()
    failed = Signal(str, str)  # Why the labels cannot be saved, and what to do.
    saved = Signal()

    def __init__(self, heap: Heap, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.photos, self.file = heap.photos, heap.file
        self.labels = dict(heap.labels)
        self.classes = list(dict.fromkeys(heap.labels.values()))
        self.undo_stack = QUndoStack(self)
        self._writer = UndoWriter(self.undo_stack, "labels", self)
        self._writer.failed.connect(self.failed)
        self._writer.written.connect(self._on_written)
        self._unsaved = 0
        self._written: tuple[Path, int] | None = None
        self.place = self._next_unlabelled(0)

    @property
    def photo(self) -> str | None:
        return self.photos[self.place] if self.photos else None

    @property
    def labelled(self) -> int:
        return sum(1 for photo in self.photos if photo in self.labels)

    @property
    def complete(self) -> bool:
        return bool(self.photos) and all(photo in self.labels for photo in self.photos)

    def add_class(self, name: str) -> bool:
        """Whether it can be one: names alike but for case and spaces would be two classes of one kind."""
        name = " ".join(name.split())
        if not name or not name[0].isalnum() or not can_be_named(name):
            return False
        if name.casefold() in (each.casefold() for each in self.classes):
            return False
        self.classes.append(name)
        self.changed.emit()
        return True

    def give(self, name: str) -> None:
        """The photo in sight its class; the next that has none comes by itself."""
        photo = self.photo
        if photo is None:
            return
        before, place = self.labels.get(photo), self.place
        words = f"label {one_line(os.path.basename(photo))} {one_line(name)}"
        after = partial(self._next_unlabelled, place + 1)
        self._writer.push(
            words, partial(self._set, photo, name, after), partial(self._set, photo, before, lambda: place)
        )

    def step(self, by: int) -> None:
        """Without a label: looking back, or skipping."""
        if self.photos:
            self.place = (self.place + by) % len(self.photos)
            self.changed.emit()

    def skip(self) -> None:
        if self.photos:
            self.place = self._next_unlabelled(self.place + 1)
            self.changed.emit()

    def save_as(self, file: Path) -> None:
        """From now on there."""
        self.file = file
        self._write()

    def close(self) -> None:
        """Let what was labelled be written."""
        self._writer.close()

    def _set(self, photo: str, name: str | None, place: Callable[[], int]) -> None:
        if name is None:
            self.labels.pop(photo, None)
        else:
            self.labels[photo] = name
        self.place = place()
        self._write()
        self.changed.emit()

    def _next_unlabelled(self, start: int) -> int:
        """From there on and round; where all have one, simply the next."""
        n = len(self.photos)
        for i in range(n):
            if self.photos[(start + i) % n] not in self.labels:
                return (start + i) % n
        return start % n if n else 0

    def _write(self) -> None:
        self._unsaved += 1
        self._writer.write(self._save)

    def _save(self) -> None:
        """In the thread. Of several changes that wait the first writes all."""
        wanted = (self.file, self._unsaved)
        if wanted == self._written:
            return
        file, labels = self.file, self.labels.copy()
        try:
            write_labels(file, labels)
        except OSError as error:
            reason = error.strerror or str(error)
            raise NotWritten(f"The labels cannot be saved in {file.parent}: {reason}.", ELSEWHERE) from error
        self._written = wanted

    def _on_written(self) -> None:
        if self._writer.waiting == 0 and self._written == (self.file, self._unsaved):
            self.saved.emit()
