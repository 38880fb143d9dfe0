"""How large a window opens: as it would like to be, but never larger than what its screen has free."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 40)
"""For the border and the title, which the desktop adds, and of which it tells only once they are there."""


def free_size(window: QWidget) -> QSize:
    return window.screen().availableSize() - FRAME


def open_at(window: QWidget, width: int, height: int) -> None:
    window.resize(QSize(width, height).boundedTo(free_size(window)))


def need_at_least(window: QWidget, width: int, height: int) -> None:
    """Of a smaller screen, all of it."""
    window.setMinimumSize(QSize(width, height).boundedTo(free_size(window)))


def keep_on_screen(window: QWidget) -> None:
    """After a place and a size that were kept, perhaps of another screen or another scale. What fits
    stays where it was: `move` would put its frame there, and the window further down each time."""
    free, place = window.screen().availableGeometry(), window.geometry()
    size = place.size().boundedTo(free.size() - FRAME)
    if place.size() == size and free.contains(place):
        return
    side = FRAME.width() // 2
    inner = free.adjusted(side, FRAME.height() - side, -side, -side)
    place = QRect(place.topLeft(), size)
    place.moveRight(min(place.right(), inner.right()))
    place.moveBottom(min(place.bottom(), inner.bottom()))
    place.moveTopLeft(QPoint(max(place.left(), inner.left()), max(place.top(), inner.top())))
    window.setGeometry(place)
