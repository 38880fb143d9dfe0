"""The rows of classes on the photos page and the gallery behind them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, end_check
from waste_gui.dataset.demo import draw_dataset
from waste_gui.dataset.samples import FolderCount
from waste_gui.gui.common import theme
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import UNIT, Theme
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos.class_list import GAP, LEAST_WORDS, ClassList
from waste_gui.gui.photos.class_rows import FEW, SHOWN, ClassRow, class_rows
from waste_gui.gui.photos.gallery import Gallery
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.session.dataset_choice import DatasetChoice, Found, look


def found_in(**photos: int) -> Found:
    folders = tuple(FolderCount("/data", name, name, n) for name, n in photos.items())
    paths = {name: tuple(f"/data/{name}/{i}.jpg" for i in range(n)) for name, n in photos.items()}
    return Found(folders, tuple(photos), photos, {}, paths=paths)


def test_row_tells_count_share_and_photos_from_all_over_the_class() -> None:
    glass, paper = class_rows(found_in(glass=60, paper=30), DatasetChoice(("/data",)), 0.2)
    assert (glass.photos, glass.share, paper.share) == (60, 1.0, 0.5)
    assert glass.validation == "20 % for validation" and glass.mapping == "" and not glass.hint
    assert len(glass.shown) == SHOWN and glass.shown[-1] == "/data/glass/50.jpg"


def test_few_photos_are_hinted_at() -> None:
    few, none = class_rows(found_in(trash=FEW - 1, foil=0), DatasetChoice(("/data",)), 0.2)
    assert "Few photos" in few.hint and "No photos" in none.hint


@pytest.mark.usefixtures("theme")
def test_what_is_said_of_a_class_is_whole_beside_its_photos() -> None:
    """However narrow the list becomes, photos give way first."""
    said = class_rows(found_in(trash=FEW - 1, foil=0, glass=99), DatasetChoice(("/data",)), 0.25)
    metrics = QFontMetrics(theme.font("caption"))
    widest = max(metrics.horizontalAdvance(words) for row in said for words in (row.hint, row.validation))
    assert widest <= LEAST_WORDS - GAP - 2 * UNIT


def test_folder_that_the_names_suggest_is_called_guessed_until_it_is_chosen() -> None:
    folders = (FolderCount("/data", "Glass bottles", "glass", 9), FolderCount("/data", "glass", "glass", 3))
    found = Found(folders, ("glass",), {"glass": 12}, {})
    (row,) = class_rows(found, DatasetChoice(("/data",), "lab"), 0.2)
    assert row.guessed and row.mapping == "from Glass bottles, glass" and "guessed" in row.spoken
    chosen = DatasetChoice(("/data",), "lab", {"Glass bottles": "glass"})
    assert not class_rows(found, chosen, 0.2)[0].guessed


def test_ready_split_gives_its_own_share(tmp_path: Path) -> None:
    for part, n in (("train", 6), ("val", 2)):
        for name in ("glass", "paper"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(n):
                (tmp_path / part / name / f"{i}.jpg").touch()
    choice = DatasetChoice((str(tmp_path),))
    rows = class_rows(look(choice, lambda _: None), choice, 0.5)
    assert {row.validation for row in rows} == {"25 % for validation"}


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Iterator[DataPage]:
    draw_dataset(tmp_path / "waste", per_class=8)
    page = DataPage(Preferences())
    qtbot.addWidget(page, before_close_func=lambda _: end_check(page, qtbot))
    page.resize(900, 600)
    page.show()
    page.set_choice(DatasetChoice((str(tmp_path / "waste"),)))
    qtbot.waitUntil(lambda: page.found is not None, timeout=WAIT_MS)
    yield page


@pytest.mark.slow
@pytest.mark.qt_log_ignore("does not support")
def test_enter_opens_the_photos_of_a_class_and_a_photo_larger(page: DataPage, qtbot: QtBot) -> None:
    page.classes.grab()
    path = page.classes.classes.rows[0].shown[0]
    qtbot.waitUntil(lambda: page.checking.thumbnails.picture(path) is not None, timeout=WAIT_MS)
    QTest.keyClick(page.classes, Qt.Key.Key_Return)
    (gallery,) = page.findChildren(Gallery)
    assert gallery.isVisible() and gallery.title.text() == page.classes.classes.rows[0].name
    assert gallery.photos.paths == page.classes.classes.rows[0].paths
    QTest.keyClick(gallery, Qt.Key.Key_PageDown)
    assert gallery.title.text() == page.classes.classes.rows[1].name
    gallery.list.activated.emit(gallery.photos.index(2))
    assert page.checking.dialog is not None
    assert list(page.checking.dialog.photos) == [gallery.photos.paths[2]]
    page.checking.dialog.close()
    gallery.close()


def open_gallery(page: DataPage) -> Gallery:
    QTest.keyClick(page.classes, Qt.Key.Key_Return)
    (gallery,) = page.findChildren(Gallery)
    return gallery


def test_delete_excludes_the_chosen_photo_undo_brings_it_back_and_the_place_is_kept(
    page: DataPage, qtbot: QtBot
) -> None:
    gallery = open_gallery(page)
    before = gallery.photos.paths
    QTest.keyClick(gallery.list, Qt.Key.Key_End)
    assert gallery.list.currentIndex().row() == len(before) - 1
    QTest.keyClick(gallery.list, Qt.Key.Key_Home)
    QTest.keyClick(gallery.list, Qt.Key.Key_Right)
    QTest.keyClick(gallery.list, Qt.Key.Key_Delete)
    assert gallery.photos.paths == (before[0], *before[2:]) and gallery.list.currentIndex().row() == 1
    assert list(page.checking.lists.aside) == [before[1]] and Path(before[1]).exists()
    gallery.undo_asked.emit()
    assert gallery.photos.paths == before and not page.checking.lists.aside
    gallery.close()


@pytest.mark.qt_log_ignore("does not support")
def test_space_shows_a_photo_larger_and_typing_jumps_to_a_name(page: DataPage) -> None:
    gallery = open_gallery(page)
    name = Path(gallery.photos.paths[4]).name
    QTest.keyClicks(gallery.list, name)
    assert gallery.list.currentIndex().row() == 4
    QTest.keyClick(gallery.list, Qt.Key.Key_Space)
    assert page.checking.dialog is not None
    assert list(page.checking.dialog.photos) == [gallery.photos.paths[4]]
    page.checking.dialog.close()
    gallery.close()


def test_guessed_class_is_confirmed_by_a_key_and_undone(page: DataPage, qtbot: QtBot) -> None:
    page.set_choice(DatasetChoice(page.choice.sources, "lab"))
    qtbot.waitUntil(lambda: any(row.guessed for row in page.classes.classes.rows), timeout=WAIT_MS)
    place = next(i for i, row in enumerate(page.classes.classes.rows) if row.guessed)
    page.classes.setCurrentIndex(page.classes.classes.index(place))
    gallery = open_gallery(page)
    assert "guessed" in gallery.detail.text() and gallery.confirm.isVisible()
    gallery.close()
    QTest.keyClick(page.classes, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not page.classes.classes.rows[place].guessed, timeout=WAIT_MS)
    page.undo_stack.undo()
    qtbot.waitUntil(lambda: page.classes.classes.rows[place].guessed, timeout=WAIT_MS)


def test_two_thousand_classes_are_shown_at_once(qtbot: QtBot, theme: Theme) -> None:
    """Only the few in sight are painted, and only their photos asked for."""
    asked: set[str] = set()

    class Counting(Thumbnails):
        def picture(self, path: str, large: bool = False) -> None:
            asked.add(path)

    rows = class_rows(found_in(**{f"class_{i}": 40 for i in range(2000)}), DatasetChoice(("/data",)), 0.2)
    view = ClassList(Counting())
    qtbot.addWidget(view)
    view.resize(600, 500)
    view.show()
    began = time.perf_counter()
    view.show_rows(rows)
    view.grab()
    took = time.perf_counter() - began
    assert 0 < len(asked) <= SHOWN * 12
    assert took < 1.0, "a widget a class would take several seconds"
    assert isinstance(rows[0], ClassRow)
