"""What trains and what is looked at are two things: in the window, with real child processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import WAIT_MS, ready
from tests.gui.session.test_attached_engine import engine_in
from tests.monitor import transcripts
from waste_gui import config as configs
from waste_gui import protocol
from waste_gui.config import RunConfig
from waste_gui.gui.common.run_picker import EARLIER_RUN, PAUSED, THE_TRAINING, TRAINS_NOW
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.interfaces import Answer
from waste_gui.gui.session.pages import PHOTOS, RESULTS, RUNS, SETTINGS, TRAINING
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.protocol import encode
from waste_gui.rundir import RunDir, runs_dir

Make = Callable[[str], MainWindow]
ALL_PAGES = (PHOTOS, SETTINGS, TRAINING, RESULTS, RUNS)


@pytest.fixture
def earlier() -> RunDir:
    """A run that an earlier window finished, with results."""
    folder = RunDir(runs_dir() / "2026-01-01_10-00-00")
    folder.create()
    folder.config.write_bytes(configs.dump(RunConfig(name="the good one")))
    script = transcripts.Transcript(2).start_up().begin_training().epoch(1).epoch(2).end()
    folder.events.write_bytes(b"".join(map(encode, script.messages)))
    folder.results.rmdir()
    pictures.write_results(folder.path)
    return folder


@pytest.fixture
def window(make_window: Make, photos: Path, earlier: RunDir, qtbot: QtBot) -> MainWindow:
    """One that trains."""
    window = ready(make_window("trains"), photos, qtbot)
    window.rooms.form.show_config(RunConfig(name="the new one", model="resnet18"))
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.windowTitle() == "50 % – waste-gui", timeout=WAIT_MS)
    return window


def look_at(window: MainWindow, folder: RunDir, qtbot: QtBot) -> None:
    window.rooms.session.open(folder)
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.FINISHED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.rooms.results.folder == folder, timeout=WAIT_MS)


def test_earlier_run_is_looked_at_while_another_trains(
    window: MainWindow, earlier: RunDir, qtbot: QtBot
) -> None:
    look_at(window, earlier, qtbot)
    assert window.rooms.session.running and window.windowTitle() == "50 % – waste-gui"
    assert window.frame.page == TRAINING
    for picker in (window.rooms.run_page.picker, window.rooms.results.picker):
        assert (picker.name.text(), picker.note.text()) == ("the good one", EARLIER_RUN)
    assert window.rooms.results.results is not None
    assert window.frame.header.back_button.isVisible() and not window.frame.header.stop_button.isVisible()
    window.frame.header.back_button.click()
    picker = window.rooms.run_page.picker
    assert (picker.name.text(), picker.note.text()) == ("the new one", TRAINS_NOW)
    assert window.frame.header.stop_button.isVisible()
    assert window.rooms.results.folder == earlier, "its results stay"


def test_results_of_a_finished_run_stay_while_the_next_one_trains(
    make_window: Make, photos: Path, earlier: RunDir, qtbot: QtBot
) -> None:
    window = ready(make_window("trains"), photos, qtbot)
    window.rooms.results.read(earlier)
    qtbot.waitUntil(lambda: window.rooms.results.results is not None, timeout=WAIT_MS)
    window.rooms.session.queue.add(window.rooms.inputs.config(), 6)
    window.rooms.session.queue.go_on()
    qtbot.waitUntil(lambda: window.rooms.session.running, timeout=WAIT_MS)
    assert window.rooms.results.folder == earlier and window.rooms.results.results is not None


def test_strip_stays_on_every_page_and_goes_to_the_training(
    window: MainWindow, earlier: RunDir, qtbot: QtBot
) -> None:
    strip = window.frame.strip
    look_at(window, earlier, qtbot)
    for page in ALL_PAGES:
        window.show_page(page)
        assert strip.isVisible()
    assert strip.name.text() == "the new one" and strip.state.text() == "50 %"
    assert strip.accessibleName().startswith("Training the new one: 50 %")
    QTest.mouseClick(strip.name, Qt.MouseButton.LeftButton)
    assert window.frame.page == TRAINING and window.rooms.shown.follows


def test_strip_is_used_with_the_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    window.show_page(PHOTOS)
    window.frame.header.stop_button.setFocus()
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert QApplication.focusWidget() is window.frame.strip
    QTest.keyClick(window.frame.strip, Qt.Key.Key_Return)
    assert window.frame.page == TRAINING
    window.frame.strip.setFocus()
    QTest.keyClick(window.frame.strip, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is window.frame.strip.pause_button
    QTest.keyClick(window.frame.strip.pause_button, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is window.frame.strip.stop_button
    assert all(b.accessibleName() for b in (window.frame.strip.pause_button, window.frame.strip.stop_button))


def test_paused_training_is_called_so_and_resumed_by_one_word(window: MainWindow, qtbot: QtBot) -> None:
    run = window.rooms.session.controller.run
    run.receive(
        protocol.Heartbeat(
            seq=run.next_seq, at=run.heard_at, where="paused", workers=(), queued=0, gpu=None,
            activity=protocol.Activity.PAUSED,
        )
    )  # fmt: skip
    window.rooms.session.controller.changed.emit(window.rooms.session.controller.snapshot())
    bar, strip, picker = window.frame.bar, window.frame.strip, window.rooms.run_page.picker
    assert (picker.note.text(), strip.pause_button.text()) == (PAUSED, "Resume")

    def offered() -> list[str]:
        return [button.text().replace("&", "") for button in bar.findChildren(QPushButton)]

    qtbot.waitUntil(lambda: bar.isVisible() and offered()[:1] == ["Resume"], timeout=WAIT_MS)


def test_training_is_called_so_at_once(make_window: Make) -> None:
    window = make_window("finishes")
    script = transcripts.Transcript(2).start_up().begin_training()
    said = Snapshot(transcripts.replay(script.messages), script.at)
    controller = window.rooms.session.controller
    controller.snapshot = lambda: said  # type: ignore[method-assign]
    controller.changed.emit(said)
    assert window.rooms.run_page.picker.note.text() == TRAINS_NOW


def test_strip_stops_the_training_and_is_gone_with_it(
    window: MainWindow, earlier: RunDir, qtbot: QtBot
) -> None:
    look_at(window, earlier, qtbot)
    window.frame.strip.stop_button.click()
    assert window.prompts.question is not None
    window.prompts.question.buttons[Answer.STOP_NOW].click()
    qtbot.waitUntil(lambda: not window.frame.strip.isVisible(), timeout=WAIT_MS)
    assert window.rooms.shown.folder == earlier, "who looks at a run goes on looking"
    assert window.frame.header.start_button.isVisible()


def test_page_without_a_run_says_so_in_words(make_window: Make, window: MainWindow) -> None:
    """And calls one by its name: `Training of the new one`."""
    idle = make_window("finishes")
    for shown, words in ((idle, "No run yet"), (window, "Training of the new one trains now")):
        picker = shown.rooms.run_page.picker
        said = [picker.prefix, picker.name, picker.note]
        assert " ".join(each.text() for each in said if each.text() and not each.isHidden()) == words
        assert picker.accessibleName() == words


def test_pickers_offer_the_training_and_the_newest_runs(
    window: MainWindow, earlier: RunDir, qtbot: QtBot
) -> None:
    picker = window.rooms.results.picker
    picker.menu.aboutToShow.emit()
    qtbot.waitUntil(lambda: len(picker.menu.actions()) >= 3, timeout=WAIT_MS)
    texts = [action.text() for action in picker.menu.actions()]
    assert texts == [THE_TRAINING, "", "the good one"], "the training is there once"
    picker.menu.actions()[texts.index("the good one")].trigger()
    qtbot.waitUntil(lambda: window.rooms.results.folder == earlier, timeout=WAIT_MS)
    assert window.rooms.shown.follows, "the training page shows its own run"
    assert picker.name.text() == "the good one"


def test_stages_stand_on_the_training_page_alone(window: MainWindow) -> None:
    for page in ALL_PAGES:
        window.show_page(page)
        assert window.rooms.run_page.stages.isVisible() == (page == TRAINING)


def test_warning_of_the_training_is_said_while_another_run_is_looked_at(
    window: MainWindow, earlier: RunDir, qtbot: QtBot
) -> None:
    look_at(window, earlier, qtbot)
    qtbot.waitUntil(lambda: window.frame.bar.notice is not None, timeout=WAIT_MS)
    before = window.frame.bar.notice
    assert before is not None and before.tone == "done"
    stuck = pictures.snapshot(pictures.stuck())
    window.rooms.session.changed.emit(stuck)
    assert window.frame.bar.notice is not None and window.frame.bar.notice.tone == "stuck"
    assert window.frame.strip.state.text().endswith("Likely stuck")


def test_run_left_behind_brings_its_photos_so_that_it_can_be_started_anew(
    make_window: Make, photos: Path, qtbot: QtBot
) -> None:
    folder = RunDir(runs_dir() / "2026-01-01_here")
    folder.create()
    folder.config.write_bytes(configs.dump(RunConfig(model="resnet50", source=(str(photos),))))
    window = make_window("finishes")
    with engine_in(folder):  # Which is killed at the end.
        window.rooms.left_behind.at_start()
        qtbot.waitUntil(lambda: window.rooms.data.readiness.ready, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.rooms.session.running, timeout=WAIT_MS)
    assert window.rooms.session.controller.run.phase is RunPhase.CRASHED
    assert window.frame.header.start_button.isEnabled()
    assert window.rooms.form.config().model == "resnet50"


def test_diagnosis_says_which_run_it_is_about_and_follows_what_is_looked_at(
    window: MainWindow, earlier: RunDir, qtbot: QtBot
) -> None:
    window.rooms.where.show()
    dialog = window.rooms.where.dialog
    assert dialog is not None and dialog.windowTitle().endswith("– the new one")
    look_at(window, earlier, qtbot)
    qtbot.waitUntil(lambda: dialog.windowTitle().endswith("– the good one"), timeout=WAIT_MS)
    window.frame.strip.go_asked.emit()
    assert dialog.windowTitle().endswith("– the new one")
