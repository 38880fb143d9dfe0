"""The rooms of one window, made and given what they need of each other. No layout."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoGroup
from PySide6.QtWidgets import QMainWindow

from waste_gui.gui.alerts.notifier import Notifier
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.diagnosis.diagnosis import WhereItWaits
from waste_gui.gui.inputs import ChosenInputs
from waste_gui.gui.looking import Looking
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.queue.queueing import Queueing
from waste_gui.gui.results.page import ResultsPage
from waste_gui.gui.session.example import Example
from waste_gui.gui.session.interfaces import Shell
from waste_gui.gui.session.left_behind import LeftBehind
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.shown_run import ShownRun
from waste_gui.gui.session.training_session import TrainingSession
from waste_gui.gui.settings.page import SettingsPage
from waste_gui.gui.shell.frame import LazyPage
from waste_gui.gui.training.log import Log
from waste_gui.gui.training.page import RunPage

if TYPE_CHECKING:
    from waste_gui.gui.runs.page import RunsPage


class Rooms:
    def __init__(
        self,
        over: QMainWindow,
        shell: Shell,
        preferences: Preferences,
        controller: RunController,
        exit_now: Callable[[int], None] = os._exit,
    ) -> None:
        """`over` is the window that dialogs lie over."""
        self.data, self.form = DataPage(preferences), SettingsPage()
        self.run_page, self.results, self.log = RunPage(), ResultsPage(), Log()
        self.runs_place = LazyPage()
        self.inputs = ChosenInputs(self.data, self.form, controller.expected)
        self.session = TrainingSession(controller, self.inputs, shell, over, exit_now)
        self.shown = ShownRun(self.session, over)
        self.left_behind = LeftBehind(self.session, preferences, shell, over)
        self.looking = Looking(self.session, self.shown, self.run_page, self.results)
        self.queueing = Queueing(self.session, self.inputs, shell, over)
        self.where = WhereItWaits(self.shown, shell, preferences, self.data.checking.thumbnails, over)
        self.notifier = Notifier(over, preferences, controller)
        self.example = Example(over)
        self.undo = QUndoGroup(over)  # That of the page that is shown.
        self.undo.addStack(self.data.undo_stack)
        self.data.undo_stack.setActive()

    @cached_property
    def runs(self) -> RunsPage:
        """Made when it is first looked at, or in a quiet moment: the window opens sooner without it."""
        from waste_gui.gui.runs.page import RunsPage

        page = RunsPage()
        self.runs_place.fill(page)
        self.undo.addStack(page.undo_stack)
        return page

    @property
    def runs_made(self) -> bool:
        return "runs" in self.__dict__

    def finish_writing(self) -> None:
        """What was changed and is not yet on the disk."""
        self.data.works.close()
        if self.runs_made:
            self.runs.finish_writing()
