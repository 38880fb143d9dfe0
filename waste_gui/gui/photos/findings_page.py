"""The check on the photos page: its bar, the list of what it found, and what is set aside."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos.check import PhotoCheck
from waste_gui.gui.photos.check_text import BAR, check_text, empty_words
from waste_gui.gui.photos.doubts import Doubt
from waste_gui.gui.photos.exclusions import Exclusions
from waste_gui.gui.photos.finding_list import FindingList
from waste_gui.gui.photos.finding_rows import Act, Entry, Found, Heading, Row, open_findings, rows
from waste_gui.gui.photos.photo_viewer import PhotoDialog
from waste_gui.gui.photos.work_bar import WorkBar
from waste_gui.gui.photos.work_part import WorkPart
from waste_gui.gui.photos.work_text import reading_now
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.run_text import ReadingNow
from waste_gui.protocol import Finding

LATER_MS = 300

PHOTO = "photo"
"""The group of one that was not found by a check."""

KEYS = "Space excludes  ·  I ignores  ·  Enter shows the photo larger  ·  Ctrl+Z undoes"


class FindingsPage(QWidget):
    """The list, or in words why it is empty."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = FindingList(thumbnails)
        self.empty = PlainLabel(role="muted", wrap=True)
        filled, words = QWidget(), QWidget()
        lines = QVBoxLayout(filled)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(UNIT // 2)
        lines.addWidget(self.list, 1)
        lines.addWidget(PlainLabel(KEYS, size="caption", role="muted"))
        around = QHBoxLayout(words)
        around.setContentsMargins(0, UNIT, 0, 0)
        column = QVBoxLayout()
        column.addWidget(self.empty)
        column.addStretch(1)
        around.addLayout(column)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(words)
        self._stack.addWidget(filled)

    def show_rows(self, rows: list[Row], empty: str) -> None:
        self.list.show_rows(rows)
        self.empty.set_text(empty)
        self._stack.setCurrentIndex(1 if rows else 0)


class CheckPart(WorkPart):
    """Connects the check, the lists and what shows them; the page lays `bar` and `page` out. The list has
    what a preview doubts, too."""

    aside_changed = Signal()
    trouble = Signal(str, str)

    def __init__(self, undo_stack: QUndoStack, parent: QWidget) -> None:
        check = PhotoCheck(parent)
        super().__init__(check, WorkBar(BAR), parent)
        self.check = check
        self.lists = Exclusions(undo_stack, self)
        self.thumbnails = Thumbnails(self)
        self.page = FindingsPage(self.thumbnails)
        self.dialog: PhotoDialog | None = None
        self._doubts: Sequence[Doubt] = ()
        self._toggled: set[str] = set()
        self.lists.changed.connect(self._on_lists)
        self.lists.failed.connect(self.trouble)
        self.page.list.asked.connect(self.on_asked)
        self.page.list.opened.connect(self.open)
        self.page.list.toggled.connect(self._on_toggled)
        self._show()

    @property
    def findings(self) -> list[Finding]:
        """Of the check."""
        return list(self.check.findings.values()) if self.current else []

    @property
    def _found(self) -> list[Found]:
        return [*self.findings, *self._doubts]

    @property
    def now(self) -> ReadingNow | None:
        return reading_now(self.check, "Checking photos", "the photos are looked up", "a few seconds")

    def show_choice(self, choice: DatasetChoice) -> None:
        sources_differ = choice.sources != self._choice.sources
        super().show_choice(choice)
        if sources_differ:
            self.lists.read(choice.sources)
            self._toggled.clear()
            self.browse(False)

    def show_doubts(self, doubts: Sequence[Doubt]) -> None:
        if doubts is not self._doubts:
            self._doubts = doubts
            self._show()

    def show_training(self, training: bool) -> None:
        ended = self._training and not training
        super().show_training(training)
        if ended:  # It may have set photos aside. Not while the window draws how it ended.
            QTimer.singleShot(LATER_MS, self, lambda: self.lists.read(self._choice.sources))

    def _begin(self) -> None:
        self.thumbnails.forget()
        super()._begin()

    def browse(self, on: bool) -> None:
        super().browse(on)
        if on:
            self.page.list.setFocus()

    def browse_group(self, group: str) -> None:
        """Show the list at this kind."""
        self.browse(True)
        heading = self.page.list.heading(group)
        if heading is not None and not heading.is_open:
            self._on_toggled(group)
        self.page.list.go_to_group(group)

    def open(self, entry: Entry) -> None:
        """The photos of an entry, larger."""
        if self.dialog is not None:
            self.dialog.close()
        over = QApplication.activeModalWidget() or self._widget
        dialog = PhotoDialog(over, entry, self.thumbnails, self.lists)
        dialog.skip_asked.connect(lambda key: self.lists.skip([key]))
        dialog.finished.connect(self._on_dialog_closed)
        self.dialog = dialog
        dialog.open()

    def open_photo(self, path: str, name: str) -> None:
        """One of a class, larger."""
        self.open(Entry(PHOTO, path, "", (path,), name, (), ()))

    def close(self) -> None:
        """Before the window goes: nothing that was asked for is lost, and no process stays."""
        super().close()
        self.thumbnails.close()
        self.lists.close()

    def _on_dialog_closed(self) -> None:
        self.dialog = None

    def _on_lists(self) -> None:
        self.aside_changed.emit()
        self._show()

    def _on_toggled(self, group: str) -> None:
        self._toggled ^= {group}
        self._show()

    def on_asked(self, act: Act, row: Row) -> None:
        match row:
            case Heading():
                paths, keys = row.paths, row.keys
                reasons = self._reasons(paths, None)
            case Entry():
                paths, keys = row.aside or row.paths, (row.key,)
                reasons = self._reasons(paths, row.key)
        match act:
            case Act.EXCLUDE:
                self.lists.exclude(reasons)
            case Act.TAKE_BACK:
                self.lists.take_back(paths)
            case Act.SKIP | Act.LABEL_RIGHT:
                self.lists.skip(keys)
            case Act.SHOW_AGAIN:
                self.lists.show_again(keys)
            case Act.CHOOSE:
                assert isinstance(row, Entry)
                self.open(row)

    def _reasons(self, paths: tuple[str, ...], key: str | None) -> dict[str, str]:
        """What the finding with this key says, or whichever suggests to set a photo aside."""
        if key is not None:
            words = next((each.words for each in self._found if each.key == key), "")
            return dict.fromkeys(paths, words)
        of_paths = {path: each.words for each in self._found for path in each.suggest}
        return {path: of_paths.get(path, "") for path in paths}

    def _show(self) -> None:
        aside, skipped = self.lists.aside, self.lists.skipped
        still = open_findings(self.findings, aside, skipped)
        text = check_text(self.check, still, self._choice)
        self.bar.show_text(
            text, possible=self._possible, waits_for=self.waits_for, stopping=self.check.stopping
        )
        doubted = open_findings(self._doubts, aside, skipped)
        self.bar.show_browse(self._browse_text(len(still) + len(doubted)))
        if self.browsing:
            lines = rows(self._found, aside, skipped, self._toggled)
            self.page.show_rows(lines, empty_words(self.check, self._choice))

    def _browse_text(self, still: int) -> str:
        if self.browsing:
            return "&Back to the classes"
        if still:
            return f"&Browse findings ({count(still)})"
        if self.lists.aside:
            return f"&Browse excluded ({count(len(self.lists.aside))})"
        return ""
