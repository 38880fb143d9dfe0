"""Every way in which a training begins, goes on, begins again and ends, without a window: real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, fake
from tests.monitor import transcripts
from tests.photos import make_photos
from waste_gui import config as configs
from waste_gui import request as requests
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.session.interfaces import Answer, Question
from waste_gui.gui.session.pages import TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_text import Notice, Readiness
from waste_gui.gui.session.shown_run import ShownRun
from waste_gui.gui.session.training_session import AGAIN, SessionState, TrainingSession
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.verdict import Action
from waste_gui.protocol import encode
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

IDLE, RUNNING = SessionState.IDLE, SessionState.RUNNING
RESTARTING, QUITTING = SessionState.RESTARTING, SessionState.QUITTING


class FakeShell:
    """Notes what is said, asked and shown."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.pages: list[str] = []
        self.question: Question | None = None
        self._then: Callable[[Answer], object] | None = None

    def notify(self, notice: Notice | None) -> None:
        self.notices = [*self.notices, notice] if notice else []

    def ask(self, question: Question, then: Callable[[Answer], object]) -> None:
        self.withdraw()
        self.question, self._then = question, then

    def withdraw(self) -> None:
        if self.question is not None:
            self.answer(self.question.answers[-1])

    def answer(self, answer: Answer) -> None:
        assert self.question is not None and self._then is not None and answer in self.question.answers
        then, self.question, self._then = self._then, None, None
        then(answer)

    def show_page(self, page: str) -> None:
        self.pages.append(page)


class FakeInputs:
    """Photos and settings that are chosen; the name of the run is the scenario that its engine plays."""

    def __init__(self, photos: Path) -> None:
        self.chosen: RunConfig | ConfigError = RunConfig(name="trains", source=(str(photos),))
        self.ready = True
        self.reads = False
        self.stopped: list[bool] = []

    def config(self) -> RunConfig:
        if isinstance(self.chosen, ConfigError):
            raise self.chosen
        return self.chosen

    def readiness(self) -> Readiness:
        return Readiness(self.ready, "", "", photos=6)

    def reading(self) -> bool:
        return self.reads

    def stop_reading(self, *, for_training: bool) -> None:
        self.stopped.append(for_training)


class Stage:
    """A session with all that is around it, and what it has told."""

    def __init__(self, session: TrainingSession, shell: FakeShell, inputs: FakeInputs, qtbot: QtBot) -> None:
        self.session, self.shell, self.inputs, self.qtbot = session, shell, inputs, qtbot
        self.left: list[int] = []
        self.may_close = 0
        self.written = 0
        session.may_close.connect(self._on_may_close)
        session.leaving.connect(self._on_leaving)

    def _on_may_close(self) -> None:
        self.may_close += 1

    def _on_leaving(self) -> None:
        self.written += 1

    @property
    def said(self) -> str:
        return self.shell.notices[-1].title if self.shell.notices else ""

    @property
    def phase(self) -> RunPhase:
        return self.session.controller.run.phase

    def play(self, scenario: str) -> None:
        assert isinstance(self.inputs.chosen, RunConfig)
        self.inputs.chosen = msgspec.structs.replace(self.inputs.chosen, name=scenario)

    def training(self, scenario: str = "trains") -> RunDir:
        """One that has come as far as its first epoch."""
        self.play(scenario)
        self.session.start()
        self.until(lambda: len(self.session.controller.run.epochs) > 0)
        assert self.session.folder is not None
        return self.session.folder

    def until(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=WAIT_MS)

    def to_end(self) -> None:
        self.until(lambda: self.session.state is IDLE)


def ended_run(tmp_path: Path) -> RunDir:
    """One that an earlier window trained."""
    folder = RunDir(tmp_path / "earlier")
    folder.create()
    folder.config.write_bytes(configs.dump(RunConfig(name="earlier")))
    script = transcripts.Transcript(2).start_up().begin_training().epoch(1).epoch(2).end()
    folder.events.write_bytes(b"".join(map(encode, script.messages)))
    return folder


def by_name(config: Path) -> list[str]:
    return fake(requests.load(config).config.name.split()[0])(config)


