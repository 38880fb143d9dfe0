"""The timeline: stages, main thread, workers with their photos, events, and load on one time axis."""

from __future__ import annotations

from math import inf

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedLayout, QToolTip, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.axis_follow import PAN, ZOOM, Follow
from waste_gui.gui.common.escaping import shorten, tooltip
from waste_gui.gui.common.focus_plot import FocusPlot, without_menu
from waste_gui.gui.common.glyphs import paint_glyph
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.diagnosis.lanes import swatch
from waste_gui.gui.diagnosis.timeline_drawing import (
    CURVES,
    GAP,
    GLYPHS,
    MARK_SIDE,
    Drawing,
    PlainAxis,
    Row,
    TimeAxis,
    lane_words,
    rows_of,
)
from waste_gui.monitor.formatting import clock
from waste_gui.monitor.lanes import SegmentKind
from waste_gui.monitor.timeline import MarkKind, Timeline

LABELS_WIDTH, AXIS_HEIGHT = 148, 22
AHEAD = 1.06
"""How much room is left for what is to come, while all is shown."""

NEWEST_AT = 0.95
"""Where the newest is while it is followed, as a share of the width."""

SHORTEST_S = 30.0
SAID_ON_THEM = (SegmentKind.STAGE, SegmentKind.TRAIN, SegmentKind.WORK)
"""What the segments themselves say needs no legend."""

SWATCH = QSize(20, 11)
EMPTY = "Nothing has been heard of a run yet. What it does when appears here."


