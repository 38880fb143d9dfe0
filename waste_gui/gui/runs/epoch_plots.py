"""The curves of several runs over one another, by epoch; told by colour, kind of line and kind of point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QCursor, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGraphicsView, QHBoxLayout, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.focus_plot import without_menu
from waste_gui.gui.common.formatting import percent
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.whole_axis import WholeTicks
from waste_gui.monitor.past_run import PastRun
from waste_gui.protocol import EpochFinished

POINTS = 20
"""More epochs have fewer points than epochs: they tell the lines apart, no more."""


@dataclass(frozen=True)
class RunStyle:
    """How one of several runs is drawn."""

    light: str
    dark: str
    dash: tuple[float, ...]
    symbol: str

    @property
    def colour(self) -> QColor:
        return QColor(self.dark if theme.colours().name == "dark" else self.light)

    def pen(self, width: float = 2.0) -> QPen:
        pen = QPen(self.colour, width)
        pen.setCosmetic(True)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if self.dash:
            pen.setDashPattern(list(self.dash))
        return pen


LOOKS = (
    RunStyle("#0072B2", "#56B4E9", (), "o"),
    RunStyle("#D55E00", "#E69F00", (5, 2), "s"),
    RunStyle("#8716F4", "#AB3FF7", (1.5, 1.5), "t1"),
    RunStyle("#702802", "#DB158D", (6, 2, 1.5, 2), "d"),
    RunStyle("#1A1D21", "#E8EAED", (10, 3), "x"),
    RunStyle("#A78276", "#757A30", (3, 2, 1, 2, 1, 2), "star"),
)
"""The two first are those of the other plots. The others were searched for: any two are more than 30 apart in
L*a*b*, also as seen with protanopia, deuteranopia and tritanopia (Machado et al., 2009), and each has a
contrast of 3:1 or more."""


@dataclass(frozen=True)
class EpochCurve:
    """What one plot shows of an epoch's end."""

    title: str
    value: Callable[[EpochFinished], float | None]
    form: Callable[[float], str]
    scale: float = 1.0


CURVES = (
    EpochCurve("Validation accuracy, %", lambda epoch: epoch.val_accuracy, percent, 100.0),
    EpochCurve("Validation loss", lambda epoch: epoch.val_loss, lambda value: f"{value:.3f}"),
    EpochCurve("Training loss", lambda epoch: epoch.train_loss, lambda value: f"{value:.3f}"),
)


class Key(QWidget):
    """A piece of a run's line with one of its points."""

    def __init__(self, look: RunStyle, width: int = 5 * UNIT) -> None:
        super().__init__()
        self._look = look
        self.setFixedSize(width, 2 * UNIT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self.width() / 2, self.height() / 2)
        painter.setPen(self._look.pen())
        painter.drawLine(QPointF(0, middle.y()), QPointF(self.width(), middle.y()))
        painter.translate(middle)
        painter.scale(9, 9)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.colour)
        painter.drawPath(pg.graphicsItems.ScatterPlotItem.Symbols[self._look.symbol])
        painter.end()


