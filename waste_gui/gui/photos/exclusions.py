"""Which photos are set aside and which findings were skipped: shown at once, written beside the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from waste_gui.gui.common.background import post
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.undo_writer import NotWritten, UndoWriter

if TYPE_CHECKING:
    from waste_gui.dataset.catalog import Catalog


class Exclusions(QObject):
    """What is remembered of the photos of some folders; each change is a step of undo.

    A change is shown before it is written. Where it cannot be written, `failed(text, hint)` says so and the
    lists are read anew."""

    changed = Signal()
    failed = Signal(str, str)
    written = Signal()  # One change, or it was said why not.

    def __init__(self, undo_stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.aside: dict[str, str] = {}
        self.skipped: set[str] = set()
        self._sources: tuple[str, ...] = ()
        self._catalog: Catalog | None = None  # Of the thread that writes.
        self._writer = UndoWriter(undo_stack, "photo lists", self)
        self._writer.failed.connect(self._on_not_written)
        self._writer.written.connect(self.written)
        self._post = post()

    def read(self, sources: Sequence[str]) -> None:
        """Look up what is remembered of these folders; `changed` comes when it is known."""
        self._sources = tuple(sources)
        writes = self._writer.changes

        def look() -> None:
            catalog = self._opened()
            read = partial(self._on_read, writes, catalog.aside(sources), catalog.dismissed())
            self._post.send_to(self, read)

        self._writer.after_writes(look)

    def exclude(self, reasons: Mapping[str, str]) -> None:
        """Leave these photos out of training, each for its reason."""
        new = {path: reason for path, reason in reasons.items() if path not in self.aside}
        if new:
            self._push(f"exclude {many(len(new), 'photo')}", lambda: self._put(new), lambda: self._take(new))

    def take_back(self, paths: Iterable[str]) -> None:
        """Use these photos again."""
        old = {path: self.aside[path] for path in paths if path in self.aside}
        if old:
            self._push(
                f"take back {many(len(old), 'photo')}", lambda: self._take(old), lambda: self._put(old)
            )

    def skip(self, keys: Iterable[str]) -> None:
        """Take findings off the list."""
        new = [key for key in keys if key not in self.skipped]
        if new:
            words = f"ignore {many(len(new), 'finding')}"
            self._push(words, lambda: self._hide(new), lambda: self._show(new))

    def show_again(self, keys: Iterable[str]) -> None:
        """Put findings on the list again."""
        old = [key for key in keys if key in self.skipped]
        if old:
            self._push(
                f"show {many(len(old), 'finding')} again", lambda: self._show(old), lambda: self._hide(old)
            )

    def close(self) -> None:
        """Let what was asked for be written."""
        self._writer.close()
        self._catalog = None

    def _push(self, words: str, do: Callable[[], None], undo: Callable[[], None]) -> None:
        self._writer.push(words, do, undo)

    def _put(self, reasons: Mapping[str, str]) -> None:
        self.aside |= reasons

        def write(catalog: Catalog) -> None:
            for reason in dict.fromkeys(reasons.values()):
                catalog.exclude([path for path, why in reasons.items() if why == reason], reason)

        self._write(write)

    def _take(self, paths: Iterable[str]) -> None:
        paths = list(paths)
        for path in paths:
            self.aside.pop(path, None)
        self._write(lambda catalog: catalog.take_back(paths))

    def _hide(self, keys: Sequence[str]) -> None:
        self.skipped |= set(keys)

        def write(catalog: Catalog) -> None:
            for key in keys:
                catalog.dismiss(key)

        self._write(write)

    def _show(self, keys: Sequence[str]) -> None:
        self.skipped -= set(keys)

        def write(catalog: Catalog) -> None:
            for key in keys:
                catalog.bring_back(key)

        self._write(write)

    def _write(self, write: Callable[[Catalog], object]) -> None:
        from waste_gui.dataset.catalog import CatalogError

        def try_to() -> None:
            try:
                write(self._opened())
            except CatalogError as error:
                raise NotWritten(error.text, error.hint) from None

        self._writer.write(try_to)
        self.changed.emit()

    def _opened(self) -> Catalog:
        """Only in the thread that writes."""
        from waste_gui.dataset.catalog import Catalog

        if self._catalog is None:
            self._catalog = Catalog(on_problem=lambda text: self._writer.failed.emit(text, ""))
        return self._catalog

    def _on_read(self, writes: int, aside: dict[str, str], skipped: set[str]) -> None:
        if writes != self._writer.changes:  # Changed since: what was read is old.
            self.read(self._sources)
        elif (aside, skipped) != (self.aside, self.skipped):
            self.aside, self.skipped = aside, skipped
            self.changed.emit()

    def _on_not_written(self, text: str, hint: str) -> None:
        self.failed.emit(text, hint)
        if hint:
            self.read(self._sources)
