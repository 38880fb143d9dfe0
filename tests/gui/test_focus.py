"""Every stop of the keyboard is seen and has a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.pieces import MAKERS, Pieces
from tests.gui.test_theme import picture
from waste_gui.gui.common.theme import Theme


@pytest.fixture
def pieces(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[Pieces]:
    made = Pieces(qtbot, tmp_path)
    yield made
    made.close()


def stops(piece: QWidget) -> list[QWidget]:
    """What Tab comes to, or would if it could be pressed now."""
    return [
        each
        for each in (piece, *piece.findChildren(QWidget))
        if each.isVisible()
        and each.isEnabled()
        and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and each.focusProxy() is None
        and each.window() is piece.window()
        and not isinstance(each.parentWidget(), QAbstractSpinBox)  # Its line of text is part of it.
        and each.objectName() != "qt_spinbox_lineedit"
    ]


def name_of(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface else ""


def in_sight(widget: QWidget) -> bool:
    """Not scrolled away. Its own children may cover it: a scroll area's viewport is opaque."""
    place, parent = widget.rect(), widget.parentWidget()
    while parent is not None and not place.isEmpty():
        place = place.translated(widget.pos()) & parent.rect()
        widget, parent = parent, parent.parentWidget() if not parent.isWindow() else None
    return not place.isEmpty()


def settled(window: QWidget) -> Any:
    for _ in range(3):
        QApplication.processEvents()
    return picture(window)


def changed_by_focus(widget: QWidget, qtbot: QtBot) -> bool:
    """Whether it looks otherwise with the focus than before it and after it, itself or its frame."""
    window = widget.window()
    window.activateWindow()
    if window.focusWidget() is not None:
        window.focusWidget().clearFocus()
    before = settled(window)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    focused = settled(window)
    assert widget.hasFocus(), f"{widget} takes no focus"
    widget.clearFocus()
    after = settled(window)
    place = widget.mapTo(window, QPoint(0, 0))
    around = slice(max(0, place.y() - 4), place.y() + widget.height() + 4)
    across = slice(max(0, place.x() - 4), place.x() + widget.width() + 4)
    return all(
        (abs(each[around, across] - focused[around, across]).max(axis=2) > 40).sum() >= 20
        for each in (before, after)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_every_stop_of_the_keyboard_shows_itself_and_has_a_name(
    name: str, pieces: Pieces, qtbot: QtBot
) -> None:
    piece = pieces.make(name)
    piece.activateWindow()
    qtbot.waitUntil(piece.window().isActiveWindow, timeout=5000)
    QApplication.setCursorFlashTime(0)
    nameless = [repr(each) for each in stops(piece) if not name_of(each).strip()]
    assert nameless == []
    unseen = [
        f"{type(each).__name__} {name_of(each)}"
        for each in stops(piece)
        if in_sight(each) and not changed_by_focus(each, qtbot)
    ]
    assert unseen == []
