"""The bar below the header: how much room it takes, and what of it can be hidden."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import show_run
from waste_gui.gui.common.theme import UNIT, Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.run_text import Notice, Offer
from waste_gui.gui.session.session_text import trouble
from waste_gui.gui.shell.banner import ROW_HEIGHT, Banner
from waste_gui.gui.shell.banner_text import BannerText

Make = Callable[[str], MainWindow]
OFFERS = (Offer.SHOW_RESULTS, Offer.HIDE)
ALONE = Notice("done", "done", "Done: 92.0 % of 380 test photos right.", "", OFFERS)


@pytest.fixture
def bar(qtbot: QtBot, theme: Theme) -> Banner:
    bar = Banner()
    qtbot.addWidget(bar)
    bar.resize(960, UNIT)
    return bar


def said(bar: Banner, notice: Notice) -> list[QPushButton]:
    """The bar's buttons, once it says so and is as tall as it has to be."""
    bar.show_notice(notice)
    bar.show_now()
    bar.resize(bar.width(), bar.heightForWidth(bar.width()))
    QApplication.processEvents()
    return [button for button in bar.findChildren(QPushButton) if button.isVisible()]


def test_title_alone_stands_in_one_row_with_its_buttons_at_the_right(bar: Banner) -> None:
    buttons = said(bar, ALONE)
    assert bar.height() == ROW_HEIGHT
    assert [button.text().replace("&", "") for button in buttons] == [offer.value for offer in OFFERS]
    middles = {button.geometry().center().y() for button in buttons} | {bar._title.geometry().center().y()}
    assert max(middles) - min(middles) <= 1
    assert bar.width() - buttons[-1].geometry().right() <= 2 * UNIT + 1


@pytest.mark.parametrize(
    "notice",
    [
        Notice("info", "stopped", "Stopped.", "The best model so far is kept.", OFFERS),
        Notice("stuck", "failed", "It crashed.", "", OFFERS, lines=("the last words of libfoo",)),
        Notice("slow", "slow", "A title of many words. " * 6, "", OFFERS),
    ],
    ids=["text", "lines", "long title"],
)
def test_buttons_stand_below_words_that_need_more_than_a_row(bar: Banner, notice: Notice) -> None:
    said(bar, ALONE)
    buttons = said(bar, notice)
    assert bar.height() > ROW_HEIGHT
    assert buttons[0].geometry().top() > bar._title.geometry().bottom()
    assert buttons[0].geometry().left() == bar._title.geometry().left()


def test_row_is_given_up_while_the_window_is_too_narrow(bar: Banner) -> None:
    said(bar, ALONE)
    bar.resize(400, bar.height())
    assert bar.heightForWidth(400) > ROW_HEIGHT
    bar.resize(960, bar.height())
    assert bar.heightForWidth(960) <= ROW_HEIGHT


def test_bar_comes_into_the_window_in_one_row_at_once(make_window: Make) -> None:
    window = make_window("finishes")
    window.resize(1100, 700)
    window.notify(ALONE)
    window.frame.bar.show_now()
    QApplication.processEvents()
    assert window.frame.bar.height() == ROW_HEIGHT


def test_what_was_said_of_a_run_that_is_done_stays_hidden_until_something_new_is_said() -> None:
    words, done = BannerText(), pictures.snapshot(pictures.done())
    told = words.at(done)
    assert told is not None and Offer.HIDE in told.offers
    words.hide(done)
    words.weakest = "Weakest class: trash, 71 %."
    assert words.at(done) is None
    words.take(trouble("This folder holds no run.", "Choose another."))
    said = words.at(done)
    assert said is not None and said.title == "This folder holds no run."
    words.take(None)
    assert words.at(done) == told


def test_hiding_the_words_of_the_queue_leaves_those_of_the_run() -> None:
    words, done = BannerText(), pictures.snapshot(pictures.done())
    told = words.at(done)
    words.of_queue = Notice("done", "done", "The queue is done.", "", (Offer.HIDE,))
    words.hide(done)
    assert words.at(done) == told


@pytest.mark.parametrize("script", [pictures.stuck, pictures.slow, pictures.failed, pictures.crashed])
def test_warning_of_a_run_cannot_be_hidden(script: Callable[[], pictures.Script]) -> None:
    words, snapshot = BannerText(), pictures.snapshot(script())
    told = words.at(snapshot)
    assert told is not None and Offer.HIDE not in told.offers
    words.hide(snapshot)
    assert words.at(snapshot) == told


def test_done_is_hidden_by_its_button_and_not_by_escape(make_window: Make) -> None:
    window = make_window("finishes")
    done = pictures.snapshot(pictures.done())
    show_run(window, done)
    window.frame.bar.show_now()
    window.frame.bar.focus_first()
    QTest.keyClick(window.frame.bar, Qt.Key.Key_Escape)
    window.frame.bar.show_now()
    assert window.frame.bar.isVisible()
    (hide,) = (b for b in window.frame.bar.findChildren(QPushButton) if b.text() == "Hi&de" and b.isVisible())
    hide.click()
    show_run(window, done)
    window.frame.bar.show_now()
    assert not window.frame.bar.isVisible()
