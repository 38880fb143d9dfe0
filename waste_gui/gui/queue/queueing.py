"""The queue in the window: what is added to it, its dialog, and what is said and asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from waste_gui.config import ConfigError
from waste_gui.gui.queue.queue_text import added_notice, halted_question, over_notice, waiting_notice
from waste_gui.gui.session.interfaces import Answer, Inputs, Question, Shell
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.session_text import trouble
from waste_gui.gui.session.training_session import SessionState, TrainingSession

if TYPE_CHECKING:
    from waste_gui.gui.queue.dialog import QueueDialog


class Queueing(QObject):
    added = Signal()

    def __init__(self, session: TrainingSession, inputs: Inputs, shell: Shell, over: QWidget) -> None:
        """`over` is the window that the dialog lies over."""
        super().__init__(over)
        self._session, self._inputs, self._shell, self._over = session, inputs, shell, over
        self.dialog: QueueDialog | None = None
        self._queue = session.queue
        self._queue.trouble.connect(lambda text, hint: shell.notify(trouble(text, hint)))
        self._queue.halted.connect(self._on_halted)
        self._queue.over.connect(lambda ended: shell.notify(over_notice(ended)))

    def tell_at_start(self) -> None:
        """What an earlier window has left waiting."""
        if self._queue.held:
            self._shell.notify(waiting_notice(len(self._queue.waiting), begun=self._queue.begun))

    def add(self) -> None:
        """What Start would train, to be trained when its turn comes."""
        readiness = self._inputs.readiness()
        if not readiness.ready:
            self._shell.notify(
                trouble("There is nothing to add to the queue yet.", "Choose a folder of photos.")
            )
            return
        try:
            config = self._inputs.config()
        except ConfigError as error:
            self._shell.notify(trouble("The settings cannot be used.", str(error)))
            return
        if not self._queue.goes and not self._session.running:
            self._queue.pause()  # Who adds does not start: others may be added before it begins.
        entry = self._queue.add(config, readiness.photos)
        self.added.emit()
        busy = self._session.running or self._queue.running is not None
        place = len(self._queue.waiting)
        begun, paused = self._queue.begun, self._queue.paused
        self._shell.notify(added_notice(entry, place, begun=begun, paused=paused, busy=busy))

    def go_on(self) -> None:
        self._shell.notify(None)
        self._queue.go_on()

    def show(self) -> None:
        from waste_gui.gui.queue.dialog import QueueDialog

        if self.dialog is not None:
            self.dialog.activateWindow()
            return
        self.dialog = QueueDialog(self._over, self._queue, self._session.controller.expected)
        self.dialog.add_asked.connect(self.add)
        self.dialog.finished.connect(self._on_closed)
        self.show_window()
        self.dialog.show()

    def _on_closed(self) -> None:
        self.dialog = None

    def show_window(self) -> None:
        """What the dialog shows of the window."""
        if self.dialog is not None:
            can_add = self._inputs.readiness().ready
            self.dialog.show_window(trains=self._session.running, can_add=can_add)

    def _on_halted(self, entry: QueuedRun) -> None:
        """The person stopped one; whether the others are wanted, they know."""
        if self._session.state is SessionState.QUITTING:
            return
        text = halted_question(entry, len(self._queue.waiting))
        question = Question("Resume the queue?", text, (Answer.QUEUE_ON, Answer.QUEUE_WAITS))
        self._shell.ask(question, lambda answer: self._queue.go_on() if answer is Answer.QUEUE_ON else None)
