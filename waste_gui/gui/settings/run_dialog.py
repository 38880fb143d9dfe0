"""Choose an earlier run of this program, whose best weights the next one starts from."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common.background import Background, unexpected
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.window_size import open_at
from waste_gui.monitor.run_list import RunSummary, read_runs

BEST = "checkpoints/best.safetensors"
READING = "Reading the runs…"
NONE_YET = "No run of this computer has saved a model yet. Train one, and it can be started from here."
NONE_SO = "No run is named so."


def runs_with_weights(tell: Callable[[object], None]) -> list[RunSummary]:
    """The newest first. For a thread."""
    runs = (run for run in read_runs() if not run.annotations.archived and run.model)
    return [run for run in runs if (run.run.path / BEST).is_file()]


class RunDialog(QDialog):
    chosen = Signal(object)  # RunSummary

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Start from an earlier run")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_at(self, 560, 420)
        self._runs: list[RunSummary] = []
        self.note = PlainLabel(READING, role="muted", wrap=True)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Part of a name")
        self.search.setAccessibleName("Part of a run's name")
        self.search.textChanged.connect(self._show_runs)
        self.list = QListWidget()
        self.list.setAccessibleName("Earlier runs")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.itemActivated.connect(self._use)
        self.list.currentRowChanged.connect(self._on_current)
        self.buttons = QDialogButtonBox()
        self.use = self.buttons.addButton("&Start from it", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton("&Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self._use)
        self.buttons.rejected.connect(self.reject)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel("Start from an earlier run", size="title", bold=True))
        for widget in (self.search, self.note):
            rows.addWidget(widget)
        rows.addWidget(self.list, 1)
        rows.addWidget(self.buttons)
        self._reading = Background(unexpected, self)
        self._reading.finished.connect(self._on_read)
        self._reading.start(runs_with_weights)
        self._on_current(-1)

    def _on_read(self, runs: list[RunSummary]) -> None:
        self._runs = runs
        self._show_runs()

    def _show_runs(self) -> None:
        part = self.search.text().strip().casefold()
        shown = [run for run in self._runs if part in f"{run.title} {run.model}".casefold()]
        self.list.clear()
        for run in shown:
            item = QListWidgetItem(one_line(words(run)))
            item.setToolTip(tooltip(item.text()))
            item.setSizeHint(QSize(0, self.list.fontMetrics().height() + UNIT))
            item.setData(Qt.ItemDataRole.UserRole, run)
            self.list.addItem(item)
        if shown:
            self.list.setCurrentRow(0)
        empty = NONE_YET if not self._runs else "" if shown else NONE_SO
        self.note.set_text(READING if self._reading.working else empty)
        self.note.setVisible(bool(self.note.text()))

    def _on_current(self, row: int) -> None:
        self.use.setEnabled(row >= 0)

    def _use(self, *_: object) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))
            self.accept()


def words(run: RunSummary) -> str:
    """`waste · resnet18 · 12 epochs — resnet18, 92.0 %, 12 Nov 14:02`"""
    best = "" if run.best is None else f", {run.best:.1%}".replace("%", " %")
    began = time.strftime("%d %b %H:%M", time.localtime(run.began))
    return f"{run.title} — {run.model}{best}, {began}"
