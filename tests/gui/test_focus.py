"""Every stop of the keyboard is seen and has a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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


def changed_by_focus(widget: QWidget, qtbot: QtBot) -> bool:
    """Whether it looks otherwise with the focus, itself or its frame."""
    window = widget.window()
    window.activateWindow()
    if window.focusWidget() is not None:
        window.focusWidget().clearFocus()
    QApplication.processEvents()
    before = picture(window)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(3):
        QApplication.processEvents()
    assert widget.hasFocus(), f"{widget} takes no focus"
    after = picture(window)
    place = widget.mapTo(window, QPoint(0, 0))
    around = slice(max(0, place.y() - 4), place.y() + widget.height() + 4)
    across = slice(max(0, place.x() - 4), place.x() + widget.width() + 4)
    differs = (abs(before[around, across] - after[around, across]).max(axis=2) > 40).sum()
    widget.clearFocus()
    return bool(differs >= 20)


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
        if each.visibleRegion().boundingRect().height() > 0 and not changed_by_focus(each, qtbot)
    ]
    assert unseen == []
