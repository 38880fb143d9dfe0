"""The photos page: source folders, which folder belongs to which class, and photos per class."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import cast

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent, QUndoStack
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from waste_gui.config import ClassFolders, ConfigError, RunConfig
from waste_gui.dataset.labels_file import NAME as LABELS
from waste_gui.dataset.mapping import PRESETS
from waste_gui.dataset.samples import Caution, DatasetError, Remedy
from waste_gui.gui.common.background import Background
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.fields import ChoiceBox
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.undo_writer import Step
from waste_gui.gui.photos.caution_list import CautionList
from waste_gui.gui.photos.class_list import ClassList
from waste_gui.gui.photos.class_rows import class_rows
from waste_gui.gui.photos.drop_zone import DropZone
from waste_gui.gui.photos.gallery import Gallery
from waste_gui.gui.photos.labelling import Heap, look_at_heap
from waste_gui.gui.photos.labelling_dialog import LabellingDialog
from waste_gui.gui.photos.mapping_table import MappingTable
from waste_gui.gui.photos.source_list import SourceList
from waste_gui.gui.photos.works import Works
from waste_gui.gui.session.dataset_choice import DatasetChoice, Found, look, problem, without
from waste_gui.gui.session.example import demo_folder
from waste_gui.gui.session.run_text import Readiness

LEAST_LIST = 7 * UNIT
"""A title and a line of it, where the window is small, so that nothing above is cut off."""

OWN_NAMES = "The folders' own names"
LEVELS: dict[ClassFolders, str] = {
    "auto": "Automatic",
    "top": "Outer folders",
    "innermost": "Innermost folders",
    "names": "Names of the photos",
}
"""Which folders are the classes."""
PRESET_TITLES = {"lab": "The lab's 30 classes"}


class DataPage(QWidget):
    """`ready_changed` comes when what stands between now and Start changes."""

    ready_changed = Signal()
    example_asked = Signal()
    folders_added = Signal()  # The person's own.

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self.choice = DatasetChoice()
        self.found: Found | None = None
        self.readiness = Readiness(False, "no photos chosen", "Choose a folder of photos.")
        self.undo_stack = QUndoStack(self)
        self.works = Works(self.undo_stack, self)
        self.checking, self.previewing = self.works.checking, self.works.previewing
        self.checking.aside_changed.connect(self._on_aside)
        self.works.progressed.connect(self.ready_changed)
        self.works.browsed.connect(self._on_browsed)
        self._scan = Background(self._on_failed, self)
        self._scan.progressed.connect(self._on_progress)
        self._scan.finished.connect(self._on_found)
        self._heap = Background(self._on_heap_failed, self)
        self._heap.finished.connect(self._on_heap)
        self.drop_zone = DropZone()
        self.drop_zone.choose_asked.connect(self.choose_folder)
        self.drop_zone.example_asked.connect(self.example_asked)
        self.drop_zone.show_recent(preferences.recent_folders)
        self.drop_zone.recent_chosen.connect(lambda folder: self.add_folders([folder]))
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.drop_zone)
        self._stack.addWidget(self._make_content())

    def _make_content(self) -> QWidget:
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addLayout(self._make_sources())
        self.words = PlainLabel(wrap=True)
        rows.addWidget(self.words)
        self.cautions = CautionList()
        self.cautions.remedy_asked.connect(self._on_remedy)
        rows.addWidget(self.cautions)
        self.cancel = QPushButton("Cance&l reading")
        self.cancel.clicked.connect(self._on_cancel)
        rows.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignLeft)
        self.label = QPushButton("Give each photo its class b&y hand…")
        self.label.setToolTip("One key a class; no photo is moved")
        self.label.clicked.connect(self._on_label)
        self.label.hide()
        rows.addWidget(self.label, 0, Qt.AlignmentFlag.AlignLeft)
        rows.addSpacing(UNIT)
        rows.addLayout(self.works.lay_out_bars())
        self._lists = QWidget()
        columns = QHBoxLayout(self._lists)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(3 * UNIT)
        columns.addLayout(self._make_mapping(), 2)
        columns.addLayout(self._make_classes(), 3)
        for each in (self.table, self.classes):
            each.setMinimumHeight(LEAST_LIST)
        rows.addWidget(self._lists, 1)
        self.works.lay_out_pages(rows)
        rows.addStretch(0)
        return content

    def _make_sources(self) -> QVBoxLayout:
        add = QPushButton("&Add folder…   Ctrl+O")
        add.setAccessibleName("Add a folder of photos")
        add.clicked.connect(self.choose_folder)
        self.sources = SourceList(after=add)
        self.sources.removed.connect(self.remove_folder)
        title = QHBoxLayout()
        title.setSpacing(UNIT)
        title.addWidget(PlainLabel("Folders", bold=True), 1)
        title.addWidget(PlainLabel("Class folders", role="muted"))
        title.addWidget(self._make_levels())
        title.addWidget(add)
        rows = QVBoxLayout()
        rows.setSpacing(UNIT // 2)
        rows.addLayout(title)
        rows.addWidget(self.sources)
        return rows

    def _make_levels(self) -> ChoiceBox:
        self.levels = ChoiceBox()
        self.levels.setAccessibleName("Class folders")
        for level, words in LEVELS.items():
            self.levels.addItem(words, level)
        self.levels.activated.connect(self._on_levels)
        return self.levels

    def _make_mapping(self) -> QVBoxLayout:
        self.preset = ChoiceBox()
        self.preset.setAccessibleName("Classes")
        self.preset.addItem(OWN_NAMES, "")
        for name in PRESETS:
            self.preset.addItem(PRESET_TITLES.get(name, name), name)
        self.preset.activated.connect(self._on_preset)
        self.table = MappingTable()
        self.table.mapped.connect(self.map_folder)
        title = QHBoxLayout()
        title.setSpacing(UNIT)
        title.addWidget(PlainLabel("Classes", bold=True))
        title.addWidget(self.preset, 1)
        rows = QVBoxLayout()
        rows.setSpacing(UNIT)
        rows.addLayout(title)
        rows.addWidget(self.table, 1)
        return rows

    def _make_classes(self) -> QVBoxLayout:
        self.classes = ClassList(self.checking.thumbnails)
        self.classes.opened.connect(self._on_class_opened)
        self.classes.confirmed.connect(self._on_confirm)
        self._gallery: Gallery | None = None
        title = PlainLabel("Photos per class", bold=True)
        title.setMinimumHeight(self.preset.sizeHint().height())
        rows = QVBoxLayout()
        rows.setSpacing(UNIT)
        rows.addWidget(title)
        rows.addWidget(self.classes, 1)
        return rows

    def _on_class_opened(self, place: int) -> None:
        if self._gallery is None:
            self._gallery = Gallery(self, self.checking.thumbnails)
            self._gallery.photo_asked.connect(self.checking.open_photo)
            self._gallery.exclude_asked.connect(self._on_exclude)
            self._gallery.undo_asked.connect(self.undo_stack.undo)
            self._gallery.confirm_asked.connect(self._on_confirm)
        self._gallery.show_class(self.classes.classes.rows, place)
        self._gallery.open()

    def _on_exclude(self, paths: list[str]) -> None:
        self.checking.lists.exclude(dict.fromkeys(paths, "Excluded by hand"))

    def _on_confirm(self, place: int) -> None:
        """What was guessed of this class is right: as if each folder had been mapped by hand."""
        row = self.classes.classes.rows[place]
        if self.found is not None and row.guessed:
            of = {
                f.folder: f.mapped for f in self.found.folders if f.mapped and one_line(f.mapped) == row.name
            }
            mapping = {**self.choice.mapping, **of}
            self._change(f"confirm {row.name}", dataclasses.replace(self.choice, mapping=mapping))

    def _on_label(self) -> None:
        (folder,) = self.choice.sources
        self.label.setEnabled(False)
        self._heap.start(lambda tell: look_at_heap(folder, tell))

    def _on_heap(self, heap: Heap) -> None:
        self.label.setEnabled(True)
        self.labelling_dialog = LabellingDialog(self, heap, self.checking.thumbnails)
        self.labelling_dialog.closed.connect(self._look_again)
        self.labelling_dialog.open()

    def _look_again(self) -> None:
        """With the labels that were given."""
        if self.choice.sources:
            self._start_scan()

    def _on_heap_failed(self, error: Exception) -> None:
        self.label.setEnabled(True)
        if not isinstance(error, DatasetError):
            raise error
        self.words.set_role("stuck")
        self.words.set_text(f"{error.text} {error.hint}")

    def choose_folder(self) -> None:
        recent = self._preferences.recent_folders
        start = os.path.dirname(recent[0]) if recent else str(Path.home())
        folder = QFileDialog.getExistingDirectory(self.window(), "Choose a folder of photos", start)
        if folder:
            self.add_folders([folder])

    def add_folders(self, folders: list[str]) -> None:
        """Add to the sources what is not among them yet. Own photos take the place of the small example's."""
        new = [os.path.abspath(f) for f in folders]
        new = [f for f in dict.fromkeys(new) if f not in self.choice.sources]
        for folder in new:
            self._preferences.remember_folder(folder)
        if new:
            self.drop_zone.show_recent(self._preferences.recent_folders)
            kept = tuple(s for s in self.choice.sources if s != str(demo_folder()))
            sources = (*kept, *new)
            self._change(f"add {many(len(new), 'folder')}", dataclasses.replace(self.choice, sources=sources))
            self.folders_added.emit()

    def remove_folder(self, folder: str) -> None:
        sources = tuple(s for s in self.choice.sources if s != folder)
        self._change("remove folder", dataclasses.replace(self.choice, sources=sources))

    def map_folder(self, folder: str, name: str | None) -> None:
        mapping = {**self.choice.mapping, folder: name}
        self._change(f"map {one_line(folder)}", dataclasses.replace(self.choice, mapping=mapping))

    def set_choice(self, choice: DatasetChoice) -> None:
        """Without a step of undo."""
        self.undo_stack.clear()
        self._apply(choice)

    def say(self, words: str) -> None:
        """Something else than a scan is being done: the example is drawn."""
        self.readiness = Readiness(False, words, "Wait a moment.")
        self.ready_changed.emit()

    def _change(self, words: str, after: DatasetChoice) -> None:
        if after != self.choice:
            do, undo = functools.partial(self._apply, after), functools.partial(self._apply, self.choice)
            self.undo_stack.push(Step(words, do, undo))

    def _apply(self, choice: DatasetChoice) -> None:
        self.choice = choice
        with QSignalBlocker(self.preset):
            self.preset.setCurrentIndex(max(0, self.preset.findData(choice.preset)))
        with QSignalBlocker(self.levels):
            self.levels.setCurrentIndex(max(0, self.levels.findData(choice.class_folders)))
        self.sources.show_sources(choice.sources)
        self._stack.setCurrentIndex(1 if choice.sources else 0)
        self.works.show_choice(choice)
        if choice.sources:
            self._start_scan()
        else:
            self._scan.cancel()
            self.found = None
            self.works.show_possible(False)
            self._set_readiness(Readiness(False, "no photos chosen", "Choose a folder of photos."))

    def _start_scan(self) -> None:
        choice = self.choice
        self.cancel.show()
        self.label.hide()
        self._heap.cancel()
        self.label.setEnabled(True)
        self.cautions.show_cautions(())
        self.words.set_role("text")
        self.words.set_text("Looking at the folders…")
        self._set_readiness(Readiness(False, "looking at the folders", "Wait a moment."))
        self._scan.start(lambda tell: look(choice, tell))

    def _on_progress(self, progress: tuple[int, str]) -> None:
        n, folder = progress
        self.words.set_text(f"{many(n, 'photo')} so far, now in {folder}")
        self._set_readiness(Readiness(False, f"{many(n, 'photo')} so far", "Wait a moment."))

    def _on_cancel(self) -> None:
        self._scan.cancel()
        self.cancel.hide()
        self.words.set_text("Reading the folders was cancelled. Remove a folder, or add one, to read again.")
        self._set_readiness(Readiness(False, "reading cancelled", "Add a folder."))

    def _on_found(self, found: Found) -> None:
        self.found = found
        self.cancel.hide()
        self._on_browsed()
        self.table.show_found(found, own=not self.choice.classes)
        self.works.show_possible(found.photos > 0)
        self._show_counts(found)

    def _show_counts(self, found: Found) -> None:
        """What is left to train on, without the photos set aside."""
        used, aside = without(found, self.checking.lists.aside)
        self._show_classes(used)
        wrong = problem(used)
        by_hand = bool(wrong) or LABELS in found.understood
        self.label.setVisible(by_hand and len(self.choice.sources) == 1)
        detail = f"{many(used.photos, 'photo')}, {many(used.filled_classes, 'class', 'classes')}"
        also = f" Excluded: {many(aside, 'photo')}." if aside else ""
        self.words.set_role("slow" if wrong else "text")
        understood = f" {found.understood[:1].upper()}{found.understood[1:]}." if found.understood else ""
        right = f"{detail}.{also}{understood}{_skipped_words(found)}"
        told = any(caution.kind == "single_photo" for caution in found.cautions)  # With a button that helps.
        why = f"{detail}.{also} This is too little to train on:" if told else f"{wrong}{also}"
        self.words.set_text(why if wrong else right)
        self.cautions.show_cautions(found.cautions)
        advice = "Press Start." if not wrong else "Look at the photos page."
        self._set_readiness(Readiness(not wrong, detail, advice, photos=used.photos))

    def _show_classes(self, used: Found) -> None:
        try:
            fraction = self.checking.settings().val_fraction
        except ConfigError:
            fraction = RunConfig().val_fraction
        self.classes.show_rows(class_rows(used, self.choice, fraction, self.checking.lists.aside))
        if self._gallery is not None and self._gallery.isVisible():
            self._gallery.show_again(self.classes.classes.rows)

    def _on_aside(self) -> None:
        if self.found is not None and not self._scan.working:
            self._show_counts(self.found)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.previewing.look_again()

    def _on_browsed(self) -> None:
        """The findings or the preview in the place of the classes, or the other way round."""
        self._lists.setVisible(not self.works.browsing)

    def _on_failed(self, error: Exception) -> None:
        self.found = None
        self.cancel.hide()
        self._lists.setVisible(False)
        self.label.setVisible(len(self.choice.sources) == 1 and os.path.isdir(self.choice.sources[0]))
        self.works.show_possible(False)
        text, hint = (
            (error.text, error.hint)
            if isinstance(error, DatasetError)
            else (f"The folders cannot be read: {error}", "")
        )
        self.words.set_role("stuck")
        self.words.set_text(f"{text} {hint}")
        if isinstance(error, DatasetError) and error.remedy is not None:
            self.cautions.show_cautions(
                [Caution("names", "The names may tell the classes.", "", error.remedy)]
            )
        advice = "Look at the photos page." if self.label.isVisibleTo(self) else "Choose another folder."
        self._set_readiness(Readiness(False, "these folders cannot be used", advice))

    def _set_readiness(self, readiness: Readiness) -> None:
        self.readiness = readiness
        self.ready_changed.emit()

    def _on_levels(self) -> None:
        levels = cast(ClassFolders, self.levels.currentData() or "auto")
        self._change("choose class folders", dataclasses.replace(self.choice, class_folders=levels))

    def _on_remedy(self, remedy: Remedy) -> None:
        self._change(remedy.words.lower(), self.choice.mended(remedy))

    def _on_preset(self) -> None:
        preset = str(self.preset.currentData() or "")
        self._change("choose classes", dataclasses.replace(self.choice, preset=preset, mapping={}))


