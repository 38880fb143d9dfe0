"""The window with a real child process: what it shows in each state, and what its keys do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.gui.conftest import WAIT_MS, end_engine, fake, ready
from tests.monitor import transcripts
from waste_gui import request as requests
from waste_gui.config import RunConfig
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.example import DEMO_CONFIG
from waste_gui.gui.session.interfaces import Answer
from waste_gui.gui.session.pages import PHOTOS, RUNS, SETTINGS, TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_text import LETTERS, Notice, Offer
from waste_gui.gui.session.session_text import stop_answers, trouble
from waste_gui.gui.training.facts import facts
from waste_gui.monitor import countdown
from waste_gui.monitor.formatting import about
from waste_gui.monitor.history import History
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.verdict import ASK_PHOTO, CACHE, DOWNLOAD, MEMORY, REPORT, RESTART, Action
from waste_gui.rundir import RunDir, data_dir

Make = Callable[[str], MainWindow]
CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def started(window: MainWindow, photos: Path, qtbot: QtBot, phase: RunPhase) -> MainWindow:
    """Started, and come as far as `phase`."""
    ready(window, photos, qtbot).frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is phase, timeout=WAIT_MS)
    return window


def run_to_end(window: MainWindow, photos: Path, qtbot: QtBot) -> MainWindow:
    ready(window, photos, qtbot)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.frame.header.start_button.click()
    return window


def question_button(window: MainWindow, answer: Answer) -> QPushButton:
    assert window.prompts.question is not None
    return window.prompts.question.buttons[answer]


def test_idle_window_says_what_to_do(make_window: Make) -> None:
    window = make_window("finishes")
    assert not window.frame.header.start_button.isEnabled()
    assert "Choose a folder of photos." in shown_texts(window)
    assert window.windowTitle() == "waste-gui"


def test_example_that_is_drawn_tells_how_far_it_is(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    told: list[str] = []
    window.rooms.data.ready_changed.connect(lambda: told.append(window.frame.header._stage.detail.text()))
    window.commands.try_example()
    qtbot.waitUntil(lambda: len(told) > 3, timeout=WAIT_MS)
    numbers = [int(words.split()[-3]) for words in told if words.startswith("drawing the example, photo")]
    assert numbers[:2] == [1, 2] and told[-1].endswith(" of 240")
    window.rooms.example._drawing.cancel()


def test_own_photos_are_not_trained_as_the_example(make_window: Make, photos: Path) -> None:
    window = make_window("finishes")
    form = window.rooms.form
    form.show_config(DEMO_CONFIG)
    window.commands.add_folders([str(photos)])
    assert form.config() == RunConfig()
    form.show_config(msgspec.structs.replace(DEMO_CONFIG, epochs=3))
    window.commands.add_folders([str(photos / "glass")])
    assert form.config() == msgspec.structs.replace(DEMO_CONFIG, epochs=3, name=""), "what was changed stays"
    form.show_config(RunConfig(name="mine"))
    window.commands.add_folders([str(photos / "paper")])
    assert form.config().name == "mine"


def test_folder_with_classes_makes_start_possible(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("finishes"), photos, qtbot)
    assert "6 photos, 2 classes" in shown_texts(window)
    assert window.settings.recent_folders == [str(photos)]


def test_starting_shows_stage_and_offers_stop(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("waits"), photos, qtbot, RunPhase.STARTING)
    qtbot.waitUntil(lambda: "1 of 12  Start PyTorch" in shown_texts(window), timeout=WAIT_MS)
    assert window.frame.header.stop_button.isVisible() and not window.frame.header.start_button.isVisible()
    assert window.frame.page == TRAINING
    assert window.windowTitle() == "Starting – waste-gui"


def test_training_shows_curves_and_percent(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    qtbot.waitUntil(lambda: window.windowTitle() == "50 % – waste-gui", timeout=WAIT_MS)
    qtbot.waitUntil(window.rooms.run_page.plots.isVisible, timeout=WAIT_MS)
    assert len(window.rooms.session.controller.run.loss) == 10


def test_finished_run_says_how_good_it_is(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = run_to_end(make_window("finishes"), photos, qtbot)
    assert window.rooms.session.controller.run.phase is RunPhase.FINISHED
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == "Done: 92.0\u202f% of 120 validation photos right (epoch 2)."
    assert window.frame.header.start_button.isVisible()
    assert (data_dir() / "history.jsonl").read_text().count("\n") == 1


def test_second_start_is_counted_down_before_it_begins(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("finishes"), photos, qtbot)
    assert "first run on this computer" in shown_texts(window)
    window.rooms.form.show_config(RunConfig(model="resnet18", tune="all"))
    run_to_end(window, photos, qtbot)
    again = make_window("finishes")
    again.rooms.form.show_config(RunConfig(model="resnet18", tune="all"))
    ready(again, photos, qtbot)
    assert "as 1 run here took" in shown_texts(again)
    again.rooms.form.show_config(RunConfig(model="resnet50", tune="all"))
    assert "first run of this kind here" in shown_texts(again)


def test_every_button_that_the_bar_may_show_does_something(make_window: Make) -> None:
    window = make_window("finishes")
    for offer in (*Action, *Offer, Offer.HIDE):
        window.frame.bar.chosen.emit(offer)  # An exception would fail the test.
    assert window.frame.bar.notice is None


def test_failed_run_shows_sentence_and_keeps_traceback_for_details(
    make_window: Make, photos: Path, qtbot: QtBot
) -> None:
    window = run_to_end(make_window("fails"), photos, qtbot)
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == "Out of memory on <b>GPU & co</b>."
    assert not any("Traceback" in text for text in shown_texts(window))
    window.frame.bar.chosen.emit(Offer.COPY_DETAILS)
    assert "Traceback: <b>boom</b>" in QApplication.clipboard().text()


def test_killed_engine_is_put_into_words(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = run_to_end(make_window("crashes"), photos, qtbot)
    assert window.rooms.session.controller.run.phase is RunPhase.CRASHED
    assert window.frame.bar.notice is not None
    assert "killed by the system (signal 9)" in window.frame.bar.notice.title


def test_engine_that_leaves_without_a_word_is_a_crash(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = run_to_end(make_window("leaves"), photos, qtbot)
    assert window.frame.bar.notice is not None
    assert "exit status 7" in window.frame.bar.notice.title


def test_program_that_does_not_start_is_said(
    qtbot: QtBot, theme: Theme, photos: Path, tmp_path: Path
) -> None:
    controller = RunController(command=lambda config: [str(tmp_path / "nothing here")])
    window = MainWindow(Preferences(), theme, controller)
    qtbot.addWidget(window)
    window.show()
    run_to_end(window, photos, qtbot)
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title.startswith("The training could not be started")


def test_half_lines_and_garbage_are_survived(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = run_to_end(make_window("garbage"), photos, qtbot)
    run = window.rooms.session.controller.run
    assert run.phase is RunPhase.STOPPED
    assert [w.text for w in run.warnings] == ["whole again"]
    assert sum("Not a message" in line.text for line in run.log) == 3


def test_stop_now_ends_when_the_process_is_gone(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    window.rooms.session.stop()
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        question_button(window, Answer.STOP_NOW).click()
    assert window.rooms.session.controller.run.phase is RunPhase.STOPPED
    assert not window.rooms.session.controller.running
    assert (
        window.rooms.session.controller.folder is not None
        and window.rooms.session.controller.folder.config.exists()
    )


def test_stop_after_the_epoch_asks_for_that(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    window.rooms.session.stop()
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        question_button(window, Answer.AFTER_EPOCH).click()
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == "Stopped: asked (epoch_end)."


def test_engine_that_never_stops_is_ended_by_force(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("deaf"), photos, qtbot, RunPhase.TRAINING)
    qtbot.waitUntil(lambda: bool(window.rooms.session.controller.run.warnings), timeout=WAIT_MS)
    window.rooms.session.stop()
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        question_button(window, Answer.STOP_NOW).click()
    assert window.rooms.session.controller.run.phase is RunPhase.CRASHED
    assert window.frame.bar.notice is not None
    assert "ended by force" in window.frame.bar.notice.title


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_enter_and_escape_in_the_stop_dialog_keep_training(
    make_window: Make, photos: Path, qtbot: QtBot, key: Qt.Key
) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    window.rooms.session.stop()
    question = window.prompts.question
    assert question is not None
    qtbot.waitUntil(question.isVisible, timeout=WAIT_MS)
    with qtbot.waitSignal(question.answered, timeout=WAIT_MS) as answered:
        QTest.keyClick(question, key)
    assert answered.args == [Answer.KEEP_TRAINING]
    assert (
        window.rooms.session.controller.running and window.rooms.session.controller.run.stop_asked_at is None
    )


def test_escape_neither_stops_nor_hides_the_warning(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    window.notify(trouble("A warning"))
    qtbot.waitUntil(window.frame.bar.isVisible, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.frame.bar.isVisible() and window.rooms.session.controller.running


def test_closing_while_training_asks_first(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    assert not window.close()
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        question_button(window, Answer.STOP_AND_QUIT).click()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)


@pytest.fixture
def left() -> list[int]:
    """The exit status with which the window left at once, if it did."""
    return []


@pytest.fixture
def training_window(qtbot: QtBot, theme: Theme, photos: Path, left: list[int]) -> MainWindow:
    """One that trains, and that notes in `left` when it would leave without ending its engine."""
    controller = RunController(command=fake("trains"), ask_s=0.2, terminate_s=0.2)
    window = MainWindow(Preferences(), theme, controller, exit_now=left.append)
    qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
    window.show()
    return started(window, photos, qtbot, RunPhase.TRAINING)


def test_keeping_training_in_the_background_leaves_without_ending_the_engine(
    training_window: MainWindow, left: list[int]
) -> None:
    training_window.close()
    question_button(training_window, Answer.KEEP_IN_BACKGROUND).click()
    assert left == [0] and training_window.rooms.session.controller.running


def test_log_out_asks_nothing_saves_and_leaves_the_training_to_itself(
    training_window: MainWindow, left: list[int], qtbot: QtBot
) -> None:
    window, folder = training_window, training_window.rooms.session.controller.folder
    window.rooms.form.show_config(RunConfig(model="resnet50"))
    window.rooms.session.log_out()
    window.close()
    assert left == [0] and window.prompts.question is None and window.rooms.session.controller.running
    assert "resnet50" in Preferences().form
    assert folder is not None
    qtbot.waitUntil(lambda: "SaveNow" in folder.log.read_text(), timeout=WAIT_MS)


def test_run_of_another_window_is_shown_from_its_folder(
    make_window: Make, photos: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    first = run_to_end(make_window("finishes"), photos, qtbot)
    assert first.rooms.session.controller.folder is not None
    folder = RunDir(tmp_path / "copied")
    folder.create()
    folder.config.write_bytes(first.rooms.session.controller.folder.config.read_bytes())
    from tests.gui.fakes.fake_engine import START_UP
    from waste_gui import protocol as p
    from waste_gui.stages import STAGES

    messages: list[p.AnyMessage] = [
        p.RunStarted(
            protocol=1,
            run="r",
            pid=1,
            host="h",
            started_at=0,
            device="cpu",
            world_size=1,
            stages=STAGES,
            versions={},
            resumed_from=None,
        ),
        p.StageStarted(seq=1, stage=START_UP[0]),
        p.RunStopped(seq=2, checkpoint=None, reason="asked"),
    ]
    folder.events.write_bytes(b"".join(map(p.encode, messages)))
    second = make_window("finishes")
    second.rooms.session.open(folder)
    qtbot.waitUntil(lambda: second.rooms.shown.snapshot.run.phase is RunPhase.STOPPED, timeout=WAIT_MS)
    assert second.rooms.session.folder is None and second.rooms.shown.folder == folder


def test_stopped_run_is_resumed_in_its_own_folder(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    folder = window.rooms.session.controller.folder
    assert folder is not None
    with qtbot.waitSignal(window.rooms.session.controller.changed, timeout=WAIT_MS):
        window.rooms.session.resume(folder)
    assert window.rooms.session.controller.folder == folder
    assert requests.load(folder.request).resume == str(folder.path)


def test_stop_after_the_epoch_tells_the_time_of_the_epoch(
    make_window: Make, photos: Path, qtbot: QtBot
) -> None:
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    qtbot.waitUntil(lambda: len(window.rooms.session.controller.run.epochs) == 1, timeout=WAIT_MS)
    script = pictures.training()
    left = countdown.epoch_left(script.run, script.at, script.watch.history)
    assert left is not None and left == pytest.approx(0.45 * pictures.EPOCH_S, abs=3)
    _, _, notes = stop_answers(dataclasses.replace(window.rooms.shown.snapshot, epoch_left_s=left))
    assert notes == {Answer.AFTER_EPOCH: f", ~{about(left)}"}


def test_last_warning_stands_among_the_facts() -> None:
    assert facts(pictures.snapshot(pictures.training()), None)["Note"] == "–"
    note = facts(pictures.snapshot(pictures.full_cache()), None)["Note"]
    assert note.startswith("The disk is full, so the photo cache cannot grow.")
    assert note.endswith("Free space on the disk that holds /home/lab/.cache/waste-gui/tiles.")


def test_first_epoch_is_timed_by_its_steps() -> None:
    script = pictures.Script(earlier_runs=0)
    script.start_up()
    script.train(0.5)
    left = countdown.epoch_left(script.run, script.at, script.watch.history)
    assert left == pytest.approx(0.5 * (pictures.EPOCH_S - 5), abs=2)


def test_of_an_epoch_that_an_earlier_start_began_only_the_rest_is_left() -> None:
    before = transcripts.Transcript(9).start_up().begin_training().epoch(1).epoch(2)
    steps = transcripts.STEPS
    script = transcripts.Transcript(9, resumed_from="run").start_up().go_on(2 * steps + steps * 9 // 10)
    run = transcripts.replay(script.messages)
    run.recall(before.messages)
    usual_s = 7.0
    left = countdown.epoch_left(run, script.at, History())
    assert left == pytest.approx(usual_s / 10, rel=0.2)


def test_every_button_of_the_bar_has_a_letter_that_nothing_always_there_has(make_window: Make) -> None:
    window = make_window("finishes")
    taken = {action.text().partition("&")[2][0].lower() for action in window.menuBar().actions()}
    texts = [window.frame.tabs.tabText(i) for i in range(window.frame.tabs.count())]
    texts += [window.frame.header.start_button.text(), window.frame.header.stop_button.text()]
    taken |= {text.partition("&")[2][0].lower() for text in texts} | {"w"}
    for offer in (*Action, *Offer):
        assert offer.value.count(LETTERS[offer]) and LETTERS[offer].lower() not in taken, offer
    for offers in (ASK_PHOTO, CACHE, DOWNLOAD, MEMORY, REPORT, RESTART):
        window.frame.bar.show_notice(Notice("stuck", "stuck", "Stuck", "", offers))
        window.frame.bar.show_now()
        places = [window.frame.bar._buttons.itemAt(i) for i in range(len(offers))]
        buttons = [place.widget() for place in places if place is not None]
        texts = [button.text() for button in buttons if isinstance(button, QPushButton)]
        assert len({text.partition("&")[2][0] for text in texts}) == len(offers) == len(texts)


def test_folder_without_a_run_is_not_resumed(make_window: Make, tmp_path: Path) -> None:
    window = make_window("trains")
    window.rooms.session.resume(RunDir(tmp_path))
    assert window.frame.bar.notice is not None and not window.rooms.session.controller.running
    assert not (tmp_path / "config.json").exists()


def test_names_with_markup_are_shown_as_they_are(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    evil = "<img src='x'>&amp;"
    (photos / evil).mkdir()
    for i in range(2):
        (photos / evil / f"{i}.jpg").write_bytes(b"photo")
    window = started(make_window("trains"), photos, qtbot, RunPhase.TRAINING)
    item = window.rooms.data.table.item(0, 0)
    assert item is not None and item.text() == evil
    assert item.toolTip().startswith("<qt>&lt;img src=")
    for label in window.findChildren(QLabel):
        buddy = label.buddy()
        assert label.textFormat() == Qt.TextFormat.PlainText, (label.text(), buddy)


def test_keys_open_pages_log_and_settings(make_window: Make, qtbot: QtBot) -> None:
    window = make_window("finishes")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_R, CTRL)
    assert window.frame.page == RUNS
    QTest.keyClick(window, Qt.Key.Key_Comma, CTRL)
    assert window.frame.page == SETTINGS
    QTest.keyClick(window, Qt.Key.Key_L, CTRL)
    assert window.rooms.log.isVisible() and window.settings.log_shown
    QTest.keyClick(window, Qt.Key.Key_1, CTRL)
    assert window.frame.page == TRAINING


def test_start_and_stop_have_keys(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("trains"), photos, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_Period, CTRL)
    assert window.prompts.question is not None


def test_undo_takes_back_a_change_to_the_photos(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("finishes"), photos, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)
    assert not window.rooms.data.choice.sources
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL | SHIFT)
    assert list(window.rooms.data.choice.sources) == [str(photos)]
    qtbot.waitUntil(lambda: window.rooms.data.readiness.ready, timeout=WAIT_MS)


def test_f6_walks_through_the_areas(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("finishes"), photos, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    window.frame.header.start_button.setFocus()
    visited = []
    for _ in range(3):
        QTest.keyClick(window, Qt.Key.Key_F6)
        visited.append(QApplication.focusWidget())
    page = window.rooms.data
    assert visited[0] is window.frame.tabs and visited[2] is window.frame.header.start_button
    assert visited[1] is not None and page.isAncestorOf(visited[1])


def test_alt_w_goes_to_the_warning(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = run_to_end(make_window("fails"), photos, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_W, ALT)
    focus = QApplication.focusWidget()
    assert focus is not None and window.frame.bar.isAncestorOf(focus)


def test_dropped_folder_becomes_a_source(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = make_window("finishes")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photos))])
    actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(50, 50), actions, data, buttons, none))
    event = QDropEvent(QPointF(QPoint(50, 50)), actions, data, buttons, none)
    QApplication.sendEvent(window, event)
    assert window.rooms.data.choice.sources == (str(photos),)
    assert window.frame.page == PHOTOS
    qtbot.waitUntil(lambda: window.rooms.data.readiness.ready, timeout=WAIT_MS)


def test_every_control_has_a_name(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("finishes"), photos, qtbot)
    window.rooms.form.fields.more.setChecked(True)
    nameless = [
        widget
        for page in (window, *(window.frame.pages.widget(i) for i in range(window.frame.pages.count())))
        if page is not None
        for widget in page.findChildren(QPushButton)
        if not (widget.accessibleName() or widget.text())
    ]
    nameless += [e for e in window.rooms.form.fields.editors.values() if not e.accessibleName()]  # type: ignore[misc]
    assert nameless == []


class Shown(QObject):
    """Tells when a widget is shown."""

    def __init__(self, widget: QWidget, tell: Callable[[], None]) -> None:
        super().__init__(widget)
        self._tell = tell
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            self._tell()
        return False


class Heights(QObject):
    """All that a widget has had since, also between two paints."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.seen = {widget.height()}
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QResizeEvent):
            self.seen.add(event.size().height())
        return False


def test_layout_does_not_move_when_the_state_changes(make_window: Make, photos: Path, qtbot: QtBot) -> None:
    window = ready(make_window("trains"), photos, qtbot)
    QApplication.processEvents()  # What was asked of the layout meanwhile.
    before = window.frame.header.geometry()
    heights = Heights(window.frame.header)
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    assert window.frame.header.geometry() == before
    assert heights.seen == {before.height()}


def test_what_is_looked_at_in_the_place_of_the_classes_never_stands_beside_them(
    make_window: Make, photos: Path, qtbot: QtBot
) -> None:
    window = ready(make_window("trains"), photos, qtbot)
    data = window.rooms.data
    data.previewing.prepare()
    both: list[list[bool]] = []
    places = (data._lists, data.checking.page, data.previewing.place)

    def look(*_: object) -> None:
        both.append([place.isVisible() for place in places])

    for place in places:
        Shown(place, look)
    for browse in (data.checking, data.previewing, data.checking, data.checking):
        browse.browse(not browse.browsing)
    assert both and all(sum(each) <= 1 for each in both), both


def shown_texts(window: MainWindow) -> list[str]:
    return [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
