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
from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
    QResizeEvent,
    QUndoGroup,
)
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.alerts.notifier import Notifier, SendOutcome
from waste_gui.gui.common import resources
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.preferences import Preferences, ThemeName
from waste_gui.gui.common.theme import UNIT, Theme
from waste_gui.gui.diagnosis.diagnosis import WhereItWaits
from waste_gui.gui.photos.page import DataPage
from waste_gui.gui.queue.queueing import Queueing
from waste_gui.gui.results.page import Results, ResultsPage
from waste_gui.gui.session.dataset_choice import choice_of
from waste_gui.gui.session.opening import Showing
from waste_gui.gui.session.pages import PHOTOS, RESULTS, RUNS, SETTINGS, TRAINING
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_queue import RunQueue
from waste_gui.gui.session.run_text import Offer, Readiness, status_parts, window_title
from waste_gui.gui.session.starting import AGAIN, Starting
from waste_gui.gui.settings.page import SettingsPage
from waste_gui.gui.shell.banner import Banner
from waste_gui.gui.shell.banner_text import BannerText
from waste_gui.gui.shell.dialogs import DetailsDialog
from waste_gui.gui.shell.ending import Ending
from waste_gui.gui.shell.header import Header
from waste_gui.gui.shell.menus import KEYS, Menus
from waste_gui.gui.shell.prompts import Prompts
from waste_gui.gui.shell.tabs import Tabs
from waste_gui.gui.training.facts import Facts
from waste_gui.gui.training.log import Log
from waste_gui.gui.training.page import RunPage
from waste_gui.gui.training.stage_list import StageList
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.verdict import Action
from waste_gui.rundir import RunDir

if TYPE_CHECKING:
    from waste_gui.gui.runs.page import RunsPage
    from waste_gui.gui.training.plots import PlotName

LEFT_WIDTH, LEFT_WIDTH_WIDE = 336, 416
QUIET_MS = 300
"""After the first paint, for what the window needs only later."""
TABS = ("&Photos", "Sett&ings", "Trainin&g", "Res&ults", "Ru&ns")
"""Each with a letter of its own, beside those of the menus, Start and Stop."""


