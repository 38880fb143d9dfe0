"""What trains: every way in which a training begins, goes on, begins again and ends. No widgets.

state        event                     then
IDLE         start, resume             RUNNING, or IDLE and a word why not
IDLE         restart_with              RUNNING at once
IDLE         open a run that runs      RUNNING: it is followed, and can be stopped
any          open another run          the same; it is looked at (`opened`)
RUNNING      restart_with              RESTARTING, and the run is stopped
RUNNING      stop, answered            RUNNING until the processes are gone
RUNNING      the end                   IDLE
RUNNING      quit, stop and quit       QUITTING
RESTARTING   the end                   RUNNING, or IDLE and a word why not
RESTARTING   stop                      RUNNING: nothing begins again
RESTARTING   quit, stop and quit       QUITTING: nothing begins again
QUITTING     the end                   QUITTING, and `may_close`
QUITTING     start, resume, the queue  the same
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.session.changed_settings import again
from waste_gui.gui.session.interfaces import Answer, Inputs, Question, Shell
from waste_gui.gui.session.pages import TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_queue import RunQueue
from waste_gui.gui.session.session_text import close_question, stop_answers, trouble
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.verdict import Action
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError

AGAIN = (
    Action.SMALLER_BATCH,
    Action.FEWER_WORKERS,
    Action.WITHOUT_CACHE,
    Action.STARTER_WEIGHTS,
    Action.FROM_SCRATCH,
    Action.ON_PROCESSOR,
    Action.TRY_AGAIN,
    Action.FINE_TUNE,
)
"""Each ends the run that hangs, and starts it with what would have helped it; the last one leads on from one
that is done."""

LOG_OUT_S = 60
"""A log-out that somebody took back is forgotten after so long."""


class SessionState(Enum):
    IDLE = "idle"
    RUNNING = "running"
    RESTARTING = "restarting"
    QUITTING = "quitting"


class TrainingSession(QObject):
    """`controller` has the run that trains, or that trained last; `changed` and `ended` tell its Snapshot."""

    changed = Signal(object)
    ended = Signal(object)
    began = Signal(object)  # RunDir: a training begins, or one that runs elsewhere is followed.
    chosen = Signal()  # By the person, so that it is looked at; what the queue starts is not.
    opened = Signal(object)  # RunDir: another run is to be looked at.
    leaving = Signal()  # What was changed must be on the disk when this returns.
    may_close = Signal()  # All has ended that the window waited for.

    def __init__(
        self,
        controller: RunController,
        inputs: Inputs,
        shell: Shell,
        parent: QObject | None = None,
        exit_now: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__(parent)
        self.controller = controller
        controller.setParent(self)
        self._inputs, self._shell, self._exit_now = inputs, shell, exit_now
        self.state = SessionState.IDLE
        self._question: Question | None = None
        self._next: Callable[[], RunRequest] | None = None  # What begins once this run has ended.
        self._awaited: tuple[str, ...] | None = None  # These photos are trained on once they are ready.
        self._log_out = QTimer(self)  # It runs while the person logs out.
        self._log_out.setSingleShot(True)
        self._log_out.setInterval(1000 * LOG_OUT_S)
        self.queue = RunQueue(controller, self._start_queued, self._may_start_queued, self)
        controller.changed.connect(self.changed)
        controller.ended.connect(self._on_ended)

    @property
    def snapshot(self) -> Snapshot:
        return self.controller.snapshot()

    @property
    def running(self) -> bool:
        return self.controller.running

    @property
    def folder(self) -> RunDir | None:
        return self.controller.folder

    # --- begins

    def start(self) -> None:
        """What is chosen, as soon as all is ready."""
        if self.state is SessionState.IDLE and self._inputs.readiness().ready:
            self._start(lambda: RunRequest(config=self._inputs.config()))

    def start_with(self, sources: tuple[str, ...]) -> None:
        """Start as soon as these folders are chosen and looked at, unless others are chosen meanwhile."""
        self._awaited = sources

    def inputs_changed(self) -> None:
        if self._awaited is None or not self._inputs.readiness().ready:
            return
        awaited, self._awaited = self._awaited, None
        if self._inputs.config().source == awaited:
            self.start()

    def resume(self, folder: RunDir) -> None:
        """On from its last checkpoint."""
        if self._may_begin("resume another"):
            self._start(lambda: RunRequest(config=configs.load(folder.config), resume=str(folder.path)))

    def restart_with(self, action: Action, shown: Snapshot | None = None) -> None:
        """As soon as the run that hangs is gone; its best model is kept, and it goes on from its last one.
        `shown` is the run that this is about, by default the one that trains."""
        shown = shown or self.snapshot
        config, folder = shown.config, RunDir(shown.folder) if shown.folder else None
        if config is None:
            self._shell.notify(
                trouble("Its settings are not known.", "Start it again from the settings page.")
            )
            return

        def make() -> RunRequest:
            return again(action, config, folder)

        if self.state is SessionState.RUNNING and folder == self.folder:
            self.state, self._next = SessionState.RESTARTING, make
            self.controller.stop_now()
        elif self._may_begin("start another"):
            self._begin_again(make, folder)

    def _may_begin(self, what: str) -> bool:
        if self.state in (SessionState.RUNNING, SessionState.RESTARTING):
            self._shell.notify(
                trouble("A training runs in this window.", f"Stop it, or wait, before you {what}.")
            )
        return self.state is SessionState.IDLE

    def _start(self, make: Callable[[], RunRequest]) -> bool:
        """By the person. Whether it began."""
        wrong = self._begin(make)
        if wrong is not None:
            self._shell.notify(trouble(*wrong))
            return False
        self.chosen.emit()
        self._shell.show_page(TRAINING)
        return True

    def _begin(self, make: Callable[[], RunRequest]) -> tuple[str, str] | None:
        """Why it could not; what was said before is gone from the bar then, too."""
        self._shell.notify(None)
        try:
            self.controller.start(make())
        except ConfigError as error:
            return "The settings cannot be used.", str(error)
        except RunFolderError as error:
            return error.text, error.hint
        self._runs()
        self._inputs.stop_reading(for_training=True)
        return None

    def _runs(self) -> None:
        """What the controller has begun to look at. One that could not even be launched has ended already."""
        if self.controller.running:
            self.state = SessionState.RUNNING
        self.began.emit(self.controller.folder)

    # --- by the queue

    def _may_start_queued(self) -> bool:
        return self.state is SessionState.IDLE

    def _start_queued(self, config: RunConfig) -> str:
        """Why it cannot be started; empty if it was. The person stays with what they look at."""
        wrong = self._begin(lambda: RunRequest(config=config))
        return " ".join(wrong) if wrong else ""

    # --- looked at

    def open(self, folder: RunDir) -> None:
        """A run that runs is followed, if none trains here; any other is looked at."""
        if not folder.config.exists() and not folder.events.exists():
            self._shell.notify(trouble(f"{folder.path} holds no run.", "Choose one from the list of runs."))
            return
        if self.state is SessionState.IDLE and folder.owner() is not None:
            self.follow(folder)
        if folder == self.folder and self.running:
            self.chosen.emit()
        else:
            self.opened.emit(folder)
        self._shell.show_page(TRAINING)

    def follow(self, folder: RunDir) -> None:
        """A training of another window, or of one that was closed."""
        self._shell.notify(None)
        self.controller.attach(folder)
        self._runs()

    # --- ends

    def stop(self) -> None:
        """Asks first; one that was to begin again is only ended."""
        if self.state is SessionState.RESTARTING:
            self.state, self._next = SessionState.RUNNING, None
        elif self.state is SessionState.RUNNING and self._question is None:
            answers, text, notes = stop_answers(self.snapshot)
            self._ask(Question("Stop training?", text, answers, notes), self._on_stop)

    def _on_stop(self, answer: Answer) -> None:
        if answer is Answer.STOP_NOW:
            self.controller.stop_now()
        elif answer is Answer.AFTER_EPOCH:
            self.controller.stop_after_epoch()

    def _ask(self, question: Question, then: Callable[[Answer], object]) -> None:
        def answered(answer: Answer) -> None:
            self._question = None
            then(answer)

        self._question = question
        self._shell.ask(question, answered)

    def _on_ended(self, snapshot: Snapshot) -> None:
        """Everybody hears of it before anything else begins."""
        if self.state is SessionState.QUITTING:
            self.ended.emit(snapshot)
            self.may_close.emit()
            return
        if self._question is not None:
            self._shell.withdraw()
        if self.state is SessionState.RESTARTING:
            self.ended.emit(snapshot)
            QTimer.singleShot(0, self, self._restart)
            return
        self.state = SessionState.IDLE
        self.queue.run_ended(snapshot.run)
        self.ended.emit(snapshot)

    def _restart(self) -> None:
        make, self._next = self._next, None
        if self.state is SessionState.RESTARTING and make is not None:
            self._begin_again(make, self.folder)
        elif self.state is not SessionState.QUITTING:
            self._is_idle()

    def _begin_again(self, make: Callable[[], RunRequest], before: RunDir | None) -> None:
        ended = self.controller.run
        self.state = SessionState.IDLE
        if self._start(make):
            self.queue.goes_on_in(before)
        else:
            self.queue.run_ended(ended)

    def _is_idle(self) -> None:
        """It was to begin again, until somebody pressed Stop while it ended."""
        self.state = SessionState.IDLE
        self.queue.run_ended(self.controller.run)

    # --- the window's end

    def quit(self) -> bool:
        """Whether the window may close now; if not, the person is asked, or `may_close` comes."""
        if self.controller.running and not self.controller.attached:
            if self._log_out.isActive():
                self._keep_in_background()
            elif self.state is not SessionState.QUITTING and self._question is None:
                self._ask_quit()
            return False
        if self._inputs.reading():  # What it has read is kept.
            self.state = SessionState.QUITTING
            self._inputs.stop_reading(for_training=False)
            return False
        self.leaving.emit()
        self.queue.close()
        self.controller.detach()
        return True

    def reading_ended(self) -> None:
        if self.state is SessionState.QUITTING and not self.controller.running:
            self.may_close.emit()

    def _ask_quit(self) -> None:
        text = close_question(self.snapshot, queue_waits=bool(self.queue.waiting))
        answers = (Answer.STOP_AND_QUIT, Answer.KEEP_IN_BACKGROUND, Answer.CANCEL)
        self._ask(Question("Training still runs", text, answers), self._on_quit)

    def _on_quit(self, answer: Answer) -> None:
        match answer:
            case Answer.KEEP_IN_BACKGROUND:
                self._keep_in_background()
            case Answer.STOP_AND_QUIT:
                self.state, self._next = SessionState.QUITTING, None
                self.controller.stop_now()

    def log_out(self) -> None:
        """The person logs out, as only Windows says beforehand; other systems close the window or end it.
        Nobody is asked: the training saves what it has, and goes on as far as the system lets it."""
        self._log_out.start()
        self.leaving.emit()
        if self.controller.running:
            self.controller.save_now()

    def leave_now(self, status: int) -> None:
        """Ctrl+C in the terminal, or the system ends the window; the training goes on."""
        self._keep_in_background(status)

    def _keep_in_background(self, status: int = 0) -> None:
        self.leaving.emit()
        self._exit_now(status)  # ~QProcess would kill the engine.
