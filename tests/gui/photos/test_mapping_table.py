"""Folders and their classes: thousands of them, as there are in ImageNet."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from waste_gui.dataset.samples import FolderCount
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.photos.mapping_table import LEFT_OUT, OTHER_NAME, MappingTable
from waste_gui.gui.session.dataset_choice import Found

MANY = 2_000


def found(folders: Mapping[str, str | None]) -> Found:
    classes = tuple(dict.fromkeys(name for name in folders.values() if name))
    counts = tuple(FolderCount("/photos", name, mapped, 3) for name, mapped in folders.items())
    return Found(counts, classes, dict.fromkeys(classes, 3), {})


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> MappingTable:
    table = MappingTable()
    qtbot.addWidget(table)
    table.resize(500, 400)
    table.show()
    return table


def box_of(table: MappingTable, row: int) -> QComboBox | None:
    holder = table.cellWidget(row, 2)
    return holder.findChild(QComboBox) if holder else None


def test_of_thousands_only_lines_in_sight_have_their_list(table: MappingTable, qtbot: QtBot) -> None:
    """Each once had a list of all classes: four million entries."""
    table.show_found(found({f"class {i:04}": f"class {i:04}" for i in range(MANY)}), own=True)
    table.grab()
    assert table.rowCount() == MANY
    assert box_of(table, 0) is not None and box_of(table, MANY - 1) is None
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: box_of(table, MANY - 1) is not None)
    assert len(table.findChildren(QComboBox)) < 100


@pytest.mark.parametrize("classes", [3, MANY])
def test_another_class_is_chosen_from_all(table: MappingTable, qtbot: QtBot, classes: int) -> None:
    names = {f"class {i:04}": f"class {i:04}" for i in range(classes)}
    table.show_found(found(names), own=False)
    table.activateWindow()
    box = box_of(table, 1)
    assert box is not None and box.currentText() == "class 0001"
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    assert box.count() == 1 + classes and box.itemText(0) == LEFT_OUT
    assert box.currentText() == "class 0001"
    with qtbot.waitSignal(table.mapped) as told:
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert told.args == ["class 0001", "class 0002"]


def test_folder_that_is_left_out_may_become_a_class_of_its_own(table: MappingTable) -> None:
    table.show_found(found({"glass": "glass", "odd <b>": None}), own=True)
    box = box_of(table, 0)
    assert box is not None and box.currentText() == LEFT_OUT
    assert [box.itemText(i) for i in range(box.count())] == [LEFT_OUT, "glass", "odd <b>", OTHER_NAME]
