"""The window: lays the parts out and connects them."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QUndoGroup,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui import demo, resources
from waste_gui.gui.again import again
from waste_gui.gui.background import Background
from waste_gui.gui.dataset_choice import DatasetChoice, choice_of
from waste_gui.gui.dialogs import Answer, DetailsDialog, Question
from waste_gui.gui.moment import Moment
from waste_gui.gui.pages.data import DataPage
from waste_gui.gui.pages.results import Results, ResultsPage
from waste_gui.gui.pages.run import RunPage
from waste_gui.gui.pages.train import SettingsPage
from waste_gui.gui.queue_file import QueuedRun
from waste_gui.gui.queue_wording import added_notice, halted_question, over_notice, waiting_notice
from waste_gui.gui.run_controller import RunController
from waste_gui.gui.run_queue import RunQueue
from waste_gui.gui.settings import Settings, ThemeName
from waste_gui.gui.telling import Outcome, Telling
from waste_gui.gui.text import label
from waste_gui.gui.theme import UNIT, Theme
from waste_gui.gui.widgets.facts import Facts
from waste_gui.gui.widgets.header import Header
from waste_gui.gui.widgets.log import Log
from waste_gui.gui.widgets.notice_bar import NoticeBar
from waste_gui.gui.widgets.plain_label import PlainLabel
from waste_gui.gui.widgets.stage_list import StageList
from waste_gui.gui.widgets.tabs import Tabs
from waste_gui.gui.wording import (
    Notice,
    Offer,
    Readiness,
    notice,
    status_parts,
    stop_question,
    window_title,
)
from waste_gui.gui.words import time_of_day
from waste_gui.monitor.report import save as save_report
from waste_gui.monitor.run import Phase
from waste_gui.monitor.verdict import Action
from waste_gui.monitor.words import about
from waste_gui.rundir import RunDir, RunFolderError, list_runs

if TYPE_CHECKING:
    from waste_gui.gui.diagnosis_dialog import DiagnosisDialog
    from waste_gui.gui.pages.runs import RunsPage
    from waste_gui.gui.queue_dialog import QueueDialog
    from waste_gui.gui.widgets.plots import PlotName

LEFT_WIDTH, LEFT_WIDTH_WIDE = 336, 416
QUIET_MS = 300
"""After the first paint, for what the window needs only later."""
PHOTOS, SETTINGS, TRAINING, RESULTS, RUNS = range(5)
PAGES = ("&Photos", "Sett&ings", "Trainin&g", "Res&ults", "Ru&ns")
"""Each with a letter of its own, beside those of the menus, Start and Stop."""

PLOTS: tuple[tuple[str, tuple[PlotName, ...]], ...] = (
    ("Loss &and accuracy", ("loss", "accuracy")),
    ("&Loss", ("loss",)),
    ("A&ccuracy", ("accuracy",)),
    ("Learning &rate", ("rate",)),
)

KEYS = """\
Ctrl+O          add a folder of photos
Ctrl+Shift+O    recent folders
F5              start training
Ctrl+.          stop training
Ctrl+R          earlier runs
Ctrl+U          the queue
Ctrl+Shift+U    add these photos and settings to the queue
Ctrl+L          log
Ctrl+Shift+C    copy a report
Ctrl+E          open the run folder
Ctrl+S          save a report
Ctrl+1          loss and accuracy
Ctrl+2, Ctrl+3  loss or accuracy alone
Ctrl+4          learning rate
Ctrl+Z          undo a change to the photos, what was set aside or skipped,
                or what was done to a run
Ctrl+Shift+Z    redo it
F6, Shift+F6    next and previous area
Alt+W           the warning
Ctrl+,          settings
F1              the guide to the page that is shown
Shift+F1        these keys
Ctrl+Q          quit

In the list of what the check found: Space sets aside, S skips,
Enter shows the photo larger.

In the list of runs: Ctrl+F searches, Enter shows, F2 renames, N writes a
note, S stars, A archives, C compares, O opens the folder, Del deletes.

In the queue: Alt+Up and Alt+Down move a run, Del removes it.

In a plot and in the timeline: Space follows the newest, Home shows all,
+ and - zoom, the arrows pan.