class TimelineView(FocusPlot):
    """The drawing with its time axis, its keys, and what stands under the mouse in words."""

    followed = Signal(object)  # Follow

    def __init__(self) -> None:
        axis = TimeAxis("top")
        super().__init__(background=None, axisItems={"left": PlainAxis("left"), "top": axis})
        self.follow = Follow.ALL
        self._drawn: tuple[object, ...] = ()
        self._labels: list[tuple[float, str]] = []
        item = self.getPlotItem()
        self._box = item.getViewBox()
        self._drawing = Drawing(self._box, axis)
        self._box.addItem(self._drawing, ignoreBounds=True)
        self._set_up_axes()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Timeline: stages, main thread, workers, events and load since the start")
        self.setXRange(0, SHORTEST_S, padding=0)
        self.set_colours()

    @property
    def timeline(self) -> Timeline | None:
        return self._drawing.timeline

    def _set_up_axes(self) -> None:
        item = self.getPlotItem()
        without_menu(self)
        item.hideButtons()
        item.layout.setContentsMargins(0, 0, 4, 0)
        self._box.setMouseEnabled(x=True, y=False)
        self._box.setDefaultPadding(0)
        self._box.disableAutoRange()
        self._box.invertY(True)
        self._box.setLimits(minXRange=0.5)
        self._box.sigRangeChangedManually.connect(lambda *_: self.set_follow(Follow.STAY))
        self._box.sigRangeChanged.connect(lambda *_: self._drawing.changed())
        item.hideAxis("bottom")
        item.showAxis("top")
        self._left, self._top = item.getAxis("left"), item.getAxis("top")
        self._left.setWidth(LABELS_WIDTH)
        self._top.setHeight(AXIS_HEIGHT)
        for axis in (self._left, self._top):
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickFont=theme.font("caption"), tickTextOffset=8, maxTickLevel=0)

    def set_colours(self) -> None:
        c = theme.colours()
        self._left.setPen(pg.mkPen(None))
        self._top.setPen(pg.mkPen(c.hairline))
        for axis in (self._left, self._top):
            axis.setTextPen(pg.mkPen(c.muted))
        self.resetCachedContent()  # The background is kept as a picture, in the colours of its time.

    def show_timeline(self, timeline: Timeline) -> None:
        """Draw what has changed since the last time."""
        if timeline is not self._drawing.timeline:
            self._drawing.timeline = timeline
            self.follow = Follow.ALL
            self._drawn = ()
            self.setXRange(0, max(SHORTEST_S, AHEAD * timeline.now), padding=0)
        self._draw()

    def show_newest(self, span_s: float) -> None:
        """The last so many seconds, and from then on what comes."""
        low = max(0.0, self._drawing.timeline.now - span_s) if self._drawing.timeline else 0.0
        self._look_at(low, span_s / NEWEST_AT, Follow.NEWEST)

    @property
    def needed_height(self) -> int:
        """For all rows without scrolling."""
        return self._height_of(rows_of(self.timeline)) if self.timeline else 0

    @property
    def wanted_height(self) -> int:
        """For rows as high as they ever become."""
        return self._height_of(rows_of(self.timeline, inf)) if self.timeline else 0

    def _height_of(self, rows: tuple[Row, ...]) -> int:
        return round(rows[-1].top + rows[-1].height) + AXIS_HEIGHT + 2 * GAP

    def set_follow(self, follow: Follow) -> None:
        if follow is not self.follow:
            self.follow = follow
            self.followed.emit(follow)
        self._draw()

    def _draw(self) -> None:
        timeline = self._drawing.timeline
        if timeline is None:
            return
        lanes = tuple(lane.changes for lane in timeline.lanes)
        key = (timeline.now, lanes, self.width(), self.height(), self.follow)
        if key == self._drawn:
            return
        self._drawn = key
        self._drawing.rows = rows_of(timeline, self.height() - AXIS_HEIGHT - GAP)
        self._move_x(timeline.now)
        self.setYRange(0, max(1.0, self.height() - AXIS_HEIGHT), padding=0)
        self._label_rows(timeline)
        self._drawing.changed()

    def _move_x(self, now: float) -> None:
        low, high = self._box.viewRange()[0]
        width = high - low
        if self.follow is Follow.ALL and (now > high or low != 0 or high > 1.25 * max(SHORTEST_S, now)):
            self.setXRange(0, max(SHORTEST_S, AHEAD * now), padding=0)
        elif self.follow is Follow.NEWEST and (now > high - 0.01 * width or now < low):
            self.setXRange(now - NEWEST_AT * width, now + (1 - NEWEST_AT) * width, padding=0)

    def _label_rows(self, timeline: Timeline) -> None:
        metrics = QFontMetricsF(theme.font("caption"))
        ticks: list[tuple[float, str]] = []
        for row in self._drawing.rows:
            last = timeline.curves[row.curve].last if row.curve else None
            words = (
                f"{row.title}  {CURVES[row.curve].form(last)}"
                if row.curve and last is not None
                else row.title
            )
            elided = metrics.elidedText(words, Qt.TextElideMode.ElideRight, LABELS_WIDTH - 12)
            ticks.append((row.middle, elided))
        if ticks != self._labels:
            self._labels = ticks
            self._left.setTicks([ticks])

    # --- the mouse and the keys

    def words_at(self, position: QPointF) -> str:
        """What stands there: `Worker 4311: IMG_0042.jpg, 2 min 41 s`; empty where nothing does."""
        timeline = self._drawing.timeline
        if timeline is None:
            return ""
        at = self._box.mapSceneToView(self.mapToScene(position.toPoint()))
        time, y = at.x(), at.y()
        row = next((row for row in self._drawing.rows if row.top <= y <= row.top + row.height), None)
        if row is None:
            return ""
        low, high = self._box.viewRange()[0]
        pixel = (high - low) / max(1.0, self._box.width())
        if row.lane is not None:
            return lane_words(row.lane, time, pixel)
        if row.curve is not None:
            near = timeline.curves[row.curve].at(time)
            if near is None or time > timeline.now:
                return ""
            return f"{row.title} at {clock(time)}: {CURVES[row.curve].form(near[1])}"
        close = [mark for mark in timeline.marks if abs(mark.at - time) <= MARK_SIDE * pixel]
        return "\n".join(f"{clock(mark.at)}  {shorten(mark.text, 120)}" for mark in close[:6])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        words = self.words_at(event.position())
        if words:
            QToolTip.showText(event.globalPosition().toPoint() + QPoint(8, 8), tooltip(words), self)
        else:
            QToolTip.hideText()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        low, high = self._box.viewRange()[0]
        width = high - low
        match event.key():
            case Qt.Key.Key_Space:
                self.set_follow(Follow.NEWEST)
            case Qt.Key.Key_Home:
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
        """Around the newest, where a stuck run is looked at; elsewhere around the middle."""
        low, high = self._box.viewRange()[0]
        width = factor * (high - low)
        now = self.timeline.now if self.timeline else high
        if low <= now <= high:
            fixed = (now - low) / (high - low)
            follow = Follow.NEWEST if self.follow is not Follow.STAY else Follow.STAY
            self._look_at(now - fixed * width, width, follow)
        else:
            self._look_at((low + high - width) / 2, width, Follow.STAY)

    def _look_at(self, low: float, width: float, follow: Follow) -> None:
        self.set_follow(follow)
        self.setXRange(max(0.0, low), max(0.0, low) + max(1.0, width), padding=0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_drawing"):
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_drawing"):
            self.set_colours()
            self._drawing.changed()


class Legend(QWidget):
    """The kinds and marks that are there, each with its piece and its word; as many lines as needed."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[SegmentKind | MarkKind, ...] = ()
        self.setFont(theme.font("caption"))

    @property
    def words(self) -> list[str]:
        return [entry.value for entry in self._entries]

    def show_timeline(self, timeline: Timeline) -> None:
        kinds = {kind for lane in timeline.lanes for kind in lane.known_kinds}
        marks = {mark.kind for mark in timeline.marks}
        entries: list[SegmentKind | MarkKind] = [
            k for k in SegmentKind if k in kinds and k not in SAID_ON_THEM
        ]
        entries += [m for m in MarkKind if m in marks]
        if tuple(entries) != self._entries:
            self._entries = tuple(entries)
            self.setAccessibleName(", ".join(self.words))
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for entry, place in self._placed():
            middle = place.center().y()
            if isinstance(entry, SegmentKind):
                image = swatch(entry, SWATCH.width(), SWATCH.height())
                painter.drawImage(QPoint(place.left(), middle - SWATCH.height() // 2), image)
            else:
                glyph, role = GLYPHS[entry]
                side = SWATCH.height()
                box = QRect(place.left() + 6, middle - side // 2, side, side).toRectF()
                paint_glyph(painter, box, glyph, theme.colour(role))
            painter.setPen(theme.colour("muted"))
            text = place.adjusted(SWATCH.width() + 6, 0, 0, 0)
            painter.drawText(text, int(Qt.AlignmentFlag.AlignVCenter), entry.value)
        painter.end()

    def _placed(self) -> list[tuple[SegmentKind | MarkKind, QRect]]:
        metrics = QFontMetrics(self.font())
        line, x, y = metrics.height() + 2, 0, 0
        placed: list[tuple[SegmentKind | MarkKind, QRect]] = []
        for entry in self._entries:
            width = SWATCH.width() + 6 + metrics.horizontalAdvance(entry.value) + 2
            if x and x + width > self.width():
                x, y = 0, y + line
            placed.append((entry, QRect(x, y, width, line)))
            x += width + 2 * UNIT
        return placed

    def _fit(self) -> None:
        placed = self._placed()
        self.setFixedHeight(placed[-1][1].bottom() + 1 if placed else 0)
        self.update()


class TimelinePanel(QWidget):
    """The view under its title and legend; it scrolls where there are many workers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = TimelineView()
        self.legend = Legend()
        self.hint = PlainLabel("Space follows, Home shows all", role="muted", size="caption")
        self._empty = PlainLabel(EMPTY, role="muted", align=Qt.AlignmentFlag.AlignHCenter)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self.view)
        title = QHBoxLayout()
        title.setSpacing(UNIT)
        title.addWidget(PlainLabel("Timeline", bold=True))
        title.addWidget(PlainLabel("by time since the start", role="muted"))
        title.addStretch(1)
        title.addWidget(self.hint)
        shown = QWidget()
        self._stack = QStackedLayout(shown)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._area)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, UNIT)
        rows.setSpacing(UNIT // 2)
        rows.addLayout(title)
        rows.addWidget(self.legend)
        rows.addWidget(shown, 1)

    @property
    def wanted_height(self) -> int:
        """With title and legend, for all rows as high as they ever become."""
        return self.view.wanted_height + self.height() - self._area.viewport().height()

    def show_timeline(self, timeline: Timeline) -> None:
        empty = not any(len(lane) for lane in timeline.lanes)
        self._stack.setCurrentWidget(self._empty if empty else self._area)
        if not empty:
            self.legend.show_timeline(timeline)
            self.view.show_timeline(timeline)
            self.view.setMinimumHeight(self.view.needed_height)
