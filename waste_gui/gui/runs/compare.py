"""Several runs beside one another: their curves overlaid, what came of them, where their settings differ."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common import theme
from waste_gui.gui.common.background import Background
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.window_size import open_at
from waste_gui.gui.runs.comparison import Row, compared_rows
from waste_gui.gui.runs.epoch_plots import CURVES, LOOKS, EpochPlot, Key
from waste_gui.gui.runs.rows import began_words
from waste_gui.monitor.past_run import PastRun, read_past
from waste_gui.monitor.run_list import RunSummary
from waste_gui.run_names import told_apart

PLOTS_SHARE = 48
"""Of the height, in per cent, at first."""


class CompareDialog(QDialog):
    def __init__(self, parent: QWidget, runs: Sequence[RunSummary]) -> None:
        super().__init__(parent)
        self.past: list[PastRun] = []
        self._summaries = list(runs)
        self._names = told_apart([run.title for run in runs], [began_words(run.began) for run in runs])
        self.setWindowTitle(f"Compare {len(runs)} runs")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_at(self, 1080, 760)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addLayout(self._make_legend())
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self._make_plots())
        splitter.addWidget(self._make_settings())
        splitter.setSizes([PLOTS_SHARE, 100 - PLOTS_SHARE])
        rows.addWidget(splitter, 1)
        rows.addLayout(self._make_buttons())
        self._reading = Background(lambda error: self.words.set_text(f"They cannot be read: {error}"), self)
        self._reading.finished.connect(self.show_past)
        self._reading.start(lambda tell: read_past(tell, self._summaries))

    # --- laid out

    def _make_legend(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT // 2)
        columns = 3
        for i, (look, name) in enumerate(zip(LOOKS, self._names, strict=False)):
            line = QHBoxLayout()
            line.setSpacing(UNIT)
            line.addWidget(Key(look))
            line.addWidget(PlainLabel(name), 1)
            grid.addLayout(line, i // columns, i % columns)
            grid.setColumnStretch(i % columns, 1)
        return grid

    def _make_plots(self) -> QWidget:
        holder = QWidget()
        columns = QHBoxLayout(holder)
        columns.setContentsMargins(0, UNIT, 0, 0)
        columns.setSpacing(2 * UNIT)
        self.plots = [EpochPlot(curve) for curve in CURVES]
        for plot in self.plots:
            columns.addWidget(plot, 1)
            for other in self.plots:
                plot.epoch_marked.connect(other.mark)
        holder.setMinimumHeight(180)
        return holder

    def _make_settings(self) -> QWidget:
        self.words = PlainLabel("Reading the runs…", role="muted", elide=Qt.TextElideMode.ElideRight)
        self.only = QCheckBox("Only &differences")
        self.only.toggled.connect(lambda _: self._show_rows())
        head = QHBoxLayout()
        head.setSpacing(2 * UNIT)
        head.addWidget(PlainLabel("Results and settings", bold=True))
        head.addWidget(self.words, 1)
        head.addWidget(self.only)
        self.table = QTableWidget(0, 1 + len(self._summaries))
        self.table.setAccessibleName("Results and settings of the runs, what differs first")
        self._set_up_table()
        holder = QWidget()
        rows = QVBoxLayout(holder)
        rows.setContentsMargins(0, UNIT, 0, 0)
        rows.setSpacing(UNIT)
        rows.addLayout(head)
        rows.addWidget(self.table, 1)
        return holder

    def _set_up_table(self) -> None:
        table = self.table
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(3 * UNIT + 2)
        header = table.horizontalHeader()
        header.setFont(theme.font("caption"))
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, 24 * UNIT)
        table.setHorizontalHeaderItem(0, QTableWidgetItem(""))
        self._name_columns()

    def _name_columns(self) -> None:
        for i, (look, name) in enumerate(zip(LOOKS, self._names, strict=False), 1):
            title = QTableWidgetItem(_icon(Key(look, 2 * UNIT)), one_line(name))
            title.setToolTip(tooltip(name))
            self.table.setHorizontalHeaderItem(i, title)

    def _make_buttons(self) -> QHBoxLayout:
        close = QPushButton("&Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(close)
        return line

    # --- shown

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "table"):
            self._name_columns()
            if self.past:
                self._show_rows()

    def show_past(self, past: list[PastRun]) -> None:
        self.past = past
        for plot in self.plots:
            plot.show_runs(past)
        self._show_rows()

    def _show_rows(self) -> None:
        rows = compared_rows(self.past)
        differing = sum(row.differs and row.is_setting for row in rows)
        said = [run.trouble for run in self.past if run.trouble]
        if not any(run.epochs for run in self.past):
            said.append("None of them came to the end of an epoch, so there are no curves.")
        self.words.set_text("  ".join([_differ(differing), *said]))
        shown = [row for row in rows if row.differs or not self.only.isChecked()]
        self.table.setRowCount(len(shown))
        for i, row in enumerate(shown):
            self._show_row(i, row)

    def _show_row(self, place: int, row: Row) -> None:
        for column, text in enumerate((f"≠ {row.title}" if row.differs else row.title, *row.texts)):
            item = QTableWidgetItem(one_line(text))
            item.setToolTip(tooltip(text))
            item.setFont(theme.font(bold=row.differs and row.is_setting))
            item.setForeground(theme.colour("text" if row.differs and column else "muted"))
            if row.differs and not column:
                item.setForeground(theme.colour("accent"))
            self.table.setItem(place, column, item)


def _differ(settings: int) -> str:
    if not settings:
        return "All settings are the same."
    return "1 setting differs (≠)." if settings == 1 else f"{settings} settings differ (≠)."


def _icon(key: Key) -> QIcon:
    picture = QPixmap(key.size() * key.devicePixelRatio())
    picture.setDevicePixelRatio(key.devicePixelRatio())
    picture.fill(Qt.GlobalColor.transparent)
    key.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
    key.render(picture, renderFlags=QWidget.RenderFlag.DrawChildren)
    return QIcon(picture)
