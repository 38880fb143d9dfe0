"""How large a window opens: as it would like to be, but never larger than what its screen has free."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize
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
    """After a place and a size that were kept, perhaps of another screen or another scale."""
    free = window.screen().availableGeometry()
    size = window.size().boundedTo(free.size() - FRAME)
    place = QRect(window.pos(), size)
    place.moveRight(min(place.right(), free.right()))
    place.moveBottom(min(place.bottom(), free.bottom()))
    window.resize(size)
    window.move(max(place.left(), free.left()), max(place.top(), free.top()))