@pytest.fixture
def stage(qtbot: QtBot, photos: Path) -> Iterator[Stage]:
    shell, inputs, left = FakeShell(), FakeInputs(photos), list[int]()
    controller = RunController(command=by_name, ask_s=0.2, terminate_s=0.2)
    session = TrainingSession(controller, inputs, shell, exit_now=left.append)
    made = Stage(session, shell, inputs, qtbot)
    made.left = left
    yield made
    session.queue.close()
    controller.kill_now()
    qtbot.waitUntil(lambda: not controller.running, timeout=WAIT_MS)


# --- begins


def test_start_trains_what_is_chosen_and_stops_what_reads_the_photos(stage: Stage) -> None:
    stage.session.start()
    assert stage.session.state is RUNNING and stage.shell.pages == [TRAINING]
    assert stage.inputs.stopped == [True]
    assert stage.session.controller.config is not None
    assert stage.session.controller.config.name == "trains"


def test_start_waits_until_all_is_ready(stage: Stage) -> None:
    stage.inputs.ready = False
    stage.session.start()
    assert stage.session.state is IDLE and stage.session.folder is None


def test_start_that_is_refused_says_why(stage: Stage) -> None:
    stage.inputs.chosen = ConfigError("The batch size is 0.")
    stage.session.start()
    assert stage.session.state is IDLE and stage.shell.notices[-1].text == "The batch size is 0."
    assert stage.shell.pages == []


def test_second_start_changes_nothing(stage: Stage) -> None:
    stage.session.start()
    folder = stage.session.folder
    stage.session.start()
    assert stage.session.folder == folder and stage.session.state is RUNNING


def test_engine_that_cannot_be_launched_has_ended_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.session.controller, "_command", lambda config: ["/nowhere/engine", str(config)])
    stage.session.start()
    stage.to_end()
    assert stage.session.controller.run.phase is RunPhase.CRASHED
    stage.session.restart_with(Action.TRY_AGAIN)
    stage.to_end()
    assert stage.session.state is IDLE


def test_start_with_waits_for_the_photos_and_forgets_them_for_others(stage: Stage) -> None:
    assert isinstance(stage.inputs.chosen, RunConfig)
    stage.inputs.ready = False
    stage.session.start_with(stage.inputs.chosen.source)
    stage.session.inputs_changed()
    assert stage.session.state is IDLE
    stage.inputs.ready = True
    stage.inputs.chosen = msgspec.structs.replace(stage.inputs.chosen, source=("/others",))
    stage.session.inputs_changed()
    assert stage.session.state is IDLE, "others were chosen meanwhile"
    stage.session.start_with(("/others",))
    stage.session.inputs_changed()
    assert stage.session.state is RUNNING


# --- ends by itself, or is stopped


@pytest.mark.parametrize(
    ("scenario", "phase"),
    [
        ("finishes", RunPhase.FINISHED),
        ("fails", RunPhase.FAILED),
        ("crashes", RunPhase.CRASHED),
        ("leaves", RunPhase.CRASHED),
    ],
)
def test_training_that_ends_leaves_the_session_idle(stage: Stage, scenario: str, phase: RunPhase) -> None:
    stage.play(scenario)
    with stage.qtbot.waitSignal(stage.session.ended, timeout=WAIT_MS):
        stage.session.start()
    assert stage.session.state is IDLE and stage.session.controller.run.phase is phase


@pytest.mark.parametrize(
    ("answer", "reason"), [(Answer.STOP_NOW, "asked (now)"), (Answer.AFTER_EPOCH, "asked (epoch_end)")]
)
def test_stop_asks_and_does_what_is_answered(stage: Stage, answer: Answer, reason: str) -> None:
    stage.training()
    stage.session.stop()
    stage.shell.answer(answer)
    stage.to_end()
    assert getattr(stage.session.controller.run.last, "reason", "") == reason


def test_stop_can_be_taken_back_and_asked_again(stage: Stage) -> None:
    stage.training()
    for _ in range(2):
        stage.session.stop()
        stage.shell.answer(Answer.KEEP_TRAINING)
    assert stage.session.state is RUNNING and stage.session.controller.run.stop_asked_at is None


def test_question_of_another_takes_the_place_of_the_stop_and_stop_asks_again(stage: Stage) -> None:
    stage.training()
    stage.session.stop()
    stage.shell.ask(Question("Another", "", (Answer.CLOSE,)), lambda answer: None)
    stage.session.stop()
    assert stage.shell.question is not None and stage.shell.question.title == "Stop training?"