class MainWindow(QMainWindow):
    def __init__(
        self,
        settings: Preferences,
        theme: Theme,
        controller: RunController | None = None,
        exit_now: Callable[[int], None] = os._exit,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.theme = theme
        self.controller = controller or RunController()
        self.controller.setParent(self)
        self.snapshot = self.controller.snapshot()
        self._runs: RunsPage | None = None
        self.notifier = Notifier(self, settings, self.controller)
        self.asking = Prompts(self)
        self.bar_words = BannerText()
        self.showing = Showing(self)
        self.starting = Starting(self)
        self.ending = Ending(self, exit_now)
        self.where = WhereItWaits(self)
        self.queueing = Queueing(self)
        self._make_parts()
        self._lay_out()
        self.menus = Menus(self)
        self._offers = self._make_offers()
        self._connect()
        self._restore()
        self.show_snapshot(self.snapshot)
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
    def queue(self) -> RunQueue:
        return self.queueing.queue

    @property
    def runs(self) -> RunsPage:
        """Made when it is first looked at, or in a quiet moment: the window opens sooner without it."""
        if self._runs is None:
            from waste_gui.gui.runs.page import RunsPage

            self._runs = RunsPage()
            place = QVBoxLayout(self._runs_place)
            place.setContentsMargins(0, 0, 0, 0)
            place.addWidget(self._runs)
            self.undo_group.addStack(self._runs.undo_stack)
            self._runs.show_asked.connect(self.showing.run)
            self._runs.folder_asked.connect(lambda folder: self.open_folder(folder.path))
            self._runs.settings_asked.connect(self._on_use_settings)
            self._runs.resume_asked.connect(self.starting.resume)
            self._runs.trouble.connect(self.say)
            self._runs.show_snapshot(self.snapshot)
        return self._runs

    # --- laid out

    def _make_parts(self) -> None:
        self.header = Header(LEFT_WIDTH)
        self.bar = Banner()
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
            TABS, (self.data, self.form, self.run_page, self.results, self._runs_place), strict=True
        ):
            self.tabs.addTab(name)
            self.pages.addWidget(page)

    def _make_offers(self) -> dict[Action | Offer, Callable[[], object]]:
        """What the buttons in the bar do."""
        controller, starting = self.controller, self.starting
        return {
            Action.SHOW_WHERE: self.where.show,
            Action.EXCLUDE: self._set_photo_aside,
            Action.KEEP_WAITING: controller.keep_waiting,
            Action.KEEP_GOING: controller.keep_going,
            Action.STOP: controller.stop_now,
            Action.FORCE_STOP: controller.force_stop,
            Action.RESUME: controller.go_on,
            **{action: partial(starting.again, action) for action in AGAIN},
            Action.RESTART_WORKERS: controller.restart_workers,
            Action.COPY_DETAILS: self.where.copy_report,
            Offer.COPY_DETAILS: self.where.copy_report,
            Offer.SHOW_LOG: self._show_log_to_read,
            Offer.SHOW_RESULTS: partial(self.show_page, RESULTS),
            Offer.RESUME_RUN: self._resume_shown,
            Offer.SHOW_SETTINGS: partial(self.show_page, SETTINGS),
            Offer.CHECK_PHOTOS: self.check_photos,
            Offer.SHOW_QUEUE: self.queueing.show,
            Offer.QUEUE_ON: self.queueing.go_on,
            Offer.SHOW_RUN: self.showing.left_behind,
            Offer.HIDE: self._hide_words,
        }

    def _connect(self) -> None:
        self.controller.changed.connect(self.show_snapshot)
        self.controller.ended.connect(self._on_ended)
        self.controller.trouble.connect(self.say)
        self.notifier.told.connect(self._on_told)
        self.header.start_asked.connect(self.starting.start)
        self.header.stop_asked.connect(self.ending.ask_stop)
        self.bar.chosen.connect(lambda offer: self._offers[offer]())
        self.tabs.currentChanged.connect(self._on_tab)
        self.data.ready_changed.connect(self._show_readiness)
        self.data.choose_asked.connect(self.menus.choose_folder)
        self.data.example_asked.connect(self.starting.example)
        self.data.folder_added.connect(self._on_folder_added)
        self.data.checking.settings = self.form.config
        self.data.checking.trouble.connect(self.say)
        self.data.checking.check.ended.connect(self.ending.check_ended)
        self.form.changed.connect(self._show_readiness)
        self.log.close_asked.connect(lambda: self.menus.log.setChecked(False))

    def _restore(self) -> None:
        if not self.settings.geometry.isEmpty():
            self.restoreGeometry(self.settings.geometry)
        self.menus.log.setChecked(self.settings.log_shown)
        self.log.setVisible(self.settings.log_shown)
        self.data.drop_zone.show_recent(self.settings.recent_folders)
        if self.settings.form:
            try:
                raw = msgspec.json.decode(self.settings.form)
                self.form.show_config(configs.from_raw(raw, "the settings that were kept"))
            except (msgspec.DecodeError, ConfigError):  # Of another version: the defaults are as good.
                self.form.show_config(RunConfig())

    # --- shown

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        run = snapshot.run
        running = run.phase.running
        readiness = self.data.readiness if running else self.readiness()
        self.header.show_snapshot(snapshot, readiness)
        self.show_words()
        self.stages.show_snapshot(snapshot)
        found = self.data.readiness.detail if run.phase is RunPhase.IDLE and self.data.found else ""
        self.facts.show_snapshot(snapshot, snapshot.config or self._config_or_none(), found)
        self.run_page.show_snapshot(snapshot)
        if self._runs is not None:
            self._runs.show_snapshot(snapshot)
        if self.log.isVisible():
            self.log.show_snapshot(snapshot)
        self.status.set_text("  ·  ".join(status_parts(snapshot)))
        self.setWindowTitle(window_title(run))
        self.data.checking.show_training(running)
        self.menus.show_snapshot(snapshot, can_start=readiness.ready)
        self.where.show_snapshot(snapshot)
        self.queueing.show_window(trains=running)

    def show_words(self) -> None:
        self.bar.show_notice(self.bar_words.at(self.snapshot))

    def say(self, text: str, hint: str = "") -> None:
        """Something that went wrong before a run, or a word about one, in the bar."""
        self.bar_words.trouble(text, hint)
        self.show_words()

    def _hide_words(self) -> None:
        self.bar_words.hide(self.snapshot)
        self.show_words()

    def _show_readiness(self) -> None:
        self.show_snapshot(self.controller.snapshot())

    def readiness(self) -> Readiness:
        readiness = replace(self.data.readiness, check=self.data.checking.now)
        if not readiness.ready or self.data.found is None:
            return readiness
        try:
            config = self.form.config()
        except ConfigError:
            return Readiness(False, readiness.detail, "Look at the settings.")
        expected = self.controller.expected(config, self.data.found.photos)
        if expected is None:
            return replace(readiness, first_run=self.snapshot.first_run)
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
            self.run_page.show_snapshot(self.snapshot)

    # --- a run

    def _on_ended(self, snapshot: Snapshot) -> None:
        if self.controller.folder is not None:
            self.showing.saw_the_end(self.controller.folder)
        if not self.ending.leaving:
            self.asking.withdraw()
        if not self.starting.begins_again:
            self.queue.run_ended(snapshot.run)
        if self.ending.leaving:
            self.close()
        elif self.starting.begins_again:
            self.starting.run_ended()
        elif self.controller.folder is not None:
            self.results.read(self.controller.folder, self._on_results)

    def _on_results(self, results: Results) -> None:
        if results.weakest and self.snapshot.run.phase is RunPhase.FINISHED:
            name, share = results.weakest
            self.bar_words.weakest = f"Weakest class: {name}, {100 * share:.0f} %."
            self.show_words()

    def _set_photo_aside(self) -> None:
        photo = self.snapshot.view.verdict.photo if self.snapshot.view else None
        if photo:
            self.controller.skip_photo(photo)

    def _resume_shown(self) -> None:
        if self.controller.folder is not None:
            self.starting.resume(self.controller.folder)

    # --- asked

    def check_photos(self) -> None:
        self.show_page(PHOTOS)
        self.data.checking.start()

    def open_folder(self, folder: Path) -> None:
        """In the desktop's own file manager, if it has one."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.say("No program shows folders on this desktop.", f"The folder is {folder}.")

    def _on_folder_added(self, folder: str) -> None:
        self.settings.remember_folder(folder)
        self.data.drop_zone.show_recent(self.settings.recent_folders)

    def _on_use_settings(self, folder: RunDir) -> None:
        try:
            config = configs.load(folder.config)
        except ConfigError as error:
            self.say("These settings cannot be used.", str(error))
            return
        self.form.show_config(config)
        self.data.set_choice(choice_of(config))
        self.show_page(SETTINGS)

    def show_plots(self, *names: PlotName) -> None:
        self.show_page(TRAINING)
        self.run_page.plots.choose(*names)
        self.run_page.show_snapshot(self.snapshot)
        self.run_page.plots.focus_first()

    def show_log(self, shown: bool) -> None:
        self.log.setVisible(shown)
        self.settings.log_shown = shown
        if shown:
            self.log.show_snapshot(self.snapshot)

    def _show_log_to_read(self) -> None:
        self.menus.log.setChecked(True)
        self.log.text.setFocus()

    def choose_theme(self, name: ThemeName) -> None:
        self.theme.choose(name)
        self.settings.theme = name

    def show_keys(self) -> None:
        dialog = DetailsDialog(self, "Keys", KEYS)
        dialog.copy_asked.connect(_copy)
        dialog.show()

    def show_guide(self, page: str = "") -> None:
        """At the page of the window that is shown, or at another."""
        from waste_gui.gui.shell.guide import PAGES as GUIDE_PAGES
        from waste_gui.gui.shell.guide import GuideDialog

        dialog = GuideDialog(self, page or list(GUIDE_PAGES)[self.tabs.currentIndex()])
        dialog.keys_button.clicked.connect(self.show_keys)
        dialog.show()

    def show_self_test(self, first: bool = False) -> None:
        from waste_gui.gui.platform.self_test import SelfTestDialog

        self.settings.self_test_shown = True
        SelfTestDialog(self, first).show()

    def show_notifications(self) -> None:
        from waste_gui.gui.alerts.dialog import NotificationsDialog

        NotificationsDialog(self, self.settings, self.notifier).open()

    def _on_told(self, outcome: SendOutcome) -> None:
        """A trial is answered where it was asked for; a desktop without notifications is nothing to mend."""
        if not outcome.ok and not outcome.trial and outcome.channel != "desktop":
            self.say(outcome.words, outcome.hint)

    def show_about(self) -> None:
        from waste_gui import __version__

        text = (
            f"waste-gui {__version__}\n\nTrains a classifier of waste photos, and says why when it is stuck."
        )
        dialog = DetailsDialog(self, "About waste-gui", text)
        dialog.copy_asked.connect(_copy)
        dialog.show()

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
        if not self.ending.may_close():
            event.ignore()
            return
        self.ending.close_parts()
        event.accept()

    def finish_writing(self) -> None:
        """What was changed of earlier runs and is not yet on the disk."""
        if self._runs is not None:
            self._runs.finish_writing()

    def remember(self) -> None:
        self.settings.geometry = self.saveGeometry()
        self.remember_form()
        self.settings.sync()

    def remember_form(self) -> None:
        try:
            self.settings.form = msgspec.json.encode(self.form.config()).decode()
        except ConfigError:  # Half-typed settings are not worth keeping.
            return


def _dropped_folders(urls: list[QUrl]) -> list[str]:
    """The folders among what is dropped."""
    paths = [url.toLocalFile() for url in urls if url.isLocalFile()]
    return [path for path in paths if os.path.isdir(path)]


def _copy(text: str) -> None:
    QApplication.clipboard().setText(text)
