"""Which run the window shows beside one that it started: an earlier one, one that runs elsewhere, and at the
start the one that a closed window left behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from waste_gui.gui.session.pages import TRAINING
from waste_gui.gui.session.run_ends import last_words
from waste_gui.gui.shell.banner_text import ended_alone_notice, resumed_elsewhere_notice, still_runs_notice
from waste_gui.rundir import RunDir, list_runs

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow

LOOK_MS = 2000


class Showing(QObject):
    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._left_behind: RunDir | None = None
        self._looking_again = QTimer(self)  # At a run that has ended: another window may resume it.
        self._looking_again.setInterval(LOOK_MS)
        self._looking_again.timeout.connect(self._look_again)

    def run(self, folder: RunDir) -> None:
        """One that has ended, or that runs in another window or in none."""
        window = self._window
        if window.controller.running and window.controller.folder == folder:
            window.show_page(TRAINING)
            return
        if window.controller.running and not window.controller.attached:
            window.say("A training runs in this window.", "Stop it, or wait, before you look at another.")
            return
        if not folder.config.exists() and not folder.events.exists():
            window.say(f"{folder.path} holds no run.", "Choose one from the list of runs.")
            return
        self._attach(folder)
        window.show_page(TRAINING)

    def _attach(self, folder: RunDir) -> None:
        window = self._window
        window.bar_words.clear()
        window.controller.attach(folder)
        if folder.owner() is not None:
            self.watch(folder)
        window.results.read(None)

    def watch(self, folder: RunDir) -> None:
        """Whoever opens the next window is told of its end, if this one does not live to see it."""
        self._window.settings.watched_run = str(folder.path)
        self._looking_again.stop()

    def saw_the_end(self, folder: RunDir) -> None:
        if self._window.settings.watched_run == str(folder.path):
            self._window.settings.watched_run = ""
        self._looking_again.start()

    def _look_again(self) -> None:
        window, folder = self._window, self._window.controller.folder
        if window.controller.running or window.starting.begins_again or folder is None:
            return
        if folder.owner() is not None:
            self._attach(folder)
            window.bar_words.said = resumed_elsewhere_notice()
            window.show_words()

    def at_start(self) -> None:
        """The training that a closed window left running, or how it ended meanwhile."""
        for folder in list_runs():
            if folder.owner() is not None:
                self.run(folder)
                self._window.bar_words.said = still_runs_notice(_began(folder))
                self._window.show_words()
                return
        watched = self._window.settings.watched_run
        self._window.settings.watched_run = ""
        if watched:
            self._tell_of_the_end(RunDir(Path(watched)))

    def _tell_of_the_end(self, folder: RunDir) -> None:
        ending = last_words(folder)
        if ending is not None and folder.config.exists():
            self._left_behind = folder
            self._window.bar_words.said = ended_alone_notice(_began(folder), *ending)
            self._window.show_words()

    def left_behind(self) -> None:
        if self._left_behind is not None:
            self.run(self._left_behind)


def _began(folder: RunDir) -> float:
    """Unix time."""
    try:
        return folder.config.stat().st_mtime
    except OSError:
        return 0.0