def test_end_while_a_question_is_open_settles_it(stage: Stage) -> None:
    stage.training()
    stage.session.stop()
    stage.session.controller.kill_now()
    stage.to_end()
    assert stage.shell.question is None
    stage.training()
    stage.session.stop()
    assert stage.shell.question is not None, "it asks again the next time"


# --- goes on, begins again


def test_resume_goes_on_in_the_same_folder(stage: Stage) -> None:
    folder = stage.training()
    stage.session.controller.stop_now()
    stage.to_end()
    stage.session.resume(folder)
    assert stage.session.state is RUNNING and stage.session.folder == folder


def test_resume_of_a_folder_without_a_run_is_refused(stage: Stage, tmp_path: Path) -> None:
    stage.session.resume(RunDir(tmp_path))
    assert stage.session.state is IDLE and stage.said
    assert not (tmp_path / "config.json").exists()


def test_resume_of_another_while_one_trains_is_refused(stage: Stage) -> None:
    folder = stage.training()
    stage.session.resume(folder)
    assert stage.said == "A training runs in this window." and stage.session.state is RUNNING


@pytest.mark.parametrize("action", AGAIN)
def test_run_that_hangs_begins_again_when_it_is_gone(stage: Stage, action: Action) -> None:
    first = stage.training()
    with stage.qtbot.waitSignal(stage.session.ended, timeout=WAIT_MS):
        stage.session.restart_with(action)
        assert stage.session.state is RESTARTING and stage.session.folder == first
    assert stage.session.state is RESTARTING, "everybody hears of the end first"
    stage.until(lambda: stage.session.state is RUNNING)
    assert stage.session.folder != first and stage.session.running


def test_run_that_has_ended_begins_again_at_once(stage: Stage) -> None:
    stage.play("crashes")
    stage.session.start()
    stage.to_end()
    stage.session.restart_with(Action.SMALLER_BATCH)
    assert stage.session.state is RUNNING
    config = stage.session.controller.config
    assert config is not None and config.batch_size == RunConfig().batch_size // 2


def test_stop_while_it_begins_again_only_ends_it(stage: Stage) -> None:
    first = stage.training()
    stage.session.restart_with(Action.FEWER_WORKERS)
    stage.session.stop()
    assert stage.shell.question is None, "it stops already"
    stage.to_end()
    stage.qtbot.wait(50)
    assert stage.session.folder == first and not stage.session.running


def test_stop_between_the_end_and_the_new_beginning_is_heard(stage: Stage) -> None:
    first = stage.training()
    stage.session.ended.connect(lambda _: stage.session.stop())
    stage.session.restart_with(Action.FEWER_WORKERS)
    stage.to_end()
    assert stage.session.folder == first and not stage.session.running


def test_new_beginning_that_is_refused_leaves_the_session_idle(stage: Stage) -> None:
    stage.training()
    stage.session.restart_with(Action.TRY_AGAIN)
    assert stage.session._next is not None

    def refuse() -> RunRequest:
        raise ConfigError("The photos are gone.")

    stage.session._next = refuse
    stage.to_end()
    assert stage.said == "The settings cannot be used."


def test_another_run_does_not_begin_again_while_one_trains(stage: Stage) -> None:
    stage.training("fails")
    stage.to_end()
    failed = stage.session.snapshot
    now = stage.training()
    stage.session.restart_with(Action.TRY_AGAIN, failed)
    assert stage.session.folder == now and stage.session.state is RUNNING
    assert stage.said == "A training runs in this window."


# --- looked at


def test_run_that_ran_elsewhere_and_ended_is_looked_at_while_one_trains(stage: Stage, tmp_path: Path) -> None:
    old = ended_run(tmp_path)
    now = stage.training()
    shown = ShownRun(stage.session)
    stage.session.open(old)
    stage.until(lambda: shown.snapshot.run.phase is RunPhase.FINISHED)
    assert shown.folder == old and not shown.follows
    assert stage.session.folder == now and stage.session.state is RUNNING
    shown.follow()
    assert shown.folder == now and shown.follows
    shown.close()


