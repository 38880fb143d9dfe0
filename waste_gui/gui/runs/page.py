"""The runs page: earlier trainings to be found, compared, marked, tidied up, gone on with or done again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShowEvent, QUndoStack
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common.fields import ChoiceBox
from waste_gui.gui.common.formatting import count, many
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.runs.library import Live, RunLibrary
from waste_gui.gui.runs.rows import SPOKEN, Column, Filter, Line, datasets
from waste_gui.gui.runs.table import RunTable
from waste_gui.monitor.run_list import RunSummary
from waste_gui.monitor.snapshot import Snapshot

if TYPE_CHECKING:
    from waste_gui.gui.runs.compare import CompareDialog

RESUMABLE = ("stopped", "failed", "crashed")
MOST_COMPARED = 6
TYPING_MS = 80
"""After the last letter of a search, the list follows."""
TOLD_MS = 8000
"""What became of a run stands below the list for so long."""
ANY_PHOTOS = "Any photos"


class RunsPage(QWidget):
    """`trouble(text, hint)` is something that went wrong, for the bar."""

    show_asked = Signal(object)  # RunDir
    folder_asked = Signal(object)  # RunDir
    settings_asked = Signal(object)  # RunDir
    resume_asked = Signal(object)  # RunDir
    trouble = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.library = RunLibrary(self.undo_stack, self)
        self.comparison: CompareDialog | None = None
        self._behind = True  # What is shown is older than what is known.
        self._lines: dict[str, Line] = {}
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self._show)
        self._make_actions()
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_content())
        self.library.changed.connect(self._on_changed)
        self.library.failed.connect(self.trouble)
        self.library.told.connect(self._on_told)
        self.table.shown.connect(self.show_action.trigger)
        self.table.starred.connect(self._on_star_pressed)
        self.table.menu_asked.connect(self._on_menu)
        self.table.selection_changed.connect(self._on_selected)
        self.table.runs.renamed.connect(self.library.rename)
        self.table.itemDelegate().closeEditor.connect(self._on_edited)
        self._told = ""
        self._notifier = QTimer(self)
        self._notifier.setSingleShot(True)
        self._notifier.setInterval(TOLD_MS)
        self._notifier.timeout.connect(self._tell_no_longer)
        self.undo_stack.indexChanged.connect(self._tell_no_longer)  # Undone, it is no longer true.
        self._on_changed()

    # --- laid out

    def _make_actions(self) -> None:
        self.show_action = self._action("Sh&ow", "", lambda: self._ask(self.show_asked))
        self.again_action = self._action("Run &again with…", "", lambda: self._ask(self.settings_asked))
        self.resume_action = self._action("Resu&me", "", lambda: self._ask(self.resume_asked))
        self.compare_action = self._action("&Compare…", "C", self._on_compare)
        self.folder_action = self._action("Open fo&lder", "O", lambda: self._ask(self.folder_asked))
        self.rename_action = self._action("Re&name", "F2", lambda: self.table.edit_name())
        self.note_action = self._action("Wri&te a note", "N", lambda: self.note.setFocus())
        self.star_action = self._action("&Star", "S", self._on_star)
        self.archive_action = self._action("Arc&hive", "A", self._on_archive)
        self.delete_action = self._action("&Delete (to the trash)", "Del", self._on_delete)
        self.sort_menu = QMenu("Sort &by", self)
        for column in Column:
            self.sort_menu.addAction(SPOKEN[column], partial(self._on_sort, column))

    def _action(self, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        """Its key is one of the list: a letter, while nothing is typed there."""
        action = QAction(text, self)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _=False: slot())
        return action

    def _make_empty(self) -> QWidget:
        empty = QWidget()
        lines = QVBoxLayout(empty)
        centre = Qt.AlignmentFlag.AlignHCenter
        self.empty_title = PlainLabel("No earlier runs", size="title", bold=True, align=centre)
        self.empty_words = PlainLabel(role="muted", align=centre)
        lines.addStretch(2)
        lines.addWidget(self.empty_title)
        lines.addWidget(self.empty_words)
        lines.addStretch(3)
        return empty

    def _make_content(self) -> QWidget:
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addLayout(self._make_filters())
        rows.addWidget(self._make_list(), 1)
        rows.addLayout(self._make_note())
        rows.addLayout(self._make_buttons())
        return content

    def _make_filters(self) -> QHBoxLayout:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search name, note, model, folder   Ctrl+F")
        self.search.setAccessibleName("Search the runs")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _: self._typing.start())
        self.search.installEventFilter(self)
        find = QAction("Search", self)
        find.setShortcut(QKeySequence("Ctrl+F"))
        find.triggered.connect(lambda _=False: self._go_to_search())
        self.addAction(find)
        self.dataset = ChoiceBox()
        self.dataset.setAccessibleName("Which photos they were trained on")
        self.dataset.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.dataset.setMinimumContentsLength(16)
        self.dataset.addItem(ANY_PHOTOS, "")
        self.dataset.activated.connect(lambda _: self._show())
        self.archived = QCheckBox("Show archive&d")
        self.archived.toggled.connect(lambda _: self._show())
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(self.search, 3)
        line.addWidget(self.dataset, 2)
        line.addWidget(self.archived)
        return line

    def _make_list(self) -> QWidget:
        """Or in words why nothing is in it."""
        self.table = RunTable()
        self.table.installEventFilter(self)
        for action in (
            self.compare_action, self.folder_action, self.rename_action, self.note_action,
            self.star_action, self.archive_action, self.delete_action,
        ):  # fmt: skip
            self.table.addAction(action)
        self.nothing = PlainLabel(role="muted", wrap=True)
        self.all_button = QPushButton("Show a&ll runs")
        self.all_button.clicked.connect(self.show_all)
        none_found = QWidget()
        lines = QVBoxLayout(none_found)
        lines.setContentsMargins(0, UNIT, 0, 0)
        lines.setSpacing(UNIT)
        lines.addWidget(self.nothing)
        lines.addWidget(self.all_button, 0, Qt.AlignmentFlag.AlignLeft)
        lines.addStretch(1)
        holder = QWidget()
        self._found = QStackedLayout(holder)
        self._found.setContentsMargins(0, 0, 0, 0)
        self._found.addWidget(none_found)
        self._found.addWidget(self.table)
        return holder

    def _make_note(self) -> QHBoxLayout:
        self.note = QLineEdit()
        self.note.setPlaceholderText("A note on this run")
        self.note.setAccessibleName("Note on the chosen run")
        self.note.setMaxLength(2000)
        self.note.editingFinished.connect(self._on_noted)
        self.note.installEventFilter(self)
        self._noted = ""  # The run whose note stands there.
        self.words = PlainLabel(role="muted", size="caption", elide=Qt.TextElideMode.ElideRight)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(self.words, 1)
        line.addWidget(self.note, 1)
        return line

    def _make_buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        self.buttons: dict[QAction, QPushButton] = {}
        for action in (
            self.show_action, self.again_action, self.resume_action, self.folder_action, self.compare_action,
        ):  # fmt: skip
            button = self.buttons[action] = QPushButton(action.text())
            button.clicked.connect(action.trigger)
            line.addWidget(button)
        self.tidy_button = QPushButton("More ▾")
        self.tidy_button.setToolTip("Rename, note, star, archive, delete")
        self.tidy_button.clicked.connect(
            lambda: self._on_menu(self.tidy_button.mapToGlobal(QPoint(0, self.tidy_button.height())))
        )
        line.addWidget(self.tidy_button)
        line.addStretch(1)
        return line

    # --- shown

    def refresh(self) -> None:
        self.library.read()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """The run that trains here, once a second."""
        run, live = snapshot.run, None
        if snapshot.live and snapshot.folder is not None:
            best = run.best.val_accuracy if run.best else None
            live = Live(str(snapshot.folder), best, float(int(snapshot.now)))
        if live != self.library.live:
            self.library.show_live(live)

    def show_all(self) -> None:
        """No search and no filter any more, as far as anything is then found."""
        with QSignalBlocker(self.search), QSignalBlocker(self.archived):
            self.search.clear()
            self.archived.setChecked(self.archived.isChecked() or self._only_archived())
        self.dataset.setCurrentIndex(0)
        self._show()
        self._go_to_list()

    def _only_archived(self) -> bool:
        return all(run.annotations.archived for run in self.library.runs.values())

    @property
    def filter(self) -> Filter:
        return Filter(self.search.text(), self.dataset.currentData() or "", self.archived.isChecked())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._behind:
            self._on_changed()

    def _on_changed(self) -> None:
        """A line is kept, with the words it has been put into, as long as its run is the same."""
        self._behind = not self.isVisible() or self.table.editing
        if self._behind:  # A training tells of itself every second, also where nobody looks, or one writes.
            return
        old = self._lines
        self._lines = {
            folder: old[folder] if folder in old and old[folder].run is run else Line(run)
            for folder, run in self.library.runs.items()
        }
        self._fill_datasets()
        self._show()

    def _on_edited(self) -> None:
        if self._behind:
            self._on_changed()

    def _fill_datasets(self) -> None:
        found = {"": ANY_PHOTOS} | datasets(self.library.runs.values())
        shown = {self.dataset.itemData(i): self.dataset.itemText(i) for i in range(self.dataset.count())}
        if found == shown:
            return
        chosen = self.dataset.currentData()
        self.dataset.clear()
        for fingerprint, words in found.items():
            self.dataset.addItem(words, fingerprint)
        self.dataset.setCurrentIndex(max(0, self.dataset.findData(chosen)))

    def _show(self) -> None:
        self._typing.stop()
        self._stack.setCurrentIndex(1 if self.library.runs else 0)
        if not self.library.known:
            self.empty_title.set_text("Looking for earlier runs…")
            self.empty_words.set_text("")
        else:
            self.empty_title.set_text("No earlier runs")
            self.empty_words.set_text("Choose photos and press Start; every run is kept here.")
        lines = self.filter.chosen(self._lines.values())
        self._found.setCurrentIndex(1 if lines else 0)
        if not lines:
            self._explain_nothing()
        self.table.show_lines(lines)
        if lines and not self.table.currentIndex().isValid():
            self.table.go_to_first()
        self._on_selected()

    def _explain_nothing(self) -> None:
        also = Filter(self.search.text(), self.filter.fingerprint, archived=True).chosen(self._lines.values())
        if not self.filter.archived and also:
            found = many(len(also), "run")
            words = f"{found} found, but archived: switch “Show archived” on to see them."
        else:
            words = "No run is like this. Search for another word, or choose other photos."
        self.nothing.set_text(words)

    def _on_selected(self) -> None:
        chosen = self._chosen()
        one, running = len(chosen) == 1, any(run.state == "running" for run in chosen)
        for action in (self.show_action, self.again_action, self.folder_action, self.rename_action):
            action.setEnabled(one)
        self.note_action.setEnabled(one)
        self.resume_action.setEnabled(one and chosen[0].state in RESUMABLE)
        self.compare_action.setEnabled(2 <= len(chosen) <= MOST_COMPARED)
        for action in (self.star_action, self.archive_action):
            action.setEnabled(bool(chosen))
        self.delete_action.setEnabled(bool(chosen) and not running)
        starred = bool(chosen) and all(run.annotations.starred for run in chosen)
        archived = bool(chosen) and all(run.annotations.archived for run in chosen)
        self.star_action.setText("No &star" if starred else "&Star")
        self.archive_action.setText("Out of the arc&hive" if archived else "Arc&hive")
        for action, button in self.buttons.items():
            button.setEnabled(action.isEnabled())
            button.setToolTip(self._tip(action))
        self.tidy_button.setEnabled(bool(chosen))
        self._show_note(chosen)
        self._show_words(chosen)

    def _tip(self, action: QAction) -> str:
        """What it does, or why it is not offered, where its name does not say it."""
        if action is self.again_action:
            return "Fill in its settings and photos, to change some of them and start anew"
        if action is self.compare_action and not action.isEnabled():
            return f"Choose two to {MOST_COMPARED} runs with Ctrl or Shift"
        if action is self.resume_action and not action.isEnabled():
            return "Choose one that was stopped, has failed or crashed"
        return ""

    def _show_note(self, chosen: list[RunSummary]) -> None:
        folder = chosen[0].folder if len(chosen) == 1 else ""
        typed = self.note.isModified() and folder == self._noted
        self._noted = folder
        self.note.setEnabled(bool(folder))
        if not typed:
            self.note.setText(chosen[0].annotations.note if folder else "")
            self.note.setCursorPosition(0)

    def _show_words(self, chosen: list[RunSummary]) -> None:
        shown, total = len(self.table.runs.lines), len(self.library.runs)
        if self._told:
            self.words.set_text(self._told)
            return
        words = many(total, "run") if shown == total else f"{count(shown)} of {many(total, 'run')}"
        if len(chosen) > 1:
            words = f"{count(len(chosen))} chosen of {count(shown)}"
        elif chosen and chosen[0].why:
            words = f"{words}  ·  {chosen[0].state}: {chosen[0].why}"
        self.words.set_text(words)

    def _on_told(self, words: str) -> None:
        """Long enough to be read, whatever is chosen meanwhile."""
        self._told = words
        self._notifier.start()
        self._show_words(self._chosen())
        self.setAccessibleDescription(words)

    def _tell_no_longer(self) -> None:
        self._told = ""
        self._show_words(self._chosen())

    # --- asked

    def _chosen(self) -> list[RunSummary]:
        return [line.run for line in self.table.chosen()]

    def _folders(self) -> list[str]:
        return [run.folder for run in self._chosen()]

    def _ask(self, signal: object) -> None:
        chosen = self._chosen()
        if len(chosen) == 1:
            signal.emit(chosen[0].run)  # type: ignore[attr-defined]

    def _on_compare(self) -> None:
        from waste_gui.gui.runs.compare import CompareDialog  # pyqtgraph takes longer than all the rest.

        self.comparison = CompareDialog(self, self._chosen())
        self.comparison.finished.connect(self._on_compared)
        self.comparison.show()

    def _on_compared(self) -> None:
        self.comparison = None

    def _on_sort(self, column: Column) -> None:
        self.table.sort_by(column)

    def _on_star(self) -> None:
        chosen = self._chosen()
        self.library.star(self._folders(), not all(run.annotations.starred for run in chosen))

    def _on_star_pressed(self, folder: str) -> None:
        self.library.star([folder], not self.library.runs[folder].annotations.starred)

    def _on_archive(self) -> None:
        chosen = self._chosen()
        self.library.archive(self._folders(), not all(run.annotations.archived for run in chosen))

    def _on_delete(self) -> None:
        self.library.delete(self._folders())

    def _on_noted(self) -> None:
        self.note.setModified(False)
        if self._noted in self.library.runs:
            self.library.note(self._noted, self.note.text())

    def _on_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self.rename_action, self.note_action, self.star_action, self.archive_action])
        menu.addAction(self.delete_action)
        menu.addSeparator()
        menu.addAction(self.folder_action)
        menu.addMenu(self.sort_menu)
        menu.popup(place)

    # --- keys

    def _go_to_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _go_to_list(self) -> None:
        self.table.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.table.go_to_first()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """From the search down into the list; Esc takes back what was typed, Enter ends a note."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.search and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return):
                self._show()
                self._go_to_list()
                return True
            if watched is self.search and event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
            if watched is self.note and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
                if event.key() == Qt.Key.Key_Escape and self._noted in self.library.runs:
                    self.note.setText(self.library.runs[self._noted].annotations.note)
                self._go_to_list()
                return True
        return super().eventFilter(watched, event)

    def finish_writing(self) -> None:
        """Let what was asked for be written."""
        self.library.close()
