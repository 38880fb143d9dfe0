"""Small screens: the window fits, all of it can be reached, also with words a third longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.pieces import Pieces
from waste_gui.gui.common import window_size
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import LEAST_SIZE, MainWindow
from waste_gui.gui.session.run_text import Notice, Offer, notice

Make = Callable[[str], MainWindow]
DIALOGS = ("compare", "diagnosis", "self_test", "notifications", "guide", "keys", "gallery")
DONE = Notice("done", "done", "Done: 92.0 % of 380 photos right.", "", (Offer.SHOW_RESULTS, Offer.HIDE))
SMALL = QSize(1024, 552)
"""1024×600 with a panel of the desktop."""


@pytest.fixture
def small_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_size, "free_size", lambda window: SMALL - window_size.FRAME)


@pytest.mark.usefixtures("small_screen")
def test_window_opens_within_a_small_screen(qtbot: QtBot, theme: Theme) -> None:
    window = MainWindow(Preferences(), theme)
    qtbot.addWidget(window)
    window.show()
    free = SMALL - window_size.FRAME
    assert window.size() == window.size().boundedTo(free)
    assert window.minimumSize() == QSize(*LEAST_SIZE)


@pytest.mark.usefixtures("small_screen")
@pytest.mark.parametrize("name", DIALOGS)
def test_dialog_opens_within_a_small_screen(name: str, qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    pieces = Pieces(qtbot, tmp_path)
    dialog = pieces.make(name)
    free = SMALL - window_size.FRAME
    if name != "guide":  # It looks at the screen itself.
        assert dialog.size() == dialog.size().boundedTo(free)
    assert dialog.minimumSizeHint() == dialog.minimumSizeHint().boundedTo(free)
    pieces.close()


PLACES = st.builds(QRect, *map(st.integers, (40, 40, 320, 240), (400, 280, 390, 500)))


@settings(max_examples=10, deadline=None)
@given(PLACES)
@example(QRect(90, 27, 600, 500))
def test_window_that_is_opened_again_stands_where_it_stood(qapp: QApplication, place: QRect) -> None:
    """Also the fifth time: the desktop's frame around it is not added each time."""
    free = qapp.primaryScreen().availableGeometry()
    kept = None
    for _ in range(5):
        window = QWidget()
        if kept is None:
            window.setGeometry(place)
        else:
            window.restoreGeometry(kept)
            window_size.keep_on_screen(window)
        window.show()
        QApplication.processEvents()
        assert window.geometry() == place or not free.contains(place)
        kept = window.saveGeometry()
        window.close()


@settings(max_examples=30, deadline=None)
@given(PLACES, st.integers(-2000, 2000), st.integers(-2000, 2000), st.integers(0, 3000))
@pytest.mark.usefixtures("qapp")
def test_window_that_was_on_another_screen_is_whole_on_this(place: QRect, x: int, y: int, more: int) -> None:
    window = QWidget()
    window.setGeometry(place.translated(x, y).adjusted(0, 0, more, more))
    window_size.keep_on_screen(window)
    free = window.screen().availableGeometry()
    assert free.contains(window.geometry())
    once = window.geometry()
    window_size.keep_on_screen(window)
    assert window.geometry() == once


def _around(widget: QWidget | None) -> Iterator[QWidget]:
    while widget is not None:
        yield widget
        widget = widget.parentWidget()


def outside(window: QWidget) -> Iterator[str]:
    """Buttons that are narrower than their words, or not wholly inside the window."""
    for button in window.findChildren(QPushButton):
        if not button.isVisible():
            continue
        needs = button.sizeHint().width()
        place = QRect(button.mapTo(window, button.rect().topLeft()), button.size())
        if any(isinstance(each, QScrollArea) for each in _around(button)):  # It is scrolled to.
            place.moveTop(1)
        if button.width() < needs and button.maximumWidth() > needs or not window.rect().contains(place):
            yield f"{button.text()} {place} needs {needs}"


@pytest.mark.parametrize("longer", [False, True], ids=["as it is", "a third longer"])
@pytest.mark.parametrize("page", range(5))
def test_every_button_is_whole_on_a_small_screen(make_window: Make, page: int, longer: bool) -> None:
    window = make_window("finishes")
    window.resize(SMALL - window_size.FRAME)
    window.frame.tabs.setCurrentIndex(page)
    QApplication.processEvents()
    if longer:
        for button in window.findChildren(QPushButton):
            button.setText(button.text() + "n" * (len(button.text()) // 3))
    for _ in range(5):
        QApplication.processEvents()
    assert list(outside(window)) == []
    assert window.minimumSizeHint().width() <= SMALL.width()


@pytest.mark.parametrize(
    "said",
    [
        DONE,
        notice(pictures.snapshot(pictures.stuck())),
        notice(pictures.snapshot(pictures.crashed())),
    ],
    ids=["done", "stuck", "crashed"],
)
def test_page_does_not_move_when_something_is_said(make_window: Make, said: Notice | None) -> None:
    window = make_window("finishes")
    window.resize(1024, 600)
    QApplication.processEvents()

    def places() -> list[object]:
        frame = window.frame
        return [part.mapTo(window, part.rect().topLeft()) for part in (frame.header, frame.tabs, frame.pages)]

    before = places()
    window.frame.bar.show_notice(said)
    window.frame.bar.show_now()
    QApplication.processEvents()
    assert window.frame.bar.isVisible() and places() == before
    assert list(outside(window)) == []
