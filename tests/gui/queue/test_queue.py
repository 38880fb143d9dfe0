"""Runs one after another, with real child processes: after failures, stops and the end of a window."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, end_engine, fake, ready
from tests.photos import make_photos
from waste_gui import config as configs
from waste_gui import request as requests
from waste_gui.config import RunConfig
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.queue.queue_list import MIME
from waste_gui.gui.queue.queue_text import over_notice, row
from waste_gui.gui.session import run_ends, run_queue
from waste_gui.gui.session.interfaces import Answer
from waste_gui.gui.session.pages import PHOTOS
from waste_gui.gui.session.queue_store import Queue, QueuedRun, QueueFile
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_ends import last_words
from waste_gui.gui.session.run_queue import RunQueue
from waste_gui.gui.session.run_text import Offer
from waste_gui.monitor.run import RunPhase
from waste_gui.protocol import AnyMessage, RunFailed, RunFinished, RunStopped, encode
from waste_gui.rundir import RunDir, data_dir

Open = Callable[[], MainWindow]
ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
LONG_MS = 180_000


OWNER = """
import sys
from pathlib import Path
from waste_gui.protocol import RunFinished, encode
from waste_gui.rundir import RunDir
folder = RunDir(Path(sys.argv[1]))
folder.acquire()
print("running", flush=True)
sys.stdin.readline()
folder.events.write_bytes(encode(RunFinished(checkpoint=None, metrics={}, elapsed_s=1)))
folder.release()
"""
"""An engine without a window, that finishes when it is told."""


def by_name(config: Path) -> list[str]:
    """A run's name is the scenario that its engine plays; the number behind it tells runs apart."""
    return fake(requests.load(config).config.name.split()[0])(config)


@pytest.fixture
def open_window(qtbot: QtBot, theme: Theme) -> Open:
    def open_() -> MainWindow:
        controller = RunController(command=by_name, ask_s=0.2, terminate_s=0.2)
        window = MainWindow(Preferences(), theme, controller)
        qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
        window.show()
        return window

    return open_


@pytest.fixture
def window(open_window: Open, photos: Path, qtbot: QtBot) -> MainWindow:
    return ready(open_window(), photos, qtbot)


def add(window: MainWindow, *names: str) -> list[QueuedRun]:
    """Through the menu, as a person does."""
    for name in names:
        window.rooms.form.show_config(RunConfig(name=name, model="resnet18", tune="all"))
        goes = not window.rooms.session.queue.paused
        window.menus.actions["add_to_queue"].trigger()
        if goes and window.rooms.session.queue.paused:
            window.rooms.session.queue.go_on()
    return list(window.rooms.session.queue.entries[-len(names) :])


def states(window: MainWindow) -> list[tuple[str, str]]:
    return [(entry.config.name, entry.state) for entry in window.rooms.session.queue.entries]


def names(window: MainWindow) -> list[str]:
    return [entry.config.name for entry in window.rooms.session.queue.entries]


def wait_for(window: MainWindow, expected: list[tuple[str, str]], qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: states(window) == expected, timeout=WAIT_MS)


def training(window: MainWindow, name: str, qtbot: QtBot) -> None:
    def trains() -> bool:
        shown, running = window.rooms.session.controller.config, window.rooms.session.queue.running
        there = window.rooms.session.controller.run.phase is RunPhase.TRAINING and running is not None
        return bool(there and shown and shown.name == name)

    qtbot.waitUntil(trains, timeout=WAIT_MS)


