"""The queue in the window: what is added to it, its dialog, and what is said and asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from waste_gui.config import ConfigError
from waste_gui.gui.queue.queue_text import added_notice, halted_question, over_notice, waiting_notice
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.run_queue import RunQueue
from waste_gui.gui.session.run_text import Notice
from waste_gui.gui.shell.dialogs import Answer

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow
    from waste_gui.gui.queue.dialog import QueueDialog


class Queueing(QObject):
    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QueueDialog | None = None
        self.queue = RunQueue(window.controller, window.starting.start_queued, self._may_start, self)
        self.queue.trouble.connect(window.say)
        self.queue.halted.connect(self._on_halted)
        self.queue.over.connect(lambda ended: self.say(over_notice(ended)))
        if self.queue.held:
            window.bar_words.of_queue = waiting_notice(len(self.queue.waiting))

    def _may_start(self) -> bool:
        return not self._window.ending.leaving and not self._window.starting.begins_again

    def add(self) -> None:
        """What Start would train, to be trained when its turn comes."""
        window = self._window
        found = window.data.found
        if not window.data.readiness.ready or found is None:
            window.say("There is nothing to add to the queue yet.", "Choose a folder of photos.")
            return
        try:
            config = window.config()
        except ConfigError as error:
            window.say("The settings cannot be used.", str(error))
            return
        entry = self.queue.add(config, found.photos)
        window.remember_form()
        busy = window.controller.running or self.queue.running is not None
        self.say(added_notice(entry, len(self.queue.waiting), paused=self.queue.paused, busy=busy))

    def go_on(self) -> None:
        self._window.bar_words.of_queue = None
        self.queue.go_on()
        self._window.show_words()

    def say(self, words: Notice | None) -> None:
        self._window.bar_words.of_queue = words
        self._window.show_words()

    def show(self) -> None:
        from waste_gui.gui.queue.dialog import QueueDialog

        if self.dialog is not None:
            self.dialog.activateWindow()
            return
        self.dialog = QueueDialog(self._window, self.queue, self._window.controller.expected)
        self.dialog.add_asked.connect(self.add)
        self.dialog.finished.connect(self._on_closed)
        self.show_window(trains=self._window.controller.running)
        self.dialog.show()

    def _on_closed(self) -> None:
        self.dialog = None

    def show_window(self, *, trains: bool) -> None:
        """What the dialog shows of the window."""
        if self.dialog is not None:
            self.dialog.show_window(trains=trains, can_add=self._window.data.readiness.ready)

    def _on_halted(self, entry: QueuedRun) -> None:
        """The person stopped one; whether the others are wanted, they know."""
        if self._window.ending.leaving:
            return
        self._window.asking.ask(
            "Go on with the queue?",
            halted_question(entry, len(self.queue.waiting)),
            (Answer.QUEUE_ON, Answer.QUEUE_WAITS),
            lambda answer: self.queue.go_on() if answer is Answer.QUEUE_ON else None,
        )
