"""The list of earlier runs: fast with thousands, as only what is in sight is put into words and painted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.glyphs import ROLES, paint_glyph
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.runs.rows import FALLING, SPOKEN, Column, Line, Order
from waste_gui.gui.session.run_ends import GLYPHS

Index = QModelIndex | QPersistentModelIndex
GLYPH = 11
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
USUAL = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
EDITABLE = USUAL | Qt.ItemFlag.ItemIsEditable
DOWN, UP = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
NUMBERS = (Column.BEST, Column.TOOK)
TITLES = ("★", "Run", "Photos", "Model", "Best\u2007", "Duration\u2007", "State", "Started")
"""The space of a figure keeps the titles of numbers above these, away from the next column."""
NAME_WIDTH = 18 * UNIT
"""With less room for the name, columns are hidden, the first of these first."""
FIRST_HIDDEN = (Column.BEGAN, Column.MODEL, Column.TOOK, Column.PHOTOS)
STAR = (
    (0.0, -1.0), (0.24, -0.32), (0.95, -0.31), (0.38, 0.12), (0.59, 0.81),
    (0.0, 0.4), (-0.59, 0.81), (-0.38, 0.12), (-0.95, -0.31), (-0.24, -0.32),
)  # fmt: skip


class RunModel(QAbstractTableModel):
    renamed = Signal(str, str)  # The run's folder, its new name.
    sort_asked = Signal(object)  # Order

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines: list[Line] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return EDITABLE if index.column() == Column.NAME else USUAL

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line, column = self.lines[index.row()], Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return line.cells[column]
            case Qt.ItemDataRole.EditRole:
                return line.run.title
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(line.tooltip(column))
            case Qt.ItemDataRole.AccessibleTextRole:
                return line.tooltip(column) if column == Column.STAR else line.cells[column]
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return one_line(line.tooltip(column))
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        self.renamed.emit(self.lines[index.row()].run.folder, str(value))
        return True

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Vertical:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return TITLES[section]
            case Qt.ItemDataRole.AccessibleTextRole:
                return SPOKEN[section]
            case Qt.ItemDataRole.TextAlignmentRole:
                return RIGHT if section in NUMBERS else LEFT
            case Qt.ItemDataRole.InitialSortOrderRole:
                return DOWN if section in FALLING else UP
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if column >= 0:
            self.sort_asked.emit(Order(Column(column), order is DOWN))

    def show_lines(self, lines: list[Line]) -> bool:
        """Whether other runs, or in another order, are shown than before."""
        moved = [a.run.folder for a in self.lines] != [b.run.folder for b in lines]
        if moved:
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()
            return True
        changed = [i for i, (a, b) in enumerate(zip(self.lines, lines, strict=True)) if a.run != b.run]
        self.lines = lines
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(Column) - 1))
        return False


class _RunDelegate(QStyledItemDelegate):
    """Paints the cells itself: asking the model for each of its roles would take ten times as long."""

    def __init__(self, table: RunTable) -> None:
        super().__init__(table)
        self._table = table
        self._figure = 3 + QFontMetrics(theme.font("caption")).horizontalAdvance("\u2007")

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        line, column, box = self._table.runs.lines[index.row()], index.column(), QRect(option.rect)
        c = theme.colours()
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(c.selection if self._table.hasFocus() else c.hover))
        if self._table.hasFocus() and index.row() == self._table.currentIndex().row():
            painter.fillRect(QRect(box.left(), box.bottom(), box.width(), 1), QColor(c.accent))
        painter.setPen(QColor(c.muted if line.run.annotations.archived else c.text))
        if column == Column.STAR:
            if line.run.annotations.starred:
                _paint_star(painter, box)
        elif column == Column.NAME:
            _paint_name(painter, box.adjusted(3, 0, -UNIT, 0), line)
        elif column == Column.STATE:
            _paint_state(painter, box.adjusted(3, 0, -3, 0), line)
        else:
            number = column in NUMBERS
            room = box.adjusted(3, 0, -self._figure if number else -UNIT, 0)
            _paint_text(painter, room, line.cells[column], RIGHT if number else LEFT)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName("Name of the run")
        editor.setMaxLength(200)
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(QRect(option.rect).adjusted(-UNIT, -1, 0, 1))


def _paint_text(painter: QPainter, box: QRect, text: str, align: int = LEFT) -> None:
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, box.width())
    painter.drawText(box, align, shown)


def _paint_name(painter: QPainter, box: QRect, line: Line) -> None:
    """The name, then where it runs and the note as far as there is room."""
    _paint_text(painter, box, line.cells[Column.NAME])
    if not line.beside:
        return
    room = box.adjusted(painter.fontMetrics().horizontalAdvance(line.cells[Column.NAME]) + UNIT, 0, 0, 0)
    if room.width() > 4 * UNIT:
        painter.setPen(theme.colour("muted"))
        painter.drawText(
            room,
            LEFT,
            painter.fontMetrics().elidedText(line.beside, Qt.TextElideMode.ElideRight, room.width()),
        )


def _paint_state(painter: QPainter, box: QRect, line: Line) -> None:
    glyph = GLYPHS[line.run.state]
    middle = QPointF(box.left() + GLYPH / 2, box.center().y() + 0.5)
    square = QRectF(middle.x() - GLYPH / 2, middle.y() - GLYPH / 2, GLYPH, GLYPH)
    paint_glyph(painter, square, glyph, theme.colour(ROLES[glyph]))
    _paint_text(painter, box.adjusted(GLYPH + 6, 0, 0, 0), line.cells[Column.STATE])


def _paint_star(painter: QPainter, box: QRect) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("slow"))
    middle = QPointF(box.left() + 11, box.center().y() + 0.5)
    painter.drawPolygon(QPolygonF([middle + QPointF(6.5 * x, 6.5 * y) for x, y in STAR]))


class RunTable(QTableView):
    """`shown` comes with Enter or a double click; `menu_asked` with the place on the screen."""

    shown = Signal()
    starred = Signal(str)  # The folder of the run whose star was pressed.
    menu_asked = Signal(QPoint)
    selection_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs = RunModel(self)
        self.orders = [Order()]  # The last counts most; among its equals the one before.
        self.setModel(self.runs)
        self.setItemDelegate(_RunDelegate(self))
        self.setAccessibleName("Earlier runs")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._set_up_headers()
        self.selectionModel().selectionChanged.connect(lambda *_: self.selection_changed.emit())
        self.runs.modelReset.connect(self.selection_changed)
        self.runs.sort_asked.connect(self._on_sort)

    def _set_up_headers(self) -> None:
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(QFontMetrics(theme.font()).height() + UNIT + 4)
        header = self.horizontalHeader()
        header.setFont(theme.font("caption"))
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setMinimumSectionSize(3 * UNIT)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        header.setSortIndicator(self.orders[-1].column, DOWN)
        # Of its own, which stays empty: it would ask for the flags of each chosen cell when it is painted.
        header.setSelectionModel(QItemSelectionModel(self.runs, header))
        self.setSortingEnabled(True)

    # --- what is shown

    def show_lines(self, lines: Iterable[Line]) -> None:
        """In the order that was asked for."""
        ordered = list(lines)
        for order in self.orders:
            ordered = order.sorted(ordered)
        self._show_ordered(ordered)

    def _show_ordered(self, lines: list[Line]) -> None:
        """What was chosen stays chosen, and what was in sight in sight."""
        chosen, first = self._chosen_rows(), self.currentIndex().row()
        folders = [self.runs.lines[row].run.folder for row in chosen]
        current = self.runs.lines[first].run.folder if 0 <= first < len(self.runs.lines) else ""
        place = self.verticalScrollBar().value()
        if self.runs.show_lines(lines):
            self._choose_again(folders, current, chosen[0] if chosen else first)
            self.verticalScrollBar().setValue(place)

    def sort_by(self, column: Column) -> None:
        """Once more by the same column: the other way round."""
        now = self.orders[-1]
        falling = not now.falling if now.column == column else column in FALLING
        self.horizontalHeader().setSortIndicator(column, DOWN if falling else UP)

    def _on_sort(self, order: Order) -> None:
        before = [each for each in self.orders if each.column != order.column]
        self.orders = [*before[-2:], order]
        self._show_ordered(order.sorted(self.runs.lines))

    def _choose_again(self, folders: list[str], current: str, first: int) -> None:
        """Where all is gone that was chosen, the next line is."""
        places = {line.run.folder: i for i, line in enumerate(self.runs.lines)}
        rows = sorted(places[folder] for folder in folders if folder in places)
        if folders and places and not rows:
            rows = [min(first, len(places) - 1)]
        here = rows[0] if current not in places and rows else places.get(current, -1)
        if here >= 0:
            nothing = QItemSelectionModel.SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self.runs.index(here, Column.NAME), nothing)
        self.choose_rows(rows)

    def choose_rows(self, rows: Sequence[int]) -> None:
        selection = QItemSelection()
        for _, group in groupby(enumerate(rows), lambda pair: pair[1] - pair[0]):
            near = [row for _, row in group]
            selection.select(self.runs.index(near[0], 0), self.runs.index(near[-1], len(Column) - 1))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def chosen(self) -> list[Line]:
        """In the order of the list."""
        return [self.runs.lines[row] for row in self._chosen_rows()]

    def _chosen_rows(self) -> list[int]:
        ranges = self.selectionModel().selection()  # `selectedRows` asks for the flags of each cell.
        rows: set[int] = set()
        for i in range(ranges.count()):
            rows.update(range(ranges.at(i).top(), ranges.at(i).bottom() + 1))
        return sorted(row for row in rows if row < len(self.runs.lines))

    def go_to_first(self) -> None:
        if not self.currentIndex().isValid() and self.runs.lines:
            self.setCurrentIndex(self.runs.index(0, Column.NAME))

    def edit_name(self) -> None:
        row = self.currentIndex().row()
        if row >= 0:
            self.edit(self.runs.index(row, Column.NAME))

    @property
    def editing(self) -> bool:
        return self.state() is QAbstractItemView.State.EditingState

    # --- the room of each column

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_columns()

    def fit_columns(self) -> None:
        metrics, width = QFontMetrics(theme.font()), self.viewport().width()
        widths = {
            Column.STAR: 3 * UNIT,
            Column.PHOTOS: max(14 * UNIT, width // 6),
            Column.MODEL: max(11 * UNIT, width // 9),
            Column.BEST: metrics.horizontalAdvance("100.0 %") + 3 * UNIT,
            Column.TOOK: metrics.horizontalAdvance("10:00:00") + 2 * UNIT,
            Column.STATE: GLYPH + 6 + metrics.horizontalAdvance("crashed") + 2 * UNIT,
            Column.BEGAN: metrics.horizontalAdvance("12-28 20:00") + 2 * UNIT,
        }
        hidden: set[Column] = set()
        for column in FIRST_HIDDEN:
            if width - sum(widths[each] for each in widths if each not in hidden) < NAME_WIDTH:
                hidden.add(column)
        for column, wide in widths.items():
            self.setColumnHidden(column, column in hidden)
            self.setColumnWidth(column, wide)

    # --- keys and mouse

    def keyboardSearch(self, search: str) -> None:
        """Letters are keys of their own here; a name is found by the search above."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self.editing:
            self.shown.emit()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() is Qt.MouseButton.LeftButton and index.isValid() and index.column() == Column.STAR:
            self.starred.emit(self.runs.lines[index.row()].run.folder)
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() == Column.STAR:
            self.mousePressEvent(event)
        elif index.isValid() and event.button() is Qt.MouseButton.LeftButton:
            self.shown.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = event.globalPos()
        if event.reason() is QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            below = self.visualRect(self.currentIndex()).bottomLeft()
            place = self.viewport().mapToGlobal(below)
        self.menu_asked.emit(place)
