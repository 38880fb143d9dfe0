"""The drawing of a timeline: its rows, and how lanes, events and curves are painted on one time axis."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, shorten
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.common.glyphs import paint_glyph
from waste_gui.gui.diagnosis.lanes import curve_image, divided, lane_image, look
from waste_gui.monitor.formatting import clock, size, span
from waste_gui.monitor.lanes import Curve, Lane, SegmentKind, Segments
from waste_gui.monitor.timeline import CurveName, Mark, MarkKind, Timeline

LANE, GAP, EVENTS, CURVE = 18, 4, 16, 26
"""Heights of a lane, of what is between two, of the events and of a curve, in pixels."""

LANE_GROWS, CURVE_GROWS = 6, 70
"""So much higher they become where there is room."""

WORDS_FROM = 44
"""A segment narrower than so many pixels says nothing on itself."""

MARK_SIDE = 11
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
DAY_S = STEPS_S[-1]

GLYPHS: dict[MarkKind, tuple[Glyph, theme.Role]] = {
    MarkKind.SAVED: ("done", "done"),
    MarkKind.WARNED: ("waiting", "slow"),
    MarkKind.FAILED: ("failed", "stuck"),
    MarkKind.SLEPT: ("stopped", "muted"),
    MarkKind.ON_SCHEDULE: ("ok", "accent"),
    MarkKind.SLOW: ("slow", "slow"),
    MarkKind.STUCK: ("stuck", "stuck"),
}
"""The later ones are drawn over the earlier."""

VERDICTS = (MarkKind.ON_SCHEDULE, MarkKind.SLOW, MarkKind.STUCK)


@dataclass(frozen=True)
class CurveSpec:
    title: str
    form: Callable[[float], str]
    top: float | None = None  # A fixed upper end.


def percent(value: float) -> str:
    return f"{value:.0f} %"


CURVES: dict[CurveName, CurveSpec] = {
    "cpu": CurveSpec("Processor", percent),
    "disk": CurveSpec("Disk", lambda v: f"{size(v)}/s"),
    "gpu": CurveSpec("GPU", percent, top=100.0),
    "memory": CurveSpec("Free memory", size),
}


@dataclass(frozen=True)
class Row:
    """A strip of the drawing: a lane, the events, or a curve; `top` in pixels from above."""

    title: str
    top: float
    height: float
    lane: Lane | None = None
    curve: CurveName | None = None

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def rows_of(timeline: Timeline, height: float = 0.0) -> tuple[Row, ...]:
    """From above: stages, main thread, workers, events, and the curves of which something is known; as high
    as they need, and higher where there is room."""
    curves = [name for name in CURVES if len(timeline.curves[name])]
    lanes = len(timeline.lanes)
    needed = GAP + lanes * (LANE + GAP) + EVENTS + GAP + len(curves) * (CURVE + GAP)
    room = max(0.0, height - needed)
    lane_height = LANE + int(min(LANE_GROWS, room / lanes))
    room -= lanes * (lane_height - LANE)
    curve_height = CURVE + int(min(CURVE_GROWS, room / max(1, len(curves))))
    rows: list[Row] = []
    top = float(GAP)
    for lane in timeline.lanes:
        rows.append(Row(lane.title, top, lane_height, lane=lane))
        top += lane_height + GAP
    rows.append(Row("Events", top, EVENTS))
    top += EVENTS + GAP
    for name in curves:
        rows.append(Row(CURVES[name].title, top, curve_height, curve=name))
        top += curve_height + GAP
    return tuple(rows)


def segment_words(lane: Lane, segments: Segments, i: int) -> str:
    """`IMG_0042.jpg, 2 min 41 s`; of a merged segment the share of each kind."""
    seconds = segments.seconds[i]
    total = float(segments.end[i] - segments.start[i])
    name = segments.names[segments.name[i]]
    kinds = [(kind, s) for kind, s in zip(lane.kinds, seconds, strict=True) if s > 0.005 * seconds.sum()]
    if len(kinds) == 1:
        what = (
            os.path.basename(name)
            if kinds[0][0] in (SegmentKind.LONG, SegmentKind.HELD)
            else name or kinds[0][0].value
        )
        return f"{shorten(what, 60)}, {span(total) if total >= 1 else f'{total:.2f} s'}"
    parts = (f"{kind.value} {100 * s / seconds.sum():.0f} %" for kind, s in kinds)
    return ", ".join(parts)


class PlainAxis(pg.AxisItem):  # type: ignore[misc]
    """Words without ticks."""

    def generateDrawSpecs(self, painter: QPainter) -> object:
        specs = super().generateDrawSpecs(painter)
        return specs and (specs[0], [], specs[2])


class TimeAxis(PlainAxis):
    """Minutes and seconds since the start, at round times."""

    def tickSpacing(self, low: float, high: float, width: float) -> list[tuple[float, float]]:
        return [(self.step(high - low, width), 0)]

    def step(self, span_s: float, width: float) -> float:
        least = 84 * span_s / max(1.0, width)
        if least <= DAY_S:
            return next(step for step in STEPS_S if step >= least)
        return DAY_S * 2.0 ** math.ceil(math.log2(least / DAY_S))

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [clock(value) if value >= 0 else "" for value in values]


class Drawing(pg.GraphicsObject):  # type: ignore[misc]
    """All rows, in pixels; lanes come from pictures that are made anew only when they have changed."""

    def __init__(self, view: pg.ViewBox, axis: TimeAxis) -> None:
        super().__init__()
        self._view, self._axis = view, axis
        self._images: dict[int, tuple[tuple[object, ...], QImage]] = {}
        self.timeline: Timeline | None = None
        self.rows: tuple[Row, ...] = ()

    def boundingRect(self) -> QRectF:
        return QRectF(self._view.viewRect())

    def changed(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        if self.timeline is None:
            return
        box = painter.transform().mapRect(QRectF(self._view.viewRect()))
        low, high = self._view.viewRange()[0]
        ratio = painter.device().devicePixelRatioF()
        painter.save()
        try:
            painter.resetTransform()
            painter.setClipRect(box)
            painter.translate(round(box.left() * ratio) / ratio, round(box.top() * ratio) / ratio)
            place = Place(low, high, box.width(), box.height(), ratio)
            self._paint_rows(painter, self.timeline, place)
        finally:
            painter.restore()  # A painter left as it is would crash Qt.

    def _paint_rows(self, painter: QPainter, timeline: Timeline, place: Place) -> None:
        self._paint_grid(painter, place)
        _paint_verdicts(painter, timeline, place)
        for row in self.rows:
            if row.lane is not None:
                self._paint_lane(painter, row, row.lane, place)
            elif row.curve is not None:
                self._paint_curve(painter, row, timeline.curves[row.curve], CURVES[row.curve], place)
            else:
                _paint_marks(painter, row, timeline, place)

    def _paint_grid(self, painter: QPainter, place: Place) -> None:
        step = self._axis.step(place.high - place.low, place.width)
        first = np.ceil(max(0.0, place.low) / step) * step
        xs = [round(place.x(t)) for t in np.arange(first, place.high, step)]
        painter.setPen(QPen(QColor(theme.colours().hairline), 1))
        painter.drawLines([QLineF(x, 0, x, place.height) for x in xs])

    def _paint_lane(self, painter: QPainter, row: Row, lane: Lane, place: Place) -> None:
        segments = lane.segments()
        if not len(segments):
            return
        key = (*_state(lane, place), row.height, place)
        image = self._kept(id(lane), key, lambda: _lane_image(row, lane, segments, place))
        painter.drawImage(QRectF(0, row.top, place.width, row.height), image)
        _paint_words(painter, row, lane, segments, place)

    def _paint_curve(self, painter: QPainter, row: Row, curve: Curve, spec: CurveSpec, place: Place) -> None:
        times, low, high = curve.thinned(place.low, place.high, place.columns)
        if not len(times):
            return
        top = spec.top or _round_up(float(high.max()))
        key = (round(place.x(times[-1]) * place.ratio), top, row.height, place)
        ends = place.low, place.high
        image = self._kept(
            id(curve),
            key,
            lambda: curve_image(times, low / top, high / top, ends, place.columns, place.rows(row.height)),
        )
        painter.drawImage(QRectF(0, row.top, place.width, row.height), image)
        painter.setPen(QPen(QColor(theme.colours().hairline), 1))
        ground = row.top + row.height
        painter.drawLine(QLineF(0, ground, place.width, ground))
        _paint_top(painter, row, spec.form(top), place)

    def _kept(self, whose: int, key: tuple[object, ...], make: Callable[[], QImage]) -> QImage:
        """The picture of before, unless a pixel of it would be another."""
        key = (*key, theme.colours().name)
        kept = self._images.get(whose)
        if kept is None or kept[0] != key:
            kept = self._images[whose] = key, make()
        return kept[1]


@dataclass(frozen=True)
class Place:
    """The times in sight, and the pixels they are drawn on."""

    low: float
    high: float
    width: float
    height: float
    ratio: float

    @property
    def columns(self) -> int:
        """Of the screen's own pixels, as `rows` are."""
        return max(2, round(self.width * self.ratio))

    def rows(self, height: float) -> int:
        return max(2, round(height * self.ratio))

    def x(self, time: float) -> float:
        return (time - self.low) / (self.high - self.low) * self.width


