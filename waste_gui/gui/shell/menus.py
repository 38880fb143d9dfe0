"""The menus of the window with their keys, and which of them can be chosen now."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMenu

from waste_gui.gui.common.escaping import label
from waste_gui.gui.common.preferences import ThemeName
from waste_gui.gui.session.pages import PHOTOS, RUNS, SETTINGS
from waste_gui.gui.shell.focus_areas import move_focus
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow
    from waste_gui.gui.training.plots import PlotName

PLOTS: tuple[tuple[str, tuple[PlotName, ...]], ...] = (
    ("Loss &and accuracy", ("loss", "accuracy")),
    ("&Loss", ("loss",)),
    ("A&ccuracy", ("accuracy",)),
    ("Learning &rate", ("rate",)),
)

KEYS = """\
Ctrl+O\tadd a folder of photos
Ctrl+Shift+O\trecent folders
F5\tstart training
Ctrl+.\tstop training
Ctrl+R\tearlier runs
Ctrl+J\tthe queue
Ctrl+Shift+J\tadd these photos and settings to the queue
Ctrl+L\tlog
Ctrl+Shift+C\tcopy a report
Ctrl+E\topen the run folder
Ctrl+S\tsave a report
Ctrl+1\tloss and accuracy
Ctrl+2, Ctrl+3\tloss or accuracy alone
Ctrl+4\tlearning rate
Ctrl+Z\tundo a change to the photos, what was set aside or skipped,
\tor what was done to a run
Ctrl+Shift+Z\tredo it
F6, Shift+F6\tnext and previous area
Alt+W\tthe warning
Ctrl+,\tsettings
F1\tthe guide to the page that is shown
Shift+F1\tthese keys
Ctrl+Q\tquit

In the list of what the check found: Space sets aside, S skips,
Enter shows the photo larger.

In the list of runs: Ctrl+F searches, Enter shows, F2 renames, N writes a
note, S stars, A archives, C compares, O opens the folder, Del deletes.

In the queue: Alt+Up and Alt+Down move a run, Del removes it.

In a plot and in the timeline: Space follows the newest, Home shows all,
+ and - zoom, the arrows pan.

