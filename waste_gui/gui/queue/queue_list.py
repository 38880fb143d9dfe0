"""The list of the queue: two lines a run, moved by dragging or with Alt and the arrows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.glyphs import ROLES, paint_glyph
from waste_gui.gui.common.theme import UNIT, Role
from waste_gui.gui.queue.queue_text import QueueRow

Index = QModelIndex | QPersistentModelIndex
MIME = "application/x-waste-gui-queued-run"
GLYPH = 12
USUAL = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
NEVER_CUT = 2
"""The state may take half of a line before the name is cut for it."""


class QueueModel(QAbstractListModel):
    moved = Signal(str, int)  # The run's id, and its new place.

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[QueueRow] = []

    def show_rows(self, rows: Sequence[QueueRow]) -> None:
        if [row.id for row in rows] != [row.id for row in self.rows]:
            self.beginResetModel()
            self.rows = list(rows)
            self.endResetModel()
        elif rows != self.rows:
            self.rows = list(rows)
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, 0))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        said = "\n".join(part for part in (row.name, row.detail, row.state, row.time, row.failure) if part)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return one_line(row.name)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(said)
            case Qt.ItemDataRole.AccessibleTextRole:
                return one_line(said.replace("\n", ", "))
        return None

    # --- dragged

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled  # Between two, never onto one.
        return USUAL | Qt.ItemFlag.ItemIsDragEnabled if self.rows[index.row()].movable else USUAL

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(MIME, self.rows[indexes[0].row()].id.encode())
        return data

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        """`row` is the gap that it falls into. The queue moves it, and shows it anew."""
        id_ = data.data(MIME).toStdString()
        place = next((i for i, each in enumerate(self.rows) if each.id == id_), None)
        if place is None:
            return False
        gap = len(self.rows) if row < 0 else row
        self.moved.emit(id_, gap - 1 if gap > place else gap)
        return True


class _QueueDelegate(QStyledItemDelegate):
    """Paints name and state in the first line, settings and time in the second."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        lines = QFontMetrics(theme.font()).height() + QFontMetrics(theme.font("caption")).height()
        return QSize(0, lines + 2 * UNIT + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, view = index.model(), self.parent()
        assert isinstance(model, QueueModel) and isinstance(view, QueueList)
        row, box, c = model.rows[index.row()], QRect(option.rect), theme.colours()
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(c.selection if view.hasFocus() else c.hover))
        painter.fillRect(QRect(box.left(), box.bottom(), box.width(), 1), QColor(c.hairline))
        role = ROLES[row.glyph]
        first = QRect(box.adjusted(UNIT, UNIT, -UNIT, 0))
        first.setHeight(QFontMetrics(theme.font()).height())
        mark = QRectF(first.left(), first.center().y() - GLYPH / 2 + 1, GLYPH, GLYPH)
        paint_glyph(painter, mark, row.glyph, theme.colour(role))
        first.setLeft(first.left() + GLYPH + UNIT)
        second = QRect(first.left(), first.bottom() + 3, first.width(), first.height())
        painter.setFont(theme.font(bold=row.glyph == "running"))
        _paint_line(painter, first, row.name, "text", row.state, role)
        painter.setFont(theme.font("caption"))
        below: Role = "stuck" if row.failure else "muted"
        _paint_line(painter, second, row.failure or row.detail, below, row.time, "muted")
        painter.restore()


def _paint_line(
    painter: QPainter, box: QRect, left: str, left_role: Role, right: str, right_role: Role
) -> None:
    """The right side whole, as far as it leaves half of the line."""
    metrics, middle = painter.fontMetrics(), Qt.TextElideMode.ElideMiddle
    end = metrics.elidedText(one_line(right), middle, box.width() // NEVER_CUT)
    room = box.width() - metrics.horizontalAdvance(end) - (2 * UNIT if end else 0)
    painter.setPen(theme.colour(left_role))
    painter.drawText(box, LEFT, metrics.elidedText(one_line(left), middle, room))
    painter.setPen(theme.colour(right_role))
    painter.drawText(box, RIGHT, end)


class QueueList(QListView):
    """`moved` and `removed` are asked for; the queue does them."""

    moved = Signal(str, int)
    removed = Signal(str)
    chosen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = QueueModel(self)
        self.rows.moved.connect(self.moved)
        self.setModel(self.rows)
        self.setItemDelegate(_QueueDelegate(self))
        self.setAccessibleName("Queue")
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen_changed.emit())

    @property
    def chosen(self) -> QueueRow | None:
        index = self.currentIndex()
        return self.rows.rows[index.row()] if index.isValid() else None

    def show_rows(self, rows: Sequence[QueueRow]) -> None:
        """The chosen run stays chosen; if it is gone, that in its place is."""
        before, place = self.chosen, self.currentIndex().row()
        self.rows.show_rows(rows)
        if not rows:
            self.chosen_changed.emit()
            return
        ids = [row.id for row in rows]
        at = ids.index(before.id) if before and before.id in ids else min(max(place, 0), len(rows) - 1)
        if self.currentIndex().row() != at:
            self.setCurrentIndex(self.rows.index(at, 0))
        self.chosen_changed.emit()

    def ask_to_move(self, step: int) -> None:
        """The chosen run, up (-1) or down (1)."""
        row = self.chosen
        if row is not None and row.movable:
            self.moved.emit(row.id, self.currentIndex().row() + step)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if alt and step:
            self.ask_to_move(step)
        elif event.key() == Qt.Key.Key_Delete and self.chosen is not None:
            self.removed.emit(self.chosen.id)
        else:
            super().keyPressEvent(event)
