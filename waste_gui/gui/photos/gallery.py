"""The photos of one class side by side; the next class is a key away."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
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


class Gallery(QDialog):
    """`photo_asked` is one that shall be shown larger."""

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
        self.list = QListView()
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
        for button in (self.previous, self.next, close):
            button.setAutoDefault(False)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.list)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(PlainLabel("Enter shows a photo larger", size="caption", role="muted"), 1)
        for button in (self.previous, self.next, close):
            line.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(self.title)
        rows.addWidget(self.detail)
        rows.addLayout(self._stack, 1)
        rows.addLayout(line)

    def show_class(self, rows: Sequence[ClassRow], place: int) -> None:
        self._rows, self._place = rows, place
        row = rows[place]
        self.setWindowTitle(f"Photos of {row.name}")
        self.title.set_text(row.name)
        part = f" ({count(len(row.paths))} of them shown)" if len(row.paths) < row.photos else ""
        parts = (many(row.photos, "photo") + part, row.detail, row.hint)
        self.detail.set_text("  ·  ".join(filter(None, parts)))
        self.photos.show_paths(row.paths)
        self.list.setAccessibleName(f"Photos of {row.name}")
        self._stack.setCurrentIndex(1 if row.paths else 0)
        if row.paths:
            self.list.setCurrentIndex(self.photos.index(0))
            self.list.setFocus()
        self.previous.setEnabled(place > 0)
        self.next.setEnabled(place < len(rows) - 1)

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
