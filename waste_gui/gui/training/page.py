"""The training page: what the current stage does until there are curves, then the curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from waste_gui.config import RunConfig
from waste_gui.gui.common import theme
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.run_picker import RunPicker
from waste_gui.gui.common.theme import FRAME_MS, UNIT
from waste_gui.gui.session.run_text import progress, usual
from waste_gui.gui.training.facts import Facts
from waste_gui.gui.training.last_layer import LastLayer
from waste_gui.gui.training.stage_list import StageList
from waste_gui.monitor.formatting import band
from waste_gui.monitor.run import RunPhase, Stage
from waste_gui.monitor.snapshot import Snapshot

if TYPE_CHECKING:
    from waste_gui.gui.training.plots import PlotName, Plots

CENTRE = Qt.AlignmentFlag.AlignHCenter


class _Bar(QWidget):
    """A thin bar: how much of the stage is done; empty where nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self._share: float | None = None
        self.setFixedSize(320, 4)
        self.setAccessibleName("Progress of the stage")

    def show_share(self, share: float | None) -> None:
        if share != self._share:
            self._share = share
            self.setAccessibleDescription("" if share is None else f"{100 * share:.0f} %")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.colours().hairline))
        if self._share:
            done = QRect(0, 0, round(self.width() * min(1.0, self._share)), self.height())
            painter.fillRect(done, QColor(theme.colours().accent))
        painter.end()


class _Waiting(QWidget):
    """Until the first curve: the stage, how far it is, what it may take."""

    def __init__(self) -> None:
        super().__init__()
        self._title = PlainLabel(size="title", bold=True, align=CENTRE)
        self._bar = _Bar()
        self._progress = PlainLabel(align=CENTRE)
        self._detail = PlainLabel(role="muted", align=CENTRE)
        self._usual = PlainLabel(role="muted", align=CENTRE)
        rows = QVBoxLayout(self)
        rows.setSpacing(UNIT)
        rows.addStretch(2)
        rows.addWidget(self._title)
        rows.addSpacing(UNIT // 2)
        rows.addWidget(self._bar, 0, CENTRE)
        rows.addSpacing(UNIT // 2)
        for line in (self._progress, self._detail, self._usual):
            rows.addWidget(line)
        rows.addStretch(3)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        run, stage = snapshot.run, snapshot.run.current
        if run.phase is RunPhase.IDLE:
            title, words = "Nothing has run yet", "Loss and accuracy appear here once training has begun."
        elif run.phase.ended:
            title, words = "It ended before training began", "There is nothing to plot."
        else:
            title = stage.title if stage else "Starting"
            words = _expected(snapshot, stage) if stage else ""
        self._title.set_text(title)
        share = stage.done / stage.total if stage and stage.total else None
        self._bar.setVisible(share is not None and run.phase.running)
        self._bar.show_share(share)
        self._progress.set_text(progress(stage) if stage else "")
        self._progress.setVisible(bool(self._progress.text()))
        detail = stage.detail if stage and run.phase.running else ""
        self._detail.set_text("" if detail == self._progress.text() else detail)
        self._usual.set_text(words)


def _expected(snapshot: Snapshot, stage: Stage) -> str:
    """What the stage may take, and how far that can be relied on."""
    expected, view = usual(snapshot, stage), snapshot.view
    guess = view is not None and view.remaining.basis == "guess"
    first = (
        "First run on this computer: the times are a rough guess. " if guess and snapshot.first_run else ""
    )
    if expected is None:
        return first
    if stage.id == "train" and view is not None and view.remaining.usual_s:
        return f"{first}An epoch usually takes {band(*expected)}."
    return f"{first}This {'may take' if guess else 'usually takes'} {band(*expected)}."


class RunPage(QWidget):
    """A run: its stages and facts on the left, what it does or its curves on the right.

    The plots come with the first curve or in a quiet moment: pyqtgraph takes longer than all the rest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plots: Plots | None = None
        self.picker = RunPicker("training")
        self.stages = StageList()
        self.facts = Facts()
        self._waiting = _Waiting()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._waiting)
        self.last_layer = LastLayer()
        self._stack.addWidget(self.last_layer)
        self._last_layer_of: Path | None = None
        self._turn = QTimer(self)  # The first curve comes in a frame of its own.
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(lambda: self._stack.setCurrentWidget(self.plots))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addWidget(self.picker)
        columns = QHBoxLayout()
        columns.setSpacing(3 * UNIT)
        rows.addLayout(columns, 1)
        columns.addWidget(self._make_left())
        columns.addWidget(self._stack, 1)

    def _make_left(self) -> QScrollArea:
        facts = QWidget()
        left = QVBoxLayout(facts)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(2 * UNIT)
        left.addWidget(self.stages)
        left.addWidget(self.facts)
        left.addStretch(1)
        self._left = QScrollArea()  # It scrolls only where a tall warning leaves too little room.
        self._left.setWidgetResizable(True)
        self._left.setFrameShape(QScrollArea.Shape.NoFrame)
        self._left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._left.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._left.setWidget(facts)
        return self._left

    def set_left_width(self, width: int) -> None:
        """That of the header's first column, so that both stand below each other."""
        self._left.setFixedWidth(width)

    @property
    def plots(self) -> Plots:
        if self._plots is None:
            from waste_gui.gui.training.plots import Plots

            self._plots = Plots()
            self._stack.addWidget(self._plots)
        return self._plots

    def show_plots(self, *names: PlotName) -> None:
        """These alone, with the keyboard."""
        self.plots.choose(*names)
        self.plots.focus_first()

    def areas(self) -> list[QWidget]:
        """Which the keyboard goes through."""
        plots = self._stack.currentWidget()
        return [self.stages, self.picker.button, *([plots] if plots is self._plots and plots else [])]

    def prepare(self) -> None:
        """Make the plots and draw them once, unseen: the first time takes a frame longer."""
        if self._stack.currentWidget() is self._waiting:
            self._stack.setCurrentWidget(self.plots)
            self.plots.grab()
            self._stack.setCurrentWidget(self._waiting)

    def show_snapshot(self, snapshot: Snapshot, config: RunConfig | None = None, found: str = "") -> None:
        """`config` is what Start would train, and `found` what was found of its photos: while nothing ran."""
        self.stages.show_snapshot(snapshot)
        self.facts.show_snapshot(snapshot, snapshot.config or config, found)
        if snapshot.run.head_only and snapshot.run.epochs:
            self._show_last_layer(snapshot)
        elif len(snapshot.run.loss) > 0 and not snapshot.run.head_only or snapshot.run.epochs:
            if self.isVisible():
                self.plots.show_run(snapshot.run)
            if self._stack.currentWidget() is not self._plots and not self._turn.isActive():
                self._turn.start(2 * FRAME_MS)  # After the bar, which may come at the same moment.
        else:
            self._turn.stop()
            self._stack.setCurrentWidget(self._waiting)
            self._waiting.show_snapshot(snapshot)

    def _show_last_layer(self, snapshot: Snapshot) -> None:
        self._turn.stop()
        if snapshot.folder != self._last_layer_of:
            self._last_layer_of = snapshot.folder
            self.last_layer.show_classes({})
        self.last_layer.show_run(snapshot.run)
        self._stack.setCurrentWidget(self.last_layer)

    def show_classes(self, folder: Path, recall: Mapping[str, float]) -> None:
        """Of the run in that folder, once its results are read."""
        if folder == self._last_layer_of:
            self.last_layer.show_classes(recall)