def test_queue_goes_on_while_another_run_is_looked_at(stage: Stage, tmp_path: Path) -> None:
    old = ended_run(tmp_path)
    shown = ShownRun(stage.session)
    stage.session.open(old)
    stage.until(lambda: shown.snapshot.run.phase is RunPhase.FINISHED)
    stage.play("trains")
    stage.session.queue.add(stage.inputs.config(), 6)
    stage.session.queue.go_on()
    stage.until(lambda: stage.session.state is RUNNING)
    assert shown.folder == old and not shown.follows
    stage.session.stop()
    stage.shell.answer(Answer.STOP_NOW)
    stage.to_end()
    stage.session.start()
    assert shown.follows, "what the person starts is looked at"
    shown.close()


def test_folder_that_holds_no_run_is_said_to_be_none(stage: Stage, tmp_path: Path) -> None:
    stage.session.open(RunDir(tmp_path))
    assert stage.said == f"{tmp_path} holds no run." and stage.session.folder is None


# --- the queue


def test_run_of_the_queue_that_begins_again_stays_in_the_queue(stage: Stage) -> None:
    stage.session.queue.add(stage.inputs.config(), 6)
    stage.session.queue.go_on()
    stage.until(lambda: stage.session.state is RUNNING)
    stage.session.restart_with(Action.TRY_AGAIN)
    stage.until(lambda: stage.session.state is RUNNING)
    (entry,) = stage.session.queue.entries
    assert entry.state == "running" and entry.folder == str(
        stage.session.folder and stage.session.folder.path
    )


def test_run_of_the_queue_that_was_to_begin_again_and_is_stopped_has_ended(stage: Stage) -> None:
    stage.session.queue.add(stage.inputs.config(), 6)
    stage.session.queue.go_on()
    stage.until(lambda: stage.session.state is RUNNING)
    stage.session.restart_with(Action.TRY_AGAIN)
    stage.session.stop()
    stage.to_end()
    (entry,) = stage.session.queue.entries
    assert entry.state == "stopped"


def test_run_of_the_queue_whose_new_beginning_is_refused_has_ended(stage: Stage) -> None:
    stage.session.queue.add(stage.inputs.config(), 6)
    stage.session.queue.go_on()
    stage.until(lambda: stage.session.state is RUNNING)
    stage.session.restart_with(Action.TRY_AGAIN)

    def refuse() -> RunRequest:
        raise ConfigError("The photos are gone.")

    stage.session._next = refuse
    stage.to_end()
    (entry,) = stage.session.queue.entries
    assert entry.state in ("stopped", "failed")


# --- the window goes


def test_idle_window_closes_at_once(stage: Stage) -> None:
    assert stage.session.quit() and stage.written == 1


def test_window_of_a_training_asks_and_stays(stage: Stage) -> None:
    stage.training()
    assert not stage.session.quit()
    stage.shell.answer(Answer.CANCEL)
    assert stage.session.state is RUNNING and stage.may_close == 0 and stage.left == []
    stage.session.stop()
    assert stage.shell.question is not None and stage.shell.question.title == "Stop training?"
    stage.shell.answer(Answer.STOP_NOW)
    stage.to_end()
    assert stage.may_close == 0, "only the training was stopped"


def test_stop_and_quit_closes_when_the_processes_are_gone(stage: Stage) -> None:
    stage.training()
    stage.session.quit()
    stage.shell.answer(Answer.STOP_AND_QUIT)
    assert stage.session.state is QUITTING and stage.may_close == 0
    assert not stage.session.quit(), "it is asked no more"
    assert stage.shell.question is None
    stage.until(lambda: stage.may_close == 1)
    assert stage.session.quit()


def test_nothing_begins_while_the_window_goes(stage: Stage) -> None:
    folder = stage.training()
    stage.session.queue.add(stage.inputs.config(), 6)
    stage.session.queue.go_on()
    stage.session.quit()
    stage.shell.answer(Answer.STOP_AND_QUIT)
    stage.session.start()
    stage.session.resume(folder)
    stage.session.restart_with(Action.TRY_AGAIN)
    stage.until(lambda: stage.may_close == 1)
    stage.session.queue._on_poll()
    assert stage.session.folder == folder and not stage.session.running
    assert stage.session.state is QUITTING


