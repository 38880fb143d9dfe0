"""The learning curve as a small plot: what so many photos bring, and what twice as many would."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QGraphicsView, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import tooltip
from waste_gui.gui.common.focus_plot import without_menu
from waste_gui.gui.common.formatting import count, many
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.photos.preview_text import of_100, twice
from waste_gui.protocol import CurvePoint, Previewed

HEIGHT = 20 * UNIT
TICKS = 4
"""Numbers of photos that are named below the curve, beside twice as many as there are."""

STEP = 0.3
"""Doublings between two names below the curve, so that they do not touch."""


class LearningCurve(pg.PlotWidget):  # type: ignore[misc]
    """Each doubling of the photos is as wide. Nothing in it can be pressed: its words tell all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self._told: Previewed | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Accuracy by the number of photos")
        item = self.getPlotItem()
        without_menu(self)
        item.hideButtons()
        item.layout.setContentsMargins(0, 4, 2 * UNIT, 0)
        item.showGrid(y=True, alpha=1.0)
        box = item.getViewBox()
        box.setMouseEnabled(x=False, y=False)
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setZValue(-100)  # Its grid lies below the curve.
            axis.setStyle(tickLength=0, tickFont=theme.font("caption"), tickTextOffset=6, maxTickLevel=0)
        item.getAxis("left").setWidth(4 * UNIT)

    def wheelEvent(self, event: object) -> None:
        """The page scrolls, not the plot."""
        event.ignore()  # type: ignore[attr-defined]

    def show_told(self, told: Previewed) -> None:
        self._told = told
        self.clear()
        points = sorted((p for p in told.curve if p.photos), key=lambda point: point.photos)
        words = [f"{many(point.photos, 'photo')}: {of_100(point.accuracy)} of 100" for point in points]
        self.setAccessibleDescription("; ".join(filter(None, (*words, twice(told)))))
        self.setToolTip(tooltip("\n".join(filter(None, (*words, twice(told))))))
        self._draw_curve(points)
        named = [point.photos for point in points]
        if told.with_twice is not None and told.photos:
            named.append(2 * told.photos)
            self._draw_forecast(points, told)
        self._set_ranges(points, told, named)
        self._set_colours()

    def _draw_curve(self, points: list[CurvePoint]) -> None:
        x = [math.log2(point.photos) for point in points]
        y = [of_100(point.accuracy) for point in points]
        colour = theme.colours().train
        self.addItem(pg.PlotCurveItem(x, y, pen=pg.mkPen(colour, width=2), antialias=True))
        self.addItem(pg.ScatterPlotItem(x, y, size=7, pen=None, brush=pg.mkBrush(colour)))

    def _draw_forecast(self, points: list[CurvePoint], told: Previewed) -> None:
        """A bar as high as the interval, and a dashed line to its middle."""
        assert told.with_twice is not None
        low, high = sorted(map(of_100, told.with_twice))
        x, colour = math.log2(2 * told.photos), theme.colours().validation
        if points:
            last = points[-1]
            dashed = pg.mkPen(colour, width=1, style=Qt.PenStyle.DashLine)
            ends = [math.log2(last.photos), x], [of_100(last.accuracy), (low + high) / 2]
            self.addItem(pg.PlotCurveItem(*ends, pen=dashed, antialias=True))
        bar = QPen(pg.mkColor(colour), 6)
        bar.setCosmetic(True)
        bar.setCapStyle(Qt.PenCapStyle.FlatCap)
        self.addItem(pg.PlotCurveItem([x, x], [low - 0.4, high + 0.4], pen=bar))

    def _set_ranges(self, points: list[CurvePoint], told: Previewed, named: list[int]) -> None:
        ends = [of_100(point.accuracy) for point in points] + [of_100(each) for each in told.with_twice or ()]
        lowest = max(0, 10 * ((min(ends, default=50) - 3) // 10))
        self.setYRange(lowest - 2, 104, padding=0)
        step = 10 if lowest >= 60 else 20
        ticks = [(y, str(y)) for y in range(lowest, 101) if y % step == 0]
        item = self.getPlotItem()
        item.getAxis("left").setTicks([ticks])
        item.getAxis("bottom").setTicks([_named(named)])
        x = [math.log2(photos) for photos in named] or [0.0, 1.0]
        self.setXRange(min(x), max(*x, min(x) + 1), padding=0.08)

    def _set_colours(self) -> None:
        c = theme.colours()
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(pg.mkPen(c.hairline))
            axis.setTextPen(pg.mkPen(c.muted))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        told = getattr(self, "_told", None)  # It also comes while this is being made.
        if event.type() == QEvent.Type.PaletteChange and told is not None:
            self.show_told(told)


def _named(photos: list[int]) -> list[tuple[float, str]]:
    """The last, and of the others as many as have room beside one another."""
    kept: list[int] = []
    for each in sorted(photos, reverse=True):
        if not kept or (len(kept) <= TICKS and math.log2(kept[-1]) - math.log2(each) >= STEP):
            kept.append(each)
    return [(math.log2(each), count(each)) for each in kept]
