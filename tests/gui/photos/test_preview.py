"""The preview on the photos page: real child processes, a real catalog, and once the real engine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, end_check, end_engine, fake, fake_check, fake_preview
from tests.photos import make_photos
from waste_gui.config import ConfigError, RunConfig
from waste_gui.dataset.catalog import Catalog
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.photos.doubts import Doubt
from waste_gui.gui.photos.finding_rows import Act, Entry
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.photos.preview_part import PreviewPart
from waste_gui.gui.photos.preview_text import AGAIN, BACK, GO_ON, OPEN, START, STOP
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.engine_process import preview_command
from waste_gui.gui.session.pages import PHOTOS, SETTINGS, TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.monitor.run import RunPhase

Make = Callable[[str], DataPage]
LONG_MS = 120_000
SOON_MS = 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "waste", classes=("glass", "metal", "paper"), per_class=4)


@pytest.fixture
def make_page(qtbot: QtBot, theme: Theme, folder: Path) -> Make:
    """A page with the folder chosen, whose preview plays a scenario."""

    def make(scenario: str) -> DataPage:
        page = DataPage(Preferences())
        qtbot.addWidget(page, before_close_func=lambda _: end_check(page, qtbot))
        set_up(page, scenario)
        page.resize(900, 700)
        page.show()
        page.set_choice(DatasetChoice((str(folder),)))
        qtbot.waitUntil(page.previewing.bar.button.isEnabled, timeout=WAIT_MS)
        return page

    return make


def set_up(page: DataPage, scenario: str) -> PreviewPart:
    part = page.previewing
    part.preview.command = fake_preview(scenario)
    part.preview._ask_s = part.preview._terminate_s = 0.2
    part._soon.setInterval(SOON_MS)
    return part


def previewed(page: DataPage, qtbot: QtBot) -> PreviewPart:
    with qtbot.waitSignal(page.previewing.preview.ended, timeout=WAIT_MS):
        page.previewing.bar.button.click()
    return page.previewing


def labels_shown(part: PreviewPart) -> list[str]:
    return [name for name, _, _ in part.page.parts.classes.bars._rows]


def suspects(part: PreviewPart) -> list[Entry]:
    return part.page.parts.doubts.groups["suspect"].strip.shown.entries


def worked_out_anew(part: PreviewPart, qtbot: QtBot, act: Callable[[], object]) -> None:
    with qtbot.waitSignal(part.preview.ended, timeout=WAIT_MS):
        act()


def test_page_says_that_there_is_no_preview_yet(make_page: Make) -> None:
    part = make_page("tells").previewing
    assert part.bar.title.text() == "No preview yet"
    assert part.bar.button.text() == START and not part.bar.browse.isVisible()


def test_preview_is_one_sentence_first_and_leads_back_to_the_classes(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    assert part.page.isVisible() and not page._lists.isVisible()
    assert part.page.sentence.text() == "About 85 of 100 photos will be right."
    assert part.bar.button.text() == AGAIN and part.bar.browse.text() == BACK
    assert labels_shown(part) == ["glass", "metal", "paper"]
    part.bar.browse.click()
    assert page._lists.isVisible() and not part.page.isVisible()
    assert part.bar.title.text() == "About 85 of 100 photos will be right (81 to 89)."
    assert part.bar.detail.text() == "Twice the photos: 87 to 91 of 100."
    assert part.bar.browse.text() == OPEN


def test_button_keeps_its_place_whatever_stands_on_it(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("waits once")
    part = page.previewing
    before = part.bar.button.geometry()
    part.bar.button.click()
    qtbot.waitUntil(lambda: part.preview.done == 4, timeout=WAIT_MS)
    running = part.bar.button.geometry()
    previewed(page, qtbot)  # The button stops.
    assert before == running == part.bar.button.geometry()
    check = page.checking.bar.button
    assert check.width() == part.bar.button.width()


def test_running_preview_says_how_far_it_is_and_stops_and_goes_on(make_page: Make, qtbot: QtBot) -> None:
    part = make_page("waits once").previewing
    part.bar.button.click()
    qtbot.waitUntil(lambda: "4 of 12 photos" in part.bar.title.text(), timeout=WAIT_MS)
    assert part.bar.button.text() == STOP and part.bar._line._share == pytest.approx(1 / 3)
    with qtbot.waitSignal(part.preview.ended, timeout=WAIT_MS):
        part.bar.button.click()
    assert part.bar.title.text() == "Preview stopped at 4 of 12 photos."
    assert part.bar.button.text() == GO_ON
    with qtbot.waitSignal(part.preview.ended, timeout=WAIT_MS):
        part.bar.button.click()
    assert part.known is not None


def test_failed_preview_is_said_as_it_says_it_and_keeps_no_result(make_page: Make, qtbot: QtBot) -> None:
    part = previewed(make_page("fails"), qtbot)
    assert part.bar.title.text() == "The preview failed."
    assert part.page.note.text() == "There is one <b>class</b>. Add photos of another class."
    part.bar.browse.click()
    assert part.bar.detail.text() == "There is one <b>class</b>. Add photos of another class."
    assert part.bar.button.text() == AGAIN and part.bar.button.isEnabled()


def test_crash_of_the_preview_is_said_in_words(make_page: Make, qtbot: QtBot) -> None:
    part = previewed(make_page("crashes"), qtbot)
    assert part.bar.title.text() == "The preview crashed."
    assert "Preview again: it goes on where it was." in part.page.note.text()


def test_engine_that_ends_without_a_word_of_the_result_has_failed(make_page: Make, qtbot: QtBot) -> None:
    part = previewed(make_page("says nothing"), qtbot)
    assert part.bar.title.text() == "The preview came to nothing." and part.bar.button.text() == AGAIN


def test_folder_that_went_away_is_waited_for_in_words(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    part = make_page("gone").previewing
    part.bar.button.click()
    words = f"{folder} is not there: waiting for it"
    qtbot.waitUntil(lambda: part.bar.title.text() == words, timeout=WAIT_MS)


def test_what_the_engine_warns_of_is_read_beside_the_result(make_page: Make, qtbot: QtBot) -> None:
    part = previewed(make_page("warns"), qtbot)
    words = "These settings train from nothing. It is right less often."
    assert part.page.note.text() == words and part.page.sentence.isVisible()


def test_settings_that_cannot_be_used_are_named_and_none_begins(make_page: Make) -> None:
    page = make_page("tells")

    def wrong() -> RunConfig:
        raise ConfigError("Batch size: 0 is too small.")

    page.works.use_settings(wrong)
    page.previewing.bar.button.click()
    assert page.previewing.bar.title.text() == "The preview could not be started."
    assert page.previewing.page.note.text() == "Batch size: 0 is too small."
    assert not page.previewing.preview.running


# --- out of date, and worked out anew


def test_change_of_classes_is_worked_out_anew_by_itself(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    part.bar.browse.click()
    worked_out_anew(part, qtbot, lambda: page.map_folder("metal", None))
    part.browse(True)
    assert labels_shown(part) == ["glass", "paper"]
    assert part.known is not None and not part.known.stale
    worked_out_anew(part, qtbot, page.undo_stack.undo)
    assert labels_shown(part) == ["glass", "metal", "paper"]


def test_change_is_seen_to_be_out_of_date_until_it_is_worked_out(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    part._soon.setInterval(3_600_000)
    page.map_folder("metal", None)
    assert part.bar.detail.text() == "Out of date: the classes have changed since."
    assert part.bar.button.text() == AGAIN
    page.undo_stack.undo()
    assert part.bar.detail.text() == ""


def test_excluding_from_the_list_waits_until_the_list_is_left(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    page.checking.browse_group("suspect")
    entry = page.checking.page.list.current()
    assert isinstance(entry, Entry)
    page.checking.on_asked(Act.EXCLUDE, entry)
    assert part.bar.detail.text() == "Out of date: other photos are excluded since."
    part._soon.timeout.emit()
    assert not part.preview.running
    worked_out_anew(part, qtbot, page.checking.bar.browse.click)
    assert part.known is not None and part.known.told.photos == 11 and not part.known.stale


def test_excluding_from_the_page_waits_until_the_keyboard_is_elsewhere(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    strip = part.page.parts.doubts.groups["suspect"].strip
    page.activateWindow()
    strip.setFocus()
    qtbot.waitUntil(strip.hasFocus, timeout=WAIT_MS)
    QTest.keyClick(strip, Qt.Key.Key_Space)
    part._soon.timeout.emit()
    assert len(suspects(part)) == 2 and not part.preview.running
    worked_out_anew(part, qtbot, part.bar.browse.setFocus)
    assert part.known is not None and part.known.told.photos == 11


def test_other_folders_are_previewed_only_when_asked_for(
    make_page: Make, qtbot: QtBot, tmp_path: Path
) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    other = make_photos(tmp_path / "other")
    page.set_choice(DatasetChoice((str(other),)))
    qtbot.waitUntil(lambda: page.readiness.ready, timeout=WAIT_MS)
    part._soon.timeout.emit()
    assert part.bar.title.text() == "No preview yet" and not part.preview.running
    assert not page.checking.bar.browse.isVisible()


def test_classes_changed_while_it_runs_are_previewed_after_it(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("waits once")
    part = page.previewing
    part.bar.button.click()
    qtbot.waitUntil(lambda: part.preview.done == 4, timeout=WAIT_MS)
    page.map_folder("metal", None)
    qtbot.waitUntil(lambda: part.known is not None, timeout=WAIT_MS)
    assert labels_shown(part) == ["glass", "paper"]


def test_what_failed_is_not_tried_again_by_itself(make_page: Make, qtbot: QtBot) -> None:
    part = previewed(make_page("fails"), qtbot)
    part._soon.timeout.emit()
    assert not part.preview.running and part.bar.title.text() == "The preview failed."


def test_stopped_preview_stays_stopped_when_classes_change(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("waits")
    part = page.previewing
    part.bar.button.click()
    qtbot.waitUntil(lambda: part.preview.done == 4, timeout=WAIT_MS)
    previewed(page, qtbot)  # The button stops.
    page.map_folder("metal", None)
    qtbot.waitUntil(lambda: page.readiness.ready, timeout=WAIT_MS)
    part._soon.timeout.emit()
    assert not part.preview.running


def test_other_model_is_said_to_be_out_of_date(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    page.works.use_settings(lambda: RunConfig(model="resnet18"))
    page.hide()
    page.show()
    assert part.bar.detail.text() == "Out of date: the settings of the model have changed since."
    page.works.use_settings(lambda: RunConfig(name="another name", epochs=3))
    page.hide()
    page.show()
    assert part.bar.detail.text() == ""


# --- photos to look at


def test_label_that_is_right_is_remembered_and_undone(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    strip = part.page.parts.doubts.groups["suspect"].strip
    assert len(suspects(part)) == 3
    strip.setCurrentIndex(strip.shown.index(0))
    with qtbot.waitSignal(page.checking.lists.written, timeout=WAIT_MS):
        QTest.keyClick(strip, Qt.Key.Key_I)
    assert len(suspects(part)) == 2
    key = f"suspect glass {folder / 'glass/glass_00.jpg'}"
    assert Catalog().dismissed() == {key}
    with qtbot.waitSignal(page.checking.lists.written, timeout=WAIT_MS):
        page.undo_stack.undo()
    assert len(suspects(part)) == 3 and Catalog().dismissed() == set()


def test_label_said_to_be_right_is_not_asked_again_in_the_next_window(
    make_page: Make, qtbot: QtBot, folder: Path
) -> None:
    Catalog().dismiss(f"suspect glass {folder / 'glass/glass_00.jpg'}")
    part = previewed(make_page("tells"), qtbot)
    assert [os.path.basename(entry.paths[0]) for entry in suspects(part)] == ["metal_00.jpg", "paper_00.jpg"]


def test_suspect_is_excluded_with_its_words_and_undone(make_page: Make, qtbot: QtBot, folder: Path) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    part._soon.setInterval(3_600_000)
    strip = part.page.parts.doubts.groups["suspect"].strip
    strip.setCurrentIndex(strip.shown.index(0))
    with qtbot.waitSignal(page.checking.lists.written, timeout=WAIT_MS):
        QTest.keyClick(strip, Qt.Key.Key_Space)
    photo = str(folder / "glass/glass_00.jpg")
    words = "Labelled glass, looks like something <b>else (90\u202f%)."
    assert Catalog().aside() == {photo: words}
    assert len(suspects(part)) == 2
    with qtbot.waitSignal(page.checking.lists.written, timeout=WAIT_MS):
        page.undo_stack.undo()
    assert Catalog().aside() == {} and len(suspects(part)) == 3


def test_suspect_is_shown_larger_with_both_answers(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    QTest.keyClick(part.page.parts.doubts.groups["suspect"].strip, Qt.Key.Key_Return)
    dialog = page.checking.dialog
    assert dialog is not None
    texts = [button.text() for button in dialog.findChildren(QPushButton)]
    assert texts == ["&Exclude", "&Label is right", "&Close"]
    dialog.findChildren(QPushButton)[1].click()
    assert len(suspects(part)) == 2


def test_all_suspects_stand_in_the_list_of_findings(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    assert page.checking.bar.browse.text() == "&Browse findings (3)"
    part.page.parts.doubts.groups["suspect"].all.click()
    assert page.checking.page.isVisible() and not part.page.isVisible()
    entry = page.checking.page.list.current()
    assert isinstance(entry, Entry) and entry.acts == (Act.EXCLUDE, Act.LABEL_RIGHT)
    QTest.keyClick(page.checking.page.list, Qt.Key.Key_I)
    assert page.checking.bar.browse.text() == BACK.replace("t&o", "to").replace("Back", "&Back")
    part.bar.browse.click()
    assert part.page.isVisible() and len(suspects(part)) == 2


def test_suspects_of_other_classes_are_asked_no_longer(make_page: Make, qtbot: QtBot) -> None:
    page = make_page("tells")
    part = previewed(page, qtbot)
    part._soon.setInterval(3_600_000)
    page.map_folder("glass", "paper")
    assert suspects(part) == []


def test_same_photo_under_another_label_is_another_question() -> None:
    keys = {Doubt("suspect", ("/a",), "", f"suspect {label} /a").key for label in ("glass", "paper")}
    assert len(keys) == 2


# --- with everything else


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, folder: Path) -> MainWindow:
    controller = RunController(command=fake("trains"), ask_s=0.2, terminate_s=0.2)
    window = MainWindow(Preferences(), theme, controller)
    qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
    set_up(window.rooms.data, "waits")
    window.show()
    window.rooms.data.set_choice(DatasetChoice((str(folder),)))
    qtbot.waitUntil(window.frame.header.start_button.isEnabled, timeout=WAIT_MS)
    return window


def previewing(window: MainWindow, qtbot: QtBot) -> PreviewPart:
    part = window.rooms.data.previewing
    window.menus.actions["preview"].trigger()
    qtbot.waitUntil(lambda: part.preview.done == 4, timeout=WAIT_MS)
    return part


def test_header_says_that_training_is_previewed(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page(SETTINGS)
    previewing(window, qtbot)
    assert window.frame.page == PHOTOS
    stage = window.frame.header._stage
    qtbot.waitUntil(lambda: stage.detail.text() == "4 of 12 photos", timeout=WAIT_MS)
    assert stage.headline.text() == "Previewing training"
    assert not window.menus.actions["preview"].isEnabled()
    assert window.frame.header.start_button.isEnabled()


def test_check_and_preview_wait_for_each_other(window: MainWindow, qtbot: QtBot) -> None:
    checking, part = window.rooms.data.checking, previewing(window, qtbot)
    assert not checking.bar.button.isEnabled() and not window.menus.actions["check"].isEnabled()
    assert checking.bar.detail.text().endswith("It can start when the preview has ended.")
    with qtbot.waitSignal(part.preview.ended, timeout=WAIT_MS):
        part.bar.button.click()
    assert checking.bar.button.isEnabled()
    checking.check.command = fake_check("waits")
    checking.bar.button.click()
    qtbot.waitUntil(lambda: checking.check.done == 4, timeout=WAIT_MS)
    assert not part.bar.button.isEnabled()
    with qtbot.waitSignal(checking.check.ended, timeout=WAIT_MS):
        checking.bar.button.click()
    assert part.bar.button.isEnabled()


def test_start_stops_the_preview_and_none_begins_while_it_trains(window: MainWindow, qtbot: QtBot) -> None:
    part = previewing(window, qtbot)
    with qtbot.waitSignal(part.preview.ended, timeout=WAIT_MS):
        window.frame.header.start_button.click()
    assert window.frame.page == TRAINING and window.rooms.session.controller.running
    assert part.bar.title.text() == "Preview stopped for the training at 4 of 12 photos."
    assert not part.bar.button.isEnabled()
    assert part.bar.detail.text().endswith("It can start when the training has ended.")
    window.rooms.data.map_folder("metal", None)
    part._soon.timeout.emit()
    assert not part.preview.running
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    qtbot.waitUntil(part.bar.button.isEnabled, timeout=WAIT_MS)
    assert not part.preview.running


def test_closing_the_window_ends_the_preview(window: MainWindow, qtbot: QtBot) -> None:
    part = previewing(window, qtbot)
    children = psutil.Process().children(recursive=True)
    assert part.preview.pid in {child.pid for child in children}
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    assert part.preview.run.phase is RunPhase.STOPPED
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_buttons_of_the_preview_have_letters_that_nothing_else_there_has(
    window: MainWindow, qtbot: QtBot
) -> None:
    texts = [action.text() for action in window.menuBar().actions()]
    texts += [window.frame.tabs.tabText(i) for i in range(window.frame.tabs.count())]
    texts += [button.text() for button in window.findChildren(QPushButton) if button.isVisible()]
    taken = [text.partition("&")[2][:1].lower() for text in texts if text != START] + ["w", "b"]
    for text in (START, STOP, GO_ON, AGAIN, OPEN, BACK):
        assert text.partition("&")[2][0].lower() not in taken, text


# --- the real engine


@pytest.mark.slow
def test_real_preview_tells_of_a_few_photos_and_embeds_them_once(
    make_page: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    page = make_page("tells")
    part = page.previewing
    part.preview.command = preview_command
    page.works.use_settings(lambda: RunConfig(workers=1, image_size=64))
    with qtbot.waitSignal(part.preview.ended, timeout=LONG_MS):
        part.bar.button.click()
    assert part.preview.run.phase is RunPhase.FINISHED, (part.preview.run.last, part.preview.log_tail)
    assert part.known is not None and part.known.told.photos == 12
    assert sorted(labels_shown(part)) == ["glass", "metal", "paper"]
    part._soon.setInterval(3_600_000)  # On a busy computer it may take too long to begin by itself.
    page.map_folder("metal", "paper")
    with qtbot.waitSignal(part.preview.ended, timeout=LONG_MS):
        part.bar.button.click()
    assert sorted(labels_shown(part)) == ["glass", "paper"]
    stage = part.preview.run.stages["embed"]
    assert "12 of them known before" in stage.summary
