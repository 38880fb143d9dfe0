"""The check on the photos page: its bar, the list of what it found, and what is set aside."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos.check import PhotoCheck
from waste_gui.gui.photos.check_bar import CheckBar
from waste_gui.gui.photos.check_text import check_now, check_text, empty_words
from waste_gui.gui.photos.exclusions import Exclusions
from waste_gui.gui.photos.finding_list import FindingList
from waste_gui.gui.photos.finding_rows import Act, Entry, Heading, Row, open_findings, rows
from waste_gui.gui.photos.photo_viewer import PhotoDialog
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.run_text import CheckNow
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


class CheckPart(QObject):
    """Connects the check, the lists and what shows them; the page lays `bar` and `page` out.

    `settings` gives what is set for the training, or raises ConfigError: the check splits and reads alike."""

    browse_changed = Signal(bool)  # Whether the list is to be shown instead of the classes.
    aside_changed = Signal()
    progressed = Signal()
    trouble = Signal(str, str)

    def __init__(self, undo_stack: QUndoStack, parent: QWidget) -> None:
        super().__init__(parent)
        self.settings: Callable[[], RunConfig] = RunConfig
        self.check = PhotoCheck(self)
        self.lists = Exclusions(undo_stack, self)
        self.thumbnails = Thumbnails(self)
        self.bar = CheckBar()
        self.page = FindingsPage(self.thumbnails)
        self.browsing = False
        self.dialog: PhotoDialog | None = None
        self._widget = parent
        self._choice = DatasetChoice()
        self._possible = False
        self._training = False
        self._toggled: set[str] = set()
        self.bar.check_asked.connect(self.start)
        self.bar.stop_asked.connect(self.check.stop)
        self.bar.browse_asked.connect(lambda: self.browse(not self.browsing))
        self.check.changed.connect(self._on_check)
        self.lists.changed.connect(self._on_lists)
        self.lists.failed.connect(self.trouble)
        self.page.list.asked.connect(self._on_asked)
        self.page.list.opened.connect(self.open)
        self.page.list.toggled.connect(self._on_toggled)
        self._show()

    @property
    def current(self) -> bool:
        """Whether what is known of a check is about the photos chosen now."""
        return self.check.choice == self._choice

    @property
    def findings(self) -> list[Finding]:
        return list(self.check.findings.values()) if self.current else []

    @property
    def now(self) -> CheckNow | None:
        return check_now(self.check)

    @property
    def can_start(self) -> bool:
        return self._possible and not self._training and not self.check.running

    def show_choice(self, choice: DatasetChoice) -> None:
        """Other folders or classes: a check of the old ones is over."""
        sources_differ = choice.sources != self._choice.sources
        self._choice = choice
        if self.check.running and not self.current:
            self.check.stop()
        if sources_differ:
            self.lists.read(choice.sources)
            self._toggled.clear()
            self.browse(False)
        self._show()

    def show_possible(self, possible: bool) -> None:
        """Whether there are photos to check."""
        self._possible = possible
        self._show()

    def show_training(self, training: bool) -> None:
        if training != self._training:
            self._training = training
            if not training:  # It may have set photos aside. Not while the window draws how it ended.
                QTimer.singleShot(LATER_MS, self, lambda: self.lists.read(self._choice.sources))
            self._show()

    def start(self) -> None:
        if not self.can_start:
            return
        self.thumbnails.forget()
        self.browse(True)
        choice = self._choice
        try:
            config = self.settings()
        except ConfigError as error:
            self.check.refuse(str(error), choice)
            return
        self.check.start(choice.applied_to(config), choice)

    def browse(self, on: bool) -> None:
        """Show the list, or the classes."""
        self.browsing = on
        self._show()
        self.browse_changed.emit(on)
        if on:
            self.page.list.setFocus()

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
        self.check.kill_now()
        self.thumbnails.close()
        self.lists.close()

    def _on_check(self) -> None:
        self._show()
        self.progressed.emit()

    def _on_dialog_closed(self) -> None:
        self.dialog = None

    def _on_lists(self) -> None:
        self.aside_changed.emit()
        self._show()

    def _on_toggled(self, group: str) -> None:
        self._toggled ^= {group}
        self._show()

    def _on_asked(self, act: Act, row: Row) -> None:
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
            case Act.SKIP:
                self.lists.skip(keys)
            case Act.SHOW_AGAIN:
                self.lists.show_again(keys)
            case Act.CHOOSE:
                assert isinstance(row, Entry)
                self.open(row)

    def _reasons(self, paths: tuple[str, ...], key: str | None) -> dict[str, str]:
        """What the finding with this key says, or whichever suggests to set a photo aside."""
        if key is not None:
            return dict.fromkeys(paths, self.check.findings[key].words if key in self.check.findings else "")
        words = {path: finding.words for finding in self.findings for path in finding.suggest}
        return {path: words.get(path, "") for path in paths}

    def _show(self) -> None:
        aside, skipped = self.lists.aside, self.lists.skipped
        still = open_findings(self.findings, aside, skipped)
        stopping = self.check.running and self.check.run.stop_asked_at is not None
        text = check_text(self.check, still, self._choice)
        self.bar.show_text(text, possible=self._possible, training=self._training, stopping=stopping)
        self.bar.show_browse(self._browse_text(len(still)))
        if self.browsing:
            lines = rows(self.findings, aside, skipped, self._toggled)
            self.page.show_rows(lines, empty_words(self.check, self._choice))

    def _browse_text(self, still: int) -> str:
        if self.browsing:
            return "&Back to the classes"
        if still:
            return f"&Browse findings ({count(still)})"
        if self.lists.aside:
            return f"&Browse excluded ({count(len(self.lists.aside))})"
        return ""
