"""The list of classes with their photos: fast with thousands, as only what is in sight is painted."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import tooltip
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails, paint_picture
from waste_gui.gui.photos.class_rows import SHOWN, ClassRow

Index = QModelIndex | QPersistentModelIndex
THUMB = 6 * UNIT
GAP = UNIT // 2
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
LEAST_WORDS = 30 * UNIT
"""With less room for the words, fewer photos are shown."""


class ClassModel(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[ClassRow] = []

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        if [row.name for row in rows] == [row.name for row in self.rows]:
            before, self.rows = self.rows, list(rows)
            for i, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self.dataChanged.emit(self.index(i), self.index(i))
            return
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.spoken
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(row.spoken)
        return None


class _ClassDelegate(QStyledItemDelegate):
    def __init__(self, view: ClassList, thumbnails: Thumbnails) -> None:
        super().__init__(view)
        self._view, self._thumbnails = view, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = QFontMetrics(theme.font()).height()
        return QSize(10 * UNIT, max(THUMB, 3 * line + 2) + UNIT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, box = self._view.classes.rows[index.row()], QRect(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected and self._view.hasFocus():
            painter.fillRect(box, QColor(theme.colours().selection))
            painter.setPen(QPen(theme.colour("accent"), 1))
            painter.drawRect(box.adjusted(0, 0, -1, -1))
        room = max(0, (box.width() - LEAST_WORDS) // (THUMB + GAP))
        photos = min(SHOWN, room)
        top = box.top() + (box.height() - THUMB) // 2
        for i, path in enumerate(row.shown[:photos]):
            place = QRect(box.left() + GAP + i * (THUMB + GAP), top, THUMB, THUMB)
            paint_picture(painter, place, self._thumbnails.picture(path), fill=True)
        words = box.adjusted(GAP + photos * (THUMB + GAP) + UNIT, UNIT // 2, -UNIT, -UNIT // 2)
        self._paint_words(painter, words, row)
        painter.restore()

    def _paint_words(self, painter: QPainter, box: QRect, row: ClassRow) -> None:
        """Name and count, a bar, then a line of details or what to do."""
        painter.setFont(theme.font(bold=True))
        line = painter.fontMetrics().height()
        first = QRect(box.left(), box.top(), box.width(), line)
        number = count(row.photos)
        wide = painter.fontMetrics().horizontalAdvance(number) + UNIT
        painter.setPen(theme.colour("text" if row.photos else "slow"))
        painter.drawText(first, RIGHT, number)
        name = first.adjusted(0, 0, -wide, 0)
        painter.drawText(name, LEFT, _elided(painter, row.name, name.width()))
        bar = QRect(box.left(), first.bottom() + 3, box.width(), 4)
        painter.fillRect(bar, QColor(theme.colours().hairline))
        bar.setWidth(round(row.share * bar.width()))
        painter.fillRect(bar, QColor(theme.colours().train))
        painter.setFont(theme.font("caption"))
        below = QRect(box.left(), bar.bottom() + 4, box.width(), painter.fontMetrics().height())
        self._paint_details(painter, below, row)
        if row.hint and below.bottom() + below.height() <= box.bottom() + 4:
            below.translate(0, below.height())
            painter.setPen(theme.colour("slow"))
            painter.drawText(below, LEFT, _elided(painter, row.hint, below.width()))

    def _paint_details(self, painter: QPainter, box: QRect, row: ClassRow) -> None:
        if row.guessed:
            word = "guessed"
            wide = painter.fontMetrics().horizontalAdvance(word)
            painter.setPen(theme.colour("slow"))
            painter.drawText(box, RIGHT, word)
            box = box.adjusted(0, 0, -wide - UNIT, 0)
        painter.setPen(theme.colour("muted"))
        painter.drawText(box, LEFT, _elided(painter, row.detail, box.width()))


def _elided(painter: QPainter, text: str, width: int) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, width)


class ClassList(QListView):
    opened = Signal(int)  # The place of the class whose photos are asked for.
    confirmed = Signal(int)  # The place of the class whose guessed folders are right.

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.classes = ClassModel(self)
        self.setModel(self.classes)
        self.setItemDelegate(_ClassDelegate(self, thumbnails))
        self.setAccessibleName("Photos per class")
        self.setAccessibleDescription(
            "Enter shows the photos of a class, Ctrl+Enter confirms what was guessed"
        )
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        thumbnails.arrived.connect(lambda _: self.viewport().update())

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        place = max(0, self.currentIndex().row())
        self.classes.show_rows(rows)
        if rows and not self.currentIndex().isValid():
            self.setCurrentIndex(self.classes.index(min(place, len(rows) - 1)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self.indexAt(event.position().toPoint()).isValid()
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self.opened.emit(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            (self.confirmed if held else self.opened).emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)