SKIPPED = {
    "not photos": ("file that is no photo", "files that are no photos"),
    "not ordinary files": ("file that cannot be read", "files that cannot be read"),
    "folders left out by the mapping": ("folder without a class", "folders without a class"),
    "folders that cannot be opened": ("folder that cannot be opened", "folders that cannot be opened"),
    "folders nested too deep": ("folder nested too deep", "folders nested too deep"),
    "folders reached twice": ("folder reached twice", "folders reached twice"),
    "photos reached twice": ("photo reached twice", "photos reached twice"),
    "photos outside a class folder": ("photo outside a class folder", "photos outside a class folder"),
    "empty folders": ("empty folder", "empty folders"),
    "hidden files": ("hidden file", "hidden files"),
    "hidden folders": ("hidden folder", "hidden folders"),
    "folders of the system, or of deleted photos": (
        "folder of the system or of deleted photos",
        "folders of the system or of deleted photos",
    ),
    "photos outside the ready split": ("photo outside the ready split", "photos outside the ready split"),
    "photos of a test part without a class": (
        "photo of a test part without a class",
        "photos of a test part without a class",
    ),
    "test photos of classes that nothing else has": (
        "test photo of a class that nothing else has",
        "test photos of classes that nothing else has",
    ),
    "photos of further folds": ("photo of a further fold", "photos of further folds"),
    "checkpoint folders": ("checkpoint folder", "checkpoint folders"),
}
"""The scan's reasons, of one and of several."""


def _skipped_words(found: Found) -> str:
    """`Left out: 12 hidden files, 1 folder without a class.`"""
    if not found.skipped:
        return ""
    words = [many(n, *SKIPPED.get(reason, (reason, reason))) for reason, n in found.skipped.items()]
    return f" Left out: {', '.join(words)}."
