"""What was closed is gone at once, each part with its parent: a widget that waits for Python's garbage to be
collected is themed and looked through until then, which may be never."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.pieces import MAKERS, Pieces
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow


def widgets() -> Counter[str]:
    """All that exist, by what they are, once what was asked to go has gone."""
    for _ in range(2):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
    return Counter(f"{type(each).__name__} {each.objectName()}" for each in QApplication.allWidgets())


class Unwatched(QtBot):
    """The test itself ends what it made."""

    def addWidget(self, widget: QWidget, **_: object) -> None:
        pass


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.usefixtures("theme")
def test_piece_that_was_closed_leaves_no_widget(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = widgets()
    pieces = Pieces(Unwatched(request), tmp_path)
    made = pieces.make(name)
    for each in (made, made.parentWidget(), pieces.parent):
        if each is not None:
            each.close()
            each.deleteLater()
    pieces.close()
    assert widgets() - before == Counter()


def test_window_that_was_closed_leaves_no_widget(qapp: QApplication, theme: Theme) -> None:
    before = widgets()
    window = MainWindow(Preferences(), theme)
    window.show()
    window.rooms.run_page.prepare()
    window.close()
    window.deleteLater()
    del window
    assert widgets() - before == Counter()