def test_quit_while_it_begins_again_ends_it_for_good(stage: Stage) -> None:
    first = stage.training()
    stage.session.restart_with(Action.TRY_AGAIN)
    stage.session.quit()
    stage.shell.answer(Answer.STOP_AND_QUIT)
    stage.until(lambda: stage.may_close == 1)
    stage.qtbot.wait(50)
    assert stage.session.folder == first and not stage.session.running


def test_training_that_ends_while_quitting_is_asked_lets_the_window_stay(stage: Stage) -> None:
    stage.training()
    stage.session.quit()
    stage.session.controller.kill_now()
    stage.to_end()
    assert stage.shell.question is None and stage.may_close == 0
    assert stage.session.quit()


def test_keeping_it_in_the_background_leaves_at_once(stage: Stage) -> None:
    stage.training()
    stage.session.quit()
    stage.shell.answer(Answer.KEEP_IN_BACKGROUND)
    assert stage.left == [0] and stage.written == 1 and stage.session.running


def test_interrupt_leaves_with_its_status(stage: Stage) -> None:
    stage.training()
    stage.session.leave_now(130)
    assert stage.left == [130] and stage.session.running


def test_log_out_saves_and_asks_nothing(stage: Stage) -> None:
    folder = stage.training()
    stage.session.log_out()
    assert stage.written == 1
    assert not stage.session.quit()
    assert stage.left == [0] and stage.shell.question is None
    stage.until(lambda: "SaveNow" in folder.log.read_text())


def test_log_out_that_was_taken_back_is_forgotten(stage: Stage) -> None:
    stage.training()
    stage.session._log_out.setInterval(1)
    stage.session.log_out()
    stage.until(lambda: not stage.session._log_out.isActive())
    assert not stage.session.quit()
    assert stage.left == [] and stage.shell.question is not None


def test_window_waits_for_what_still_reads_the_photos(stage: Stage) -> None:
    stage.inputs.reads = True
    assert not stage.session.quit()
    assert stage.session.state is QUITTING and stage.inputs.stopped == [False]
    stage.inputs.reads = False
    stage.session.reading_ended()
    assert stage.may_close == 1 and stage.session.quit()


def test_photos_that_are_read_to_the_end_close_no_window(stage: Stage) -> None:
    stage.session.reading_ended()
    assert stage.may_close == 0


def test_training_of_another_window_goes_on_when_this_one_closes(stage: Stage, photos: Path) -> None:
    folder = stage.training()
    other = TrainingSession(RunController(), FakeInputs(photos), FakeShell())
    folder.acquire()  # As the real engine does; this process lives as long.
    try:
        other.open(folder)
        assert other.state is RUNNING and other.folder == folder
        assert other.quit()
        assert stage.session.running
    finally:
        folder.release()
        other.queue.close()


@pytest.mark.slow
def test_real_engine_is_stopped_goes_on_begins_again_and_finishes(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    inputs, shell = FakeInputs(make_photos(tmp_path / "photos")), FakeShell()
    assert isinstance(inputs.chosen, RunConfig)
    inputs.chosen = msgspec.structs.replace(
        inputs.chosen, model="resnet18", pretrained="none", image_size=32, batch_size=8, epochs=3, workers=2
    )
    session = TrainingSession(RunController(), inputs, shell)
    stage = Stage(session, shell, inputs, qtbot)

    def until(true: Callable[[], bool]) -> None:
        qtbot.waitUntil(true, timeout=180_000)

    try:
        session.start()
        until(lambda: session.controller.run.phase is RunPhase.TRAINING)
        session.stop()
        shell.answer(Answer.STOP_NOW)
        until(lambda: session.state is IDLE)
        assert stage.phase is RunPhase.STOPPED and session.folder is not None
        session.resume(session.folder)
        until(lambda: session.controller.run.phase is RunPhase.TRAINING)
        session.restart_with(Action.FEWER_WORKERS)
        assert session.state is RESTARTING
        until(lambda: session.state is RUNNING)
        until(lambda: session.state is IDLE)
        run = session.controller.run
        assert run.phase is RunPhase.FINISHED, run.exit_words
        assert len(run.epochs) == 3, "those of all starts"
        assert stage.session.quit()
    finally:
        session.queue.close()
        session.controller.kill_now()
        until(lambda: not session.running)
