"""The runs page over real folders: finding, marking, deleting with undo, comparing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, ready
from tests.past_runs import DONE, FAILED, STOPPED, epoch, make_run, started
from waste_gui.config import RunConfig
from waste_gui.gui.common.theme import DARK, LIGHT, Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.runs import trash
from waste_gui.gui.runs.compare import CompareDialog
from waste_gui.gui.runs.epoch_plots import LOOKS
from waste_gui.gui.runs.page import MOST_COMPARED, RunsPage
from waste_gui.gui.runs.rows import Column, Line
from waste_gui.gui.session.pages import PHOTOS, RUNS, SETTINGS, TRAINING
from waste_gui.monitor.annotations import Annotations, read_annotations
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.run_list import RunSummary
from waste_gui.monitor.series import FloatArray
from waste_gui.rundir import RunDir, data_dir, runs_dir

Make = Callable[[str], MainWindow]
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def _own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "share").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> Iterator[RunsPage]:
    page = RunsPage()
    qtbot.addWidget(page, before_close_func=lambda _: page.finish_writing())
    page.resize(800, 500)
    page.show()
    yield page


@pytest.fixture
def three(page: RunsPage, qtbot: QtBot) -> RunsPage:
    """The newest first: c done with 90 %, b stopped with 40 %, a failed."""
    make_run(
        "a",
        (started(1e9), FAILED),
        RunConfig(model="resnet18", source=("/data/waste",), epochs=20),
        "1" * 16,
        10,
    )
    stopped = (started(2e9), epoch(1, 0.4), STOPPED)
    make_run("b", stopped, RunConfig(model="ViT-B-32", source=("/data/more",), epochs=5), "2" * 16, 30)
    done = RunConfig(model="ViT-B-32", source=("/data/more",), epochs=20)  # As a run writes what it decided.
    make_run("c", (started(3e9), DONE), done, "2" * 16, 20)
    return listed(page, 3, qtbot)


def listed(page: RunsPage, count: int, qtbot: QtBot) -> RunsPage:
    page.refresh()
    qtbot.waitUntil(lambda: page.library.known and len(page.library.runs) == count, timeout=WAIT_MS)
    return page


def written(page: RunsPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not page.library._writer.waiting and not page.library.reading, timeout=WAIT_MS)


def names(page: RunsPage) -> list[str]:
    return [line.cells[Column.NAME] for line in page.table.runs.lines]


def choose(page: RunsPage, *wanted: str) -> None:
    page.table.choose_rows([i for i, name in enumerate(names(page)) if name in wanted])


def chosen(page: RunsPage) -> list[str]:
    return [line.run.title for line in page.table.chosen()]


def kept_annotations(name: str) -> Annotations:
    return read_annotations(RunDir(runs_dir() / name))


# --- shown


def test_page_without_runs_says_what_to_do(page: RunsPage, qtbot: QtBot) -> None:
    assert page.empty_title.text() == "Looking for earlier runs…"
    listed(page, 0, qtbot)
    assert page.empty_title.text() == "No earlier runs"
    assert "press Start" in page.empty_words.text() and page.empty_title.isVisible()


def test_runs_are_listed_the_newest_first_with_how_they_ended(three: RunsPage) -> None:
    assert [line.cells[1:7] for line in three.table.runs.lines] == [
        ("c", "more", "ViT-B-32", "90.0\u202f%", "0:20", "done"),
        ("b", "more", "ViT-B-32", "40.0\u202f%", "0:30", "stopped"),
        ("a", "waste", "resnet18", "–", "0:10", "failed"),
    ]
    choose(three, "a")
    assert three.words.text().endswith("failed: Out of memory. Use batch 16.")


def test_run_of_another_computer_says_where_it_is_and_is_found_by_that() -> None:
    run = RunSummary(
        folder="/runs/a", state="running", elsewhere="al<b>pha", annotations=Annotations(note="n")
    )
    line = Line(run)
    assert line.beside == "on al<b>pha · n" and "al<b>pha" in line.sought
    assert line.tooltip(Column.STATE) == "It runs on al<b>pha"
    assert Line(msgspec.structs.replace(run, elsewhere="")).beside == "n"


def test_column_sorts_from_its_better_end_and_then_the_other_way(three: RunsPage) -> None:
    three.table.sort_by(Column.BEST)
    assert names(three) == ["c", "b", "a"]
    three.table.sort_by(Column.BEST)
    assert names(three) == ["b", "c", "a"]  # What has none stays last.
    three.table.sort_by(Column.MODEL)
    assert names(three) == ["a", "b", "c"]  # Of one model, in the order from before.
    three.table.sort_by(Column.TOOK)
    assert names(three) == ["b", "c", "a"]


def test_click_on_a_header_sorts_and_chooses_nothing(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b")
    header = three.table.horizontalHeader()
    x = header.sectionViewportPosition(Column.TOOK) + 10
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 8))
    assert names(three) == ["b", "c", "a"] and chosen(three) == ["b"]


def test_chosen_run_stays_chosen_when_it_is_sorted_and_when_a_newer_one_comes(
    three: RunsPage, qtbot: QtBot
) -> None:
    choose(three, "b")
    three.table.sort_by(Column.NAME)
    assert chosen(three) == ["b"]
    make_run("d", (started(4e9), DONE))
    listed(three, 4, qtbot)
    assert chosen(three) == ["b"] and names(three)[-1] == "d"


def test_search_looks_in_name_note_model_and_folders(three: RunsPage) -> None:
    three.library.rename(str(runs_dir() / "a"), "Night shift")
    three.library.note(str(runs_dir() / "b"), "with the new lamp")
    for words, found in (
        ("night", ["Night shift"]),
        ("LAMP", ["b"]),
        ("resnet", ["Night shift"]),
        ("/data/more", ["c", "b"]),
        ("vit lamp", ["b"]),
        ("vit nothing", []),
    ):
        three.search.setText(words)
        three._show()
        assert names(three) == found, words
    assert not three.table.isVisible() and three.nothing.isVisible()
    three.all_button.click()
    assert len(names(three)) == 3 and three.search.text() == ""


def test_typing_in_the_search_shows_what_is_found(three: RunsPage, qtbot: QtBot) -> None:
    three.search.setFocus()
    QTest.keyClicks(three.search, "resnet")
    qtbot.waitUntil(lambda: names(three) == ["a"], timeout=WAIT_MS)
    QTest.keyClick(three.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(names(three)) == 3, timeout=WAIT_MS)


def test_runs_of_one_dataset_are_found_by_their_photos_in_words(three: RunsPage) -> None:
    texts = [three.dataset.itemText(i) for i in range(three.dataset.count())]
    assert texts == ["Any photos", "more · 5 photos", "waste · 5 photos"]
    three.dataset.setCurrentIndex(1)
    three.dataset.activated.emit(1)
    assert names(three) == ["c", "b"]


def test_datasets_of_the_same_words_are_told_apart(three: RunsPage, qtbot: QtBot) -> None:
    make_run("d", (started(4e9), DONE), RunConfig(source=("/other/waste",)), "3" * 16)
    listed(three, 4, qtbot)
    texts = [three.dataset.itemText(i) for i in range(three.dataset.count())]
    assert texts[2:] == ["waste · 5 photos (111111)", "waste · 5 photos (333333)"]


# --- asked


def test_buttons_ask_for_the_chosen_run(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b")
    for action, signal in (
        (three.show_action, three.show_asked),
        (three.again_action, three.settings_asked),
        (three.resume_action, three.resume_asked),
    ):
        with qtbot.waitSignal(signal, timeout=WAIT_MS) as asked:
            three.buttons[action].click()
        assert asked.args == [RunDir(runs_dir() / "b")]
    with qtbot.waitSignal(three.folder_asked, timeout=WAIT_MS):
        three.folder_action.trigger()


def test_only_what_can_be_done_with_the_choice_is_offered(three: RunsPage) -> None:
    choose(three, "c")
    assert not three.resume_action.isEnabled() and not three.compare_action.isEnabled()
    choose(three, "a", "b")
    assert three.compare_action.isEnabled() and not three.buttons[three.show_action].isEnabled()
    assert three.star_action.isEnabled() and not three.note.isEnabled()


def test_keys_in_the_list_do_what_the_buttons_do(three: RunsPage, qtbot: QtBot) -> None:
    three.activateWindow()
    qtbot.waitUntil(three.isActiveWindow, timeout=WAIT_MS)
    three._go_to_list()
    choose(three, "b")
    three.table.setCurrentIndex(three.table.runs.index(1, Column.NAME))
    with qtbot.waitSignal(three.show_asked, timeout=WAIT_MS):
        QTest.keyClick(three.table, Qt.Key.Key_Return)
    with qtbot.waitSignal(three.folder_asked, timeout=WAIT_MS):
        QTest.keyClick(three.table, Qt.Key.Key_O)
    QTest.keyClick(three.table, Qt.Key.Key_S)
    assert three.library.runs[str(runs_dir() / "b")].annotations.starred
    QTest.keyClick(three.table, Qt.Key.Key_N)
    assert three.note.hasFocus()
    QTest.keyClick(three, Qt.Key.Key_F, CTRL)
    assert three.search.hasFocus()
    QTest.keyClick(three.search, Qt.Key.Key_Down)
    assert three.table.hasFocus()


# --- marked


def test_run_is_renamed_where_it_stands_and_back(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b")
    three.table.setCurrentIndex(three.table.runs.index(1, Column.NAME))
    three.rename_action.trigger()
    editor = three.table.findChild(QLineEdit)
    assert editor is not None and editor.text() == "b"
    editor.setText("  <b>Night & day</b> ")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(three) == ["c", "<b>Night & day</b>", "a"], timeout=WAIT_MS)
    written(three, qtbot)
    assert kept_annotations("b") == Annotations(name="<b>Night & day</b>")
    tip = three.table.runs.index(1, Column.NAME).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("<qt>&lt;b&gt;Night &amp; day")
    three.undo_stack.undo()
    written(three, qtbot)
    assert names(three) == ["c", "b", "a"] and kept_annotations("b") == Annotations()


def test_what_is_typed_as_a_name_stays_when_the_list_changes(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b")
    three.table.setCurrentIndex(three.table.runs.index(1, Column.NAME))
    three.rename_action.trigger()
    editor = three.table.findChild(QLineEdit)
    assert editor is not None
    editor.setText("half a na")
    make_run("d", (started(4e9), DONE))
    listed(three, 4, qtbot)
    assert names(three) == ["c", "b", "a"] and editor.text() == "half a na"
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: names(three) == ["d", "c", "b", "a"], timeout=WAIT_MS)


def test_note_is_kept_when_another_run_is_chosen(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b")
    three.note.setFocus()
    QTest.keyClicks(three.note, "new lamp")
    QTest.keyClick(three.note, Qt.Key.Key_Return)
    choose(three, "a")
    assert three.note.text() == ""
    choose(three, "b")
    assert three.note.text() == "new lamp"
    written(three, qtbot)
    assert kept_annotations("b").note == "new lamp"
    three.undo_stack.undo()
    assert three.note.text() == ""


def test_several_are_starred_in_one_step(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "a", "b")
    three.star_action.trigger()
    three.table.sort_by(Column.STAR)
    assert names(three) == ["b", "a", "c"] and three.star_action.text() == "No &star"
    three.undo_stack.undo()
    written(three, qtbot)
    assert not kept_annotations("a").starred and not kept_annotations("b").starred


def test_archived_run_is_hidden_until_it_is_asked_for(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b")
    three.archive_action.trigger()
    assert names(three) == ["c", "a"]
    assert three.words.text() == "b: in the archive. Undo: Ctrl+Z."
    three.undo_stack.undo()
    assert "archive" not in three.words.text() and names(three) == ["c", "b", "a"]
    three.undo_stack.redo()
    three.archived.setChecked(True)
    assert names(three) == ["c", "b", "a"]
    written(three, qtbot)
    assert kept_annotations("b").archived
    three.archived.setChecked(False)
    three.search.setText("data/more vit")
    choose(three, "c")
    three.archive_action.trigger()
    three._show()
    assert three.nothing.text().startswith("2 runs found, but archived")


def test_marks_that_cannot_be_written_are_said_and_shown_no_longer(three: RunsPage, qtbot: QtBot) -> None:
    (runs_dir() / "b/marks.json").mkdir()
    with qtbot.waitSignal(three.trouble, timeout=WAIT_MS) as said:
        three.library.star([str(runs_dir() / "b")], True)
    assert "cannot be written" in said.args[0]
    qtbot.waitUntil(
        lambda: not three.library.runs[str(runs_dir() / "b")].annotations.starred, timeout=WAIT_MS
    )


# --- deleted


def test_deleted_run_lies_in_the_trash_and_comes_back(three: RunsPage, tmp_path: Path, qtbot: QtBot) -> None:
    before = sorted(path.name for path in (runs_dir() / "b").iterdir())
    choose(three, "b")
    with qtbot.waitSignal(three.library.told, timeout=WAIT_MS):
        three.delete_action.trigger()
    written(three, qtbot)
    assert names(three) == ["c", "a"] and chosen(three) == ["a"]
    assert not (runs_dir() / "b").exists() and "is in the trash" in three.words.text()
    assert (tmp_path / "share/Trash/files/b/config.json").exists()
    three.undo_stack.undo()
    written(three, qtbot)
    assert names(three) == ["c", "b", "a"]
    assert sorted(path.name for path in (runs_dir() / "b").iterdir()) == before
    assert list((tmp_path / "share/Trash/info").iterdir()) == []


def test_without_a_trash_runs_are_kept_in_one_of_our_own(
    three: RunsPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "move_to_trash", lambda folder: None)
    with qtbot.waitSignal(three.library.told, timeout=WAIT_MS) as told:
        three.library.delete([str(runs_dir() / "b")])
    assert told.args[0].startswith("There is no trash for this drive")
    assert (data_dir() / "trash/b/config.json").exists()
    three.undo_stack.undo()
    written(three, qtbot)
    assert (runs_dir() / "b/config.json").exists() and not (data_dir() / "trash/b").exists()


def test_run_that_still_runs_is_never_deleted(three: RunsPage, qtbot: QtBot) -> None:
    me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    (runs_dir() / "b/lock").write_text(json.dumps(me))  # It was resumed since the list was read.
    with qtbot.waitSignal(three.trouble, timeout=WAIT_MS) as said:
        three.library.delete([str(runs_dir() / "b")])
    assert said.args[0] == "b still runs."
    qtbot.waitUntil(lambda: names(three) == ["c", "b", "a"], timeout=WAIT_MS)
    choose(three, "b")
    assert not three.delete_action.isEnabled()
    three.undo_stack.undo()
    written(three, qtbot)
    assert names(three) == ["c", "b", "a"] and (runs_dir() / "b/config.json").exists()


def test_run_that_is_in_the_trash_no_longer_is_said(three: RunsPage, tmp_path: Path, qtbot: QtBot) -> None:
    three.library.delete([str(runs_dir() / "b")])
    written(three, qtbot)
    (tmp_path / "share/Trash/files/b").rename(tmp_path / "emptied")
    with qtbot.waitSignal(three.trouble, timeout=WAIT_MS) as said:
        three.undo_stack.undo()
    assert "b cannot be brought back" in said.args[0]
    qtbot.waitUntil(lambda: names(three) == ["c", "a"], timeout=WAIT_MS)


# --- compared


def test_comparison_shows_curves_and_what_differs_first(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "b", "c")
    three.compare_action.trigger()
    dialog = three.comparison
    assert isinstance(dialog, CompareDialog)
    qtbot.waitUntil(lambda: len(dialog.past) == 2, timeout=WAIT_MS)
    titles = [row_text(dialog, row)[0] for row in range(dialog.table.rowCount())]
    assert "≠ Best accuracy" in titles and titles.index("≠ Epochs") < titles.index("Model")
    assert row_text(dialog, titles.index("≠ Epochs")) == ["≠ Epochs", "20", "5"]
    assert dialog.words.text() == "1 setting differs (≠)."
    dialog.only.setChecked(True)
    titles = [row_text(dialog, row)[0] for row in range(dialog.table.rowCount())]
    assert all(title.startswith("≠") for title in titles)
    dialog.grab()
    dialog.close()
    qtbot.waitUntil(lambda: three.comparison is None, timeout=WAIT_MS)


@pytest.mark.qt_log_ignore("does not support raise", "propagateSizeHints")  # Offscreen, of every tooltip.
def test_values_of_an_epoch_are_told_with_the_arrow_keys(three: RunsPage, qtbot: QtBot) -> None:
    make_run("d", (started(4e9), epoch(1, 0.5, 2.0), epoch(2, None), DONE), RunConfig(name="<b>bold</b>"))
    listed(three, 4, qtbot)
    choose(three, "b", "<b>bold</b>")
    three.compare_action.trigger()
    dialog = three.comparison
    assert dialog is not None
    qtbot.waitUntil(lambda: len(dialog.past) == 2, timeout=WAIT_MS)
    accuracy, loss, _ = dialog.plots
    assert accuracy.values_at(1) == "Epoch 1\n<b>bold</b>: 50.0\u202f%\nb: 40.0\u202f%"
    assert accuracy.values_at(2) == ""
    assert loss.values_at(2) == "Epoch 2\n<b>bold</b>: 1.000"
    QTest.keyClick(loss, Qt.Key.Key_End)
    assert accuracy._mark.isVisible() and accuracy._mark.value() == 2
    QTest.keyClick(loss, Qt.Key.Key_Left)
    assert accuracy._mark.value() == 1


def row_text(dialog: CompareDialog, row: int) -> list[str]:
    cells = [dialog.table.item(row, column) for column in range(dialog.table.columnCount())]
    return [cell.text() for cell in cells if cell is not None]


def test_comparison_of_runs_without_an_epoch_says_so(three: RunsPage, qtbot: QtBot) -> None:
    choose(three, "a", "c")
    three.compare_action.trigger()
    dialog = three.comparison
    assert dialog is not None
    qtbot.waitUntil(lambda: "no curves" in dialog.words.text(), timeout=WAIT_MS)


# --- in the window


def test_undo_is_that_of_the_page_that_is_shown(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    make_run("a")
    window = ready(make_window("finishes"), photos, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    window.show_page(RUNS)
    qtbot.waitUntil(lambda: len(window.rooms.runs.library.runs) == 1, timeout=WAIT_MS)
    choose(window.rooms.runs, "a")
    window.rooms.runs.star_action.trigger()
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert not window.rooms.runs.library.runs[str(runs_dir() / "a")].annotations.starred
    assert window.rooms.data.choice.sources
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL | SHIFT)
    assert window.rooms.runs.library.runs[str(runs_dir() / "a")].annotations.starred
    window.show_page(PHOTOS)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert not window.rooms.data.choice.sources
    assert window.rooms.runs.library.runs[str(runs_dir() / "a")].annotations.starred


def test_line_of_the_run_that_trains_goes_on_with_it(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("trains"), photos, qtbot)
    window.show_page(RUNS)
    qtbot.waitUntil(lambda: window.rooms.runs.library.known, timeout=WAIT_MS)
    window.frame.header.start_button.click()
    window.show_page(RUNS)
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(window.rooms.runs.table.runs.lines) == 1, timeout=WAIT_MS)
    assert window.rooms.runs.table.runs.lines[0].run.state == "running"
    window.rooms.runs.table.choose_rows([0])
    assert not window.rooms.runs.delete_action.isEnabled()
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    qtbot.waitUntil(lambda: window.rooms.runs.table.runs.lines[0].run.state != "running", timeout=WAIT_MS)


def test_settings_of_an_old_run_are_filled_in(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    make_run("a", config=RunConfig(model="resnet50", source=(str(photos),), epochs=7))
    window = make_window("finishes")
    window.show_page(RUNS)
    qtbot.waitUntil(lambda: len(window.rooms.runs.table.runs.lines) == 1, timeout=WAIT_MS)
    window.rooms.runs.again_action.trigger()
    assert window.frame.page == SETTINGS
    assert (window.rooms.form.config().model, window.rooms.form.config().epochs) == ("resnet50", 7)
    qtbot.waitUntil(lambda: not window.rooms.data._scan.working, timeout=WAIT_MS)
    window.show_page(RUNS)
    window.rooms.runs.show_action.trigger()
    assert window.frame.page == TRAINING


# --- told apart


SEEN_BY = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.1523, 1.0526, -0.2049), (0.1145, 0.7863, 0.0992), (-0.0039, -0.0481, 1.0520)),
    "deuteranopia": ((0.3673, 0.8606, -0.2280), (0.2801, 0.6725, 0.0474), (-0.0118, 0.0429, 0.9689)),
    "tritanopia": ((1.2555, -0.0767, -0.1788), (-0.0784, 0.9308, 0.1476), (0.0047, 0.6914, 0.3039)),
}
"""Machado, Oliveira and Fernandes (2009), on linear RGB."""
TO_XYZ = np.array(((0.4125, 0.3576, 0.1804), (0.2127, 0.7152, 0.0722), (0.0193, 0.1192, 0.9503)))


def linear(colour: str) -> FloatArray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: FloatArray) -> FloatArray:
    part = (TO_XYZ @ rgb.clip(0, 1)) / (0.9505, 1.0, 1.0888)
    x, y, z = np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116)
    return np.array((116 * y - 16, 500 * (x - y), 200 * (y - z)))


@pytest.mark.parametrize("sight", SEEN_BY)
@pytest.mark.parametrize("theme_name", ["light", "dark"])
def test_colours_of_compared_runs_stay_apart(sight: str, theme_name: str) -> None:
    seen = [lab(np.array(SEEN_BY[sight]) @ linear(getattr(look, theme_name))) for look in LOOKS]
    least = min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i])
    assert least > 30
    ground = TO_XYZ[1] @ linear((LIGHT if theme_name == "light" else DARK).window)
    for look in LOOKS:
        light = TO_XYZ[1] @ linear(getattr(look, theme_name))
        assert (max(light, ground) + 0.05) / (min(light, ground) + 0.05) >= 3


def test_compared_runs_differ_in_line_and_point_as_well() -> None:
    assert len({look.dash for look in LOOKS}) == len({look.symbol for look in LOOKS}) == MOST_COMPARED
