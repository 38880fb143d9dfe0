"""A page that is made when it is first looked at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from waste_gui.gui.shell.frame import Frame, LazyPage

PAGE = """
from PySide6.QtWidgets import QLabel


class Page(QLabel):
    def __init__(self):
        super().__init__("made")
"""


def test_page_is_imported_and_made_when_it_is_first_looked_at(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page_for_show.py").write_text(PAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    frame = Frame()
    qtbot.addWidget(frame)
    frame.add_page("first", "&First", LazyPage())
    frame.add_page("second", "&Second", "page_for_show:Page")
    place = frame.pages.widget(1)
    assert place is not None
    frame.show()
    qtbot.waitExposed(frame)
    assert "page_for_show" not in sys.modules
    frame.show_page("second")
    qtbot.waitUntil(lambda: place.layout() is not None, timeout=WAIT_MS)
    made = place.findChild(QLabel)
    assert isinstance(made, QLabel) and made.text() == "made"
    frame.show_page("first")
    frame.show_page("second")
    assert place.findChildren(QLabel) == [made]
