"""A lane as a picture: each column of pixels divided by what was done in it; colours with patterns."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from waste_gui.gui.common import theme
from waste_gui.monitor.lanes import SegmentKind, Segments
from waste_gui.monitor.series import FloatArray

Pattern = Literal["plain", "slanted", "upright", "level", "thin"]
PERIOD = 6


@dataclass(frozen=True)
class SegmentStyle:
    """How a kind is drawn; `second` is the colour of the pattern's lines, `text` that of words on it."""

    colour: QColor
    pattern: Pattern
    second: QColor
    text: QColor


def look(kind: SegmentKind) -> SegmentStyle:
    """In the colours in use now."""
    return _look(kind, theme.colours())


@functools.cache
def _look(kind: SegmentKind, c: theme.Colours) -> SegmentStyle:
    """Kinds stay apart without colour: by pattern, and by their place and words."""
    text, window = QColor(c.text), QColor(c.window)

    def soft(name: str, share: float = 0.24) -> QColor:
        return mixed(QColor(name), QColor(c.surface), share)

    def made(
        colour: QColor, pattern: Pattern = "plain", second: QColor = window, words: QColor = text
    ) -> SegmentStyle:
        return SegmentStyle(colour, pattern, second, words)

    match kind:
        case SegmentKind.STAGE | SegmentKind.TRAIN | SegmentKind.WORK:
            return made(soft(c.accent, 0.18))
        case SegmentKind.COMPUTE:
            return made(QColor(c.train), words=window)
        case SegmentKind.COPY:
            return made(QColor(c.train), "upright", soft(c.train, 0.4))
        case SegmentKind.WAIT:
            return made(soft(c.validation, 0.35), "slanted", QColor(c.validation))
        case SegmentKind.VALIDATE:
            return made(soft(c.done, 0.55))
        case SegmentKind.SAVE:
            return made(soft(c.muted, 0.75), "level", soft(c.muted, 0.35))
        case SegmentKind.PAUSED:
            return made(QColor(c.hairline), "level", window)
        case SegmentKind.STUCK:
            return made(soft(c.stuck, 0.55))
        case SegmentKind.SILENT:
            return made(soft(c.stuck, 0.35), "slanted", QColor(c.stuck))
        case SegmentKind.STARTING:
            return made(soft(c.muted, 0.4), "upright", window)
        case SegmentKind.READING:
            return made(soft(c.train, 0.5))
        case SegmentKind.IDLE:
            return made(mixed(QColor(c.control), QColor(c.surface), 0.7), "thin")
        case SegmentKind.LONG:
            return made(QColor(c.slow), words=window)
        case SegmentKind.HELD:
            return made(QColor(c.stuck_bar), words=QColor(c.stuck_bar_text))


def mixed(one: QColor, other: QColor, share: float) -> QColor:
    """`share` of the first, the rest of the other."""
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return QColor(*(round(share * a + (1 - share) * b) for a, b in pairs))


def divided(segments: Segments, low: float, high: float, width: int) -> FloatArray:
    """For each of `width` equal parts of [low, high]: its seconds by kind, shape (width, kinds)."""
    first = max(0, int(np.searchsorted(segments.end, low)))
    last = int(np.searchsorted(segments.start, high, side="right"))
    if first >= last:
        return np.zeros((width, segments.seconds.shape[1]))
    part = slice(2 * first, 2 * last)
    times = segments.times[part]
    edges = np.clip(np.linspace(low, high, width + 1), times[0], times[-1])
    after = np.searchsorted(times, edges).clip(
        1, len(times) - 1
    )  # Once for all kinds: np.interp would for each.
    step = times[after] - times[after - 1]
    share = (edges - times[after - 1]) / np.where(step > 0, step, 1.0)
    found = np.zeros((width, segments.seconds.shape[1]))
    for kind, whole in segments.sums.items():
        sums = whole[part]
        found[:, kind] = np.diff(sums[after - 1] + share * (sums[after] - sums[after - 1]))
    return found


def lane_image(
    segments: Segments, kinds: tuple[SegmentKind, ...], low: float, high: float, width: int, height: int
) -> QImage:
    """Transparent where nothing is known."""
    seconds = divided(segments, low, high, width)
    total = seconds.sum(axis=1)
    known = total > 1e-9
    shares = np.cumsum(seconds, axis=1) / np.where(known, total, 1.0)[:, None]
    tops = np.round(height * (1 - shares)).astype(np.int16)  # Of each kind, the first row that it reaches.
    tops[~known] = height
    rows = np.arange(height, dtype=np.int16)[:, None]
    pixels = np.zeros((height, width), np.uint32)
    for kind in np.flatnonzero(seconds.any(axis=0))[::-1]:  # The upper ones first: the lower cover them.
        np.copyto(pixels, _band(look(kinds[kind]), width, height), where=rows >= tops[:, kind])
    return _image(pixels)


def curve_image(
    times: FloatArray,
    low: FloatArray,
    high: FloatArray,
    ends: tuple[float, float],
    width: int,
    height: int,
) -> QImage:
    """A line from the lowest to the highest of each column, pale below it; values from 0 to 1."""
    edges = np.linspace(*ends, width + 1)
    scale = (height - 2) * np.stack([1 - np.clip(high, 0, 1), 1 - np.clip(low, 0, 1)])
    tops, lows = (np.round(np.interp(edges, times, v)) for v in scale)
    top, bottom = np.minimum(tops[1:], tops[:-1]), np.maximum(lows[1:], lows[:-1])  # No gap in a steep line.
    column = np.searchsorted(edges, times, side="right") - 1
    inside = (column >= 0) & (column < width)
    np.minimum.at(top, column[inside], np.round(scale[0])[inside])  # No extreme between two edges is lost.
    np.maximum.at(bottom, column[inside], np.round(scale[1])[inside])
    known = (edges[1:] >= times[0]) & (edges[:-1] <= times[-1])
    top, bottom = (np.where(known, v, height).astype(np.int16) for v in (top, bottom))
    rows = np.arange(height, dtype=np.int16)[:, None]
    c = theme.colours()
    pale = mixed(QColor(c.train), QColor(c.surface), 0.22)
    pixels = np.zeros((height, width), np.uint32)
    np.copyto(pixels, np.uint32(QColor(c.train).rgba()), where=rows >= top)
    np.copyto(pixels, np.uint32(pale.rgba()), where=rows > bottom + 1)
    return _image(pixels)


def swatch(kind: SegmentKind, width: int, height: int) -> QImage:
    """A piece of a lane, for the legend."""
    return _image(_band(look(kind), width, height))


def _band(how: SegmentStyle, width: int, height: int) -> NDArray[np.uint32]:
    """The colour and pattern of a kind."""
    return _painted(how.colour.rgba(), how.second.rgba(), how.pattern, width, height)


@functools.lru_cache(maxsize=32)
def _painted(colour: int, second: int, pattern: Pattern, width: int, height: int) -> NDArray[np.uint32]:
    y, x = np.mgrid[:height, :width]
    lines = {
        "plain": np.zeros_like(x, bool),
        "thin": np.zeros_like(x, bool),
        "slanted": (x + y) % PERIOD < 2,
        "upright": x % 3 == 0,
        "level": y % 3 == 0,
    }[pattern]
    pixels = np.where(lines, second, colour).astype(np.uint32)
    if pattern == "thin":
        middle = height // 2
        pixels[: middle - 1] = pixels[middle + 1 :] = 0
    return pixels


def _image(pixels: NDArray[np.uint32]) -> QImage:
    height, width = pixels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()
