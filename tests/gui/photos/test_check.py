"""The check on the photos page: real child processes, a real catalog, and photos read by real readers."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, end_check, end_engine, fake, fake_check
from tests.photos import damage, make_photos
from waste_gui.config import RunConfig
from waste_gui.dataset.catalog import Catalog
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.common.thumbnails import SMALL, Thumbnails
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.photos import check_text
from waste_gui.gui.photos.check_text import AGAIN, GO_ON, START, STOP
from waste_gui.gui.photos.finding_rows import (
    ASIDE,
    FIRST_ONES,
    SHOWN_OF_GROUP,
    SKIPPED,
    Act,
    Entry,
    Heading,
    Row,
)
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.pages import PHOTOS, TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.monitor.run import RunPhase
from waste_gui.protocol import Finding, ImageFailed
from waste_gui.rundir import data_dir

Make = Callable[[str], DataPage]
LONG_MS = 120_000

UNDERSTOOD = " Not split by folders; classes: glass, paper."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with a damaged photo, copies, one photo in both classes, and a tiny one."""
    folder = make_photos(tmp_path / "waste", classes=("glass", "paper"), per_class=4)
    damage((folder / "glass/glass_00.jpg").rename(folder / "glass/damaged_1.jpg"))
    damage((folder / "glass/glass_01.jpg").rename(folder / "glass/damaged_2.jpg"))
    photo = (folder / "paper/paper_00.jpg").read_bytes()
    for name in ("twin_1_a", "twin_1_b", "twin_2_a", "twin_2_b", "twin_2_c", "both_1", "tiny_1"):
        (folder / f"paper/{name}.jpg").write_bytes(photo)
    (folder / "glass/both_1.jpg").write_bytes(photo)
    return folder


@pytest.fixture
def make_page(qtbot: QtBot, theme: Theme, folder: Path) -> Make:
    """A page with the folder chosen, whose check plays a scenario."""

    def make(scenario: str) -> DataPage:
        page = DataPage(Preferences())
        qtbot.addWidget(page, before_close_func=lambda _: end_check(page, qtbot))
        page.checking.check.command = fake_check(scenario)
        page.checking.check._ask_s = page.checking.check._terminate_s = 0.2
        page.resize(800, 700)
        page.show()
        choose(page, folder, qtbot)
        return page

    return make


def choose(page: DataPage, folder: Path, qtbot: QtBot) -> None:
    page.set_choice(DatasetChoice((str(folder),)))
    qtbot.waitUntil(lambda: page.checking.bar.button.isEnabled(), timeout=WAIT_MS)


def checked(page: DataPage, qtbot: QtBot) -> DataPage:
    with qtbot.waitSignal(page.checking.check.ended, timeout=WAIT_MS):
        page.checking.bar.button.click()
    return page


def lines(page: DataPage) -> list[Row]:
    return page.checking.page.list.found.rows


def entry(page: DataPage, key: str) -> Entry:
    return next(row for row in lines(page) if isinstance(row, Entry) and row.id == key)


def heading(page: DataPage, group: str) -> Heading:
    return next(row for row in lines(page) if isinstance(row, Heading) and row.group == group)


def ids(page: DataPage) -> list[str]:
    return [row.id for row in lines(page)]


def click(page: DataPage, row: Row, act: Act) -> None:
    """Where the word is painted."""
    view = page.checking.page.list
    index = view.found.index(view.found.rows.index(row), 0)
    view.scrollTo(index)
    places = dict(view._lines.buttons(row, view.visualRect(index)))
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=places[act].center())


def written(page: DataPage, qtbot: QtBot, act: Callable[[], object]) -> dict[str, str]:
    """What the catalog holds once that is done."""
    with qtbot.waitSignal(page.checking.lists.written, timeout=WAIT_MS):
        act()
    return Catalog().aside([page.choice.sources[0]])


def test_page_says_that_nothing_was_checked_yet(make_page: Make) -> None:
    bar = make_page("finds").checking.bar
    assert bar.title.text() == "Not checked yet"
    assert bar.button.text() == START and bar.button.isEnabled()
    assert not bar.browse.isVisible()


