"""The chosen folders: however many there are, nothing on the page is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, end_engine
from tests.photos import make_photos
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import LEAST_SIZE, MainWindow
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.session.dataset_choice import DatasetChoice

FOLDERS = 7


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, tmp_path: Path) -> DataPage:
    """Of the smallest window, with more folders than it has room for."""
    folders = tuple(str(make_photos(tmp_path / f"camera {i}", per_class=2)) for i in range(FOLDERS))
    window = MainWindow(Preferences(), theme)
    qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
    window.resize(*LEAST_SIZE)
    window.show()
    page = window.rooms.data
    page.set_choice(DatasetChoice(folders))
    qtbot.waitUntil(lambda: page.readiness.ready, timeout=WAIT_MS)
    return page


def removes(page: DataPage) -> list[QPushButton]:
    return [each for each in page.sources.findChildren(QPushButton) if each.text() == "Remove"]


def needed(widget: QWidget) -> int:
    """The height that all of it takes at its width."""
    return widget.heightForWidth(widget.width()) if widget.hasHeightForWidth() else widget.sizeHint().height()


def test_of_many_folders_each_has_its_height_and_what_stands_below_too(page: DataPage) -> None:
    assert len(removes(page)) == FOLDERS
    for each in (*removes(page), page.checking.bar, page.previewing.bar, page.preset):
        assert each.height() >= needed(each), each
    assert page.sources.height() >= removes(page)[0].height()


@pytest.mark.parametrize("folders", [1, 4])
def test_few_folders_need_no_scroll_bar(page: DataPage, qtbot: QtBot, folders: int) -> None:
    page.window().resize(1366, 768)
    page.set_choice(DatasetChoice(page.choice.sources[:folders]))
    qtbot.waitUntil(lambda: page.readiness.ready and page.sources.height() > 0, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not page.sources.verticalScrollBar().isVisible(), timeout=WAIT_MS)


def test_folder_that_the_keyboard_comes_to_is_in_sight(page: DataPage, qtbot: QtBot) -> None:
    page.window().activateWindow()
    removes(page)[0].setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(FOLDERS - 1):
        page.sources.focusNextPrevChild(True)
    last = removes(page)[-1]
    assert last.hasFocus() and not last.visibleRegion().isEmpty()


def test_keyboard_comes_to_the_folders_before_what_is_done_with_them(page: DataPage) -> None:
    stops: list[QWidget] = []
    widget = page.nextInFocusChain()
    while widget is not None and widget is not page:
        stops.append(widget)
        widget = widget.nextInFocusChain()
    order = [*removes(page), page.checking.bar.button, page.previewing.bar.button, page.preset]
    places = [stops.index(each) for each in order]
    assert places == sorted(places)


def test_removed_folder_is_gone_from_the_list(page: DataPage, qtbot: QtBot) -> None:
    removes(page)[1].click()
    qtbot.waitUntil(lambda: len([each for each in removes(page) if each.isVisible()]) == FOLDERS - 1)
    assert len(page.choice.sources) == FOLDERS - 1 and not any("camera 1" in s for s in page.choice.sources)
