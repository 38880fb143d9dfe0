"""Small pictures of photos, read by processes of their own: a damaged photo must not hang the window."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter

from waste_gui.gui.common import theme
from waste_gui.gui.common.background import post
from waste_gui.gui.common.glyphs import paint_glyph

if TYPE_CHECKING:
    from waste_gui.dataset.pool import Read, ReadingPool

SMALL, LARGE = 128, 640
"""Longest side of a thumbnail, and of the picture that a double click shows, in pixels of the screen."""

WORKERS, SLOTS = 2, 4
DEADLINE_S = 10.0

WANTED = 64
"""More were scrolled past before they could be read; those in sight are asked for again when painted."""

KEPT, KEPT_LARGE = 600, 8
LEAST_WORDS = 56
"""A narrower place has a cross in place of words."""

IDLE_S = 30.0
"""After so long without a wish the processes end, until the next."""

CLOSE_S = 2.0

WORDS = {
    "timed_out": "takes too long",
    "too_large": "too large",
    "vanished": "not there",
    "not_an_image": "not a photo",
}
NOT_READABLE, NO_PREVIEW = "not readable", "no preview"


@dataclass(frozen=True)
class Picture:
    """A photo's picture, or in words why there is none; `pixels` is the photo's own size."""

    image: QImage | None
    words: str = ""
    pixels: tuple[int, int] | None = None


Wish = tuple[str, bool]
"""A path, and whether the large picture is meant."""


class Thumbnails(QObject):
    """Ask with `picture`; `arrived(path)` comes when there is something new to show."""

    arrived = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: dict[bool, OrderedDict[str, Picture]] = {False: OrderedDict(), True: OrderedDict()}
        self._asked: set[Wish] = set()
        self._wanted: deque[Wish] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._post = post()

    def picture(self, path: str, large: bool = False) -> Picture | None:
        """What is known; None while it is being read. Cheap enough to be called while painting."""
        kept = self._pictures[large]
        known = kept.get(path)
        if known is not None:
            kept.move_to_end(path)
        elif (path, large) not in self._asked and not self._closing:
            self._ask((path, large))
        return known

    def forget(self) -> None:
        """Photos may have changed: read them anew when they are next in sight."""
        for kept in self._pictures.values():
            kept.clear()

    def close(self) -> None:
        """End the processes."""
        with self._wake:
            self._closing = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_S)

    def _ask(self, wish: Wish) -> None:
        with self._wake:
            self._asked.add(wish)
            self._wanted.append(wish)
            while len(self._wanted) > WANTED:
                self._asked.discard(self._wanted.popleft())
            if self._thread is None:
                self._thread = threading.Thread(target=self._read, name="thumbnails", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _on_finished(self, wish: Wish, picture: Picture) -> None:
        path, large = wish
        self._asked.discard(wish)
        kept = self._pictures[large]
        kept[path] = picture
        while len(kept) > (KEPT_LARGE if large else KEPT):
            kept.popitem(last=False)
        self.arrived.emit(path)

    # --- the thread

    def _read(self) -> None:
        from waste_gui.dataset.pool import PoolError, ReadingPool

        try:
            with ReadingPool(WORKERS, LARGE, SLOTS, DEADLINE_S) as pool:
                self._serve(pool)
        except (PoolError, OSError):
            self._give_up()

    def _serve(self, pool: ReadingPool) -> None:
        under_way: dict[int, Wish] = {}
        ticket = 0
        while True:
            for wish in self._next(SLOTS - len(under_way), bool(under_way)):
                ticket += 1
                under_way[ticket] = wish
                pool.submit(ticket, wish[0])
            if self._closing or not under_way:
                return
            read = pool.take(0.05)
            if read is not None:
                wish = under_way.pop(read.ticket)
                picture = _picture(read, wish[1])
                pool.release(read)
                self._tell(wish, picture)

    def _next(self, room: int, busy: bool) -> list[Wish]:
        """The newest wishes, for they are in sight; waits for one unless photos are being read."""
        with self._wake:
            waited = busy or self._wake.wait_for(lambda: self._wanted or self._closing, IDLE_S)
            if self._closing or not waited:
                self._thread = None
                return []
            return [self._wanted.pop() for _ in range(min(room, len(self._wanted)))]

    def _give_up(self) -> None:
        """No process can be started: said once in each place, tried again with the next photos."""
        with self._wake:
            self._thread = None
            wishes = list(self._asked)
            self._wanted.clear()
        for wish in wishes:
            self._tell(wish, Picture(None, NO_PREVIEW))

    def _tell(self, wish: Wish, picture: Picture) -> None:
        self._post.send_to(self, lambda: self._on_finished(wish, picture))


def _picture(read: Read, large: bool) -> Picture:
    if read.resized is None:
        kind = read.error.kind if read.error else ""
        return Picture(None, WORDS.get(kind, NOT_READABLE))
    side = read.resized.shape[0]
    # `copy`: the resized image's memory goes back to the pool.
    image = QImage(read.resized.tobytes(), side, side, 3 * side, QImage.Format.Format_RGB888).copy()
    longest = LARGE if large else SMALL
    size = QSize(read.width, read.height).scaled(longest, longest, Qt.AspectRatioMode.KeepAspectRatio)
    size = size.expandedTo(QSize(1, 1))
    smooth = Qt.TransformationMode.SmoothTransformation
    image = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    return Picture(image, "", (read.width, read.height))


def fitted(image: QImage, place: QRect) -> QRect:
    """The largest box of the image's shape in the middle of `place`."""
    size = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
    target = QRect(QPoint(0, 0), size)
    target.moveCenter(place.center())
    return target


def paint_picture(painter: QPainter, place: QRect, picture: Picture | None, *, fill: bool = False) -> None:
    """In its own shape, in the middle of its place, or to `fill` it; a word where there is none."""
    image = picture.image if picture else None
    if image is not None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if fill:
            side = min(image.width(), image.height())
            middle = QRect((image.width() - side) // 2, (image.height() - side) // 2, side, side)
            painter.drawImage(place, image, middle)
        else:
            painter.drawImage(fitted(image, place), image)
        return
    painter.fillRect(place, QColor(theme.colours().hover))
    if picture is not None and place.width() < LEAST_WORDS:
        quarter = place.width() / 4
        middle_of = place.center()
        sign = QRectF(middle_of.x() - quarter / 2, middle_of.y() - quarter / 2, quarter, quarter)
        paint_glyph(painter, sign, "failed", theme.colour("muted"))
    elif picture is not None:
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("muted"))
        flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(place.adjusted(2, 0, -2, 0), flags, picture.words)
