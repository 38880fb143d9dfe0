"""The areas of the window, which F6 goes through with the keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def move_focus(areas: Sequence[QWidget], step: int) -> None:
    """To the next of these that can take the keyboard. One with `focus_first` knows best where to begin."""
    shown = [area for area in areas if area.isVisible() and area.isEnabled()]
    if not shown:
        return
    focus = QApplication.focusWidget()
    now = next((i for i, a in enumerate(shown) if focus and (a is focus or a.isAncestorOf(focus))), -1)
    area = shown[(now + step) % len(shown)]
    begin = getattr(area, "focus_first", None)
    if begin is not None:
        begin()
    else:
        _first_focusable(area).setFocus(Qt.FocusReason.ShortcutFocusReason)


def _first_focusable(area: QWidget) -> QWidget:
    if area.focusPolicy() != Qt.FocusPolicy.NoFocus:
        return area
    for child in area.findChildren(QWidget):
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isVisible() and child.isEnabled():
            return child
    return area