def test_queue_goes_on_after_a_failure_and_says_how_all_ended(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page(PHOTOS)
    with qtbot.waitSignal(window.rooms.session.queue.over, timeout=WAIT_MS):
        add(window, "finishes 1", "fails 2", "finishes 3")
    assert states(window) == [("finishes 1", "done"), ("fails 2", "failed"), ("finishes 3", "done")]
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == "The queue is done: 2 runs went well, 1 did not."
    assert "finishes 1 (92.0\u202f%), finishes 3 (92.0\u202f%)." in window.frame.bar.notice.text
    assert "fails 2 failed: Out of memory on <b>GPU & co</b>." in window.frame.bar.notice.text
    assert window.frame.page == PHOTOS
    folders = {entry.folder for entry in window.rooms.session.queue.entries}
    assert len(folders) == 3 and all((Path(folder) / "config.json").exists() for folder in folders)


@pytest.mark.parametrize("end", ["crashes", "leaves"])
def test_queue_goes_on_after_a_crash(window: MainWindow, qtbot: QtBot, end: str) -> None:
    add(window, f"{end} 1", "finishes 2")
    wait_for(window, [(f"{end} 1", "crashed"), ("finishes 2", "done")], qtbot)
    assert window.rooms.session.queue.entries[0].words
    assert row(window.rooms.session.queue.entries[0], None).state == "crashed"
    assert f"{end} 1 crashed: " in over_notice(window.rooms.session.queue.entries).text


def test_queue_waits_for_the_training_in_progress(window: MainWindow, qtbot: QtBot) -> None:
    window.rooms.form.show_config(RunConfig(name="trains"))
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.session.controller.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    add(window, "finishes 1")
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == "Added to the queue: finishes 1."
    assert window.frame.bar.notice.text == "It starts when this training has ended."
    window.rooms.session.queue._on_poll()
    assert states(window) == [("finishes 1", "waiting")]
    # Not a run of the queue: nobody said that the queue shall wait.
    window.rooms.session.controller.stop_now()
    wait_for(window, [("finishes 1", "done")], qtbot)


def test_queue_waits_for_a_training_of_another_window(window: MainWindow, qtbot: QtBot) -> None:
    other = RunDir(data_dir() / "runs" / "other")
    other.create()
    other.config.write_bytes(configs.dump(RunConfig()))
    other.acquire()
    with qtbot.waitSignal(window.rooms.session.queue._looking.finished, timeout=WAIT_MS):
        add(window, "finishes 1")
    assert states(window) == [("finishes 1", "waiting")]
    other.release()
    wait_for(window, [("finishes 1", "done")], qtbot)


def test_run_that_cannot_be_started_has_failed_with_its_sentence(
    window: MainWindow, photos: Path, qtbot: QtBot
) -> None:
    window.rooms.session.queue.pause()
    add(window, "finishes 1", "finishes 2")
    gone = msgspec.structs.replace(
        window.rooms.session.queue.entries[0].config, source=(str(photos / "gone"),)
    )
    window.rooms.session.queue._update(window.rooms.session.queue.entries[0].id, config=gone)
    window.rooms.session.queue.go_on()
    wait_for(window, [("finishes 1", "failed"), ("finishes 2", "done")], qtbot)
    assert "gone" in window.rooms.session.queue.entries[0].words


def test_program_that_does_not_start_fails_each_run(
    qtbot: QtBot, theme: Theme, photos: Path, tmp_path: Path
) -> None:
    controller = RunController(command=lambda config: [str(tmp_path / "nothing here")])
    window = MainWindow(Preferences(), theme, controller)
    qtbot.addWidget(window)
    ready(window, photos, qtbot)
    add(window, "a", "b")
    wait_for(window, [("a", "failed"), ("b", "failed")], qtbot)
    assert "could not be started" in window.rooms.session.queue.entries[0].words


def test_queue_asks_when_the_person_stops_a_run(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "trains 1", "finishes 2")
    training(window, "trains 1", qtbot)
    with qtbot.waitSignal(window.rooms.session.queue.halted, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    assert window.prompts.question is not None and window.rooms.session.queue.paused
    window.rooms.session.queue._on_poll()
    assert states(window) == [("trains 1", "stopped"), ("finishes 2", "waiting")]
    window.prompts.question.buttons[Answer.QUEUE_ON].click()
    wait_for(window, [("trains 1", "stopped"), ("finishes 2", "done")], qtbot)


def test_enter_lets_the_queue_wait(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "trains 1", "finishes 2")
    training(window, "trains 1", qtbot)
    with qtbot.waitSignal(window.rooms.session.queue.halted, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    question = window.prompts.question
    assert question is not None
    qtbot.waitUntil(question.isVisible, timeout=WAIT_MS)
    QTest.keyClick(question, Qt.Key.Key_Return)
    assert window.rooms.session.queue.paused and window.rooms.session.queue.waiting


def test_single_run_that_the_person_stopped_is_told_as_ever(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "trains 1")
    training(window, "trains 1", qtbot)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=WAIT_MS):
        window.rooms.session.controller.stop_now()
    assert window.frame.bar.notice is not None and window.frame.bar.notice.title.startswith("Stopped")


def test_paused_queue_starts_nothing_until_it_goes_on(window: MainWindow, qtbot: QtBot) -> None:
    window.rooms.session.queue.pause()
    add(window, "finishes 1")
    window.rooms.session.queue._on_poll()
    assert not window.rooms.session.queue._looking.working and states(window) == [("finishes 1", "waiting")]
    window.rooms.session.queue.go_on()
    wait_for(window, [("finishes 1", "done")], qtbot)


def test_queue_survives_the_window_and_waits_to_be_told(
    window: MainWindow, open_window: Open, qtbot: QtBot
) -> None:
    window.rooms.session.queue.pause()
    add(window, "finishes 1", "fails 2", "finishes 3")
    window.rooms.session.queue.move(window.rooms.session.queue.entries[2].id, 0)
    window.rooms.session.queue.go_on()
    assert window.close()
    second = open_window()
    assert names(second) == ["finishes 3", "finishes 1", "fails 2"]
    assert second.frame.bar.notice is not None
    assert second.frame.bar.notice.title == "3 runs wait in the queue."
    second.rooms.session.queue._on_poll()
    assert not second.rooms.session.queue._looking.working
    second.frame.bar.chosen.emit(Offer.QUEUE_ON)
    wait_for(second, [("finishes 3", "done"), ("finishes 1", "done"), ("fails 2", "failed")], qtbot)


def test_run_left_in_the_background_is_settled_by_its_folder(open_window: Open, tmp_path: Path) -> None:
    folder = RunDir(tmp_path / "run")
    folder.create()
    ends: dict[str, AnyMessage] = {
        "done": RunFinished(checkpoint=None, metrics={"val_accuracy": 0.9}, elapsed_s=1),
        "stopped": RunStopped(checkpoint=None, reason="asked"),
        "failed": RunFailed(kind="oom", text="No memory.", hint="", traceback=""),
    }
    for state, last in ends.items():
        folder.events.write_bytes(encode(last))
        found = last_words(folder)
        assert found is not None and found[0] == state
    folder.events.write_bytes(b'{"type":"heart')
    assert last_words(folder) == ("crashed", run_ends.NO_WORD)
    folder.acquire()
    assert last_words(folder) is None


def test_queue_goes_on_with_the_run_that_a_closed_window_left(
    open_window: Open, photos: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = RunDir(data_dir() / "runs" / "left")
    folder.create()
    config = RunConfig(name="finishes 2", source=(str(photos),))
    folder.config.write_bytes(configs.dump(config))
    folder.events.write_bytes(b"")
    left = QueuedRun(config=RunConfig(name="left"), state="running", folder=str(folder.path))
    QueueFile().write(Queue(entries=(left, QueuedRun(config=config))))
    command = [sys.executable, "-c", OWNER, str(folder.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None and engine.stdout.readline() == b"running\n"
        window = open_window()
        window.rooms.left_behind.at_start()
        window.rooms.session.queue._on_poll()
        assert states(window) == [("left", "running"), ("finishes 2", "waiting")]
        engine.communicate(b"\n")
        wait_for(window, [("left", "done"), ("finishes 2", "done")], qtbot)


def test_broken_file_is_set_aside_and_said(open_window: Open, qtbot: QtBot) -> None:
    data_dir().mkdir(parents=True, exist_ok=True)  # A thread of an earlier window may have made it.
    (data_dir() / "queue.json").write_bytes(b'{"entries": [{"con')
    window = open_window()
    qtbot.waitUntil(lambda: window.frame.bar.notice is not None, timeout=WAIT_MS)
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.title == "The queue could not be read."
    assert (data_dir() / "queue.broken.json").read_bytes() == b'{"entries": [{"con'


def test_only_one_window_starts_the_runs(
    window: MainWindow, open_window: Open, photos: Path, qtbot: QtBot
) -> None:
    add(window, "trains 1", "finishes 2")
    training(window, "trains 1", qtbot)
    second = ready(open_window(), photos, qtbot)
    assert not second.rooms.session.queue.held and second.frame.bar.notice is None
    second.rooms.session.queue._on_poll()
    assert not second.rooms.session.queue._looking.working and not second.rooms.session.controller.running
    add(second, "finishes 3")
    window.rooms.session.queue._on_poll()
    assert names(window) == ["trains 1", "finishes 2", "finishes 3"] == names(second)


def test_lock_goes_with_the_process_that_has_it(tmp_path: Path) -> None:
    program = "from waste_gui.gui.session.queue_store import QueueFile; import sys; f = QueueFile(); "
    other = subprocess.Popen(
        [sys.executable, "-c", program + "print(f.drive(), flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None and other.stdin is not None
    assert other.stdout.readline().strip() == b"True"
    mine = QueueFile()
    assert not mine.drive()
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    other.stdout.close()
    other.stdin.close()
    assert mine.drive()
    mine.let_go()


def test_every_change_can_be_undone(window: MainWindow) -> None:
    window.rooms.session.queue.pause()
    a, b, c = add(window, "a", "b", "c")
    undo = window.rooms.session.queue.undo_stack
    window.rooms.session.queue.move(c.id, 0)
    window.rooms.session.queue.remove([a.id])
    window.rooms.session.queue.clear()
    assert names(window) == []
    undo.undo()
    assert names(window) == ["c", "b"]
    undo.undo()
    assert names(window) == ["c", "a", "b"]
    undo.undo()
    assert names(window) == ["a", "b", "c"]
    undo.undo()
    assert names(window) == ["a", "b"]
    undo.redo()
    assert names(window) == ["a", "b", "c"]


def test_undo_leaves_alone_what_has_begun_since(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "trains 1", "trains 2")
    window.rooms.session.queue.move(window.rooms.session.queue.entries[1].id, 0)
    training(window, "trains 2", qtbot)
    for _ in range(3):  # Moving the second, and adding both.
        assert names(window) == ["trains 2", "trains 1"]
        window.rooms.session.queue.undo_stack.undo()
    assert states(window) == [("trains 2", "running")]


def test_running_run_is_neither_moved_nor_removed(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "trains 1", "finishes 2", "finishes 3")
    training(window, "trains 1", qtbot)
    first, second, third = window.rooms.session.queue.entries
    window.rooms.session.queue.move(first.id, 2)
    window.rooms.session.queue.remove([first.id])
    window.rooms.session.queue.move(third.id, 0)
    assert names(window) == ["trains 1", "finishes 3", "finishes 2"]
    window.rooms.session.queue.clear()
    assert names(window) == ["trains 1"]


def test_runs_that_were_told_make_room_for_new_ones(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.rooms.session.queue.over, timeout=WAIT_MS):
        add(window, "finishes 1")
    window.rooms.session.queue.pause()
    add(window, "finishes 2")
    assert names(window) == ["finishes 2"]


def test_full_disk_is_said_and_the_queue_goes_on(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: QueueFile, queue: Queue) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(QueueFile, "write", full)
    with qtbot.waitSignal(window.rooms.session.queue.trouble, timeout=WAIT_MS) as told:
        add(window, "finishes 1")
    assert "No space left" in told.args[0]
    wait_for(window, [("finishes 1", "done")], qtbot)


def test_folder_that_does_not_answer_holds_the_others_up_no_longer(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.rooms.session.queue.pause()
    add(window, "finishes 1", "finishes 2")
    monkeypatch.setattr(window.rooms.session.queue._looking, "start", lambda work: None)
    window.rooms.session.queue.go_on()
    window.rooms.session.queue._consider()
    monkeypatch.undo()
    window.rooms.session.queue._on_no_answer()
    wait_for(window, [("finishes 1", "failed"), ("finishes 2", "done")], qtbot)
    assert window.rooms.session.queue.entries[0].words == "Its folder of photos does not answer."


def test_who_adds_to_the_queue_does_not_start_it(window: MainWindow, qtbot: QtBot) -> None:
    window.menus.actions["add_to_queue"].trigger()
    queue = window.rooms.session.queue
    queue._on_poll()
    assert not queue._looking.working and not window.rooms.session.running
    notice = window.frame.bar.notice
    assert notice is not None and notice.text == "It waits until you start the queue."
    assert Offer.QUEUE_ON in notice.offers
    window.rooms.form.show_config(RunConfig(name="finishes 1", model="resnet18"))
    window.menus.actions["add_to_queue"].trigger()
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.text == "2 runs wait until you start the queue."
    queue.remove([queue.entries[0].id])
    window.frame.bar.chosen.emit(Offer.QUEUE_ON)
    wait_for(window, [("finishes 1", "done")], qtbot)


def test_queue_is_started_before_it_is_ever_paused_or_resumed(
    window: MainWindow, open_window: Open, qtbot: QtBot
) -> None:
    """The same in the bar, in the dialog and in the next window."""
    window.rooms.form.show_config(RunConfig(name="finishes 1", model="resnet18"))
    window.menus.actions["add_to_queue"].trigger()
    open_dialog(window, qtbot)
    again = open_window()
    again.rooms.queueing.tell_at_start()
    for each in (window, again):
        assert each.frame.bar.notice is not None
        assert each.frame.bar.notice.label(Offer.QUEUE_ON) == "Start the queue"
    dialog = window.rooms.queueing.dialog
    assert dialog is not None and dialog.pause.text().replace("&", "") == "Start the queue"
    assert dialog.headline.text() == "1 run waits. Start the queue to train them."
    with qtbot.waitSignal(window.rooms.session.queue.over, timeout=WAIT_MS):
        dialog.pause.click()


def test_what_is_added_while_one_trains_comes_after_it(
    window: MainWindow, photos: Path, qtbot: QtBot
) -> None:
    window.rooms.form.show_config(RunConfig(name="trains 1", model="resnet18"))
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.session.controller.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    window.rooms.form.show_config(RunConfig(name="finishes 2", model="resnet18"))
    window.menus.actions["add_to_queue"].trigger()
    assert window.frame.bar.notice is not None
    assert window.frame.bar.notice.text == "It starts when this training has ended."
    assert not window.rooms.session.queue.paused
    window.rooms.session.controller.stop_now()
    wait_for(window, [("finishes 2", "done")], qtbot)


def test_look_at_photos_that_goes_on_is_not_given_up(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each photo that is found shows that the drive answers."""
    go_on = threading.Event()

    def look_at(entry: QueuedRun, tell: Callable[[object], None]) -> run_queue.QueueLook:
        for n in range(4):
            tell((n, "glass"))
        assert go_on.wait(20)
        return run_queue.QueueLook(entry.id, False, "", 6)

    monkeypatch.setattr(run_queue, "look_at", look_at)
    queue = window.rooms.session.queue
    patience = queue._patience
    begun: list[int] = []
    monkeypatch.setattr(patience, "start", begun.append)
    add(window, "finishes 1")
    queue._on_poll()
    qtbot.waitUntil(lambda: len(begun) == 5, timeout=WAIT_MS)
    go_on.set()
    wait_for(window, [("finishes 1", "done")], qtbot)


def test_look_that_breaks_ends_the_run_and_not_the_queue(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be tried again each second, for ever."""
    real = run_queue.look_at

    def look_at(entry: QueuedRun, tell: Callable[[object], None]) -> run_queue.QueueLook:
        if entry.config.name == "finishes 1":
            raise ValueError("a name that nobody thought of")
        return real(entry, tell)

    monkeypatch.setattr(run_queue, "look_at", look_at)
    add(window, "finishes 1", "finishes 2")
    wait_for(window, [("finishes 1", "failed"), ("finishes 2", "done")], qtbot)
    assert "a name that nobody thought of" in window.rooms.session.queue.entries[0].words


def test_crash_of_the_last_run_keeps_its_advice_beside_the_word_of_the_queue(
    window: MainWindow, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(window.rooms.session.queue.over, timeout=WAIT_MS):
        add(window, "crashes 1")
    notice = window.frame.bar.notice
    assert notice is not None and "killed" in notice.title
    assert "The queue is done" in notice.text
    assert Offer.SHOW_LOG in notice.offers and Offer.SHOW_QUEUE in notice.offers


def test_advice_of_a_failure_stands_in_the_queue(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "fails 1", "finishes 2")
    wait_for(window, [("fails 1", "failed"), ("finishes 2", "done")], qtbot)
    assert window.rooms.session.queue.entries[0].words.endswith("Use batch 16.")


# --- the dialog


def open_dialog(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_J, CTRL)
    assert window.rooms.queueing.dialog is not None
    qtbot.waitUntil(window.rooms.queueing.dialog.isActiveWindow, timeout=WAIT_MS)


def test_empty_queue_says_what_to_do(window: MainWindow, qtbot: QtBot) -> None:
    open_dialog(window, qtbot)
    dialog = window.rooms.queueing.dialog
    assert dialog is not None and not dialog.list.isVisible()
    window.rooms.session.queue.pause()
    dialog.add.click()
    assert dialog.list.isVisible()
    assert dialog.list.rows.rows[0].detail == "waste"
    assert dialog.list.rows.rows[0].name == f"waste · {RunConfig().model}", (
        "how many epochs is decided by the device"
    )


def test_nothing_can_be_added_without_photos(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    open_dialog(window, qtbot)
    assert window.rooms.queueing.dialog is not None
    assert (
        not window.rooms.queueing.dialog.add.isEnabled()
        and not window.menus.actions["add_to_queue"].isEnabled()
    )


def test_keys_move_and_remove_the_chosen_run(window: MainWindow, qtbot: QtBot) -> None:
    window.rooms.session.queue.pause()
    add(window, "a", "b", "c")
    open_dialog(window, qtbot)
    dialog = window.rooms.queueing.dialog
    assert dialog is not None
    queue_list = dialog.list
    assert queue_list.hasFocus() and queue_list.chosen is not None
    QTest.keyClick(queue_list, Qt.Key.Key_Down, ALT)
    qtbot.waitUntil(lambda: names(window) == ["b", "a", "c"], timeout=WAIT_MS)
    assert queue_list.chosen.name == "a" and dialog.up.isEnabled()
    QTest.keyClick(queue_list, Qt.Key.Key_Up, ALT)
    qtbot.waitUntil(lambda: names(window) == ["a", "b", "c"], timeout=WAIT_MS)
    assert not dialog.up.isEnabled()
    QTest.keyClick(queue_list, Qt.Key.Key_Delete)
    assert names(window) == ["b", "c"]
    QTest.keyClick(dialog, Qt.Key.Key_Z, CTRL)
    assert names(window) == ["a", "b", "c"]
    dialog.undo.click()
    assert names(window) == ["b", "a", "c"]


def test_button_that_can_do_no_more_gives_the_keyboard_back_to_the_list(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.rooms.session.queue.pause()
    add(window, "a", "b")
    open_dialog(window, qtbot)
    dialog = window.rooms.queueing.dialog
    assert dialog is not None
    dialog.list.setCurrentIndex(dialog.list.rows.index(1, 0))
    dialog.up.setFocus()
    QTest.keyClick(dialog.up, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: names(window) == ["b", "a"], timeout=WAIT_MS)
    assert not dialog.up.isEnabled() and dialog.list.hasFocus()


def test_dropped_run_lands_in_the_gap(window: MainWindow, qtbot: QtBot) -> None:
    window.rooms.session.queue.pause()
    entries = add(window, "a", "b", "c")
    open_dialog(window, qtbot)
    dialog = window.rooms.queueing.dialog
    assert dialog is not None
    model, move = dialog.list.rows, Qt.DropAction.MoveAction

    def drop(entry: QueuedRun, gap: int) -> None:
        data = QMimeData()
        data.setData(MIME, entry.id.encode())
        assert model.dropMimeData(data, move, gap, 0, dialog.list.rootIndex())

    drop(entries[0], 3)
    qtbot.waitUntil(lambda: names(window) == ["b", "c", "a"], timeout=WAIT_MS)
    drop(entries[0], 1)
    qtbot.waitUntil(lambda: names(window) == ["b", "a", "c"], timeout=WAIT_MS)
    assert model.mimeData([model.index(0, 0)]).data(MIME) == entries[1].id.encode()


def test_dialog_pauses_and_goes_on(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "trains 1", "finishes 2")
    training(window, "trains 1", qtbot)
    open_dialog(window, qtbot)
    dialog = window.rooms.queueing.dialog
    assert dialog is not None
    assert "starts when this training has ended" in dialog.headline.text()
    dialog.pause.click()
    assert window.rooms.session.queue.paused and dialog.headline.text().endswith("The queue is paused.")
    assert dialog.pause.text().replace("&", "") == "Resume the queue"
    dialog.pause.click()
    assert not window.rooms.session.queue.paused
    assert not dialog.remove.isEnabled()


def test_expected_time_stands_beside_a_run_of_a_known_kind(
    window: MainWindow, open_window: Open, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(window.rooms.session.queue.over, timeout=WAIT_MS):
        add(window, "finishes 1")
    window.rooms.session.queue.pause()
    add(window, "finishes 2")
    again = open_window()
    again.rooms.queueing.show()
    assert again.rooms.queueing.dialog is not None
    assert again.rooms.queueing.dialog.list.rows.rows[0].time.startswith("about ")


def test_last_word_counts_and_names() -> None:
    config = RunConfig(name="a")
    notice = over_notice(
        [
            QueuedRun(config=config, state="done", words="90.0 %"),
            QueuedRun(config=RunConfig(model="resnet18", epochs=1), state="stopped"),
            QueuedRun(config=RunConfig(name="c"), state="failed", words="No photos."),
        ]
    )
    assert notice.title == "The queue is done: 1 run went well, 2 did not."
    assert notice.text == "Went well: a (90.0 %). Stopped: resnet18 · 1 epoch. c failed: No photos."


@pytest.mark.slow
def test_real_engine_trains_the_queue(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second cannot: its folder holds one class."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    photos = make_photos(tmp_path / "photos", per_class=4)
    small = RunConfig(model="resnet18", pretrained="none", image_size=32, batch_size=8, epochs=1, workers=1)
    window = MainWindow(Preferences(), theme, RunController())
    qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
    ready(window, photos, qtbot)
    queue: RunQueue = window.rooms.session.queue
    for name, source in (("one", photos), ("two", photos / "glass"), ("three", photos)):
        config = msgspec.structs.replace(small, name=name, source=(str(source),))
        queue.add(config, 12)
    with qtbot.waitSignal(queue.over, timeout=LONG_MS):
        pass
    assert states(window) == [("one", "done"), ("two", "failed"), ("three", "done")], queue.entries
    for entry in (queue.entries[0], queue.entries[2]):
        assert (Path(entry.folder) / "checkpoints" / "best.safetensors").exists()
