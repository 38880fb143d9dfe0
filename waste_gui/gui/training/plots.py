"""Curves while they grow: raw values faint, their trend bold, validation with dots; pulled, never pushed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.ma  # np.median imports it, which in the middle of a run is a hitch of 15 ms.
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QTransform
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.axis_follow import PAN, ZOOM, Follow
from waste_gui.gui.common.focus_plot import FocusPlot, without_menu
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.whole_axis import WholeTicks
from waste_gui.gui.training.trend import Points, Trend, in_sight, some
from waste_gui.monitor.run import Run, Validated
from waste_gui.monitor.series import FloatArray, Series

GROWTH = 1.25
"""The x axis grows in steps, so that it does not crawl with every value."""
POINT_PX = 4
"""Validation has one dot in so many pixels at most."""


@dataclass(frozen=True)
class PlotSpec:
    """What one plot shows of a run. `scale` is from the run's values to the axis, `top` a fixed upper end;
    `exact` values are bold themselves, as each of them counts: they have no trend."""

    title: str
    series: Callable[[Run], Series]
    points: Callable[[Run], Points] | None
    form: Callable[[float], str]
    scale: float = 1.0
    top: float | None = None
    exact: bool = False


class _Grid(pg.GraphicsObject):  # type: ignore[misc]
    """Light horizontal lines at the ticks, in one call: pyqtgraph's own grid costs 15 ms a paint."""

    def __init__(self, axis: pg.AxisItem, view: pg.ViewBox) -> None:
        super().__init__()
        self._axis, self._view = axis, view
        self.setZValue(-100)

    def boundingRect(self) -> QRectF:
        return QRectF(self._view.viewRect())

    def view_changed(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        box = self._view.viewRect()
        ticks = self._axis.tickValues(box.top(), box.bottom(), self._view.height())
        pen = QPen(QColor(theme.colours().hairline), 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        values = ticks[0][1] if ticks else []
        painter.drawLines([QLineF(box.left(), y, box.right(), y) for y in values])


class _Line(pg.PlotCurveItem):  # type: ignore[misc]
    """Two pixels wide: four times one pixel, around its middle. A wide pen would take five times as long."""

    def paint(self, painter: QPainter, *_: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.opts["pen"])
        path, to_screen = self.getPath(), painter.transform()
        for x, y in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)):
            painter.setTransform(to_screen * QTransform.fromTranslate(x, y))
            painter.drawPath(path)
        painter.setTransform(to_screen)


class _Axis(pg.AxisItem):  # type: ignore[misc]
    """Numbers without ticks: the grid shows where they are."""

    def generateDrawSpecs(self, painter: QPainter) -> object:
        specs = super().generateDrawSpecs(painter)
        return specs and (specs[0], [], specs[2])


