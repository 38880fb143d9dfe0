"""The menus of the window with their keys: a table of words, to which the window gives what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from waste_gui.gui.common.escaping import label
from waste_gui.gui.common.preferences import Preferences, ThemeName
from waste_gui.gui.common.theme import Theme
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot

Entry = tuple[str, str, str] | None
"""Name, text and key of an action; None is a line between two groups."""

MENUS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "&File",
        (
            ("add_folder", "&Add folder…", "Ctrl+O"),
            ("recent", "&Recent folders", ""),
            ("show_recent", "Choose a recent &folder…", "Ctrl+Shift+O"),
            ("example", "Try the &small example", ""),
            None,
            ("run_folder", "Open the run fo&lder", "Ctrl+E"),
            ("save_report", "Save re&port…", "Ctrl+S"),
            None,
            ("quit", "&Quit", "Ctrl+Q"),
        ),
    ),
    (
        "&Edit",
        (
            ("undo", "&Undo", "Ctrl+Z"),
            ("redo", "&Redo", "Ctrl+Shift+Z"),
            None,
            ("copy_report", "&Copy details", "Ctrl+Shift+C"),
            None,
            ("settings", "&Settings of the training", "Ctrl+,"),
            ("notifications", "&Notifications…", ""),
        ),
    ),
    (
        "&Run",
        (
            ("start", "&Start training", "F5"),
            ("stop", "S&top…", "Ctrl+."),
            ("pause", "&Pause", ""),
            ("save", "Sa&ve checkpoint now", ""),
            None,
            ("add_to_queue", "&Add to the queue", "Ctrl+Shift+J"),
            ("queue", "&Queue…", "Ctrl+J"),
            None,
            ("check", "&Check photos", ""),
            ("preview", "P&review training", ""),
            ("where", "Sho&w what it's waiting for", ""),
            ("runs", "&Earlier runs", "Ctrl+R"),
        ),
    ),
    (
        "&View",
        (
            ("plots", "Loss &and accuracy", "Ctrl+1"),
            ("loss", "&Loss", "Ctrl+2"),
            ("accuracy", "A&ccuracy", "Ctrl+3"),
            ("rate", "Learning &rate", "Ctrl+4"),
            None,
            ("log", "Lo&g", "Ctrl+L"),
            ("warning", "The &warning", "Alt+W"),
            ("next_area", "&Next area", "F6"),
            ("previous_area", "&Previous area", "Shift+F6"),
            None,
            ("theme", "&Theme", ""),
        ),
    ),
    (
        "&Help",
        (
            ("guide", "&Guide", "F1"),
            ("keys", "&Keyboard shortcuts", "Shift+F1"),
            None,
            ("self_test", "&Self-test…", ""),
            ("about", "&About waste-gui", ""),
        ),
    ),
)

THEMES: tuple[tuple[str, ThemeName], ...] = (("&System", "system"), ("&Light", "light"), ("&Dark", "dark"))

Commands = Mapping[str, Callable[[], object]]


class Menus:
    """`actions` has each by its name. Where a name is no command, the caller gives an action or a menu."""

    def __init__(self, window: QMainWindow, commands: Commands, ready: Mapping[str, QAction | QMenu]) -> None:
        self.actions: dict[str, QAction] = {}
        for title, entries in MENUS:
            menu = window.menuBar().addMenu(title)
            for entry in entries:
                if entry is None:
                    menu.addSeparator()
                else:
                    self._add(window, menu, entry, commands, ready)

    def _add(
        self,
        window: QMainWindow,
        menu: QMenu,
        entry: tuple[str, str, str],
        commands: Commands,
        ready: Mapping[str, QAction | QMenu],
    ) -> None:
        name, text, keys = entry
        made = ready.get(name)
        action = made.menuAction() if isinstance(made, QMenu) else made or QAction(window)
        action.setText(text)
        if keys:
            action.setShortcut(QKeySequence(keys))
        if made is None:
            command = commands[name]
            action.triggered.connect(lambda _=False: command())
        menu.addAction(action)
        self.actions[name] = action

    def show_snapshot(
        self, snapshot: Snapshot, *, can_start: bool, can_add: bool, can_read: Mapping[str, bool]
    ) -> None:
        """Which can be chosen now; the run is the one that trains, `can_read` is of what reads the photos."""
        run = snapshot.run
        running = run.phase.running
        training = run.phase is RunPhase.TRAINING
        self.actions["stop"].setEnabled(running)
        self.actions["pause"].setEnabled(training)
        self.actions["pause"].setText("&Resume" if run.paused else "&Pause")
        self.actions["save"].setEnabled(training)
        self.actions["start"].setEnabled(can_start and not running)
        self.actions["add_to_queue"].setEnabled(can_add)
        for name, can in can_read.items():
            self.actions[name].setEnabled(can)


def theme_menu(window: QMainWindow, theme: Theme, preferences: Preferences) -> QMenu:
    def choose(name: ThemeName) -> None:
        theme.choose(name)
        preferences.theme = name

    menu = QMenu(window)
    group = QActionGroup(menu)
    for title, name in THEMES:
        action = menu.addAction(title)
        action.triggered.connect(lambda _=False, name=name: choose(name))
        action.setCheckable(True)
        action.setChecked(name == theme.name)
        group.addAction(action)
    return menu


class RecentFolders(QMenu):
    """Filled when it is opened."""

    def __init__(
        self, window: QMainWindow, folders: Callable[[], list[str]], choose: Callable[[str], object]
    ) -> None:
        super().__init__(window)
        self._window, self._folders, self._choose = window, folders, choose
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        for folder in self._folders():
            self.addAction(label(folder), partial(self._choose, folder))
        if not self.actions():
            self.addAction("None yet").setEnabled(False)

    def pop_up(self) -> None:
        """In the middle of the window."""
        self._fill()
        self.popup(self._window.mapToGlobal(self._window.rect().center()))
