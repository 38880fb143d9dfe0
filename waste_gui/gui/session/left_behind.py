"""The training that the window watches, remembered beyond its end: the next window shows it, or tells how it
ended; and one that has ended is looked at again, as another window may resume it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.session.interfaces import Shell
from waste_gui.gui.session.run_ends import last_words
from waste_gui.gui.session.session_text import ended_alone_notice, resumed_elsewhere_notice, still_runs_notice
from waste_gui.gui.session.training_session import SessionState, TrainingSession
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.rundir import RunDir, list_runs

LOOK_MS = 2000


class LeftBehind(QObject):
    told = Signal(object)  # RunDir: one that ended meanwhile.

    def __init__(
        self, session: TrainingSession, preferences: Preferences, shell: Shell, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._preferences, self._shell = session, preferences, shell
        self.folder: RunDir | None = None  # Of the run that ended while no window was open.
        self._looking_again = QTimer(self)
        self._looking_again.setInterval(LOOK_MS)
        self._looking_again.timeout.connect(self._look_again)
        session.began.connect(self._watch)
        session.ended.connect(self._saw_the_end)

    def _watch(self, folder: RunDir) -> None:
        """Whoever opens the next window is told of its end, if this one does not live to see it."""
        self._preferences.watched_run = str(folder.path)
        self._looking_again.stop()

    def _saw_the_end(self, snapshot: Snapshot) -> None:
        if snapshot.folder is not None and self._preferences.watched_run == str(snapshot.folder):
            self._preferences.watched_run = ""
        self._looking_again.start()

    def _look_again(self) -> None:
        session = self._session
        if session.state is SessionState.IDLE and session.folder and session.folder.owner() is not None:
            session.follow(session.folder)
            self._shell.notify(resumed_elsewhere_notice())

    def at_start(self) -> None:
        """The training that a closed window left running on this computer, or how it ended meanwhile."""
        for folder in list_runs():
            owner = folder.owner()
            if owner is not None and owner.here:
                self._session.open(folder)
                self._shell.notify(still_runs_notice(_began(folder)))
                return
        watched = self._preferences.watched_run
        self._preferences.watched_run = ""
        if watched:
            self._tell_of_the_end(RunDir(Path(watched)))

    def _tell_of_the_end(self, folder: RunDir) -> None:
        ending = last_words(folder)
        if ending is not None and folder.config.exists():
            self.folder = folder
            self.told.emit(folder)
            self._shell.notify(ended_alone_notice(_began(folder), *ending))

    def show(self) -> None:
        if self.folder is not None:
            self._session.open(self.folder)


def _began(folder: RunDir) -> float:
    """Unix time."""
    try:
        return folder.config.stat().st_mtime
    except OSError:
        return 0.0
