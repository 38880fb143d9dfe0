"""The photos of one class side by side; the next class is a key away."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPen, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListView,
    QPushButton,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.formatting import count, many
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails, paint_picture
from waste_gui.gui.common.window_size import open_at
from waste_gui.gui.photos.class_rows import ClassRow

Index = QModelIndex | QPersistentModelIndex
CELL = QSize(14 * UNIT, 14 * UNIT)


class _Photos(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.paths: tuple[str, ...] = ()

    def show_paths(self, paths: tuple[str, ...]) -> None:
        self.beginResetModel()
        self.paths = paths
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.paths)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        path = self.paths[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return one_line(os.path.basename(path))
        return tooltip(path) if role == Qt.ItemDataRole.ToolTipRole else None


class _PhotoDelegate(QStyledItemDelegate):
    def __init__(self, view: QListView, thumbnails: Thumbnails) -> None:
        super().__init__(view)
        self._view, self._thumbnails = view, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, box = index.model(), QRect(option.rect)
        assert isinstance(model, _Photos)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(theme.colours().selection))
            if self._view.hasFocus():
                painter.setPen(QPen(theme.colour("accent"), 2))
                painter.drawRect(box.adjusted(1, 1, -1, -1))
        place = box.adjusted(UNIT // 2, UNIT // 2, -UNIT // 2, -UNIT // 2)
        paint_picture(painter, place, self._thumbnails.picture(model.paths[index.row()]))
        painter.restore()


class _PhotoList(QListView):
    exclude_asked = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters jump to a photo by its name, as in every list."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
        elif event.key() == Qt.Key.Key_Delete:
            self.exclude_asked.emit()
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and event.modifiers():
            event.ignore()
        else:
            super().keyPressEvent(event)


class Gallery(QDialog):
    """`photo_asked` is one that shall be shown larger."""

    exclude_asked = Signal(list)  # The chosen photos shall be left out of training.
    undo_asked = Signal()
    confirm_asked = Signal(int)  # The place of the class whose guessed folders are right.

    photo_asked = Signal(str, str)  # Its path, its class.

    def __init__(self, parent: QWidget, thumbnails: Thumbnails) -> None:
        super().__init__(parent)
        self._rows: Sequence[ClassRow] = ()
        self._place = 0
        self.setWindowTitle("Photos of a class")
        open_at(self, 860, 580)
        self.title = PlainLabel(size="title", bold=True)
        self.detail = PlainLabel(role="muted", elide=Qt.TextElideMode.ElideRight)
        centre = Qt.AlignmentFlag.AlignHCenter
        self.empty = PlainLabel("This class has no photos.", role="muted", align=centre)
        self.list = _PhotoList()
        self.list.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.list.exclude_asked.connect(self._on_exclude)
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self)
        undo.activated.connect(self.undo_asked)
        self.photos = _Photos(self.list)
        self.list.setModel(self.photos)
        self.list.setItemDelegate(_PhotoDelegate(self.list, thumbnails))
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setUniformItemSizes(True)
        self.list.setLayoutMode(QListView.LayoutMode.Batched)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.activated.connect(self._on_activated)
        thumbnails.arrived.connect(lambda _: self.list.viewport().update())
        self._lay_out()

    def _lay_out(self) -> None:
        self.previous = QPushButton("&Previous")
        self.previous.setToolTip("The class before   Page Up")
        self.previous.clicked.connect(lambda: self._step(-1))
        self.next = QPushButton("&Next")
        self.next.setToolTip("The next class   Page Down")
        self.next.clicked.connect(lambda: self._step(1))
        close = QPushButton("&Close")
        close.clicked.connect(self.accept)
        self.confirm = QPushButton("Con&firm")
        self.confirm.clicked.connect(lambda: self.confirm_asked.emit(self._place))
        self.exclude = QPushButton("&Exclude   Del")
        self.exclude.clicked.connect(self._on_exclude)
        buttons = (self.confirm, self.exclude, self.previous, self.next, close)
        for button in buttons:
            button.setAutoDefault(False)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.list)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(
            PlainLabel(
                "Enter or Space shows a photo larger, Ctrl+Z takes back", size="caption", role="muted"
            ),
            1,
        )
        for button in buttons:
            line.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(self.title)
        rows.addWidget(self.detail)
        rows.addLayout(self._stack, 1)
        rows.addLayout(line)

    def show_class(self, rows: Sequence[ClassRow], place: int) -> None:
        same = bool(self._rows) and self._rows[self._place].name == rows[place].name
        self._rows, self._place = rows, place
        row = rows[place]
        self.setWindowTitle(f"Photos of {row.name}")
        self.title.set_text(row.name)
        part = f" ({count(len(row.paths))} of them shown)" if len(row.paths) < row.photos else ""
        guessed = "guessed, is it right?" if row.guessed else ""
        parts = (many(row.photos, "photo") + part, row.detail, guessed, row.hint)
        self.detail.set_text("  ·  ".join(filter(None, parts)))
        self.confirm.setVisible(row.guessed)
        self.confirm.setToolTip(tooltip(f"{row.name} {row.mapping}: guessed from the names"))
        self.exclude.setEnabled(bool(row.paths))
        if row.paths == self.photos.paths:
            return self._show_neighbours()
        current = self.list.currentIndex().row() if same else 0
        self.photos.show_paths(row.paths)
        self.list.setAccessibleName(f"Photos of {row.name}")
        self._stack.setCurrentIndex(1 if row.paths else 0)
        if row.paths:
            self.list.setCurrentIndex(self.photos.index(max(0, min(current, len(row.paths) - 1))))
            self.list.setFocus()
        self._show_neighbours()

    def show_again(self, rows: Sequence[ClassRow]) -> None:
        """The same class after something changed; the photo in hand keeps its place."""
        place = next((i for i, row in enumerate(rows) if row.name == self._rows[self._place].name), None)
        if place is None:
            self.accept()
        else:
            self.show_class(rows, place)

    def _show_neighbours(self) -> None:
        self.previous.setEnabled(self._place > 0)
        self.next.setEnabled(self._place < len(self._rows) - 1)

    def _on_exclude(self) -> None:
        chosen = [self.photos.paths[index.row()] for index in self.list.selectedIndexes()]
        if chosen:
            self.exclude_asked.emit(chosen)

    def _step(self, step: int) -> None:
        if 0 <= self._place + step < len(self._rows):
            self.show_class(self._rows, self._place + step)

    def _on_activated(self, index: QModelIndex) -> None:
        self.photo_asked.emit(self.photos.paths[index.row()], self._rows[self._place].name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._step(step)
