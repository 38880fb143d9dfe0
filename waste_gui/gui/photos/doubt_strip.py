"""A row of photos that a preview doubts, each with a line below it; as many as have room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPen
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
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails, paint_picture
from waste_gui.gui.photos.finding_rows import DISMISSES, Act, Entry

Index = QModelIndex | QPersistentModelIndex
SIDE = 12 * UNIT
CENTRE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)


class _Entries(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self.captions: list[str] = []

    def show_entries(self, entries: Sequence[Entry], captions: Sequence[str]) -> None:
        self.beginResetModel()
        self.entries, self.captions = list(entries), list(captions)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.captions[index.row()]
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{entry.title}: {entry.words}"
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(f"{entry.title}\n{entry.words}")
        return None


class _EntryDelegate(QStyledItemDelegate):
    def __init__(self, view: DoubtStrip, thumbnails: Thumbnails) -> None:
        super().__init__(view)
        self._view, self._thumbnails = view, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self._view.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        box, place = QRect(option.rect), index.row()
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected and self._view.hasFocus():
            painter.fillRect(box, QColor(theme.colours().selection))
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(box.adjusted(1, 1, -1, -1))
        picture = QRect(box.left() + 2, box.top() + UNIT // 2, SIDE, SIDE)
        path = self._view.shown.entries[place].paths[0]
        paint_picture(painter, picture, self._thumbnails.picture(path), fill=True)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text"))
        line = QRect(picture.left(), picture.bottom() + 3, SIDE, painter.fontMetrics().height())
        for words in self._view.shown.captions[place].split("\n"):
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, CENTRE, shown)
            line.translate(0, line.height())
        painter.restore()


class DoubtStrip(QListView):
    """The same keys as the list of findings has."""

    asked = Signal(object, object)  # Act, Entry
    opened = Signal(object)  # Entry
    left = Signal()  # By the keyboard: the person has gone through it, or does something else.

    def __init__(self, name: str, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = _Entries(self)
        self.setModel(self.shown)
        self.setItemDelegate(_EntryDelegate(self, thumbnails))
        self.setAccessibleName(name)
        self.setAccessibleDescription("Space excludes, I takes it off, Enter shows the photo larger.")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(self.cell.height() + 12 + 2)  # Room for the bar, so that nothing moves.
        self.doubleClicked.connect(lambda index: self.opened.emit(self.shown.entries[index.row()]))
        thumbnails.arrived.connect(lambda _: self.viewport().update())

    @property
    def cell(self) -> QSize:
        """A photo with two lines below it."""
        line = self.fontMetrics().height()
        return QSize(SIDE + UNIT, SIDE + UNIT + 2 * line)

    def show_entries(self, entries: Sequence[Entry], captions: Sequence[str]) -> None:
        if list(entries) == self.shown.entries:
            return
        place = self.currentIndex().row()
        self.shown.show_entries(entries, captions)
        if entries:
            self.setCurrentIndex(self.shown.index(min(max(0, place), len(entries) - 1)))

    def current(self) -> Entry | None:
        place = self.currentIndex().row()
        return self.shown.entries[place] if 0 <= place < len(self.shown.entries) else None

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        entry, key = self.current(), event.key()
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or entry is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(entry)
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Delete) and entry.acts[0] in (Act.EXCLUDE, Act.CHOOSE):
            self.asked.emit(entry.acts[0], entry)
        elif key == Qt.Key.Key_I and entry.acts[-1] in DISMISSES:
            self.asked.emit(entry.acts[-1], entry)
        elif key == Qt.Key.Key_Up or key == Qt.Key.Key_Down:
            event.ignore()  # The page scrolls.
        else:
            super().keyPressEvent(event)