def _state(lane: Lane, place: Place) -> tuple[object, ...]:
    """What of a lane can change its picture: only the open segment grows, and only pixels in sight count."""
    now = lane.open
    began = now.start if now is not None else lane.ends_at
    first, last = (round(min(place.x(time), place.width + 1) * place.ratio) for time in (began, lane.ends_at))
    kinds = tuple(now.seconds()) if now is not None and first < last else ()
    return lane.merges, kinds, first, last


def _lane_image(row: Row, lane: Lane, segments: Segments, place: Place) -> QImage:
    columns, rows = place.columns, place.rows(row.height)
    return lane_image(segments, lane.kinds, place.low, place.high, columns, rows)


def _paint_words(painter: QPainter, row: Row, lane: Lane, segments: Segments, place: Place) -> None:
    """On segments that are wide enough: what they are, and how long where that says something."""
    painter.setFont(theme.font("caption"))
    metrics = QFontMetricsF(painter.font())
    a_second = place.width / (place.high - place.low)
    left = np.maximum(0.0, (segments.start - place.low) * a_second)
    right = np.minimum(place.width, (segments.end - place.low) * a_second)
    edges = QPen(QColor(theme.colours().surface), 1)
    for i in np.flatnonzero(right - left > 3):
        kind = lane.kinds[int(np.argmax(segments.seconds[i]))]
        name = segments.names[segments.name[i]]
        if kind in (SegmentKind.LONG, SegmentKind.HELD, SegmentKind.STAGE, SegmentKind.TRAIN) and left[i] > 0:
            painter.setPen(edges)
            painter.drawLine(QLineF(int(left[i]), row.top, int(left[i]), row.top + row.height))
        if not name or right[i] - left[i] < WORDS_FROM:
            continue
        words = one_line(os.path.basename(name))
        elide = Qt.TextElideMode.ElideRight
        if kind in (SegmentKind.LONG, SegmentKind.HELD):
            elide = Qt.TextElideMode.ElideMiddle
            words = f"{clock(segments.end[i] - segments.start[i])}  {words}"
        painter.setPen(look(kind).text)
        room = QRectF(left[i] + 6, row.top, right[i] - left[i] - 10, row.height)
        elided = metrics.elidedText(words, elide, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), elided)