Esc never stops training. Enter in the stop dialog keeps it going."""


class MainWindow(QMainWindow):
    example_failed = Signal(object)  # The exception.

    def __init__(
        self,
        settings: Settings,
        theme: Theme,
        controller: RunController | None = None,
        exit_now: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.theme = theme
        self.controller = controller or RunController()
        self.controller.setParent(self)
        self._exit_now = exit_now
        self._moment = self.controller.moment()
        self._leaving = False
        self._closes_after_check = False
        self._again: Callable[[], RunConfig] | None = None  # What is started once this run has ended.
        self._diagnosis: DiagnosisDialog | None = None
        self._runs: RunsPage | None = None
        self._question: Question | None = None
        self._queue_dialog: QueueDialog | None = None
        self._said: Notice | None = None
        self._said_of_queue: Notice | None = None
        self._weakest = ""
        self._train_example = False
        self.telling = Telling(self, settings, self.controller)
        self.queue = RunQueue(self.controller, self._start_queued, self._may_start_queued, self)
        self._drawing = Background(self)
        self._saving = Background(self)
        self._make_parts()
        self._lay_out()
        self._make_menus()
        self._connect()
        self._restore()
        if self.queue.held:
            self._said_of_queue = waiting_notice(len(self.queue.waiting))
        self._show_moment(self._moment)
        quiet = QTimer(self)
        quiet.setSingleShot(True)
        quiet.timeout.connect(self._on_quiet)
        quiet.start(QUIET_MS)

    def _on_quiet(self) -> None:
        """What is needed later, at the worst when a training ends, is there before. All of it stays for good:
        were it not set aside, a full garbage collection would be a hitch of 30 ms."""
        from waste_gui.dataset import catalog  # noqa: F401

        with contextlib.suppress(ImportError):
            import pynvml  # noqa: F401

        self.run_page.prepare()
        self.runs.ensurePolished()
        gc.freeze()

    @property
    def runs(self) -> RunsPage:
        """Made when it is first looked at, or in a quiet moment: the window opens sooner without it."""
        if self._runs is None:
            from waste_gui.gui.pages.runs import RunsPage

            self._runs = RunsPage()
            place = QVBoxLayout(self._runs_place)
            place.setContentsMargins(0, 0, 0, 0)
            place.addWidget(self._runs)
            self.undo_group.addStack(self._runs.undo_stack)
            self._runs.show_asked.connect(self.show_run)
            self._runs.folder_asked.connect(lambda folder: _open(folder.path))
            self._runs.settings_asked.connect(self._on_use_settings)
            self._runs.resume_asked.connect(self._on_resume)
            self._runs.trouble.connect(self.say)
            self._runs.show_moment(self._moment)
        return self._runs

    # --- laid out

    def _make_parts(self) -> None:
        self.header = Header(LEFT_WIDTH)
        self.bar = NoticeBar()
        self.stages = StageList()
        self.facts = Facts()
        self.tabs = Tabs()
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.pages = QStackedWidget()
        self.data = DataPage()
        self.form = SettingsPage()
        self.run_page = RunPage()
        self.results = ResultsPage()
        self._runs_place = QWidget()
        self.undo_group = QUndoGroup(self)  # Undo is that of the page that is shown.
        self.undo_group.addStack(self.data.undo_stack)
        self.data.undo_stack.setActive()
        self.log = Log()
        self.status = PlainLabel("Ready", size="caption", role="muted")

    def _lay_out(self) -> None:
        """From the outside in: a widget that moves with all its children is looked at anew with all of them,
        which for five pages takes 25 ms."""
        self.setWindowIcon(QIcon(str(resources.path("icons/waste-gui.svg"))))
        self.setMinimumSize(960, 620)
        self.resize(1180, 760)
        self.setAcceptDrops(True)
        central = QWidget()
        self.setCentralWidget(central)
        rows = QVBoxLayout(central)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.header)
        rows.addWidget(self.bar)
        body = QHBoxLayout()
        rows.addLayout(body, 1)
        body.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        body.setSpacing(3 * UNIT)
        body.addWidget(self._lay_out_left())
        right = QVBoxLayout()
        right.setSpacing(2 * UNIT)
        body.addLayout(right, 1)
        right.addWidget(self.tabs)
        right.addWidget(self.splitter, 1)
        self._lay_out_pages()
        self.statusBar().addWidget(self.status, 1)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setContentsMargins(UNIT + 6, 0, UNIT, 0)

    def _lay_out_left(self) -> QScrollArea:
        facts = QWidget()
        left = QVBoxLayout(facts)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(2 * UNIT)
        left.addWidget(self.stages)
        left.addWidget(self.facts)
        left.addStretch(1)
        self._left = QScrollArea()  # It scrolls only where a tall warning leaves too little room.
        self._left.setWidgetResizable(True)
        self._left.setFrameShape(QScrollArea.Shape.NoFrame)
        self._left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._left.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._left.setFixedWidth(LEFT_WIDTH)
        self._left.setWidget(facts)
        return self._left

    def _lay_out_pages(self) -> None:
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.pages)
        self.splitter.addWidget(self.log)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        for name, page in zip(
            PAGES, (self.data, self.form, self.run_page, self.results, self._runs_place), strict=True
        ):
            self.tabs.addTab(name)
            self.pages.addWidget(page)

    def _make_menus(self) -> None:
        bar = self.menuBar()
        self._make_file_menu(bar.addMenu("&File"))
        self._make_edit_menu(bar.addMenu("&Edit"))
        self._make_run_menu(bar.addMenu("&Run"))
        self._make_view_menu(bar.addMenu("&View"))
        self._make_help_menu(bar.addMenu("&Help"))

    def _make_file_menu(self, menu: QMenu) -> None:
        self._add(menu, "&Add folder of photos…", "Ctrl+O", self._on_choose_folder)
        self.recent_menu = menu.addMenu("&Recent folders")
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self._add(menu, "Choose a recent &folder…", "Ctrl+Shift+O", self._on_recent)
        self._add(menu, "Try the &small example", "", self.start_example)
        menu.addSeparator()
        self._add(menu, "Open the run fo&lder", "Ctrl+E", self._on_open_run_folder)
        self._add(menu, "Save re&port…", "Ctrl+S", self._on_save_report)
        menu.addSeparator()
        self._add(menu, "&Quit", "Ctrl+Q", self.close)

    def _make_edit_menu(self, menu: QMenu) -> None:
        undo = self.undo_group.createUndoAction(self, "&Undo")
        undo.setShortcut(QKeySequence("Ctrl+Z"))
        redo = self.undo_group.createRedoAction(self, "&Redo")
        redo.setShortcut(QKeySequence("Ctrl+Shift+Z"))
        menu.addActions([undo, redo])
        menu.addSeparator()
        self._add(menu, "&Copy report", "Ctrl+Shift+C", self._on_copy_details)
        menu.addSeparator()
        self._add(menu, "&Settings of the training", "Ctrl+,", lambda: self.show_page(SETTINGS))
        self._add(menu, "&Notifications…", "", self._on_notifications)

    def _make_run_menu(self, menu: QMenu) -> None:
        self.start_action = self._add(menu, "&Start training", "F5", self.start)
        self.stop_action = self._add(menu, "S&top…", "Ctrl+.", self.ask_stop)
        self.pause_action = self._add(menu, "&Pause", "", self.controller.pause_or_resume)
        self.save_action = self._add(menu, "Sa&ve the training now", "", self.controller.save_now)
        menu.addSeparator()
        self.add_to_queue_action = self._add(menu, "&Add to the queue", "Ctrl+Shift+U", self.add_to_queue)
        self._add(menu, "&Queue…", "Ctrl+U", self.show_queue)
        menu.addSeparator()
        self.check_action = self._add(menu, "&Check the photos", "", self._on_check_photos)
        self._add(menu, "Show &where it is", "", self._on_show_where)
        self._add(menu, "&Earlier runs", "Ctrl+R", lambda: self.show_page(RUNS))

    def _make_view_menu(self, menu: QMenu) -> None:
        for i, (name, plots) in enumerate(PLOTS, 1):
            self._add(menu, name, f"Ctrl+{i}", partial(self._on_plots, *plots))
        menu.addSeparator()
        self.log_action = self._add(menu, "Lo&g", "Ctrl+L", lambda: None)
        self.log_action.setCheckable(True)
        self.log_action.toggled.connect(self._on_log_shown)
        self._add(menu, "The &warning", "Alt+W", self.bar.focus_first)
        self._add(menu, "&Next area", "F6", lambda: self._move_focus(1))
        self._add(menu, "&Previous area", "Shift+F6", lambda: self._move_focus(-1))
        menu.addSeparator()
        look = menu.addMenu("&Theme")
        group = QActionGroup(self)
        names: tuple[tuple[str, ThemeName], ...] = (
            ("&System", "system"),
            ("&Light", "light"),
            ("&Dark", "dark"),
        )
        for title, name in names:
            action = self._add(look, title, "", partial(self._on_theme, name))
            action.setCheckable(True)
            action.setChecked(name == self.theme.name)
            group.addAction(action)

    def _make_help_menu(self, menu: QMenu) -> None:
        self._add(menu, "&Guide", "F1", self.show_guide)
        self._add(menu, "&Keys", "Shift+F1", self._on_help)
        menu.addSeparator()
        self._add(menu, "&Self-test…", "", self.show_self_test)
        self._add(menu, "&About waste-gui", "", self._on_about)

    def _add(self, menu: QMenu, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _=False: slot())
        menu.addAction(action)
        return action

    def _connect(self) -> None:
        self.controller.changed.connect(self._show_moment)
        self.controller.ended.connect(self._on_ended)
        self.queue.trouble.connect(self.say)
        self.queue.halted.connect(self._on_queue_halted)
        self.queue.over.connect(lambda ended: self._say_of_queue(over_notice(ended)))
        self.telling.told.connect(self._on_told)
        self.header.start_asked.connect(self.start)
        self.header.stop_asked.connect(self.ask_stop)
        self.bar.chosen.connect(self._on_offer)
        self.tabs.currentChanged.connect(self._on_tab)
        self.data.ready_changed.connect(self._show_readiness)
        self.data.choose_asked.connect(self._on_choose_folder)
        self.data.example_asked.connect(self.start_example)
        self.data.folder_added.connect(self._on_folder_added)
        self.data.checking.settings = self.form.config
        self.data.checking.trouble.connect(self.say)
        self.data.checking.check.ended.connect(self._on_check_ended)
        self.form.changed.connect(self._show_readiness)
        self.log.close_asked.connect(lambda: self.log_action.setChecked(False))
        self._drawing.finished.connect(self._on_example_drawn)
        self._drawing.failed.connect(self._on_example_failed)
        self._saving.finished.connect(lambda path: self._tell_of_report(f"Saved {path}"))
        self._saving.failed.connect(lambda error: self._tell_of_report("", str(error)))

    def _restore(self) -> None:
        if not self.settings.geometry.isEmpty():
            self.restoreGeometry(self.settings.geometry)
        self.log_action.setChecked(self.settings.log_shown)
        self.log.setVisible(self.settings.log_shown)
        self.data.drop_zone.show_recent(self.settings.recent_folders)
        if self.settings.form:
            try:
                self.form.show_config(msgspec.json.decode(self.settings.form, type=RunConfig))
            except (msgspec.DecodeError, ConfigError):  # Of another version: the defaults are as good.
                self.form.show_config(RunConfig())

    # --- shown

    def _show_moment(self, moment: Moment) -> None:
        self._moment = moment
        run = moment.run
        readiness = self.data.readiness if run.phase.running else self._readiness()
        self.header.show_moment(moment, readiness)
        self._show_notice(notice(moment))
        self.stages.show_moment(moment)
        found = self.data.readiness.detail if run.phase is Phase.IDLE and self.data.found else ""
        self.facts.show_moment(moment, moment.config or self._config_or_none(), found)
        self.run_page.show_moment(moment)
        if self._runs is not None:
            self._runs.show_moment(moment)
        if self.log.isVisible():
            self.log.show_moment(moment)
        self.status.set_text("  ·  ".join(status_parts(moment)))
        self.setWindowTitle(window_title(run))
        running = run.phase.running
        self.stop_action.setEnabled(running)
        self.pause_action.setEnabled(run.phase is Phase.TRAINING)
        self.save_action.setEnabled(run.phase is Phase.TRAINING)
        self.pause_action.setText("&Go on" if run.paused else "&Pause")
        self.start_action.setEnabled(readiness.ready and not running)
        self.add_to_queue_action.setEnabled(self.data.readiness.ready)
        self.data.checking.show_training(running)
        self.check_action.setEnabled(self.data.checking.can_start)
        if self._diagnosis is not None:
            self._diagnosis.show_moment(moment)
        if self._queue_dialog is not None:
            self._queue_dialog.show_window(trains=running, can_add=self.data.readiness.ready)

    def _show_notice(self, said: Notice | None) -> None:
        if said is not None and said.tone == "done" and self._weakest:
            said = Notice(said.tone, said.glyph, f"{said.title} {self._weakest}", said.text, said.offers)
        if said is not None and self._said is not None and self._said.tone == "slow":
            words = (said.text, self._said.title, self._said.text)
            said = replace(said, text=" ".join(part for part in words if part))
        if self._said_of_queue is not None and (said is None or self._moment.run.phase.ended):
            said = self._said_of_queue
        self.bar.show_notice(self._said if said is None else said)

    def _show_readiness(self) -> None:
        self._show_moment(self.controller.moment())

    def _readiness(self) -> Readiness:
        readiness = replace(self.data.readiness, check=self.data.checking.now)
        if not readiness.ready or self.data.found is None:
            return readiness
        try:
            config = self.form.config()
        except ConfigError:
            return Readiness(False, readiness.detail, "Look at the settings.")
        expected = self.controller.expected(config, self.data.found.photos)
        if expected is None:
            return replace(readiness, first_run=self._moment.first_run)
        return replace(readiness, expected_s=expected[0], earlier_runs=expected[1])

    def _config_or_none(self) -> RunConfig | None:
        try:
            return self.config()
        except ConfigError:
            return None

    def config(self) -> RunConfig:
        """What Start would train; ConfigError says which setting is wrong."""
        return self.data.choice.applied_to(self.form.config())

    def show_page(self, page: int) -> None:
        self.tabs.setCurrentIndex(page)

    def _on_tab(self, page: int) -> None:
        self.pages.setCurrentIndex(page)
        (self.runs if page == RUNS else self.data).undo_stack.setActive()
        if page == RUNS:
            self.runs.refresh()
        if page == TRAINING:
            self.run_page.show_moment(self._moment)

    def say(self, text: str, hint: str = "") -> None:
        """Something that went wrong before a run, or a word about one, in the bar."""
        self._said = Notice("slow", "slow", text, hint, (Offer.HIDE,)) if text else None
        self._show_notice(notice(self._moment))

    # --- started and stopped

    def start(self) -> None:
        if self.controller.running or not self._readiness().ready:
            return
        self._start(self.config)

    def _start(self, make_config: Callable[[], RunConfig]) -> None:
        self._said, self._said_of_queue, self._weakest = None, None, ""
        try:
            self.controller.start(make_config())
        except ConfigError as error:
            self.say("The settings cannot be used.", str(error))
        except RunFolderError as error:
            self.say(error.text, error.hint)
        else:
            self.data.checking.check.stop(for_training=True)  # It goes on where it was, after the training.
            self._remember_form()
            self.results.read(None)
            self.show_page(TRAINING)

    def _may_start_queued(self) -> bool:
        return not self._leaving and self._again is None

    def _start_queued(self, config: RunConfig) -> str:
        """Why it cannot be started; empty if it was. The person stays on the page where they are."""
        self._said, self._said_of_queue, self._weakest = None, None, ""
        try:
            self.controller.start(config)
        except ConfigError as error:
            return str(error)
        except RunFolderError as error:
            return f"{error.text} {error.hint}"
        self.data.checking.check.stop(for_training=True)
        self.results.read(None)
        return ""

    def add_to_queue(self) -> None:
        """What Start would train, to be trained when its turn comes."""
        found = self.data.found
        if not self.data.readiness.ready or found is None:
            self.say("There is nothing to add to the queue yet.", "Choose a folder of photos.")
            return
        try:
            config = self.config()
        except ConfigError as error:
            self.say("The settings cannot be used.", str(error))
            return
        entry = self.queue.add(config, found.photos)
        self._remember_form()
        place = len(self.queue.waiting)
        busy = self.controller.running or self.queue.running is not None
        self._say_of_queue(added_notice(entry, place, paused=self.queue.paused, busy=busy))

    def show_queue(self) -> None:
        from waste_gui.gui.queue_dialog import QueueDialog

        if self._queue_dialog is not None:
            self._queue_dialog.activateWindow()
            return
        dialog = QueueDialog(self, self.queue, self.controller.expected)
        dialog.add_asked.connect(self.add_to_queue)
        dialog.finished.connect(self._on_queue_closed)
        self._queue_dialog = dialog
        self._show_readiness()
        dialog.show()

    def _on_queue_closed(self) -> None:
        self._queue_dialog = None

    def _say_of_queue(self, words: Notice | None) -> None:
        self._said_of_queue = words
        self._show_notice(notice(self._moment))

    def _on_queue_halted(self, entry: QueuedRun) -> None:
        """The person stopped one; whether the others are wanted, they know."""
        if self._leaving:
            return
        self._ask(
            "Go on with the queue?",
            halted_question(entry, len(self.queue.waiting)),
            (Answer.QUEUE_ON, Answer.QUEUE_WAITS),
            Answer.QUEUE_WAITS,
            {},
            lambda answer: self.queue.go_on() if answer is Answer.QUEUE_ON else None,
        )

    def ask_stop(self) -> None:
        if not self.controller.running or self._question is not None:
            return
        moment = self._moment
        in_training = moment.run.phase is Phase.TRAINING
        answers: tuple[Answer, ...] = (Answer.STOP_NOW, Answer.KEEP_TRAINING)
        notes: dict[Answer, str] = {}
        if in_training:
            answers = (Answer.STOP_NOW, Answer.AFTER_EPOCH, Answer.KEEP_TRAINING)
            left = moment.epoch_left_s
            notes = {Answer.AFTER_EPOCH: f", ~{about(left)}"} if left and left >= 1 else {}
        self._ask(
            "Stop training?", stop_question(moment), answers, Answer.KEEP_TRAINING, notes, self._on_stop
        )

    def _on_stop(self, answer: Answer) -> None:
        if answer is Answer.STOP_NOW:
            self.controller.stop_now()
        elif answer is Answer.AFTER_EPOCH:
            self.controller.stop_after_epoch()

    def _ask(
        self,
        title: str,
        text: str,
        answers: tuple[Answer, ...],
        safe: Answer,
        notes: dict[Answer, str],
        then: Callable[[Answer], None],
    ) -> None:
        question = Question(self, title, text, answers, safe, notes)
        self._question = question

        def on_answered(answer: Answer) -> None:
            if self._question is question:
                self._question = None
                then(answer)

        question.answered.connect(on_answered)
        question.open()

    def _on_ended(self, moment: Moment) -> None:
        if self._question is not None and not self._leaving:
            self._question.reject()
        if self._again is None:
            self.queue.run_ended(moment.run)
        if self._leaving:
            self.close()
            return
        if self._again is not None:
            QTimer.singleShot(0, self._start_again)  # Once everybody has heard of the end.
            return
        if self.controller.folder is not None:
            self.results.read(self.controller.folder, self._on_results)

    def _on_again(self, action: Action) -> None:
        """As soon as the run that hangs is gone; its best model is kept, and it goes on from its last one."""
        config, folder = self.controller.config, self.controller.folder
        if config is None:
            self.say("Its settings are not known.", "Start it again from the settings page.")
            return
        self._again = lambda: again(action, config, folder)
        if self.controller.running:
            self.controller.stop_now()
        else:
            self._start_again()

    def _start_again(self) -> None:
        make, self._again = self._again, None
        before = self.controller.folder
        if make is not None:
            self._start(make)
            self.queue.goes_on_in(before)

    def _on_check_photos(self) -> None:
        self.show_page(PHOTOS)
        self.data.checking.start()

    def _on_check_ended(self) -> None:
        if self._closes_after_check:
            self.close()
        elif not self.isActiveWindow():
            QApplication.alert(self)

    def _on_results(self, results: Results) -> None:
        if results.weakest and self._moment.run.phase is Phase.FINISHED:
            name, share = results.weakest
            self._weakest = f"Weakest class: {name}, {100 * share:.0f} %."
            self._show_notice(notice(self._moment))

    def show_run(self, folder: RunDir) -> None:
        """An earlier run, or one that another window started and that still runs."""
        if self.controller.running and self.controller.folder == folder:
            self.show_page(TRAINING)
            return
        if self.controller.running and not self.controller.attached:
            self.say("A training runs in this window.", "Stop it, or wait, before you look at another.")
            return
        self._said, self._said_of_queue, self._weakest = None, None, ""
        self.controller.attach(folder)
        self.results.read(None)
        self.show_page(TRAINING)

    def attach_to_running(self) -> None:
        """At the start: show the training that a closed window left running."""
        for folder in list_runs():
            if folder.owner() is not None:
                began = time_of_day(folder.config.stat().st_mtime)
                self.show_run(folder)
                self._said = Notice(
                    "info", "ok", f"Training from {began} still runs. Showing it.", "", (Offer.HIDE,)
                )
                self._show_notice(notice(self._moment))
                return

    def start_example(self, and_train: bool = False) -> None:
        if self.controller.running or self._drawing.working:
            return
        self._train_example = and_train
        self.data.say("drawing the example's photos")
        self._drawing.start(demo.draw)

    def _on_example_drawn(self, folder: str) -> None:
        self.form.show_config(demo.DEMO_CONFIG)
        if self._train_example:
            self.data.ready_changed.connect(self._start_example_when_ready)
        self.data.set_choice(DatasetChoice(sources=(folder,)))
        self.show_page(PHOTOS)

    def _start_example_when_ready(self) -> None:
        if self.data.readiness.ready:
            self.data.ready_changed.disconnect(self._start_example_when_ready)
            self.start()

    def _on_example_failed(self, error: Exception) -> None:
        self.data.set_choice(DatasetChoice())
        self.say("The example's photos cannot be drawn.", str(error))
        self.example_failed.emit(error)

    # --- asked

    def _on_offer(self, offer: Action | Offer) -> None:
        match offer:
            case Action.SHOW_WHERE:
                self._on_show_where()
            case Action.SET_ASIDE:
                photo = self._moment.view.verdict.photo if self._moment.view else None
                if photo:
                    self.controller.skip_photo(photo)
            case Action.KEEP_WAITING:
                self.controller.keep_waiting()
            case Action.KEEP_GOING:
                self.controller.keep_going()
            case Action.STOP:
                self.controller.stop_now()
            case Action.FORCE_STOP:
                self.controller.force_stop()
            case Action.RESUME:
                self.controller.go_on()
            case Action.SMALLER_BATCH | Action.FEWER_WORKERS | Action.WITHOUT_CACHE | Action.TRY_AGAIN:
                self._on_again(offer)
            case Action.RESTART_WORKERS:
                self.controller.restart_workers()
            case Action.COPY_DETAILS | Offer.COPY_DETAILS:
                self._on_copy_details()
            case Offer.SHOW_LOG:
                self.log_action.setChecked(True)
                self.log.text.setFocus()
            case Offer.SHOW_RESULTS:
                self.show_page(RESULTS)
            case Offer.RESUME_RUN:
                if self.controller.folder is not None:
                    self._on_resume(self.controller.folder)
            case Offer.SHOW_SETTINGS:
                self.show_page(SETTINGS)
            case Offer.CHECK_PHOTOS:
                self._on_check_photos()
            case Offer.SHOW_QUEUE:
                self.show_queue()
            case Offer.QUEUE_ON:
                self._said_of_queue = None
                self.queue.go_on()
                self._show_notice(notice(self._moment))
            case Offer.HIDE:
                self._said, self._said_of_queue = None, None
                self._show_notice(notice(self._moment))

    def _on_show_where(self) -> None:
        """Timeline, photo, evidence, stacks; it stays up to date while it is open."""
        from waste_gui.gui.diagnosis_dialog import (
            DiagnosisDialog,  # pyqtgraph takes longer than all the rest.
        )

        self.controller.ask_for_stacks()
        if self._diagnosis is not None:
            self._diagnosis.activateWindow()
            return
        dialog = DiagnosisDialog(self, self.settings, self.data.checking.thumbnails)
        dialog.copy_asked.connect(self._on_copy_details)
        dialog.save_asked.connect(self._on_save_report)
        dialog.stacks_asked.connect(self.controller.ask_for_stacks)
        dialog.finished.connect(self._on_diagnosis_closed)
        QShortcut(QKeySequence("F1"), dialog, lambda: self.show_guide("where"))
        dialog.show_moment(self._moment)
        self._diagnosis = dialog
        dialog.show()

    def _on_diagnosis_closed(self) -> None:
        self._diagnosis = None

    def _on_copy_details(self) -> None:
        _copy(self._moment.report().text())
        self._tell_of_report("Copied")

    def _on_save_report(self) -> None:
        name = f"report_{self._moment.folder.name}.zip" if self._moment.folder else "report.zip"
        parent = self._diagnosis or self
        path, _ = QFileDialog.getSaveFileName(parent, "Save report", str(Path.home() / name), "Zip (*.zip)")
        if path:
            records, folder = self._moment.report().records(), self._moment.folder
            self._tell_of_report("Saving…")
            self._saving.start(lambda tell: save_report(records, folder, Path(path)))

    def _tell_of_report(self, done: str, wrong: str = "") -> None:
        """Where it was asked for: in the diagnosis, else in the status line or the bar."""
        if self._diagnosis is not None:
            self._diagnosis.say(wrong or done)
        elif wrong:
            self.say(wrong, "Choose another folder.")
        else:
            self.statusBar().setAccessibleDescription(done)

    def _on_open_run_folder(self) -> None:
        if self._moment.folder:
            _open(self._moment.folder)

    def _on_choose_folder(self) -> None:
        recent = self.settings.recent_folders
        start = os.path.dirname(recent[0]) if recent else str(Path.home())
        folder = QFileDialog.getExistingDirectory(self, "Choose a folder of photos", start)
        if folder:
            self.show_page(PHOTOS)
            self.data.add_folders([folder])

    def _on_folder_added(self, folder: str) -> None:
        self.settings.remember_folder(folder)
        self.data.drop_zone.show_recent(self.settings.recent_folders)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for folder in self.settings.recent_folders:
            self.recent_menu.addAction(label(folder), partial(self._on_recent_folder, folder))
        if not self.recent_menu.actions():
            self.recent_menu.addAction("None yet").setEnabled(False)

    def _on_recent(self) -> None:
        self._fill_recent()
        self.recent_menu.popup(self.mapToGlobal(self.rect().center()))

    def _on_recent_folder(self, folder: str) -> None:
        self.show_page(PHOTOS)
        self.data.add_folders([folder])

    def _on_use_settings(self, folder: RunDir) -> None:
        try:
            config = configs.load(folder.config)
        except ConfigError as error:
            self.say("These settings cannot be used.", str(error))
            return
        self.form.show_config(msgspec.structs.replace(config, run_dir=None))
        self.data.set_choice(choice_of(config))
        self.show_page(SETTINGS)

    def _on_resume(self, folder: RunDir) -> None:
        if self.controller.running:
            self.say("A training runs in this window.", "Stop it, or wait, before you resume another.")
            return
        self._start(lambda: msgspec.structs.replace(configs.load(folder.config), resume=str(folder.path)))

    def _on_plots(self, *names: PlotName) -> None:
        self.show_page(TRAINING)
        self.run_page.plots.choose(*names)
        self.run_page.show_moment(self._moment)
        self.run_page.plots.focus_first()

    def _on_log_shown(self, shown: bool) -> None:
        self.log.setVisible(shown)
        self.settings.log_shown = shown
        if shown:
            self.log.show_moment(self._moment)

    def _on_theme(self, name: ThemeName) -> None:
        self.theme.choose(name)
        self.settings.theme = name

    def _on_help(self) -> None:
        dialog = DetailsDialog(self, "Keys", KEYS)
        dialog.copy_asked.connect(_copy)
        dialog.show()

    def show_guide(self, page: str = "") -> None:
        """At the page of the window that is shown, or at another."""
        from waste_gui.gui.guide import PAGES as GUIDE_PAGES
        from waste_gui.gui.guide import GuideDialog

        dialog = GuideDialog(self, page or list(GUIDE_PAGES)[self.tabs.currentIndex()])
        dialog.keys_button.clicked.connect(self._on_help)
        dialog.show()

    def show_self_test(self, first: bool = False) -> None:
        from waste_gui.gui.self_test_dialog import SelfTestDialog

        self.settings.self_test_shown = True
        SelfTestDialog(self, first).show()

    def _on_notifications(self) -> None:
        from waste_gui.gui.notifications_dialog import NotificationsDialog

        NotificationsDialog(self, self.settings, self.telling).open()

    def _on_told(self, outcome: Outcome) -> None:
        """A trial is answered where it was asked for; a desktop without notifications is nothing to mend."""
        if not outcome.ok and not outcome.trial and outcome.channel != "desktop":
            self.say(outcome.words, outcome.hint)

    def _on_about(self) -> None:
        from waste_gui import __version__

        text = (
            f"waste-gui {__version__}\n\nTrains a classifier of waste photos, and says why when it is stuck."
        )
        dialog = DetailsDialog(self, "About waste-gui", text)
        dialog.copy_asked.connect(_copy)
        dialog.show()

    def _move_focus(self, step: int) -> None:
        """To the next area that can take the keyboard."""
        button = self.header.stop_button if self._moment.run.phase.running else self.header.start_button
        areas: list[QWidget] = [button if button.isEnabled() else self.menuBar(), self.stages, self.tabs]
        areas += [page for page in [self.pages.currentWidget()] if page]
        if self.log.isVisible():
            areas.append(self.log.text)
        if self.bar.isVisible():
            areas.insert(1, self.bar)
        focus = QApplication.focusWidget()
        now = next((i for i, a in enumerate(areas) if focus and (a is focus or a.isAncestorOf(focus))), -1)
        area = areas[(now + step) % len(areas)]
        if area is self.bar:
            self.bar.focus_first()
        elif area is self.run_page and len(self._moment.run.loss):
            self.run_page.plots.focus_first()
        else:
            _first_focusable(area).setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --- dropped, resized, closed

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped_folders(event.mimeData().urls()):
            event.acceptProposedAction()
            self.data.drop_zone.set_hot(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.data.drop_zone.set_hot(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.data.drop_zone.set_hot(False)
        folders = _dropped_folders(event.mimeData().urls())
        if folders:
            event.acceptProposedAction()
            self.show_page(PHOTOS)
            self.data.add_folders(folders)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = LEFT_WIDTH_WIDE if self.width() >= 1400 else LEFT_WIDTH
        self._left.setFixedWidth(width)
        self.header.set_first_width(width)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.controller.running and not self.controller.attached and not self._leaving:
            event.ignore()
            self._ask_close()
            return
        if self.controller.running and not self.controller.attached:
            event.ignore()  # It ends; `_on_ended` closes.
            return
        if self.data.checking.check.running:
            event.ignore()  # What it has read is kept; `_on_check_ended` closes.
            self._closes_after_check = True
            self.data.checking.check.stop()
            return
        self._remember_window()
        self.data.checking.close()
        if self._runs is not None:
            self._runs.finish_writing()
        self.queue.close()
        self.controller.detach()
        event.accept()

    def _ask_close(self) -> None:
        if self._question is not None:
            return
        left = self._moment.view.remaining.run_s if self._moment.view else None
        still = f"It needs about {about(left)} more. " if left and left >= 1 else ""
        queued = " The queue waits until then." if self.queue.waiting else ""
        self._ask(
            "Training still runs",
            f"{still}It can go on without the window; open waste-gui again to see it.{queued}",
            (Answer.STOP_AND_QUIT, Answer.KEEP_IN_BACKGROUND, Answer.CANCEL),
            Answer.CANCEL,
            {},
            self._on_close_answered,
        )

    def _on_close_answered(self, answer: Answer) -> None:
        match answer:
            case Answer.KEEP_IN_BACKGROUND:
                self._remember_window()
                self.data.checking.close()
                if self._runs is not None:
                    self._runs.finish_writing()
                self._exit_now(0)  # ~QProcess would kill the engine.
            case Answer.STOP_AND_QUIT:
                self._leaving = True
                self.controller.stop_now()

    def _remember_window(self) -> None:
        self.settings.geometry = self.saveGeometry()
        self._remember_form()
        self.settings.sync()

    def _remember_form(self) -> None:
        try:
            self.settings.form = msgspec.json.encode(self.form.config()).decode()
        except ConfigError:  # Half-typed settings are not worth keeping.
            return


def _dropped_folders(urls: list[QUrl]) -> list[str]:
    """The folders among what is dropped; for a photo the folder it is in is meant."""
    paths = [url.toLocalFile() for url in urls if url.isLocalFile()]
    return [path for path in paths if os.path.isdir(path)]


def _first_focusable(area: QWidget) -> QWidget:
    if area.focusPolicy() != Qt.FocusPolicy.NoFocus:
        return area
    for child in area.findChildren(QWidget):
        if child.focusPolicy() & Qt.FocusPolicy.TabFocus and child.isVisible() and child.isEnabled():
            return child
    return area


def _copy(text: str) -> None:
    QApplication.clipboard().setText(text)


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