class EpochPlot(QWidget):
    """One curve of each run under its title. Under the mouse, or by the arrow keys, it tells their values."""

    epoch_marked = Signal(int)  # None is 0.

    def __init__(self, curve: EpochCurve, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curve = curve
        self.view = pg.PlotWidget(background=None, axisItems={"bottom": WholeTicks("bottom")})
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.viewport().setAutoFillBackground(False)  # The frame of the focus is drawn below it.
        self.view.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self._runs: Sequence[PastRun] = ()
        self._epoch = self._last = 0
        self._mark = pg.InfiniteLine(movable=False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        title = QHBoxLayout()
        title.addWidget(PlainLabel(curve.title, bold=True))
        title.addSpacing(UNIT)
        title.addWidget(PlainLabel("by epoch", role="muted"))
        title.addStretch(1)
        rows.addLayout(title)
        rows.addWidget(self.view, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._set_up_axes()
        self.view.scene().sigMouseMoved.connect(self._on_mouse)

    def _set_up_axes(self) -> None:
        item = self.view.getPlotItem()
        without_menu(self.view)
        item.hideButtons()
        item.layout.setContentsMargins(0, 4, 8, 0)
        item.showGrid(y=True, alpha=1.0)
        box = item.getViewBox()
        box.setMouseEnabled(x=False, y=False)
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickFont=theme.font("caption"), tickTextOffset=6, maxTickLevel=0)
        item.getAxis("left").setWidth(44)

    def show_runs(self, runs: Sequence[PastRun]) -> None:
        self._runs = runs
        self._last = max((epoch.epoch for run in runs for epoch in run.epochs), default=0)
        self.view.clear()
        self.view.addItem(self._mark, ignoreBounds=True)
        for look, run in zip(LOOKS, runs, strict=False):
            self._draw(look, run)
        self.view.setXRange(1, max(2, self._last), padding=0.03)
        self.mark(0)
        self.setAccessibleName(f"{self.curve.title} by epoch")
        self.setAccessibleDescription("; ".join(filter(None, map(self._in_words, runs))))
        self._set_colours()

    def _draw(self, look: RunStyle, run: PastRun) -> None:
        x = np.array([epoch.epoch for epoch in run.epochs], float)
        told = [self.curve.value(epoch) for epoch in run.epochs]
        y = np.array([np.nan if value is None else self.curve.scale * value for value in told], float)
        line = pg.PlotCurveItem(x, y, pen=look.pen(), connect="finite", antialias=True)
        marked = np.zeros(len(x), bool)
        marked[np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(np.intp))] = True
        marked &= np.isfinite(y)
        points = pg.ScatterPlotItem(
            x[marked], y[marked], symbol=look.symbol, size=8, pen=None, brush=look.colour
        )
        self.view.addItem(line)
        self.view.addItem(points)

    def _in_words(self, run: PastRun) -> str:
        known = [value for epoch in run.epochs if (value := self.curve.value(epoch)) is not None]
        return one_line(f"{run.summary.title} ends at {self.curve.form(known[-1])}") if known else ""

    # --- the values at an epoch

    def values_at(self, number: int) -> str:
        """`Epoch 7`, and a line for each run that had come so far."""
        told = [
            f"{one_line(run.summary.title)}: {self.curve.form(value)}"
            for run in self._runs
            for epoch in run.epochs
            if epoch.epoch == number and (value := self.curve.value(epoch)) is not None
        ]
        return "\n".join((f"Epoch {number}", *told)) if told else ""

    def mark(self, epoch: int) -> None:
        """A line at this epoch; at 0 there is none."""
        self._epoch = epoch
        self._mark.setVisible(epoch > 0)
        self._mark.setPos(epoch)

    def _on_mouse(self, place: QPointF) -> None:
        box = self.view.getPlotItem().getViewBox()
        inside = box.sceneBoundingRect().contains(place)
        self._tell(round(box.mapSceneToView(place).x()) if inside else 0, QCursor.pos())

    def _tell(self, epoch: int, place: QPoint) -> None:
        words = self.values_at(epoch)
        if epoch != self._epoch or not words:
            self.epoch_marked.emit(epoch if words else 0)
        QToolTip.showText(place, tooltip(words), self.view)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps: dict[int, int] = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Home: -self._last,
            Qt.Key.Key_End: self._last,
        }
        step = steps.get(event.key())
        if step is None or not self._last:
            super().keyPressEvent(event)
            return
        epoch = min(self._last, max(1, self._epoch + step))
        box = self.view.getPlotItem().getViewBox()
        place = box.mapViewToScene(QPointF(epoch, box.viewRange()[1][1]))
        self._tell(epoch, self.view.mapToGlobal(self.view.mapFromScene(place)))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.epoch_marked.emit(0)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.epoch_marked.emit(0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(self.view.geometry().adjusted(1, 1, -1, -1))
            painter.end()

    def _set_colours(self) -> None:
        c = theme.colours()
        self._mark.setPen(pg.mkPen(c.control))
        for name in ("left", "bottom"):
            axis = self.view.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(c.hairline))
            axis.setTextPen(pg.mkPen(c.muted))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_runs"):
            self.show_runs(self._runs)