def _paint_top(painter: QPainter, row: Row, words: str, place: Place) -> None:
    """What the upper end of a curve stands for."""
    painter.setFont(theme.font("caption"))
    painter.setPen(QColor(theme.colours().muted))
    flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
    painter.drawText(QRectF(0, row.top - 1, place.width - 4, row.height), flags, words)


def _round_up(value: float) -> float:
    """The next round figure."""
    if value <= 0:
        return 1.0
    ten = 10.0 ** np.floor(np.log10(value))
    return float(next(step * ten for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * ten >= value * 0.999))


def _paint_marks(painter: QPainter, row: Row, timeline: Timeline, place: Place) -> None:
    """Of several at one place the gravest is seen."""
    side = min(MARK_SIDE, row.height)
    for kind, (glyph, role) in GLYPHS.items():
        colour = theme.colour(role)
        seen = -2 * MARK_SIDE
        for mark in _in_sight(timeline, place, kind):
            x = round(place.x(mark.at))
            if x - seen < MARK_SIDE // 2:
                continue
            seen = x
            paint_glyph(painter, QRectF(x - side / 2, row.middle - side / 2, side, side), glyph, colour)


def _paint_verdicts(painter: QPainter, timeline: Timeline, place: Place) -> None:
    """A change of verdict has a line through all rows, behind them."""
    for kind in VERDICTS:
        painter.setPen(QPen(theme.colour(GLYPHS[kind][1]), 1, Qt.PenStyle.DashLine))
        xs = {round(place.x(mark.at)) for mark in _in_sight(timeline, place, kind)}
        painter.drawLines([QLineF(x, 0, x, place.height) for x in xs])


def _in_sight(timeline: Timeline, place: Place, kind: MarkKind) -> Iterator[Mark]:
    return (m for m in timeline.marks if m.kind is kind and place.low <= m.at <= place.high)


def lane_words(lane: Lane, time: float, pixel: float) -> str:
    """The segment there; where many are in one pixel, what was done in it."""
    segments = lane.segments()
    i = segments.at(time)
    if i is None:
        return ""
    if segments.end[i] - segments.start[i] >= pixel:
        since = f"\nfrom {clock(segments.start[i])} to {clock(segments.end[i])}"
        return f"{lane.title}: {segment_words(lane, segments, i)}{since}"
    seconds = divided(segments, time - pixel, time + pixel, 1)[0]
    total = seconds.sum() or 1.0
    parts = (f"{k.value} {100 * s / total:.0f} %" for k, s in zip(lane.kinds, seconds, strict=True) if s > 0)
    return f"{lane.title} at {clock(time)}: {', '.join(parts)}"