def test_check_lists_what_it_finds_the_important_first(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = checked(make_page("finds"), qtbot)
    assert page.checking.bar.title.text() == "2 of 16 photos cannot be read. They are left out."
    assert page.checking.bar.detail.text() == "Also 1 in two classes, 2 duplicates, 1 very small."
    assert page.checking.bar.button.text() == AGAIN
    assert ids(page) == [
        *("heading damaged", "damaged 1", "damaged 2", "heading two_labels", "two_labels 1"),
        *("heading duplicate", "duplicate 1", "duplicate 2", "heading tiny", "tiny 1"),
    ]
    assert page.checking.page.list.isVisible() and not page._lists.isVisible()
    page.checking.bar.browse.click()
    assert page._lists.isVisible() and page.checking.bar.browse.text() == "&Browse findings (6)"


def test_more_unreadable_photos_than_a_training_copes_with_are_too_many(
    make_page: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_text, "failure_budget", lambda photos: 1)
    page = checked(make_page("finds"), qtbot)
    bar = page.checking.bar
    assert bar.title.text() == "2 of 16 photos cannot be read. That is too many."
    assert bar.detail.text() == "Training copes with 1: repair the photos, or exclude them."
    page.checking.lists.exclude({entry(page, "damaged 1").paths[0]: ""})
    assert bar.title.text() == "1 of 16 photos cannot be read. It is left out."


def test_nothing_found_is_said(make_page: Make, qtbot: QtBot, tmp_path: Path) -> None:
    page = make_page("finds")
    choose(page, make_photos(tmp_path / "good"), qtbot)
    checked(page, qtbot)
    assert page.checking.bar.title.text() == "24 photos checked: nothing found."
    assert page.checking.page.empty.isVisible()
    assert page.checking.page.empty.text().startswith("Every photo can be read")


def test_running_check_says_how_far_it_is_and_lists_the_unreadable(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("waits")
    page.checking.bar.button.click()
    bar = page.checking.bar
    qtbot.waitUntil(lambda: "4 of 16 photos" in bar.title.text(), timeout=WAIT_MS)
    assert bar.button.text() == STOP and bar._line._share == 0.25
    assert bar.detail.text() == "So far: 2 cannot be read."
    live = [row for row in lines(page) if isinstance(row, Entry)]
    assert [row.acts for row in live] == [(Act.EXCLUDE,), (Act.EXCLUDE,)]


def test_check_stops_and_goes_on_where_it_was(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("in two parts")
    page.checking.bar.button.click()
    qtbot.waitUntil(lambda: page.checking.check.done == 4, timeout=WAIT_MS)
    checked(page, qtbot)  # The button stops.
    bar = page.checking.bar
    assert bar.title.text() == "Check stopped at 4 of 16 photos."
    later = "When you resume it, it starts from there."
    assert bar.detail.text() == f"{later} Found until then: 2 cannot be read."
    assert bar.button.text() == GO_ON
    checked(page, qtbot)
    assert page.checking.check.run.phase is RunPhase.FINISHED
    first = page.checking.check.run.stages["check"].first
    assert first is not None and first[1] == 5
    assert "damaged 1" in ids(page) and not any(row.id.startswith("not read") for row in lines(page))


def test_check_that_does_not_answer_is_ended_and_counts_as_stopped(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("deaf")
    page.checking.bar.button.click()
    qtbot.waitUntil(lambda: bool(page.checking.check.run.warnings), timeout=WAIT_MS)
    with qtbot.waitSignal(page.checking.check.ended, timeout=WAIT_MS):
        page.checking.bar.button.click()
    assert page.checking.bar.title.text().startswith("Check stopped")


def test_crash_of_the_check_is_said_in_words(make_page: Make, qtbot: QtBot) -> None:
    bar = checked(make_page("crashes"), qtbot).checking.bar
    assert bar.title.text() == "The check crashed."
    where = re.sub("line [0-9]+", "line N", bar.detail.text())
    assert where == (
        "The check crashed inside fake_check.py, line N (segmentation fault, signal 11). "
        "Check again: it goes on where it was. Its log ends with: the last words of the log"
    )
    assert bar.button.text() == AGAIN and bar.button.isEnabled()


def test_failed_check_is_said_as_it_says_it(make_page: Make, qtbot: QtBot) -> None:
    bar = checked(make_page("fails"), qtbot).checking.bar
    assert bar.detail.text() == "No <b>photos</b> & co. Choose another folder."


def test_settings_that_cannot_be_used_are_named_and_no_check_begins(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("finds")
    page.checking.settings = lambda: RunConfig(epochs=0)
    page.checking.bar.button.click()
    assert "epochs" in page.checking.bar.detail.text() and not page.checking.check.running


def test_folder_that_went_away_is_waited_for_in_words(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = make_page("gone")
    page.checking.bar.button.click()
    words = f"{folder} is not there: waiting for it"
    qtbot.waitUntil(lambda: page.checking.bar.title.text() == words, timeout=WAIT_MS)
    assert page.checking.now is not None and page.checking.now.waits


def test_setting_aside_is_written_undone_and_redone(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = checked(make_page("finds"), qtbot)
    photo = str(folder / "glass/damaged_1.jpg")
    held = written(page, qtbot, lambda: click(page, entry(page, "damaged 1"), Act.EXCLUDE))
    assert held == {photo: "Cannot be read: is cut off at its end."}
    assert "damaged 1" not in ids(page) and heading(page, ASIDE).count == 1
    assert page.undo_stack.undoText() == "exclude 1 photo"
    assert written(page, qtbot, page.undo_stack.undo) == {}
    assert "damaged 1" in ids(page)
    assert list(written(page, qtbot, page.undo_stack.redo)) == [photo]


def test_taking_back_is_undone_with_the_reason_it_had(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    photo = str(folder / "paper/paper_01.jpg")
    Catalog().exclude([photo], "is blurred")
    page = make_page("finds")
    bar = page.checking.bar
    qtbot.waitUntil(lambda: bar.browse.text() == "&Browse excluded (1)", timeout=WAIT_MS)
    bar.browse.click()
    page.checking.page.list.toggled.emit(ASIDE)
    assert entry(page, f"aside {photo}").words == "is blurred"
    act = lambda: click(page, entry(page, f"aside {photo}"), Act.TAKE_BACK)  # noqa: E731
    assert written(page, qtbot, act) == {}
    assert written(page, qtbot, page.undo_stack.undo) == {photo: "is blurred"}


def test_all_of_a_group_are_set_aside_in_one_step(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = checked(make_page("finds"), qtbot)
    held = written(page, qtbot, lambda: click(page, heading(page, "duplicate"), Act.EXCLUDE))
    assert sorted(Path(path).name for path in held) == ["twin_1_b.jpg", "twin_2_b.jpg", "twin_2_c.jpg"]
    assert "heading duplicate" not in ids(page)
    assert written(page, qtbot, page.undo_stack.undo) == {}
    assert heading(page, "duplicate").count == 2


def test_all_that_is_set_aside_is_taken_back_in_one_step(make_page: Make, qtbot: QtBot) -> None:
    page = checked(make_page("finds"), qtbot)
    assert len(written(page, qtbot, lambda: click(page, heading(page, "damaged"), Act.EXCLUDE))) == 2
    assert written(page, qtbot, lambda: click(page, heading(page, ASIDE), Act.TAKE_BACK)) == {}
    assert "heading aside" not in ids(page) and heading(page, "damaged").count == 2


def test_skipping_is_remembered_and_undone(make_page: Make, qtbot: QtBot) -> None:
    page = checked(make_page("finds"), qtbot)
    written(page, qtbot, lambda: click(page, entry(page, "tiny 1"), Act.SKIP))
    assert Catalog().dismissed() == {"tiny 1"}
    assert "heading tiny" not in ids(page) and heading(page, SKIPPED).count == 1
    written(page, qtbot, page.undo_stack.undo)
    assert Catalog().dismissed() == set() and "tiny 1" in ids(page)


def test_finding_skipped_earlier_is_not_shown_by_the_next_check(make_page: Make, qtbot: QtBot) -> None:
    Catalog().dismiss("tiny 1")
    page = make_page("finds")
    qtbot.waitUntil(lambda: page.checking.lists.skipped == {"tiny 1"}, timeout=WAIT_MS)
    checked(page, qtbot)
    assert "heading tiny" not in ids(page) and "heading skipped" in ids(page)


def test_change_that_cannot_be_written_is_said_and_taken_off_the_list(
    make_page: Make, qtbot: QtBot, folder: Path
) -> None:
    page = checked(make_page("finds"), qtbot)
    written(page, qtbot, lambda: page.checking.lists.skip(["tiny 1"]))
    (data_dir() / "photos.sqlite").unlink()
    (data_dir() / "photos.sqlite").mkdir()
    with qtbot.waitSignal(page.checking.trouble, timeout=WAIT_MS) as said:
        click(page, entry(page, "damaged 1"), Act.EXCLUDE)
    assert said.args and "cannot be remembered" in said.args[0]
    qtbot.waitUntil(lambda: "damaged 1" in ids(page), timeout=WAIT_MS)


def test_where_a_person_must_choose_each_photo_has_its_own_button(
    make_page: Make, qtbot: QtBot, folder: Path
) -> None:
    page = checked(make_page("finds"), qtbot)
    click(page, entry(page, "two_labels 1"), Act.CHOOSE)
    dialog = page.checking.dialog
    assert dialog is not None and len(dialog.aside_buttons) == 2
    assert any("exclude the wrong one" in label.text() for label in dialog.findChildren(PlainLabel))
    photo = str(folder / "paper/both_1.jpg")
    held = written(page, qtbot, dialog.aside_buttons[photo].click)
    assert list(held) == [photo]
    assert dialog.aside_buttons[photo].text() == "Include again"
    assert "heading two_labels" not in ids(page)
    assert written(page, qtbot, dialog.aside_buttons[photo].click) == {}
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert page.checking.dialog is None


def test_double_click_shows_the_photo_larger_with_its_facts(make_page: Make, qtbot: QtBot) -> None:
    page = checked(make_page("finds"), qtbot)
    view = page.checking.page.list
    index = view.found.index(view.found.rows.index(entry(page, "tiny 1")), 0)
    view.scrollTo(index)
    point = view.visualRect(index).topLeft() + QPoint(160, 20)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=point)
    dialog = page.checking.dialog
    assert dialog is not None
    (path,) = dialog.photos
    qtbot.waitUntil(lambda: dialog.facts[path].text().startswith("48 × 40 px  ·  "), timeout=WAIT_MS)
    assert dialog.paths[path].text() == path and dialog.paths[path].isReadOnly()
    skip = next(b for b in dialog.findChildren(QPushButton) if b.text() == "&Ignore")
    skip.click()
    assert "heading tiny" not in ids(page)


def test_keys_move_set_aside_and_skip(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = checked(make_page("finds"), qtbot)
    view = page.checking.page.list
    view.setFocus()
    qtbot.waitUntil(view.hasFocus, timeout=WAIT_MS)
    current = view.current()
    assert current is not None and current.id == "damaged 1"
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert list(page.checking.lists.aside) == [str(folder / "glass/damaged_1.jpg")]
    current = view.current()
    assert current is not None and current.id == "damaged 2"
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert len(page.checking.lists.aside) == 2
    current = view.current()
    assert current is not None and current.id == "two_labels 1"
    QTest.keyClick(view, Qt.Key.Key_I)
    assert page.checking.lists.skipped == {"two_labels 1"}
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert heading(page, "duplicate").is_open is False
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert heading(page, "duplicate").is_open is True
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert page.checking.dialog is not None


def test_photos_set_aside_are_counted_no_longer(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = checked(make_page("finds"), qtbot)
    assert page.words.text() == f"16 photos, 2 classes.{UNDERSTOOD}"
    click(page, heading(page, "damaged"), Act.EXCLUDE)
    assert page.words.text() == f"14 photos, 2 classes. Excluded: 2 photos.{UNDERSTOOD}"
    assert page.readiness.detail == "14 photos, 2 classes"
    assert [(row.name, row.photos) for row in page.classes.classes.rows] == [("glass", 3), ("paper", 11)]
    page.undo_stack.undo()
    assert page.words.text() == f"16 photos, 2 classes.{UNDERSTOOD}"


def test_photos_set_aside_earlier_are_counted_by_what_is_there(
    make_page: Make, qtbot: QtBot, folder: Path
) -> None:
    Catalog().exclude([str(folder / "glass/glass_02.jpg"), str(folder / "glass/deleted.jpg")])
    page = make_page("finds")
    words = f"15 photos, 2 classes. Excluded: 1 photo.{UNDERSTOOD}"
    qtbot.waitUntil(lambda: page.words.text() == words, timeout=WAIT_MS)


def test_class_whose_last_photos_are_set_aside_keeps_start_back(
    make_page: Make, qtbot: QtBot, folder: Path
) -> None:
    page = make_page("finds")
    page.checking.lists.exclude({str(path): "" for path in (folder / "glass").iterdir()})
    assert not page.readiness.ready and "only one class" in page.words.text()
    page.undo_stack.undo()
    assert page.readiness.ready


def test_other_folders_end_the_check_and_its_list(
    make_page: Make, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    page = make_page("waits")
    page.checking.bar.button.click()
    qtbot.waitUntil(lambda: page.checking.check.done == 4, timeout=WAIT_MS)
    with qtbot.waitSignal(page.checking.check.ended, timeout=WAIT_MS):
        page.add_folders([str(make_photos(tmp_path / "more"))])
    assert page.checking.bar.title.text() == "Not checked yet"
    page.undo_stack.undo()
    assert page.checking.bar.title.text() == "Check stopped at 4 of 16 photos."


def test_other_classes_need_another_check(make_page: Make, qtbot: QtBot) -> None:
    page = checked(make_page("finds"), qtbot)
    page.map_folder("glass", "bottles")
    assert page.checking.bar.title.text() == "Not checked with these classes yet"


def test_names_from_outside_stay_text(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    name = b"damaged_3 <img src='x'>&amp;\n\xff.jpg"
    path = os.path.join(os.fsencode(folder), b"glass", name)
    Path(os.fsdecode(path)).write_bytes(b"no photo")
    page = make_page("finds")
    choose(page, folder, qtbot)
    checked(page, qtbot)
    bad = entry(page, "damaged 3")
    assert bad.paths == (os.fsdecode(path),)  # The file itself, whatever its name.
    assert "\n" not in bad.title and bad.title.encode()
    page.grab()
    view = page.checking.page.list
    index = view.found.index(view.found.rows.index(bad), 0)
    tip = view.tip(view.visualRect(index).topLeft() + QPoint(160, 20))
    assert "<img" not in tip and "&lt;img" in tip
    held = written(page, qtbot, lambda: click(page, bad, Act.EXCLUDE))
    assert list(held) == [os.fsdecode(path)]
    page.checking.open(bad)
    assert page.checking.dialog is not None
    page.checking.dialog.grab()


def test_visible_photos_get_their_pictures(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = checked(make_page("finds"), qtbot)
    thumbnails, bad, good = page.checking.thumbnails, "glass/damaged_1.jpg", "paper/twin_1_a.jpg"
    paths = [str(folder / name) for name in (bad, good)]
    qtbot.waitUntil(lambda: all(thumbnails.picture(path) for path in paths), timeout=WAIT_MS)
    damaged, whole = (thumbnails.picture(path) for path in paths)
    assert damaged is not None and damaged.image is None and damaged.words == "not readable"
    assert whole is not None and whole.image is not None and whole.pixels == (48, 40)
    assert (whole.image.width(), whole.image.height()) == (SMALL, SMALL * 40 // 48)


def test_of_ten_thousand_findings_only_those_in_sight_have_photos_read(
    make_page: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = make_page("finds")
    asked: set[str] = set()
    monkeypatch.setattr(Thumbnails, "picture", lambda self, path, large=False: asked.add(path))
    part = page.checking
    part.check._reset(page.choice)
    for i in range(10_000):
        path = f"/nowhere/glass/{i:05}.jpg"
        part.check.findings[str(i)] = Finding(kind="tiny", paths=(path,), words="", suggest=(), key=str(i))
    part.browse(True)
    page.grab()
    assert len(lines(page)) == 10_001
    assert 1 < len(asked) < 20
    view = part.page.list
    view.scrollTo(view.found.index(9000, 0))
    page.grab()
    assert len(asked) < 60 and "/nowhere/glass/08999.jpg" in asked


def test_place_in_the_list_stays_when_other_lines_come_and_go(make_page: Make, qtbot: QtBot) -> None:
    page = checked(make_page("finds"), qtbot)
    view = page.checking.page.list
    view.setCurrentIndex(view.found.index(view.found.rows.index(entry(page, "duplicate 2")), 0))
    page.checking.lists.skip(["damaged 1", "two_labels 1"])
    current = view.current()
    assert current is not None and current.id == "duplicate 2"
    heights = {view.rowHeight(i) for i, row in enumerate(lines(page)) if isinstance(row, Heading)}
    assert len(heights) == 1 and heights < {view.rowHeight(i) for i in range(len(lines(page)))}


def test_first_click_into_a_scrolled_list_hits_the_line_below_the_mouse(
    make_page: Make, qtbot: QtBot, folder: Path
) -> None:
    page = make_page("finds")
    page.resize(800, 400)
    view = checked(page, qtbot).checking.page.list
    page.checking.bar.button.setFocus()
    qtbot.waitUntil(lambda: not view.hasFocus(), timeout=WAIT_MS)
    view.setCurrentIndex(QModelIndex())
    view.scrollToBottom()
    assert view.verticalScrollBar().value() > 0
    held = written(page, qtbot, lambda: click(page, entry(page, "tiny 1"), Act.EXCLUDE))
    assert list(held) == [str(folder / "paper/tiny_1.jpg")]


def test_buttons_stay_where_they_are_when_the_check_ends(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("in two parts")
    page.checking.bar.button.click()
    qtbot.waitUntil(lambda: page.checking.check.done == 4, timeout=WAIT_MS)
    view = page.checking.page.list
    places = []
    for _ in range(2):
        checked(page, qtbot)  # First it is stopped.
        row = lines(page)[1]
        box = view.visualRect(view.found.index(1, 0))
        places.append((row.title, dict(view._lines.buttons(row, box))[Act.EXCLUDE]))
    assert places[0] == places[1]


def test_quick_clicks_on_a_button_each_count(make_page: Make, qtbot: QtBot) -> None:
    page = checked(make_page("finds"), qtbot)
    view = page.checking.page.list
    row = entry(page, "damaged 1")
    index = view.found.index(view.found.rows.index(row), 0)
    point = dict(view._lines.buttons(row, view.visualRect(index)))[Act.SKIP].center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=point)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert page.checking.lists.skipped >= {"damaged 1", "damaged 2"}
    assert page.checking.dialog is None


# --- in the window


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, folder: Path) -> MainWindow:
    controller = RunController(command=fake("trains"), ask_s=0.2, terminate_s=0.2)
    window = MainWindow(Preferences(), theme, controller)
    qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
    window.rooms.data.checking.check.command = fake_check("waits")
    window.show()
    choose(window.rooms.data, folder, qtbot)
    return window


def checking(window: MainWindow, qtbot: QtBot) -> MainWindow:
    window.menus.actions["check"].trigger()
    check = window.rooms.data.checking.check
    qtbot.waitUntil(lambda: check.done == 4, timeout=WAIT_MS)
    return window


def test_photo_that_a_training_set_aside_is_shown_when_it_has_ended(
    window: MainWindow, qtbot: QtBot, folder: Path
) -> None:
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.session.controller.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    Catalog().exclude([str(folder / "paper/twin_1_a.jpg")], "excluded during a training")
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    words = f"15 photos, 2 classes. Excluded: 1 photo.{UNDERSTOOD}"
    qtbot.waitUntil(lambda: window.rooms.data.words.text() == words, timeout=WAIT_MS)


def test_header_says_that_photos_are_checked(window: MainWindow, qtbot: QtBot) -> None:
    checking(window, qtbot)
    assert window.frame.page == PHOTOS
    stage = window.frame.header._stage
    qtbot.waitUntil(lambda: stage.detail.text() == "4 of 16 photos", timeout=WAIT_MS)
    assert stage.headline.text() == "Checking photos"
    assert not window.menus.actions["check"].isEnabled() and window.frame.header.start_button.isEnabled()


def test_header_says_that_photos_are_checked_after_a_training_has_ended(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.session.controller.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    stage = window.frame.header._stage
    assert stage.headline.text() == "Stopped"
    checking(window, qtbot)
    qtbot.waitUntil(lambda: stage.headline.text() == "Checking photos", timeout=WAIT_MS)
    with qtbot.waitSignal(window.rooms.data.checking.check.ended, timeout=WAIT_MS):
        window.rooms.data.checking.bar.button.click()
    assert stage.headline.text() == "Stopped"


def test_start_stops_the_check_and_says_so(window: MainWindow, qtbot: QtBot) -> None:
    checking(window, qtbot)
    with qtbot.waitSignal(window.rooms.data.checking.check.ended, timeout=WAIT_MS):
        window.frame.header.start_button.click()
    bar = window.rooms.data.checking.bar
    assert window.frame.page == TRAINING and window.rooms.session.controller.running
    assert bar.title.text() == "Check stopped for the training at 4 of 16 photos."
    assert bar.button.text() == GO_ON and not bar.button.isEnabled()
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    assert bar.button.isEnabled()


def test_closing_the_window_ends_the_check_and_the_readers(
    window: MainWindow, qtbot: QtBot, folder: Path
) -> None:
    part = checking(window, qtbot).rooms.data.checking
    photo = str(folder / "paper/twin_1_a.jpg")
    qtbot.waitUntil(lambda: part.thumbnails.picture(photo) is not None, timeout=WAIT_MS)
    children = psutil.Process().children(recursive=True)
    assert part.check.pid in {child.pid for child in children} and len(children) >= 2
    part.lists.exclude({photo: "in the way"})
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    assert part.check.run.phase is RunPhase.STOPPED
    assert list(Catalog().aside()) == [photo]
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_buttons_of_the_check_have_letters_that_nothing_else_there_has(
    window: MainWindow, qtbot: QtBot
) -> None:
    texts = [action.text() for action in window.menuBar().actions()]
    texts += [window.frame.tabs.tabText(i) for i in range(window.frame.tabs.count())]
    texts += [button.text() for button in window.findChildren(QPushButton) if button.isVisible()]
    checking(window, qtbot)
    bar = window.rooms.data.checking.bar
    taken = [text.partition("&")[2][:1].lower() for text in texts if text != START] + ["w"]
    for text in (START, STOP, GO_ON, AGAIN, bar.browse.text()):
        assert text.partition("&")[2][0].lower() not in taken, text


def test_what_cannot_be_remembered_is_said_in_the_bar(window: MainWindow, qtbot: QtBot) -> None:
    window.rooms.data.checking.lists.failed.emit("This cannot be remembered.", "Free some space.")
    assert (
        window.frame.bar.notice is not None and window.frame.bar.notice.title == "This cannot be remembered."
    )


# --- the real engine


def test_real_check_finds_copies_and_damage_and_is_quick_the_second_time(
    make_page: Make, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waste_gui.gui.session.engine_process import check_command

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    page = make_page("finds")
    page.checking.check.command = check_command
    page.checking.settings = lambda: RunConfig(workers=1, image_size=32)
    with qtbot.waitSignal(page.checking.check.ended, timeout=LONG_MS):
        page.checking.bar.button.click()
    check = page.checking.check
    assert check.run.phase is RunPhase.FINISHED, (check.run.last, check.log_tail)
    found = {f.kind: f for f in check.findings.values()}
    damaged = [f.paths[0] for f in check.findings.values() if f.kind == "damaged"]
    assert sorted(map(os.path.basename, damaged)) == ["damaged_1.jpg", "damaged_2.jpg"]
    assert len(found["two_labels"].paths) == 9
    assert page.checking.bar.title.text() == "2 of 16 photos cannot be read. They are left out."
    written(page, qtbot, lambda: click(page, heading(page, "damaged"), Act.EXCLUDE))
    began = time.time()
    with qtbot.waitSignal(page.checking.check.ended, timeout=LONG_MS):
        page.checking.bar.button.click()
    assert check.photos == 14 and check.ended_at > began
    first = check.run.stages["check"].first
    assert first is not None and first[1] == 14  # All remembered: told at once.
    assert not any(f.kind == "damaged" for f in check.findings.values())


def test_hundred_thousand_unreadable_photos_are_each_found_once(qtbot: QtBot, theme: Theme) -> None:
    """Each was once looked for among all that were found before it."""
    told = 100_000
    page = DataPage(Preferences())
    qtbot.addWidget(page)
    check = page.checking.check
    finding = Finding(
        kind="damaged", paths=("/photos/7.jpg",), words="w", suggest=("/photos/7.jpg",), key="k"
    )
    check._reset(page.choice)
    check.receive(finding)
    for i in range(told):
        check.receive(
            ImageFailed(
                path=f"/photos/{i}.jpg", source="/photos", reason="is incomplete", kind="truncated",
                action="listed", failures=i + 1, limit=told, seq=i + 1,
            )
        )  # fmt: skip
    assert len(check.findings) == told
    page.checking.browse(True)
    heading, *entries = page.checking.page.list.found.rows
    assert isinstance(heading, Heading) and heading.count == told and FIRST_ONES in heading.why
    assert len(entries) == SHOWN_OF_GROUP
    page.close()
