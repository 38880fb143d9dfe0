"""Widgets by themselves: nothing is cut off, nothing is drawn over something else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgspec
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QTextCursor
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import WAIT_MS, show_run
from waste_gui.gui.common import theme as looks
from waste_gui.gui.common.fields import ChoiceBox
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.runs.epoch_plots import CURVES, EpochPlot
from waste_gui.gui.shell.dialogs import DetailsDialog
from waste_gui.gui.shell.keys import KEYS
from waste_gui.gui.training.stage_list import USUAL, StageList
from waste_gui.gui.training.stage_rows import rows

Make = Callable[[str], MainWindow]


# --- the checklist


@pytest.fixture
def stages(qtbot: QtBot, theme: Theme) -> StageList:
    stages = StageList()
    qtbot.addWidget(stages)
    stages.setFixedWidth(336)
    stages.show()
    return stages


def test_usual_time_of_a_long_training_is_short_in_the_list_and_whole_beside_it(stages: StageList) -> None:
    snapshot = pictures.snapshot(pictures.stopped())
    stages.show_snapshot(dataclasses.replace(snapshot, usual={"train": (1908.0, 3982.0)}))
    shown = stages._model.all_rows
    (place,) = (i for i, row in enumerate(shown) if row.title == "Train" and not row.is_group)
    cell = stages.model().index(place, USUAL)
    assert cell.data() == "32–66 min"
    assert "31:48–1:06:22" in cell.data(Qt.ItemDataRole.ToolTipRole)
    widest = QFontMetrics(looks.font(bold=True)).horizontalAdvance("0:50–2:10 h")
    assert widest < stages.columnWidth(USUAL)


def test_no_cell_of_the_checklist_is_painted_over_another(stages: StageList) -> None:
    shown = rows(pictures.snapshot(pictures.stopped()))

    def picture_beside(usual: str) -> QImage:
        stages._model.show_rows([dataclasses.replace(row, usual_short=usual) for row in shown])
        beside = QRect(0, 0, stages.width() - stages.columnWidth(USUAL), stages.height())
        return stages.grab(beside).toImage()

    assert picture_beside("31:48–1:06:22 and more") == picture_beside("")


# --- the header


@pytest.mark.parametrize(("width", "epoch"), [(1100, " (ep. 148)"), (960, "")])
def test_best_accuracy_stands_beside_the_advice(
    make_window: Make, qtbot: QtBot, width: int, epoch: str
) -> None:
    script = pictures.training()
    assert script.run.best is not None
    script.run.best = msgspec.structs.replace(script.run.best, epoch=148)
    window = make_window("finishes")
    window.resize(width, 700)
    show_run(window, pictures.snapshot(script))
    best = window.frame.header._best
    expected = f"Best 90.9\u202f%{epoch}"
    qtbot.waitUntil(lambda: best.isVisible() and best.text() == expected, timeout=WAIT_MS)
    assert best._fitted() == expected, "whole"
    assert window.frame.header._advice._fitted() == "Nothing to do."


# --- lists to choose from


def box_with(qtbot: QtBot, count: int, *, editable: bool = False) -> ChoiceBox:
    box = ChoiceBox()
    qtbot.addWidget(box)
    box.addItems([f"a name of some length, number {i}" for i in range(count)])
    box.setEditable(editable)
    box.setFixedWidth(120)
    box.show()
    box.showPopup()
    qtbot.waitUntil(box.view().isVisible, timeout=WAIT_MS)
    return box


@pytest.mark.qt_log_ignore("does not support (propagateSizeHints|raise|grabbing the keyboard)")
@pytest.mark.parametrize("editable", [False, True])
@pytest.mark.parametrize("count", [3, 10, 30])
def test_ten_entries_of_a_list_are_whole_and_more_are_scrolled(
    qtbot: QtBot, theme: Theme, count: int, editable: bool
) -> None:
    box = box_with(qtbot, count, editable=editable)
    view = box.view()
    cells = [view.visualRect(view.model().index(i, 0)) for i in range(min(count, 10))]
    assert {cell.height() for cell in cells} == {24}
    assert all(view.viewport().rect().contains(cell) for cell in cells)
    assert view.verticalScrollBar().isVisible() == (count > 10)
    assert view.sizeHintForColumn(0) <= view.viewport().width()


# --- a plot of several runs


def test_frame_of_the_focus_is_whole_and_leaves_the_title_alone(qtbot: QtBot, theme: Theme) -> None:
    plot = EpochPlot(CURVES[0])
    qtbot.addWidget(plot)
    plot.resize(340, 260)
    plot.show()
    plot.activateWindow()
    plot.setFocus()
    qtbot.waitUntil(plot.hasFocus, timeout=WAIT_MS)
    picture, accent = plot.grab().toImage(), QColor(looks.colours().accent)
    frame = plot.view.geometry()
    across, down = range(1, frame.width() - 1), range(frame.top() + 1, frame.bottom())
    for places in (
        [(x, frame.top()) for x in across],
        [(x, frame.bottom()) for x in across],
        [(frame.left(), y) for y in down],
        [(frame.right(), y) for y in down],
    ):
        assert all(picture.pixelColor(x, y) == accent for x, y in places)
    title = [(x, y) for x in range(plot.width()) for y in range(frame.top())]
    assert not any(picture.pixelColor(x, y) == accent for x, y in title)


# --- the keys


def test_keys_stand_in_two_columns_and_are_copied(qtbot: QtBot, theme: Theme) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = DetailsDialog(parent, "Keyboard shortcuts", KEYS)
    dialog.show()
    document, lefts = dialog.text.document(), set()
    for number, line in enumerate(KEYS.splitlines()):
        if "\t" in line:
            cursor = QTextCursor(document.findBlockByNumber(number))
            cursor.movePosition(QTextCursor.MoveOperation.Right, n=line.index("\t") + 1)
            lefts.add(dialog.text.cursorRect(cursor).left())
    assert len(lefts) == 1
    (copy,) = (b for b in dialog.findChildren(QPushButton) if b.text() == "Co&py")
    with qtbot.waitSignal(dialog.copy_asked) as copied:
        copy.click()
    assert copied.args == [KEYS]
