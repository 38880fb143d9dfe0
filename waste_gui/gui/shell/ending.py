"""The end of a training, and that of the window: what is asked before, and what must be done first."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from waste_gui.gui.session.run_text import stop_question
from waste_gui.gui.shell.dialogs import Answer
from waste_gui.gui.shell.interrupts import say_that_it_goes_on
from waste_gui.monitor.formatting import about
from waste_gui.monitor.run import RunPhase

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow

SESSION_ENDS_S = 60
"""A log-out that somebody took back is forgotten after so long."""


class Ending(QObject):
    """`leaving`: the window closes once its training has stopped."""

    def __init__(self, window: MainWindow, exit_now: Callable[[int], None] = os._exit) -> None:
        super().__init__(window)
        self._window = window
        self._exit_now = exit_now
        self.leaving = False
        self._closes_after_check = False
        self._logging_out = False
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.commitDataRequest.connect(self.session_ends)

    # --- of the training

    def ask_stop(self) -> None:
        window, snapshot = self._window, self._window.snapshot
        if not window.controller.running or window.asking.question is not None:
            return
        answers: tuple[Answer, ...] = (Answer.STOP_NOW, Answer.KEEP_TRAINING)
        notes: dict[Answer, str] = {}
        if snapshot.run.phase is RunPhase.TRAINING:
            answers = (Answer.STOP_NOW, Answer.AFTER_EPOCH, Answer.KEEP_TRAINING)
            left = snapshot.epoch_left_s
            notes = {Answer.AFTER_EPOCH: f", ~{about(left)}"} if left and left >= 1 else {}
        window.asking.ask("Stop training?", stop_question(snapshot), answers, self._on_stop, notes)

    def _on_stop(self, answer: Answer) -> None:
        if answer is Answer.STOP_NOW:
            self._window.controller.stop_now()
        elif answer is Answer.AFTER_EPOCH:
            self._window.controller.stop_after_epoch()

    # --- of the window

    def may_close(self) -> bool:
        """If not now, the window closes by itself later, or the person is asked."""
        window = self._window
        if window.controller.running and not window.controller.attached:
            if self._logging_out:
                self._keep_in_background()
            elif not self.leaving:
                self._ask_close()
            return False  # It ends; then the window closes.
        check = window.data.checking.check
        if check.running:  # What it has read is kept.
            self._closes_after_check = True
            check.stop()
            return False
        return True

    def close_parts(self) -> None:
        self._keep_what_is_shown()
        self._window.queue.close()
        self._window.controller.detach()

    def check_ended(self) -> None:
        if self._closes_after_check:
            self._window.close()
        elif not self._window.isActiveWindow():
            QApplication.alert(self._window)

    def _ask_close(self) -> None:
        window = self._window
        if window.asking.question is not None:
            return
        left = window.snapshot.view.remaining.run_s if window.snapshot.view else None
        still = f"It needs about {about(left)} more. " if left and left >= 1 else ""
        queued = " The queue waits until then." if window.queue.waiting else ""
        window.asking.ask(
            "Training still runs",
            f"{still}It can go on without the window; open waste-gui again to see it.{queued}",
            (Answer.STOP_AND_QUIT, Answer.KEEP_IN_BACKGROUND, Answer.CANCEL),
            self._on_close_answered,
        )

    def _on_close_answered(self, answer: Answer) -> None:
        match answer:
            case Answer.KEEP_IN_BACKGROUND:
                self._keep_in_background()
            case Answer.STOP_AND_QUIT:
                self.leaving = True
                self._window.controller.stop_now()

    def session_ends(self) -> None:
        """The person logs out, as only Windows says beforehand; other systems close the window or end it.
        Nobody is asked: the training saves what it has, and goes on as far as the system lets it."""
        self._logging_out = True
        QTimer.singleShot(1000 * SESSION_ENDS_S, self, self._log_out_was_taken_back)
        self._window.remember()
        self._window.finish_writing()
        if self._window.controller.running:
            self._window.controller.save_now()

    def _log_out_was_taken_back(self) -> None:
        self._logging_out = False

    def leave_now(self, status: int) -> None:
        """Ctrl+C in the terminal, or the system ends the window."""
        if self._window.controller.running:
            say_that_it_goes_on()
        self._keep_in_background(status)

    def _keep_in_background(self, status: int = 0) -> None:
        self._keep_what_is_shown()
        self._exit_now(status)  # ~QProcess would kill the engine.

    def _keep_what_is_shown(self) -> None:
        self._window.remember()
        self._window.data.checking.close()
        self._window.finish_writing()
