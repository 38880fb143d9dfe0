"""The checklist: four groups of stages with sign, duration and what is typical; one that runs is unfolded."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import tooltip
from waste_gui.gui.common.glyphs import ROLES, paint_glyph
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.training.stage_rows import GROUPS, Row, grouped_rows
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 24
COLUMNS = ("Stage", "Duration", "Typical")
USUAL = COLUMNS.index("Typical")
ROWS = len(GROUPS) + max(len(ids) for _, ids in GROUPS)
WIDEST = {1: "00:00:00", USUAL: "00:00–00:00"}
GAP = 4
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class StageModel(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = grouped_rows(Snapshot(Run()))

    def show_rows(self, new: list[Row]) -> None:
        if [row.title for row in new] != [row.title for row in self._rows]:
            self.beginResetModel()
            self._rows = new
            self.endResetModel()
            return
        old, self._rows = self._rows, new
        for i, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                self.dataChanged.emit(self.index(i, 0), self.index(i, len(COLUMNS) - 1))

    @property
    def all_rows(self) -> list[Row]:
        return self._rows

    def row(self, index: Index) -> Row:
        return self._rows[index.row()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return LEFT if section == 0 else RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                title = row.title if row.is_group else f"{row.number}  {row.title}"
                return (title, row.took, row.usual_short)[index.column()]
            case Qt.ItemDataRole.AccessibleTextRole:
                fold = {None: "", True: ", unfolded", False: ", folded"}[row.unfolded]
                spoken = f"{row.title}, {row.state}{fold}", f"duration {row.took}", f"typical {row.usual}"
                return spoken[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                if index.column() == USUAL and row.usual:
                    return tooltip(f"{row.title}: typically {row.usual}")
                return tooltip(f"{row.title}: {row.summary or row.state}")
            case Qt.ItemDataRole.TextAlignmentRole:
                return LEFT if index.column() == 0 else RIGHT
        return None


class _StageDelegate(QStyledItemDelegate):
    """Paints the sign before the title, the running stage bold and in its colour."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, StageModel)
        row = model.row(index)
        box = QRect(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colours().selection)
        painter.setFont(theme.font(bold=row.open))
        waiting = row.glyph == "waiting" or index.column() == USUAL
        marked = row.glyph not in ("waiting", "done") and index.column() < USUAL
        painter.setPen(theme.colour(ROLES[row.glyph] if marked else "muted" if waiting else "text"))
        if index.column() == 0:
            self._paint_title(painter, box, row)
        else:
            box.setLeft(box.left() + GAP)
            elide = Qt.TextElideMode.ElideRight
            shown = painter.fontMetrics().elidedText(str(index.data()), elide, box.width())
            painter.drawText(box, int(RIGHT), shown)
        painter.restore()

    def _paint_title(self, painter: QPainter, box: QRect, row: Row) -> None:
        side = 12
        left = box.left() + (0 if row.is_group else 2 * UNIT)
        mark = QRectF(left, box.center().y() - side / 2 + 1, side, side)
        paint_glyph(painter, mark, row.glyph, theme.colour(ROLES[row.glyph]))
        metrics = painter.fontMetrics()
        title = QRect(box)
        title.setLeft(left + side + UNIT)
        if not row.is_group:
            number = QRect(left + side + 4, box.top(), 2 * UNIT + 4, box.height())
            painter.drawText(number, int(RIGHT), str(row.number))
            title.setLeft(number.right() + UNIT)
        else:
            self._paint_chevron(painter, box, bool(row.unfolded))
            title.setRight(box.right() - 2 * UNIT)
        calm = row.glyph in ("waiting", "running", "done") or not row.is_group  # Its group says the word.
        word = row.title if calm else f"{row.title} · {row.state}"
        painter.drawText(
            title, int(LEFT), metrics.elidedText(word, Qt.TextElideMode.ElideRight, title.width())
        )

    def _paint_chevron(self, painter: QPainter, box: QRect, unfolded: bool) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("muted"), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        centre = QPointF(box.right() - UNIT, box.center().y() + 1)
        points = [(-4, -2), (0, 2), (4, -2)] if unfolded else [(-2, -4), (2, 0), (-2, 4)]
        painter.drawPolyline(QPolygonF([centre + QPointF(x, y) for x, y in points]))
        painter.restore()


class StageList(QTableView):
    """As tall as its rows with the largest group unfolded, so that nothing scrolls, and nothing below moves
    when the next group begins."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = StageModel(self)
        self._snapshot = Snapshot(Run())
        self._toggled: set[str] = set()
        self.setModel(self._model)
        self.setItemDelegate(_StageDelegate(self))
        self.setAccessibleName("Checklist of stages")
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(16)
        self.verticalHeader().setDefaultSectionSize(max(ROW_HEIGHT - 2, self.fontMetrics().height() + 6))
        self._set_up_header()
        self._model.modelReset.connect(self._fit)
        self._fit()

    def _set_up_header(self) -> None:
        header = self.horizontalHeader()
        header.setFont(theme.font("caption"))
        header.setStyleSheet("QHeaderView::section { padding: 4px 0; }")
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        bold = QFontMetrics(theme.font(bold=True))
        for column, widest in WIDEST.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, bold.horizontalAdvance(widest) + GAP)

    def _fit(self) -> None:
        rows = max(self._model.rowCount(), ROWS)
        rows_px = self.verticalHeader().defaultSectionSize() * rows
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows_px + 2)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.run is not self._snapshot.run:
            self._toggled.clear()
        self._snapshot = snapshot
        current = self.currentIndex()
        title = self._model.row(current).title if current.isValid() else None
        self._model.show_rows(grouped_rows(snapshot, self._toggled))
        if title is not None and not self.currentIndex().isValid():
            places = [i for i, row in enumerate(self._model.all_rows) if row.title == title]
            self.setCurrentIndex(self._model.index(places[0] if places else 0, 0))

    def toggle(self, index: Index) -> None:
        """Unfold a group, or fold it."""
        if index.isValid() and self._model.row(index).is_group:
            self._toggled ^= {self._model.row(index).title}
            self.show_snapshot(self._snapshot)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.toggle(self.indexAt(event.position().toPoint()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        unfolded = self._model.row(index).unfolded if index.isValid() else None
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space if unfolded is not None:
                self.toggle(index)
            case Qt.Key.Key_Right if unfolded is False:
                self.toggle(index)
            case Qt.Key.Key_Left if unfolded is True:
                self.toggle(index)
            case _:
                super().keyPressEvent(event)
