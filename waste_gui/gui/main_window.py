"""The window: lays the rooms out and connects them."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent, QIcon
from PySide6.QtWidgets import QApplication, QMainWindow

from waste_gui.gui.alerts.notifier import SendOutcome
from waste_gui.gui.commands import Commands
from waste_gui.gui.common import resources
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import UNIT, Theme
from waste_gui.gui.common.window_size import keep_on_screen, need_at_least, open_at
from waste_gui.gui.rooms import Rooms
from waste_gui.gui.session.interfaces import Answer, Question
from waste_gui.gui.session.pages import PHOTOS, RESULTS, RUNS, SETTINGS, TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_text import Notice, Offer, notice, status_parts, window_title
from waste_gui.gui.session.session_text import trouble
from waste_gui.gui.shell.banner_text import BannerText
from waste_gui.gui.shell.folder_drop import FolderDrop
from waste_gui.gui.shell.frame import Frame
from waste_gui.gui.shell.menus import Menus
from waste_gui.gui.shell.prompts import Prompts
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.verdict import Action
from waste_gui.rundir import RunDir

SIZE, LEAST_SIZE = (1180, 760), (840, 500)
"""1024×600 must do, with a title and a panel; and 1366×768 where a pixel is drawn as 1.25."""
QUIET_MS = 300
"""After the first paint, for what the window needs only later."""


class MainWindow(QMainWindow):
    """Is the Shell of the session."""

    def __init__(
        self,
        settings: Preferences,
        theme: Theme,
        controller: RunController | None = None,
        exit_now: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._words = BannerText()
        self.prompts = Prompts(self)
        self.frame = Frame()
        self.rooms = Rooms(self, self, settings, controller or RunController(), exit_now)
        self.commands = Commands(self.rooms, self.frame, self, settings, self)
        self._training = self._run = self.rooms.session.snapshot
        self._trains = False
        self._lay_out()
        self.menus = Menus(self, self.commands.by_name(), self.commands.ready_made(theme))
        self._offers = {**self.commands.by_offer(), Offer.HIDE: self._hide_words}
        self._connect()
        self._connect_rooms()
        self._restore()
        self._show_all()
        self.rooms.queueing.tell_at_start()
        QTimer.singleShot(QUIET_MS, self, self._on_quiet)

    def _lay_out(self) -> None:
        self.setWindowIcon(QIcon(str(resources.path("icons/waste-gui.svg"))))
        need_at_least(self, *LEAST_SIZE)
        open_at(self, *SIZE)
        self.setCentralWidget(self.frame)
        for name, title, page in (  # Each title with a letter of its own, beside those of menus and buttons.
            (PHOTOS, "&Photos", self.rooms.data),
            (SETTINGS, "Sett&ings", self.rooms.form),
            (TRAINING, "Trainin&g", self.rooms.run_page),
            (RESULTS, "Res&ults", self.rooms.results),
            (RUNS, "Ru&ns", self.rooms.runs_place),
        ):
            self.frame.add_page(name, title, page)
        self.frame.add_below(self.rooms.log)
        self._status = PlainLabel("Ready", size="caption", role="muted")
        self.statusBar().addWidget(self._status, 1)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setContentsMargins(UNIT + 6, 0, UNIT, 0)

    # --- connected

    def _connect(self) -> None:
        session, shown, frame = self.rooms.session, self.rooms.shown, self.frame
        session.changed.connect(self._show_training)
        session.began.connect(self._on_began)
        session.chosen.connect(self._remember_form)
        session.leaving.connect(self._finish_writing)
        session.may_close.connect(self.close)
        shown.changed.connect(self._show_run)
        shown.replaced.connect(self._show_all)
        frame.header.start_asked.connect(session.start)
        frame.header.stop_asked.connect(session.stop)
        frame.header.back_asked.connect(self.commands.go_to_training)
        frame.strip.go_asked.connect(self.commands.go_to_training)
        frame.strip.pause_asked.connect(session.controller.pause_or_resume)
        frame.strip.stop_asked.connect(session.stop)
        frame.bar.chosen.connect(self._on_offer)
        frame.page_changed.connect(self._on_page)
        frame.left_changed.connect(self.rooms.run_page.set_left_width)
        drop = FolderDrop(self)
        drop.hovered.connect(self.rooms.data.drop_zone.set_hot)
        drop.dropped.connect(self.commands.add_folders)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.commitDataRequest.connect(session.log_out)

    def _connect_rooms(self) -> None:
        rooms = self.rooms
        rooms.data.ready_changed.connect(self._show_all)
        rooms.data.ready_changed.connect(rooms.session.inputs_changed)
        rooms.data.example_asked.connect(self.commands.try_example)
        rooms.data.checking.trouble.connect(self._say)
        rooms.data.works.ended.connect(self._on_reading_ended)
        rooms.form.changed.connect(self._show_all)
        rooms.session.controller.trouble.connect(self._say)
        rooms.looking.weakest.connect(self._on_weakest)
        rooms.results.read_of.connect(lambda _: self._show_run(self._run))
        rooms.queueing.added.connect(self._remember_form)
        rooms.where.help_asked.connect(partial(self.commands.show_guide, "where"))
        rooms.where.done.connect(lambda words: self.statusBar().setAccessibleDescription(words))
        rooms.notifier.told.connect(self._on_told)
        rooms.left_behind.told.connect(rooms.inputs.fill_from)
        rooms.example.drawn.connect(self.commands.take_example)
        rooms.example.failed.connect(self.commands.lose_example)
        rooms.example.progressed.connect(rooms.data.say)
        rooms.data.folders_added.connect(self.commands.leave_example)

    def _connect_runs(self) -> None:
        runs = self.rooms.runs
        runs.show_asked.connect(self.rooms.session.open)
        runs.folder_asked.connect(lambda folder: self.commands.open_folder(folder.path))
        runs.settings_asked.connect(self.commands.use_settings)
        runs.resume_asked.connect(self.rooms.session.resume)
        runs.trouble.connect(self._say)
        runs.show_snapshot(self._training)

    def make_runs(self) -> None:
        """The page of runs, when it is first looked at or in a quiet moment."""
        if not self.rooms.runs_made:
            self._connect_runs()

    def _restore(self) -> None:
        if not self.settings.geometry.isEmpty():
            self.restoreGeometry(self.settings.geometry)
            if not self.isMaximized() and not self.isFullScreen():
                keep_on_screen(self)
        self.commands.restore_log()
        if self.settings.form:
            self.rooms.form.restore(self.settings.form)

    def _on_quiet(self) -> None:
        """What is needed later, at the worst when a training ends, is there before. All of it stays for good:
        were it not set aside, a full garbage collection would be a hitch of 30 ms."""
        from waste_gui.dataset import catalog  # noqa: F401

        with contextlib.suppress(ImportError):
            import pynvml  # noqa: F401

        self.rooms.run_page.prepare()
        self.rooms.data.previewing.prepare()
        self.make_runs()
        self.rooms.runs.ensurePolished()
        gc.freeze()

    # --- the shell of the session

    def notify(self, notice: Notice | None) -> None:
        self._words.take(notice)
        self._show_words()

    def ask(self, question: Question, then: Callable[[Answer], object]) -> None:
        self.prompts.ask(question, then)

    def withdraw(self) -> None:
        self.prompts.withdraw()

    def show_page(self, page: str) -> None:
        self.frame.show_page(page)

    def _say(self, text: str, hint: str = "") -> None:
        self.notify(trouble(text, hint))

    # --- shown

    def _show_all(self) -> None:
        self._show_training(self.rooms.session.snapshot)
        self._show_run(self.rooms.shown.snapshot)

    def _show_training(self, snapshot: Snapshot) -> None:
        """What tells of the run that trains, whatever is looked at."""
        rooms, running = self.rooms, snapshot.run.phase.running
        trained, self._training, self._trains = self._trains, snapshot, running
        self.frame.strip.show_snapshot(snapshot)
        self.setWindowTitle(window_title(snapshot.run))
        if rooms.runs_made:
            rooms.runs.show_snapshot(snapshot)
        rooms.data.works.show_training(running)
        ready = (rooms.data.readiness if running else rooms.inputs.readiness()).ready
        self.menus.show_snapshot(
            snapshot, can_start=ready, can_add=ready, can_read=rooms.data.works.can_start
        )
        rooms.queueing.show_window()
        if not rooms.shown.follows:
            self._show_words()
        if trained != running:  # The header's button does another thing, and the run is called otherwise.
            self._show_run(self._run)

    def _show_run(self, snapshot: Snapshot) -> None:
        """What tells of the run that is looked at."""
        self._run = snapshot
        rooms, trains = self.rooms, self._trains
        ready = rooms.data.readiness if trains else rooms.inputs.readiness(first_run=snapshot.first_run)
        elsewhere = trains and not rooms.shown.follows
        self.frame.header.show_snapshot(snapshot, ready, trains_elsewhere=elsewhere)
        self._show_words()
        idle = snapshot.run.phase is RunPhase.IDLE
        found = rooms.data.readiness.detail if idle and rooms.data.found else ""
        rooms.run_page.show_snapshot(snapshot, rooms.inputs.config_or_none() if idle else None, found)
        rooms.looking.name_runs(snapshot, trains=trains)
        if rooms.log.isVisible():
            rooms.log.show_snapshot(snapshot)
        self._status.set_text("  ·  ".join(status_parts(snapshot)))

    def _show_words(self) -> None:
        self.frame.bar.show_notice(self._words.at(self._told_of()))

    def _told_of(self) -> Snapshot:
        """The run that the bar is about: a warning of the one that trains comes first."""
        if self.rooms.shown.follows or not self._training.run.phase.running:
            return self._run
        warned = notice(self._training)
        return self._training if warned is not None and warned.tone in ("slow", "stuck") else self._run

    def _hide_words(self) -> None:
        self._words.hide(self._run)
        self._show_words()

    def _on_page(self, page: str) -> None:
        if page == RUNS:
            self.make_runs()
            self.rooms.runs.refresh()
        (self.rooms.runs if page == RUNS else self.rooms.data).undo_stack.setActive()
        if page == TRAINING:
            self._show_run(self._run)

    # --- heard

    def _on_offer(self, offer: Action | Offer) -> None:
        if self._told_of() is self._training:
            self.rooms.shown.follow()
        self._offers[offer]()

    def _on_began(self, folder: RunDir) -> None:
        if self.rooms.session.controller.attached:
            self.rooms.inputs.fill_from(folder)

    def _on_weakest(self, name: str, share: float) -> None:
        self._words.weakest = f"Weakest class: {name}, {100 * share:.0f} %."
        self._show_words()

    def _on_reading_ended(self) -> None:
        self.rooms.session.reading_ended()
        if not self.isActiveWindow():
            QApplication.alert(self)

    def _on_told(self, outcome: SendOutcome) -> None:
        """A trial is answered where it was asked for; a desktop without notifications is nothing to mend."""
        if not outcome.ok and not outcome.trial and outcome.channel != "desktop":
            self._say(outcome.words, outcome.hint)

    # --- closed

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.rooms.session.quit():
            self.rooms.shown.close()
        else:
            event.ignore()

    def _finish_writing(self) -> None:
        self.settings.geometry = self.saveGeometry()
        self._remember_form()
        self.settings.sync()
        self.rooms.finish_writing()

    def _remember_form(self) -> None:
        self.settings.form = self.rooms.form.kept() or self.settings.form
