"""The guide: a page for each page of the window, all from files that came with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from waste_gui.gui.common import resources
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session import pages
from waste_gui.gui.shell.dialogs import DetailsDialog
from waste_gui.gui.shell.guide import PAGES, GuideDialog

MOST_BYTES, MOST_LINES = 120_000, 45
IMAGE = QTextDocument.ResourceType.ImageResource.value

WINDOW_PAGES = (pages.PHOTOS, pages.SETTINGS, pages.TRAINING, pages.RESULTS, pages.RUNS)

Make = Callable[[str], MainWindow]


def guides(window: MainWindow) -> list[GuideDialog]:
    return window.findChildren(GuideDialog)


@pytest.mark.parametrize("page", PAGES)
def test_page_has_a_picture_and_is_a_screen_long(page: str) -> None:
    text = resources.text(f"guide/{page}.md")
    assert text.startswith(f"# {PAGES[page]}\n") and text.count("\n") <= MOST_LINES
    (picture,) = re.findall(r"!\[[^]]+\]\((\w+\.png)\)", text)
    file = resources.path(f"guide/{picture}")
    assert file.stat().st_size <= MOST_BYTES
    assert 500 <= QImage(str(file)).width() <= 720
    links = re.findall(r"(?<!!)\[[^]]+\]\(([^)]+)\)", text)
    assert links and all(link.removesuffix(".md") in PAGES for link in links)


def test_every_page_of_the_window_has_one(make_window: Make) -> None:
    tabs = make_window("finishes").frame.tabs
    titles = [tabs.tabText(i).replace("&", "") for i in range(tabs.count())]
    assert list(PAGES.values())[: len(titles)] == titles


@pytest.mark.parametrize("page", WINDOW_PAGES)
def test_f1_opens_it_at_the_page_that_is_shown(make_window: Make, qtbot: QtBot, page: str) -> None:
    window = make_window("finishes")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    window.show_page(page)
    QTest.keyClick(window, Qt.Key.Key_F1)
    (guide,) = guides(window)
    assert guide.list.currentRow() == list(PAGES).index(page)
    assert guide.text.toPlainText().startswith(PAGES[page])


def test_f1_in_the_diagnosis_opens_its_page(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.rooms.where.show()
    dialog = window.rooms.where.dialog
    assert dialog is not None
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(dialog, Qt.Key.Key_F1)
    (guide,) = guides(window)
    assert guide.text.toPlainText().startswith("What it's waiting for")
    dialog.close()


def test_shift_f1_and_the_guide_show_the_keys(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    window.commands.show_guide()
    guides(window)[0].keys_button.click()
    both = window.findChildren(DetailsDialog)
    assert [("Shift+F1\tthese shortcuts" in keys.text.toPlainText()) for keys in both] == [True, True]


def test_pages_are_reached_with_the_keyboard_and_by_links(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.commands.show_guide()
    (guide,) = guides(window)
    guide.activateWindow()
    qtbot.waitUntil(guide.list.hasFocus, timeout=WAIT_MS)
    QTest.keyClick(guide.list, Qt.Key.Key_Down)
    assert guide.text.toPlainText().startswith("Settings")
    guide.text.anchorClicked.emit(QUrl("training.md"))
    assert guide.list.currentRow() == list(PAGES).index(pages.TRAINING)
    guide.text.anchorClicked.emit(QUrl("https://example.org/training.md.html"))
    assert guide.list.currentRow() == list(PAGES).index(pages.TRAINING)


def test_picture_is_never_wider_than_the_page(make_window: Make) -> None:
    window = make_window("finishes")
    window.commands.show_guide()
    (guide,) = guides(window)
    for width in (560, 900):
        guide.resize(width, 600)
        assert guide.text.horizontalScrollBar().maximum() == 0
        assert guide.text.toPlainText().startswith("Photos")


def test_only_files_of_the_guide_are_shown(make_window: Make, tmp_path: Path) -> None:
    window = make_window("finishes")
    window.commands.show_guide()
    (guide,) = guides(window)
    (tmp_path / "secret.png").write_bytes(resources.path("guide/photos.png").read_bytes())
    assert guide.text.loadResource(IMAGE, QUrl("photos.png")) is not None
    for foreign in (QUrl.fromLocalFile(str(tmp_path / "secret.png")), QUrl("https://example.org/x.png")):
        assert guide.text.loadResource(IMAGE, foreign) is None
