"""A photo large and a key for each class: how a heap of photos becomes a dataset."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common.escaping import label, one_line, tooltip
from waste_gui.gui.common.formatting import count, many
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails, paint_picture
from waste_gui.gui.common.window_size import open_at
from waste_gui.gui.photos.labelling import Heap, Labelling

KEYS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE = 30 * UNIT


class _Picture(QWidget):
    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self.path: str | None = None
        thumbnails.arrived.connect(self._on_arrived)

    def sizeHint(self) -> QSize:
        return QSize(60 * UNIT, 60 * UNIT)

    def show_photo(self, path: str | None, following: list[str]) -> None:
        """`following` are read ahead, so that a key never waits for the disk."""
        self.path = path
        self.setAccessibleName(one_line(os.path.basename(path)) if path else "No photo")
        for each in following:
            self._thumbnails.picture(each, large=True)
        self.update()

    def _on_arrived(self, path: str) -> None:
        if path == self.path:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        picture = self._thumbnails.picture(self.path, large=True) if self.path else None
        paint_picture(painter, self.rect(), picture)
        painter.end()


class LabellingDialog(QDialog):
    closed = Signal()  # All labels are saved.

    def __init__(self, parent: QWidget, heap: Heap, thumbnails: Thumbnails) -> None:
        super().__init__(parent)
        self.labelling = Labelling(heap, self)
        self.buttons: list[QPushButton] = []
        self.setWindowTitle("Label photos")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_at(self, 1000, 640)
        self.title = PlainLabel(size="title", bold=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(UNIT)
        self.progress.setAccessibleName("Photos labelled")
        self.picture = _Picture(thumbnails)
        self.name = PlainLabel(role="muted")
        self.note = PlainLabel(role="muted", wrap=True)
        self._unnameable = heap.unnameable
        self._lay_out()
        self.labelling.changed.connect(self._show)
        self.labelling.saved.connect(self._on_saved)
        self.labelling.failed.connect(self._on_failed)
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self)
        undo.activated.connect(self.labelling.undo_stack.undo)
        redo = QShortcut(QKeySequence(QKeySequence.StandardKey.Redo), self)
        redo.activated.connect(self.labelling.undo_stack.redo)
        self._say_where()
        self._show()
        (self.picture if self.labelling.classes else self.new_class).setFocus()

    def _lay_out(self) -> None:
        self.picture.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        photo = QVBoxLayout()
        photo.setSpacing(UNIT)
        photo.addWidget(self.picture, 1)
        photo.addWidget(self.name)
        columns = QHBoxLayout()
        columns.setSpacing(2 * UNIT)
        columns.addLayout(photo, 1)
        columns.addWidget(self._make_classes())
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(self.title)
        rows.addWidget(self.progress)
        rows.addLayout(columns, 1)
        rows.addWidget(self.note)
        rows.addLayout(self._make_buttons())

    def _make_classes(self) -> QWidget:
        holder = QWidget()
        self._classes = QVBoxLayout(holder)
        self._classes.setContentsMargins(0, 0, 0, 0)
        self._classes.setSpacing(UNIT // 2)
        self._classes.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(holder)
        self.new_class = QLineEdit()
        self.new_class.setPlaceholderText("New class, then Enter")
        self.new_class.setAccessibleName("Name of a new class")
        self.new_class.setMaxLength(100)
        self.new_class.returnPressed.connect(self._on_new_class)
        side = QWidget()
        side.setFixedWidth(SIDE)
        rows = QVBoxLayout(side)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel("Classes", bold=True))
        rows.addWidget(area, 1)
        rows.addWidget(self.new_class)
        return side

    def _make_buttons(self) -> QHBoxLayout:
        self.undo = QPushButton("&Undo   Ctrl+Z")
        self.undo.clicked.connect(self.labelling.undo_stack.undo)
        back = QPushButton("&Back   ←")
        back.clicked.connect(partial(self.labelling.step, -1))
        skip = QPushButton("&Skip   Space")
        skip.clicked.connect(self.labelling.skip)
        self.elsewhere = QPushButton("Save in &another place…")
        self.elsewhere.clicked.connect(self._on_elsewhere)
        self.elsewhere.hide()
        close = QPushButton("&Close")
        close.clicked.connect(self.close)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        for button in (back, skip, self.undo):
            line.addWidget(button)
        line.addStretch(1)
        line.addWidget(self.elsewhere)
        line.addWidget(close)
        for button in (self.undo, back, skip, self.elsewhere, close):
            button.setAutoDefault(False)
        return line

    def _show(self) -> None:
        labelling = self.labelling
        total, done = len(labelling.photos), labelling.labelled
        words = f"{count(done)} of {count(total)} labelled" if total else "No photos in this folder"
        self.title.set_text(f"All {many(total, 'photo')} labelled" if labelling.complete else words)
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(done)
        photo, place = labelling.photo, labelling.place
        self.picture.show_photo(photo, list(labelling.photos[place + 1 : place + 4]))
        has = labelling.labels.get(photo) if photo else None
        name = one_line(os.path.relpath(photo, labelling.file.parent)) if photo else ""
        self.name.set_text(f"{name}  ·  {has}" if has else name)
        self._show_classes(has)
        self.undo.setEnabled(labelling.undo_stack.canUndo())

    def _show_classes(self, has: str | None) -> None:
        names = self.labelling.classes
        for i, name in enumerate(names[len(self.buttons) :], len(self.buttons)):
            key = KEYS[i] if i < len(KEYS) else " "
            words = f"{key}   {one_line(name)}"
            room = SIDE - 5 * UNIT
            words = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room)
            button = QPushButton(label(words))
            button.setAccessibleName(f"{one_line(name)}, key {key}" if key.strip() else one_line(name))
            button.setToolTip(tooltip(name))
            button.setStyleSheet("text-align: left")
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._on_class, name))
            self._classes.insertWidget(i, button)
            self.buttons.append(button)
        for button, name in zip(self.buttons, names, strict=True):
            button.setChecked(name == has)

    def _on_class(self, name: str) -> None:
        self.labelling.give(name)
        self._show()
        self.picture.setFocus()

    def _on_new_class(self) -> None:
        name = self.new_class.text()
        if self.labelling.add_class(name):
            self.new_class.clear()
            self.picture.setFocus()
        elif name.strip():
            self._say(
                "There is such a class, or its name begins with a sign. Choose another name.", wrong=True
            )

    def _say(self, words: str, *, wrong: bool = False) -> None:
        self.note.set_role("slow" if wrong else "muted")
        self.note.set_text(words)

    def _say_where(self) -> None:
        left_out = ""
        if self._unnameable:
            left_out = (
                f" Left out: {many(self._unnameable, 'photo')} whose names are no text; rename them first."
            )
        self._say(f"Labels go to {self.labelling.file}. No photo is moved.{left_out}")

    def _on_saved(self) -> None:
        self.elsewhere.hide()
        self._say_where()

    def _on_failed(self, text: str, hint: str) -> None:
        self.elsewhere.show()
        self._say(f"{text} {hint}", wrong=True)

    def _on_elsewhere(self) -> None:
        start = str(Path.home() / self.labelling.file.name)
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the labels", start, "Tables (*.csv)")
        if chosen:
            self.labelling.save_as(Path(chosen))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that the field for a new class did not take."""
        key = event.text().upper()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        place = KEYS.find(key) if key and plain else -1
        if 0 <= place < len(self.labelling.classes):
            if not event.isAutoRepeat():  # A key that is held down means one photo.
                self.labelling.give(self.labelling.classes[place])
        elif event.key() == Qt.Key.Key_Space:
            self.labelling.skip()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.labelling.step(-1 if event.key() == Qt.Key.Key_Left else 1)
        elif event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    def reject(self) -> None:
        """Esc: all is saved already."""
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.labelling.close()
        super().closeEvent(event)
        self.closed.emit()
