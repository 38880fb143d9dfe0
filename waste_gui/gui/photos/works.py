"""All that works on the photos beside a training, check and preview: one at a time, and one of them shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QVBoxLayout, QWidget

from waste_gui.config import RunConfig
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.photos.findings_page import CheckPart
from waste_gui.gui.photos.preview_part import PreviewPart
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.run_text import ReadingNow


class Works(QObject):
    progressed = Signal()
    ended = Signal()
    browsed = Signal()  # What stands in the place of the classes, if anything, is another.

    def __init__(self, undo_stack: QUndoStack, parent: QWidget) -> None:
        super().__init__(parent)
        self.checking = CheckPart(undo_stack, parent)
        self.previewing = PreviewPart(self.checking.lists, self.checking.thumbnails, parent)
        self._parts = (self.checking, self.previewing)
        self._pages = (self.checking.page, self.previewing.place)
        for part in self._parts:
            part.progressed.connect(self._on_progressed)
            part.work.ended.connect(self.ended)
        self.checking.browse_changed.connect(self._on_browse_findings)
        self.previewing.browse_changed.connect(self._on_browse_preview)
        self.previewing.doubts_changed.connect(self.checking.show_doubts)
        self.previewing.opened.connect(self.checking.open)
        self.previewing.asked.connect(self.checking.on_asked)
        self.previewing.group_asked.connect(self.checking.browse_group)

    def lay_out_bars(self) -> QVBoxLayout:
        """One below the other, with buttons that keep their places whatever stands on them."""
        rows = QVBoxLayout()
        rows.setSpacing(UNIT)
        widest = max(part.bar.widest for part in self._parts)
        for part in self._parts:
            part.bar.button.setMinimumWidth(widest)
            rows.addWidget(part.bar)
        return rows

    def lay_out_pages(self, rows: QVBoxLayout) -> None:
        """In the place of the classes, hidden until they are asked for."""
        for page in self._pages:
            rows.addWidget(page, 1)
            page.hide()

    def use_settings(self, settings: Callable[[], RunConfig]) -> None:
        """Where those of a training come from."""
        for part in self._parts:
            part.settings = settings

    @property
    def now(self) -> ReadingNow | None:
        return self.checking.now or self.previewing.now

    @property
    def can_start(self) -> dict[str, bool]:
        """By the name of each, which is that of its action in the menu."""
        return {part.work.name: part.can_start for part in self._parts}

    @property
    def browsing(self) -> bool:
        """Whether what one of them found stands in the place of the classes."""
        return any(part.browsing for part in self._parts)

    def show_choice(self, choice: DatasetChoice) -> None:
        for part in self._parts:
            part.show_choice(choice)

    def show_possible(self, possible: bool) -> None:
        """Whether there are photos."""
        for part in self._parts:
            part.show_possible(possible)

    def show_training(self, training: bool) -> None:
        for part in self._parts:
            part.show_training(training)

    def stop(self, *, for_training: bool) -> None:
        for part in self._parts:
            part.stop(for_training=for_training)

    def close(self) -> None:
        """Before the window goes: nothing that was asked for is lost, and no process stays."""
        for part in self._parts:
            part.close()

    def _on_progressed(self) -> None:
        for part, other in (self._parts, self._parts[::-1]):
            part.show_other(other.work.name if other.work.running else "")
        self.progressed.emit()

    def _on_browse_findings(self, browsing: bool) -> None:
        self.previewing.show_list_open(browsing)
        self._show_one(self.previewing, browsing)

    def _on_browse_preview(self, browsing: bool) -> None:
        self._show_one(self.checking, browsing)

    def _show_one(self, other: CheckPart | PreviewPart, browsing: bool) -> None:
        if browsing and other.browsing:
            other.browse(False)
        places: tuple[QWidget, ...] = self._pages
        shown = [page for part, page in zip(self._parts, places, strict=True) if part.browsing]
        for page in places:
            if page not in shown:
                page.hide()
        self.browsed.emit()
        for page in shown:  # Last: two in one place would need more room than there is.
            page.show()
