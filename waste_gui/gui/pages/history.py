"""The runs page: earlier trainings, the newest first; show one again, open its folder, take its settings."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from waste_gui import config as configs
from waste_gui import protocol
from waste_gui.config import ConfigError
from waste_gui.gui import theme
from waste_gui.gui.background import Background
from waste_gui.gui.text import one_line, tooltip
from waste_gui.gui.theme import UNIT
from waste_gui.gui.widgets.plain_label import PlainLabel
from waste_gui.gui.words import percent
from waste_gui.monitor.words import clock
from waste_gui.protocol import EpochFinished, RunFailed, RunFinished, RunStopped
from waste_gui.rundir import RunDir, list_runs

TAIL_BYTES = 64 * 1024
RESUMABLE = ("stopped", "failed", "ended unexpectedly")
COLUMNS = ("Run", "Model", "Epochs", "Best", "Took", "State")


@dataclass(frozen=True)
class EarlierRun:
    """A line of the list in words."""

    folder: RunDir
    model: str
    epochs: str
    best: str
    took: str
    state: str


def read_runs(tell: Callable[[object], None]) -> list[EarlierRun]:
    """From each folder its settings and the last lines of its events. For a thread."""
    found: list[EarlierRun] = []
    for folder in list_runs():
        tell(len(found))
        found.append(_read_run(folder))
    return found


def _read_run(folder: RunDir) -> EarlierRun:
    model = epochs = "–"
    with contextlib.suppress(ConfigError):
        config = configs.load(folder.config)
        model, epochs = config.model, str(config.epochs)
    best: float | None = None
    last_at = 0.0
    state = "running" if folder.owner() is not None else "ended unexpectedly"
    for line in _tail(folder):
        message = protocol.decode(line)
        last_at = max(last_at, getattr(message, "at", 0.0))
        match message:
            case EpochFinished() if message.val_accuracy is not None:
                best = max(best or 0.0, message.val_accuracy)
            case RunFinished():
                state = "done"
            case RunStopped():
                state = "stopped"
            case RunFailed():
                state = "failed"
    return EarlierRun(
        folder,
        model,
        epochs,
        "–" if best is None else percent(best),
        clock(last_at) if last_at else "–",
        state,
    )


def _tail(folder: RunDir) -> list[bytes]:
    try:
        with open(folder.events, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            return file.read().splitlines()
    except OSError:
        return []


class HistoryPage(QWidget):
    show_asked = Signal(object)  # RunDir
    folder_asked = Signal(object)  # RunDir
    settings_asked = Signal(object)  # RunDir
    resume_asked = Signal(object)  # RunDir

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs: list[EarlierRun] = []
        self._reading = Background(self)
        self._reading.finished.connect(self.show_runs)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName("Earlier runs")
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(28)
        header = self.table.horizontalHeader()
        header.setFont(theme.font("caption"))
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.table.itemActivated.connect(lambda _: self._ask(self.show_asked))
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(UNIT)
        self.buttons = [
            self._button("Sh&ow this run", self.show_asked),
            self._button("Open its fol&der", self.folder_asked),
            self._button("Ta&ke its settings", self.settings_asked),
            self._button("Resu&me it", self.resume_asked),
        ]
        self._buttons.addStretch(1)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addWidget(self.table, 1)
        rows.addLayout(self._buttons)
        empty = QWidget()
        lines = QVBoxLayout(empty)
        centre = Qt.AlignmentFlag.AlignHCenter
        lines.addStretch(2)
        lines.addWidget(PlainLabel("No earlier runs", size="title", bold=True, align=centre))
        lines.addWidget(
            PlainLabel("Choose photos and press Start; every run is kept here.", role="muted", align=centre)
        )
        lines.addStretch(3)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(empty)
        self._stack.addWidget(content)

    def _button(self, text: str, signal: object) -> QPushButton:
        button = QPushButton(text)
        button.setEnabled(False)
        button.clicked.connect(lambda: self._ask(signal))
        self._buttons.addWidget(button)
        return button

    def refresh(self) -> None:
        self._reading.start(read_runs)

    def show_runs(self, runs: list[EarlierRun]) -> None:
        chosen = self.runs[self.table.currentRow()].folder if self._chosen() else None
        self.runs = runs
        self._stack.setCurrentIndex(1 if runs else 0)
        self.table.setRowCount(len(runs))
        for i, run in enumerate(runs):
            name = one_line(run.folder.path.name)
            for column, text in enumerate((name, run.model, run.epochs, run.best, run.took, run.state)):
                item = QTableWidgetItem(text)
                item.setToolTip(tooltip(str(run.folder.path)) if column == 0 else "")
                self.table.setItem(i, column, item)
        for column in range(1, len(COLUMNS)):
            title = self.table.horizontalHeader().sectionSizeHint(column)
            width = max(title, self.table.sizeHintForColumn(column)) + 2 * UNIT
            self.table.horizontalHeader().resizeSection(column, width)
        if runs:
            folders = [run.folder.path for run in runs]
            self.table.selectRow(folders.index(chosen.path) if chosen and chosen.path in folders else 0)
        self._on_selected()

    def _chosen(self) -> bool:
        return bool(self.table.selectedItems()) and 0 <= self.table.currentRow() < len(self.runs)

    def _on_selected(self) -> None:
        row, chosen = self.table.currentRow(), self._chosen()
        for button in self.buttons:
            button.setEnabled(chosen)
        if chosen:
            self.buttons[-1].setEnabled(self.runs[row].state in RESUMABLE)

    def _ask(self, signal: object) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self.runs):
            signal.emit(self.runs[row].folder)  # type: ignore[attr-defined]