Esc never stops training. Enter in the stop dialog keeps it going."""

THEMES: tuple[tuple[str, ThemeName], ...] = (("&System", "system"), ("&Light", "light"), ("&Dark", "dark"))


class Menus(QObject):
    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        bar = window.menuBar()
        self._make_file_menu(bar.addMenu("&File"))
        self._make_edit_menu(bar.addMenu("&Edit"))
        self._make_run_menu(bar.addMenu("&Run"))
        self._make_view_menu(bar.addMenu("&View"))
        self._make_help_menu(bar.addMenu("&Help"))

    def _make_file_menu(self, menu: QMenu) -> None:
        window = self._window
        self._add(menu, "&Add folder of photos…", "Ctrl+O", self.choose_folder)
        self.recent = menu.addMenu("&Recent folders")
        self.recent.aboutToShow.connect(self._fill_recent)
        self._add(menu, "Choose a recent &folder…", "Ctrl+Shift+O", self._show_recent)
        self._add(menu, "Try the &small example", "", window.starting.example)
        menu.addSeparator()
        self._add(menu, "Open the run fo&lder", "Ctrl+E", self._open_run_folder)
        self._add(menu, "Save re&port…", "Ctrl+S", window.where.save_report)
        menu.addSeparator()
        self._add(menu, "&Quit", "Ctrl+Q", window.close)

    def _make_edit_menu(self, menu: QMenu) -> None:
        window = self._window
        undo = window.undo_group.createUndoAction(window, "&Undo")
        undo.setShortcut(QKeySequence("Ctrl+Z"))
        redo = window.undo_group.createRedoAction(window, "&Redo")
        redo.setShortcut(QKeySequence("Ctrl+Shift+Z"))
        menu.addActions([undo, redo])
        menu.addSeparator()
        self._add(menu, "&Copy report", "Ctrl+Shift+C", window.where.copy_report)
        menu.addSeparator()
        self._add(menu, "&Settings of the training", "Ctrl+,", partial(window.show_page, SETTINGS))
        self._add(menu, "&Notifications…", "", window.show_notifications)

    def _make_run_menu(self, menu: QMenu) -> None:
        window = self._window
        self._start = self._add(menu, "&Start training", "F5", window.starting.start)
        self._stop = self._add(menu, "S&top…", "Ctrl+.", window.ending.ask_stop)
        self._pause = self._add(menu, "&Pause", "", window.controller.pause_or_resume)
        self._save = self._add(menu, "Sa&ve the training now", "", window.controller.save_now)
        menu.addSeparator()
        self.add_to_queue = self._add(menu, "&Add to the queue", "Ctrl+Shift+J", window.queueing.add)
        self._add(menu, "&Queue…", "Ctrl+J", window.queueing.show)
        menu.addSeparator()
        self.check = self._add(menu, "&Check the photos", "", window.check_photos)
        self._add(menu, "Show &where it waits", "", window.where.show)
        self._add(menu, "&Earlier runs", "Ctrl+R", partial(window.show_page, RUNS))

    def _make_view_menu(self, menu: QMenu) -> None:
        window = self._window
        for i, (name, plots) in enumerate(PLOTS, 1):
            self._add(menu, name, f"Ctrl+{i}", partial(window.show_plots, *plots))
        menu.addSeparator()
        self.log = self._add(menu, "Lo&g", "Ctrl+L", lambda: None)
        self.log.setCheckable(True)
        self.log.toggled.connect(window.show_log)
        self._add(menu, "The &warning", "Alt+W", window.bar.focus_first)
        self._add(menu, "&Next area", "F6", partial(move_focus, window, 1))
        self._add(menu, "&Previous area", "Shift+F6", partial(move_focus, window, -1))
        menu.addSeparator()
        look = menu.addMenu("&Theme")
        group = QActionGroup(self)
        for title, name in THEMES:
            action = self._add(look, title, "", partial(window.choose_theme, name))
            action.setCheckable(True)
            action.setChecked(name == window.theme.name)
            group.addAction(action)

    def _make_help_menu(self, menu: QMenu) -> None:
        window = self._window
        self._add(menu, "&Guide", "F1", window.show_guide)
        self._add(menu, "&Keys", "Shift+F1", window.show_keys)
        menu.addSeparator()
        self._add(menu, "&Self-test…", "", window.show_self_test)
        self._add(menu, "&About waste-gui", "", window.show_about)

    def _add(self, menu: QMenu, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self._window)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _=False: slot())
        menu.addAction(action)
        return action

    def show_snapshot(self, snapshot: Snapshot, *, can_start: bool) -> None:
        run, data = snapshot.run, self._window.data
        running = run.phase.running
        self._stop.setEnabled(running)
        self._pause.setEnabled(run.phase is RunPhase.TRAINING)
        self._save.setEnabled(run.phase is RunPhase.TRAINING)
        self._pause.setText("&Go on" if run.paused else "&Pause")
        self._start.setEnabled(can_start and not running)
        self.add_to_queue.setEnabled(data.readiness.ready)
        self.check.setEnabled(data.checking.can_start)

    # --- folders

    def choose_folder(self) -> None:
        recent = self._window.settings.recent_folders
        start = os.path.dirname(recent[0]) if recent else str(Path.home())
        folder = QFileDialog.getExistingDirectory(self._window, "Choose a folder of photos", start)
        if folder:
            self._add_folder(folder)

    def _add_folder(self, folder: str) -> None:
        self._window.show_page(PHOTOS)
        self._window.data.add_folders([folder])

    def _fill_recent(self) -> None:
        self.recent.clear()
        for folder in self._window.settings.recent_folders:
            self.recent.addAction(label(folder), partial(self._add_folder, folder))
        if not self.recent.actions():
            self.recent.addAction("None yet").setEnabled(False)

    def _show_recent(self) -> None:
        self._fill_recent()
        self.recent.popup(self._window.mapToGlobal(self._window.rect().center()))

    def _open_run_folder(self) -> None:
        if self._window.snapshot.folder:
            self._window.open_folder(self._window.snapshot.folder)