class _StepAxis(WholeTicks, _Axis):
    """Steps, read easier with a space between thousands."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [count(round(value)) for value in values]


class CurveView(FocusPlot):
    """One pair of axes with its curves and keys."""

    followed = Signal(object)  # Follow

    def __init__(self, spec: PlotSpec) -> None:
        super().__init__(background=None, axisItems={"left": _Axis("left"), "bottom": _StepAxis("bottom")})
        # Painted once when all of it is drawn; the scene itself would ask for it two or three times.
        self.setViewportUpdateMode(pg.GraphicsView.ViewportUpdateMode.NoViewportUpdate)
        self.spec = spec
        self.follow = Follow.ALL
        self._run: Run | None = None
        self._drawn: tuple[object, ...] = ()
        self._trend = Trend()
        self._x_end = self._y_end = 0.0
        self._drawing = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(lambda: self._draw(moves=False))
        self._raw = pg.PlotCurveItem(connect="finite", antialias=False)
        self._bold, self._line = _Line(connect="finite"), _Line(connect="finite")
        self._dots = pg.ScatterPlotItem(size=7, pen=None)
        for item in (self._raw, self._bold, self._line, self._dots):
            self.addItem(item)
        self._set_up_axes()
        self.setAccessibleName(f"{spec.title} over the steps of the training")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_colours()

    def _set_up_axes(self) -> None:
        item = self.getPlotItem()
        without_menu(self)
        item.hideButtons()
        item.layout.setContentsMargins(0, 4, 8, 0)
        box = item.getViewBox()
        box.setMouseEnabled(x=True, y=False)
        box.setDefaultPadding(0)
        box.disableAutoRange()
        box.sigRangeChangedManually.connect(lambda *_: self.set_follow(Follow.STAY))
        left, bottom = item.getAxis("left"), item.getAxis("bottom")
        left.setWidth(48)
        left.enableAutoSIPrefix(False)
        bottom.enableAutoSIPrefix(False)
        for axis in (left, bottom):
            axis.setStyle(tickLength=0, tickFont=theme.font("caption"), tickTextOffset=8, maxTickLevel=0)
        self._grid = _Grid(left, box)
        box.addItem(self._grid, ignoreBounds=True)
        box.sigRangeChanged.connect(lambda *_: self._on_range())
        self.setXRange(0, 100, padding=0)
        self.setYRange(0, self.spec.top or 1, padding=0.02)

    def set_colours(self) -> None:
        c = theme.colours()
        faint = QColor(c.train)
        faint.setAlphaF(0.28)
        self._raw.setPen(pg.mkPen(faint, width=1))
        self._bold.setPen(pg.mkPen(c.train, width=1))
        self._line.setPen(pg.mkPen(c.validation, width=1))
        self._dots.setBrush(pg.mkBrush(c.validation))
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(c.hairline if name == "bottom" else None))
            axis.setTextPen(pg.mkPen(c.muted))
        self.resetCachedContent()  # The background is kept as a picture, in the colours of its time.
        self.viewport().update()

    def show_run(self, run: Run) -> None:
        """Draw what has changed since the last time."""
        if run is not self._run:
            self._run, self._trend, self._drawn = run, Trend(), ()
            self._x_end = self._y_end = 0.0
            self.set_follow(Follow.ALL)
        self._draw()

    @property
    def newest(self) -> float | None:
        """Where the bold line ends: a single batch says little."""
        if self.spec.exact:
            return self.spec.series(self._run).last if self._run else None
        return self._trend.last

    def set_follow(self, follow: Follow) -> None:
        if follow is not self.follow:
            self.follow = follow
            self.followed.emit(follow)
        self._draw()

    def _on_range(self) -> None:
        """Moved by hand it is drawn at once; by a new size or the plot above it, in a turn of its own."""
        self._grid.view_changed()
        if self.follow is Follow.STAY:
            self._draw()
        elif not self._drawing:  # Else it is drawn anyway.
            self._soon.start(0)

    def _draw(self, *, moves: bool = True) -> None:
        """Unless it `moves`, its x axis stays: another that it is tied to has moved it."""
        run = self._run
        if run is None or self._drawing:
            return
        raw = self.spec.series(run)
        points = self.spec.points(run) if self.spec.points else Points(np.empty(0), np.empty(0))
        low, high = self.getPlotItem().getViewBox().viewRange()[0]
        key = (raw.count, raw.cuts, len(points.x), low, high, self.width(), self.follow)
        if key == self._drawn:
            return
        self._drawing = True
        if not self.spec.exact:
            self._trend.take(raw)
        if moves:
            self._move_x(raw, points)
        low, high = self.getPlotItem().getViewBox().viewRange()[0]
        self._drawn = (*key[:3], low, high, *key[5:])
        self._set_curves(raw, points, low, high)
        self._drawing = False
        self.viewport().update()

    def _move_x(self, raw: Series, points: Points) -> None:
        last = max(raw.x[-1] if len(raw) else 0.0, points.x[-1] if len(points.x) else 0.0)
        if self.follow is Follow.ALL:
            if last > self._x_end or self._x_end == 0:
                self._x_end = self._grown(last)
            self.setXRange(0, self._x_end, padding=0)
        elif self.follow is Follow.NEWEST:
            low, high = self.getPlotItem().getViewBox().viewRange()[0]
            width = high - low
            if last > high - 0.02 * width or last < low:
                self.setXRange(last - 0.9 * width, last + 0.1 * width, padding=0)

    def _grown(self, last: float) -> float:
        """A quarter further than the newest, but no further than the training goes."""
        train = self._run.stages.get("train") if self._run else None
        end = max(20.0, GROWTH * last)
        return min(end, 1.01 * max(last, train.total)) if train and train.total else end

    def _set_curves(self, raw: Series, points: Points, low: float, high: float) -> None:
        width = max(100, self.width() - 56)
        thin = raw.thinned(low, high, width)
        scale = self.spec.scale
        self._raw.setData(np.repeat(thin.x, 2), scale * np.column_stack([thin.low, thin.high]).ravel())
        if self.spec.exact:  # Extremes between these points are in the faint line below.
            bold = some(raw.x, raw.y, low, high, width // 3)
        else:
            bold = self._trend.sampled(low, high, width // 3)
        self._bold.setData(bold.x, scale * bold.y)
        few = in_sight(points, low, high, width // POINT_PX)
        self._line.setData(np.repeat(few.x, 2), scale * np.column_stack([few.low, few.high]).ravel())
        finite = np.isfinite(few.mean)
        self._dots.setData(few.x[finite], scale * few.mean[finite])
        self._move_y(scale * bold.y, scale * thin.high, scale * few.high)

    def _move_y(self, bold: FloatArray, raw: FloatArray, points: FloatArray) -> None:
        if self.spec.top is not None:
            self.setYRange(0, self.spec.top, padding=0.02)
            return
        raw = raw[np.isfinite(raw)]
        highest = [np.percentile(raw, 98)] if len(raw) else []
        highest += [v.max() for v in (bold[np.isfinite(bold)], points[np.isfinite(points)]) if len(v)]
        if highest:
            need = float(max(highest))
            if need > self._y_end or need < 0.55 * self._y_end:
                self._y_end = 1.12 * need or 1.0
            self.setYRange(0, self._y_end, padding=0.02)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        low, high = self.getPlotItem().getViewBox().viewRange()[0]
        width = high - low
        match event.key():
            case Qt.Key.Key_Space:
                self.set_follow(Follow.NEWEST)
            case Qt.Key.Key_Home:
                self._x_end = 0.0
                self.set_follow(Follow.ALL)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self._zoom(1 / ZOOM)
            case Qt.Key.Key_Minus:
                self._zoom(ZOOM)
            case Qt.Key.Key_Left:
                self._look_at(low - PAN * width, width, Follow.STAY)
            case Qt.Key.Key_Right:
                self._look_at(low + PAN * width, width, Follow.STAY)
            case _:
                event.ignore()
                return
        event.accept()

    def _zoom(self, factor: float) -> None:
        """Around the newest while that is followed, else from the left edge."""
        low, high = self.getPlotItem().getViewBox().viewRange()[0]
        width = factor * (high - low)
        if self.follow is Follow.NEWEST:
            self._look_at(high - width, width, Follow.NEWEST)
        else:
            self._look_at(low, width, Follow.STAY)

    def _look_at(self, low: float, width: float, follow: Follow) -> None:
        self.set_follow(follow)
        low = max(0.0, low)
        self.setXRange(low, low + max(2.0, width), padding=0)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_grid") and not self.closed:
            self.set_colours()


class _Key(QWidget):
    """A piece of the curve, to be told by its form as well: a line, or a line with a dot."""

    def __init__(self, dot: bool) -> None:
        super().__init__()
        self._dot = dot
        self.setFixedSize(22, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        colour = QColor(theme.colours().validation if self._dot else theme.colours().train)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(0, 6.5), QPointF(22, 6.5))
        if self._dot:
            painter.setBrush(colour)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(11, 6.5), 3.5, 3.5)
        painter.end()


class Plot(QWidget):
    """A plot under its title, with the newest values in the legend."""

    def __init__(self, spec: PlotSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.view = CurveView(spec)
        self.train = PlainLabel("train", role="muted")
        self.validation = PlainLabel("validation", role="muted")
        title = QHBoxLayout()
        title.setSpacing(UNIT)
        title.addWidget(PlainLabel(spec.title, bold=True))
        title.addWidget(PlainLabel("by step", role="muted"))
        title.addStretch(1)
        if spec.points is not None:
            title.addWidget(_Key(dot=False))
        title.addWidget(self.train)
        if spec.points is not None:
            title.addSpacing(UNIT)
            title.addWidget(_Key(dot=True))
        else:
            self.validation.hide()
        title.addWidget(self.validation)
        title.addSpacing(UNIT)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(title)
        rows.addWidget(self.view, 1)

    def show_run(self, run: Run) -> None:
        self.view.show_run(run)
        last = self.view.newest
        name = "train" if self.spec.points is not None else ""
        self.train.set_text(name if last is None else f"{name} {self.spec.form(last)}".strip())
        if self.spec.points is not None:
            points = self.spec.points(run).y
            points = points[np.isfinite(points)]
            self.validation.set_text(
                "validation" if not len(points) else f"validation {self.spec.form(float(points[-1]))}"
            )
        for words in (self.train, self.validation):  # The title gives way, not the figures.
            words.setMinimumWidth(words.sizeHint().width())


def _validation(name: Validated) -> Callable[[Run], Points]:
    return lambda run: Points(*run.points(name))


LOSS = PlotSpec("Loss", lambda run: run.loss, _validation("val_loss"), lambda v: f"{v:.3f}")
ACCURACY = PlotSpec(
    "Accuracy, %",
    lambda run: run.accuracy,
    _validation("val_accuracy"),
    lambda v: f"{100 * v:.1f} %",
    scale=100.0,
    top=100.0,
)
RATE = PlotSpec("Learning rate", lambda run: run.lr, None, lambda v: f"{v:.2e}" if v else "0", exact=True)


PlotName = Literal["loss", "accuracy", "rate"]
SPECS: dict[PlotName, PlotSpec] = {"loss": LOSS, "accuracy": ACCURACY, "rate": RATE}


class Plots(QWidget):
    """Loss and accuracy one above the other on one step axis, or one of them alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots = {name: Plot(spec) for name, spec in SPECS.items()}
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        for plot in self.plots.values():
            rows.addWidget(plot, 1)
        loss, *others = [plot.view for plot in self.plots.values()]
        for other in others:
            other.setXLink(loss)
        for view in (loss, *others):
            view.followed.connect(self._on_followed)
        self.choose("loss", "accuracy")
        self._run: Run | None = None
        self._behind: list[Plot] = []
        self._next_turn = QTimer(self)
        self._next_turn.setSingleShot(True)
        self._next_turn.timeout.connect(self._draw_next)

    def choose(self, *names: PlotName) -> None:
        for name, plot in self.plots.items():
            plot.setVisible(name in names)

    def show_run(self, run: Run) -> None:
        """One plot a turn, so that the window never waits for all."""
        self._run, self._behind = run, [plot for plot in self.plots.values() if not plot.isHidden()]
        self._next_turn.start(0)

    def _draw_next(self) -> None:
        if self._run is not None and self._behind:
            self._behind.pop(0).show_run(self._run)
            if self._behind:
                self._next_turn.start(0)

    def focus_first(self) -> None:
        next(p for p in self.plots.values() if not p.isHidden()).view.setFocus()

    def _on_followed(self, follow: Follow) -> None:
        for plot in self.plots.values():
            plot.view.follow = follow
