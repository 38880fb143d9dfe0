"""Tells a person who looks elsewhere that the training is done, has failed, or is likely stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from waste_gui.gui.alerts.desktop import Notifications, TaskBarProgress
from waste_gui.gui.alerts.hooks import HookFailed, News, post, run_command
from waste_gui.gui.alerts.note import Note
from waste_gui.gui.common.background import Background
from waste_gui.gui.common.events import Event
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_ends import phase_shown
from waste_gui.gui.session.run_text import notice, percent_done
from waste_gui.monitor.evidence import NOTHING_KNOWN
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot

Channel = Literal["desktop", "command", "webhook"]

TITLES = {
    Event.DONE: "Training is done",
    Event.FAILED: "Training failed",
    Event.STUCK: "Training is likely stuck",
}
CRASHED = "Training crashed"
TRIAL = News(Event.DONE, "A trial", "This is how waste-gui tells you about your training.", "trial")


@dataclass(frozen=True)
class SendOutcome:
    """How telling went by one channel."""

    channel: Channel
    ok: bool
    words: str
    hint: str = ""
    trial: bool = False


def end_of(snapshot: Snapshot) -> Event | None:
    """What there is to tell of a run that has ended: nothing if it was stopped by the person."""
    phase = phase_shown(snapshot.run)
    if phase is RunPhase.FINISHED:
        return Event.DONE
    if phase in (RunPhase.FAILED, RunPhase.CRASHED):
        return Event.FAILED
    return None


def news(event: Event, snapshot: Snapshot) -> News:
    """In the words of the bar."""
    said = notice(snapshot)
    crashed = event is Event.FAILED and phase_shown(snapshot.run) is RunPhase.CRASHED
    title = CRASHED if crashed else TITLES[event]
    text = f"{said.title} {said.text}".strip() if said else title
    folder = snapshot.folder
    return News(event, title, text, folder.name if folder else "", str(folder) if folder else "")


class Notifier(QObject):
    """The window's entry in the task bar asks for attention everywhere and always."""

    told = Signal(object)  # Outcome, of each channel that was used.

    def __init__(
        self, window: QWidget, settings: Preferences, controller: RunController, address: str | None = None
    ) -> None:
        """`address` is that of the session bus, looked for when it is needed."""
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._live: object = None  # The folder of the run whose engine was seen.
        self._trial = False
        self.notifications = Notifications(window, address)
        self.notifications.shown.connect(self._on_shown)
        self.progress = TaskBarProgress(address)
        self._commanding = self._background("command", "Your command was run.")
        self._posting = self._background("webhook", "The web address was told.")
        controller.changed.connect(self._on_changed)
        controller.ended.connect(self._on_ended)
        controller.stuck.connect(self._on_stuck)

    def _background(self, channel: Channel, done: str) -> Background:
        made = Background(lambda error: self._on_failed(channel, error), self)
        made.finished.connect(lambda _: self.told.emit(SendOutcome(channel, True, done, trial=self._trial)))
        return made

    def try_out(self, command: str, webhook: str) -> None:
        """By every channel, also while the window is in front."""
        self._trial = True
        self.notifications.show(Note(TRIAL.title, TRIAL.text))
        self._use_hooks(TRIAL, command, webhook)

    def _tell(self, event: Event, snapshot: Snapshot) -> None:
        if snapshot.attached and snapshot.folder != self._live:
            return  # It ended before this window looked at it.
        if event not in self._settings.told_events:
            return
        self._trial = False
        what = news(event, snapshot)
        if QApplication.activeWindow() is None:
            self.notifications.show(Note(what.title, what.text, urgent=event is not Event.DONE))
        self._use_hooks(what, self._settings.on_event_command, self._settings.on_event_webhook)

    def _use_hooks(self, what: News, command: str, webhook: str) -> None:
        if command:
            self._commanding.start(lambda tell: run_command(command, what))
        if webhook:
            self._posting.start(lambda tell: post(webhook, what))

    def _on_changed(self, snapshot: Snapshot) -> None:
        running = snapshot.run.phase.running
        if running and snapshot.evidence is not NOTHING_KNOWN and snapshot.evidence.alive:
            self._live = snapshot.folder  # Its process was seen; of a run that ended before there is none.
        self.progress.show(percent_done(snapshot.run) if running else None)

    def _on_ended(self, snapshot: Snapshot) -> None:
        QApplication.alert(self._window)
        self.progress.show(None)
        event = end_of(snapshot)
        if event is not None:
            self._tell(event, snapshot)

    def _on_stuck(self, snapshot: Snapshot) -> None:
        QApplication.alert(self._window)
        self._tell(Event.STUCK, snapshot)

    def _on_shown(self, shown: bool) -> None:
        words = "The desktop shows it." if shown else "This desktop shows no notifications."
        hint = "" if shown else "The window's entry in the task bar blinks instead, where there is one."
        self.told.emit(SendOutcome("desktop", shown, words, hint, self._trial))

    def _on_failed(self, channel: Channel, error: Exception) -> None:
        text, hint = (error.text, error.hint) if isinstance(error, HookFailed) else (str(error), "")
        self.told.emit(SendOutcome(channel, False, text, hint, self._trial))
