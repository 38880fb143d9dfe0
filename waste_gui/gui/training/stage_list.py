"""The checklist: every stage with its sign, what it took and what is usual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter
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
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.glyphs import ROLES, Glyph, paint_glyph
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.session.run_text import stage_glyph, stage_time, usual
from waste_gui.monitor.formatting import about, band, clock, short_band
from waste_gui.monitor.run import Run, Stage, StageState
from waste_gui.monitor.snapshot import Snapshot

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 24
COLUMNS = ("Stage", "Duration", "Typical")
USUAL = COLUMNS.index("Typical")
WIDEST = {1: "00:00:00", USUAL: "00:00–00:00"}
GAP = 4
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Row:
    """A line of the checklist in words."""

    number: int
    title: str
    glyph: Glyph
    state: str
    took: str
    usual: str
    usual_short: str
    indent: bool
    summary: str

    @property
    def open(self) -> bool:
        return self.glyph in ("running", "slow", "stuck")


def rows(snapshot: Snapshot) -> list[Row]:
    return [_row(snapshot, stage, n) for n, stage in enumerate(snapshot.run.stages.values(), 1)]


def _row(snapshot: Snapshot, stage: Stage, number: int) -> Row:
    glyph, state = stage_glyph(snapshot, stage)
    took = stage_time(snapshot, stage)
    return Row(
        number,
        one_line(stage.title),
        glyph,
        state,
        "" if took is None else clock(took),
        _usual(snapshot, stage, band),
        _usual(snapshot, stage, short_band),
        stage.inside_train,
        stage.summary,
    )


def _usual(snapshot: Snapshot, stage: Stage, in_words: Callable[[float, float], str]) -> str:
    if stage.id == "train":
        return _usual_training(snapshot, stage, in_words)
    known = usual(snapshot, stage)
    return in_words(*known) if known else ""


def _usual_training(snapshot: Snapshot, stage: Stage, in_words: Callable[[float, float], str]) -> str:
    """The whole of it: what has passed and what is still expected."""
    passed = stage_time(snapshot, stage)
    left = snapshot.view.remaining.run_s if snapshot.view else None
    if stage.state is StageState.RUNNING and passed is not None and left is not None:
        return about(passed + left)
    return in_words(*snapshot.usual["train"]) if "train" in snapshot.usual else ""


class StageModel(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = rows(Snapshot(Run()))

    def show_rows(self, new: list[Row]) -> None:
        if len(new) != len(self._rows):
            self.beginResetModel()
            self._rows = new
            self.endResetModel()
            return
        old, self._rows = self._rows, new
        for i, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                self.dataChanged.emit(self.index(i, 0), self.index(i, len(COLUMNS) - 1))

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
                return (f"{row.number}  {row.title}", row.took, row.usual_short)[index.column()]
            case Qt.ItemDataRole.AccessibleTextRole:
                spoken = f"{row.title}, {row.state}", f"duration {row.took}", f"typical {row.usual}"
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
        mark = QRectF(box.left(), box.center().y() - side / 2 + 1, side, side)
        paint_glyph(painter, mark, row.glyph, theme.colour(ROLES[row.glyph]))
        metrics = painter.fontMetrics()
        number = box.adjusted(side + 4, 0, 0, 0)
        number.setWidth(2 * UNIT + 4)
        title = box.adjusted(side + 4 + UNIT + number.width() + (2 * UNIT if row.indent else 0), 0, 0, 0)
        painter.drawText(number, int(RIGHT), str(row.number))
        word = f"{row.title} · {row.state}" if row.glyph not in ("waiting", "running", "done") else row.title
        painter.drawText(
            title, int(LEFT), metrics.elidedText(word, Qt.TextElideMode.ElideRight, title.width())
        )


class StageList(QTableView):
    """All stages at a glance: as tall as its rows, so that nothing scrolls."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = StageModel(self)
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
        rows_px = self.verticalHeader().defaultSectionSize() * self._model.rowCount()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows_px + 2)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._model.show_rows(rows(snapshot))
