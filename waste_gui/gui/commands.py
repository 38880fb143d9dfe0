"""What the menus and the buttons of the bar do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QMenu

from waste_gui import config as configs
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.common.folders import open_folder
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.rooms import Rooms
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.example import DEMO_CONFIG
from waste_gui.gui.session.interfaces import Shell
from waste_gui.gui.session.pages import PHOTOS, RESULTS, RUNS, SETTINGS, TRAINING
from waste_gui.gui.session.run_text import Offer
from waste_gui.gui.session.session_text import trouble
from waste_gui.gui.session.training_session import AGAIN
from waste_gui.gui.shell import about
from waste_gui.gui.shell.focus_areas import move_focus
from waste_gui.gui.shell.frame import Frame
from waste_gui.gui.shell.menus import RecentFolders, theme_menu
from waste_gui.monitor.verdict import Action
from waste_gui.rundir import RunDir

if TYPE_CHECKING:
    from waste_gui.gui.training.plots import PlotName

PLOTS: dict[str, tuple[PlotName, ...]] = {
    "plots": ("loss", "accuracy"),
    "loss": ("loss",),
    "accuracy": ("accuracy",),
    "rate": ("rate",),
}


class Commands:
    """`over` is the window that dialogs lie over."""

    def __init__(
        self, rooms: Rooms, frame: Frame, shell: Shell, preferences: Preferences, over: QMainWindow
    ) -> None:
        self._rooms, self._frame, self._shell = rooms, frame, shell
        self._preferences, self._over = preferences, over
        self._log_action = QAction(over)
        self._log_action.setCheckable(True)
        self._log_action.toggled.connect(self._show_log)
        self._recent = RecentFolders(
            over, lambda: preferences.recent_folders, lambda folder: self.add_folders([folder])
        )

    def by_name(self) -> dict[str, Callable[[], object]]:
        """Those of the menus."""
        rooms, session, page = self._rooms, self._rooms.session, self._shell.show_page
        return {
            "add_folder": self._choose_folder,
            "show_recent": self._recent.pop_up,
            "example": self.try_example,
            "run_folder": self._open_shown_folder,
            "save_report": rooms.where.save_report,
            "quit": self._over.close,
            "copy_report": rooms.where.copy_report,
            "settings": partial(page, SETTINGS),
            "notifications": self.show_notifications,
            "start": session.start,
            "stop": session.stop,
            "pause": session.controller.pause_or_resume,
            "save": session.controller.save_now,
            "add_to_queue": rooms.queueing.add,
            "queue": rooms.queueing.show,
            "check": self.check_photos,
            "preview": self.preview_training,
            "where": rooms.where.show,
            "runs": partial(page, RUNS),
            **{name: partial(self._show_plots, *plots) for name, plots in PLOTS.items()},
            "warning": self._frame.bar.focus_first,
            "next_area": partial(self._move_focus, 1),
            "previous_area": partial(self._move_focus, -1),
            "guide": self.show_guide,
            "keys": partial(about.show_keys, self._over),
            "self_test": self.show_self_test,
            "about": partial(about.show_about, self._over),
        }

    def ready_made(self, theme: Theme) -> dict[str, QAction | QMenu]:
        """Entries of the menus that are more than a command."""
        return {
            "recent": self._recent,
            "theme": theme_menu(self._over, theme, self._preferences),
            "undo": self._rooms.undo.createUndoAction(self._over),
            "redo": self._rooms.undo.createRedoAction(self._over),
            "log": self._log_action,
        }

    def by_offer(self) -> dict[Action | Offer, Callable[[], object]]:
        """Those of the buttons in the bar."""
        rooms, controller = self._rooms, self._rooms.session.controller
        return {
            Action.SHOW_WHERE: rooms.where.show,
            Action.EXCLUDE: self._exclude_photo,
            Action.KEEP_WAITING: controller.keep_waiting,
            Action.KEEP_GOING: controller.keep_going,
            Action.STOP: controller.stop_now,
            Action.FORCE_STOP: controller.force_stop,
            Action.RESUME: controller.go_on,
            **{action: partial(self._restart_with, action) for action in AGAIN},
            Action.RESTART_WORKERS: controller.restart_workers,
            Action.COPY_DETAILS: rooms.where.copy_report,
            Offer.COPY_DETAILS: rooms.where.copy_report,
            Offer.SHOW_LOG: self._show_log_to_read,
            Offer.SHOW_RESULTS: self._show_results,
            Offer.RESUME_RUN: self._resume_shown,
            Offer.SHOW_SETTINGS: partial(self._shell.show_page, SETTINGS),
            Offer.SHOW_PHOTOS: partial(self._shell.show_page, PHOTOS),
            Offer.CHECK_PHOTOS: self.check_photos,
            Offer.SELF_TEST: self.show_self_test,
            Offer.SHOW_QUEUE: rooms.queueing.show,
            Offer.QUEUE_ON: rooms.queueing.go_on,
            Offer.SHOW_RUN: rooms.left_behind.show,
        }

    def _say(self, text: str, hint: str = "") -> None:
        self._shell.notify(trouble(text, hint))

    # --- photos and settings

    def check_photos(self) -> None:
        self._shell.show_page(PHOTOS)
        self._rooms.data.checking.start()

    def preview_training(self) -> None:
        self._shell.show_page(PHOTOS)
        self._rooms.data.previewing.start()

    def _choose_folder(self) -> None:
        self._shell.show_page(PHOTOS)
        self._rooms.data.choose_folder()

    def add_folders(self, folders: list[str]) -> None:
        self._shell.show_page(PHOTOS)
        self._rooms.data.add_folders(folders)

    def use_settings(self, folder: RunDir) -> None:
        """And the photos of that run."""
        try:
            self._rooms.inputs.fill(configs.load(folder.config))
        except ConfigError as error:
            self._say("These settings cannot be used.", str(error))
        else:
            self._shell.show_page(SETTINGS)

    def try_example(self, *, and_train: bool = False) -> None:
        """Draw its photos, and train on them if that is wanted."""
        if not self._rooms.session.running and not self._rooms.example.working:
            self._rooms.data.say("drawing the example's photos")
            self._rooms.example.draw(and_train=and_train)

    def take_example(self, folder: str, and_train: bool) -> None:
        self._rooms.form.show_config(DEMO_CONFIG)
        if and_train:
            self._rooms.session.start_with((folder,))
        self._rooms.data.set_choice(DatasetChoice(sources=(folder,)))
        self._shell.show_page(PHOTOS)

    def leave_example(self) -> None:
        """Own photos are not trained under the example's name, nor so small without having been asked."""
        form = self._rooms.form
        try:
            now = form.config()
        except ConfigError:
            return  # It is being typed.
        if now == DEMO_CONFIG:
            form.show_config(RunConfig())
        elif now.name == DEMO_CONFIG.name:
            form.show_config(msgspec.structs.replace(now, name=""))

    def lose_example(self, error: Exception) -> None:
        self._rooms.data.set_choice(DatasetChoice())
        self._say("The example's photos cannot be drawn.", str(error))

    # --- a run

    def go_to_training(self) -> None:
        self._rooms.shown.follow()
        self._shell.show_page(TRAINING)

    def _restart_with(self, action: Action) -> None:
        self._rooms.session.restart_with(action, self._rooms.shown.snapshot)

    def _exclude_photo(self) -> None:
        view = self._rooms.session.snapshot.view
        if view is not None and view.verdict.photo:
            self._rooms.session.controller.skip_photo(view.verdict.photo)

    def _resume_shown(self) -> None:
        if self._rooms.shown.folder is not None:
            self._rooms.session.resume(self._rooms.shown.folder)

    def _show_results(self) -> None:
        if self._rooms.shown.folder is not None:
            self._rooms.results.read(self._rooms.shown.folder)
        self._shell.show_page(RESULTS)

    def _open_shown_folder(self) -> None:
        if self._rooms.shown.folder is not None:
            self.open_folder(self._rooms.shown.folder.path)

    def open_folder(self, folder: Path) -> None:
        if not open_folder(folder):
            self._say("No file manager found.", f"The folder is {folder}.")

    # --- the window

    def _show_plots(self, *names: PlotName) -> None:
        self._shell.show_page(TRAINING)
        self._rooms.run_page.show_plots(*names)

    def _show_log(self, shown: bool) -> None:
        self._preferences.log_shown = shown
        self._rooms.log.setVisible(shown)
        if shown:
            self._rooms.log.show_snapshot(self._rooms.shown.snapshot)

    def _show_log_to_read(self) -> None:
        self._log_action.setChecked(True)
        self._rooms.log.text.setFocus()

    def restore_log(self) -> None:
        self._rooms.log.setVisible(self._preferences.log_shown)
        self._log_action.setChecked(self._preferences.log_shown)
        self._rooms.log.close_asked.connect(lambda: self._log_action.setChecked(False))

    def _move_focus(self, step: int) -> None:
        frame, page, run_page = self._frame, self._frame.pages.currentWidget(), self._rooms.run_page
        pages = run_page.areas() if page is run_page else [page]
        move_focus(
            [frame.header.button, frame.bar, frame.tabs, *pages, self._rooms.log.text, frame.strip], step
        )

    def show_guide(self, page: str = "") -> None:
        """At the page of the window that is shown, or at another."""
        about.show_guide(self._over, page or self._frame.page)

    def show_self_test(self, first: bool = False) -> None:
        from waste_gui.gui.platform.self_test import SelfTestDialog

        self._preferences.self_test_shown = True
        SelfTestDialog(self._over, first).show()

    def show_notifications(self) -> None:
        from waste_gui.gui.alerts.dialog import NotificationsDialog

        NotificationsDialog(self._over, self._preferences, self._rooms.notifier).open()
