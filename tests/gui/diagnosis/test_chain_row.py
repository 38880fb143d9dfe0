"""What is waited for, drawn: the boxes of a chain, by mouse and keyboard, at any width."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.chain_pictures import CHAINS, LOCK
from tests.gui.diagnosis.conftest import Show
from waste_gui.gui.diagnosis.chain_row import HINT
from waste_gui.monitor.snapshot import Snapshot


def waits(name: str) -> Snapshot:
    return pictures.snapshot(pictures.waits(name))


@pytest.mark.parametrize("name", CHAINS)
def test_each_box_has_its_place_at_every_width(name: str, show: Show, qtbot: QtBot) -> None:
    dialog = show(waits(name))
    row = dialog.chain.row

    def laid_out() -> bool:
        return dialog.width() == width and row.height() == row.heightForWidth(row.width())

    for width in (1400, 900, 640):
        dialog.resize(width, 640)
        qtbot.waitUntil(laid_out)
        places = [button.geometry() for button in dialog.chain.buttons]
        assert all(row.rect().contains(place) for place in places)
        assert not any(one.intersects(other) for i, one in enumerate(places) for other in places[:i])


def test_chosen_box_says_where_that_was_read(show: Show, qtbot: QtBot) -> None:
    dialog = show(waits("lock"))
    assert dialog.chain.read.text() == HINT
    lock = dialog.chain.buttons[2]
    assert lock.accessibleName() == f"waits for, {LOCK.rpartition('/')[2]}, lock on a file"
    QTest.mouseClick(lock, Qt.MouseButton.LeftButton)
    assert dialog.chain.read.text().startswith(f"{LOCK}: /proc/4810/task/4810/syscall: flock(9)")
    dialog.chain.buttons[0].setFocus()
    QTest.keyClick(dialog.chain.buttons[0], Qt.Key.Key_Space)
    assert "wait4(4810)" in dialog.chain.read.text()


def test_it_goes_when_the_training_goes_on(show: Show) -> None:
    script = pictures.waits("nobody")
    dialog = show(pictures.snapshot(script))
    assert dialog.chain.isVisible()
    script.train(0.2)
    dialog.show_snapshot(pictures.snapshot(script))
    assert not dialog.chain.isVisible()


def test_nothing_is_drawn_where_nothing_was_read(show: Show) -> None:
    dialog = show(pictures.snapshot(pictures.deadlock()))
    assert not dialog.chain.isVisible()
