"""What a scan doubts is on the photos page, and a button mends it, with undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.dataset.test_scan import plant
from tests.gui.conftest import WAIT_MS, end_check
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.photos.caution_list import FIRST
from waste_gui.gui.photos.page import DataPage


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> Iterator[DataPage]:
    page = DataPage(Preferences())
    qtbot.addWidget(page, before_close_func=lambda _: end_check(page, qtbot))
    page.resize(1000, 600)
    page.show()
    yield page


def open_folder(page: DataPage, qtbot: QtBot, folder: str) -> None:
    page.add_folders([folder])
    qtbot.waitUntil(lambda: page.found is not None and not page.cancel.isVisible(), timeout=WAIT_MS)


def lines(page: DataPage) -> list[str]:
    labels = page.cautions.findChildren(PlainLabel)
    return [label.text() for label in labels if label.isVisibleTo(page)]


def test_names_spelled_alike_are_said_and_kept_apart_by_a_button_with_undo(
    page: DataPage, qtbot: QtBot, tmp_path: Path
) -> None:
    open_folder(page, qtbot, plant(tmp_path, "Glass/4", "glass/4", "paper/4"))
    assert page.found is not None and page.found.classes == ("Glass", "paper")
    assert "Not split by folders; classes: Glass, paper." in page.words.text()
    (line,) = lines(page)
    assert "'Glass' and 'glass' are spelled alike" in line
    button = next(b for b in page.cautions.findChildren(QPushButton) if b is not page.cautions.more)
    assert button.text() == "Keep them apart"
    button.click()
    qtbot.waitUntil(lambda: page.found is not None and len(page.found.classes) == 3, timeout=WAIT_MS)
    assert not page.cautions.isVisibleTo(page)
    page.undo_stack.undo()
    qtbot.waitUntil(lambda: page.found is not None and len(page.found.classes) == 2, timeout=WAIT_MS)
    assert page.cautions.isVisibleTo(page)


def test_of_many_the_first_are_in_sight_and_the_others_on_request(
    page: DataPage, qtbot: QtBot, tmp_path: Path
) -> None:
    names = [f"{part}/{name}/4" for part in ("train", "val") for name in ("a", "b")]
    plant(tmp_path, *names, "predictions/3", "test/5", "train/C/3", "val/c/3", "train/d/3")
    open_folder(page, qtbot, str(tmp_path))
    assert page.found is not None and len(page.found.cautions) == 4
    assert len(lines(page)) == FIRST and page.cautions.more.text() == "Show 2 more"
    page.cautions.more.click()
    assert len(lines(page)) == 4 and not page.cautions.more.isVisibleTo(page)


def test_parts_without_classes_are_refused_and_can_be_taken_as_classes(
    page: DataPage, qtbot: QtBot, tmp_path: Path
) -> None:
    page.add_folders([plant(tmp_path, "train/4", "valid/4")])
    qtbot.waitUntil(lambda: "look like parts of a split" in page.words.text(), timeout=WAIT_MS)
    assert not page.readiness.ready
    page.levels.setCurrentIndex(page.levels.findData("top"))
    page.levels.activated.emit(page.levels.currentIndex())
    qtbot.waitUntil(lambda: page.found is not None, timeout=WAIT_MS)
    assert page.found is not None and page.found.classes == ("train", "valid")
    page.undo_stack.undo()
    assert page.levels.currentData() == "auto"


def test_classes_in_the_names_of_the_photos_are_a_button_away(
    page: DataPage, qtbot: QtBot, tmp_path: Path
) -> None:
    page.add_folders([plant(tmp_path, *(f"{kind}.{i}.jpg" for kind in ("cat", "dog") for i in range(4)))])
    qtbot.waitUntil(lambda: page.cautions.isVisible(), timeout=WAIT_MS)
    assert "begin with 'cat' and 'dog'" in page.words.text() and not page.readiness.ready
    next(b for b in page.cautions.findChildren(QPushButton) if b is not page.cautions.more).click()
    qtbot.waitUntil(lambda: page.found is not None, timeout=WAIT_MS)
    assert page.found is not None and page.found.photos_per_class == {"cat": 4, "dog": 4}
    assert page.readiness.ready and page.levels.currentData() == "names"
