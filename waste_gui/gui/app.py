"""Starts the window: `waste-gui [FOLDER …] [--demo] [--offscreen] [--attach RUN_FOLDER]`; or, in a terminal,
`waste-gui --self-test`, `--install-desktop`, `--uninstall-desktop`."""

from __future__ import annotations

import argparse
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from waste_gui import isolation
from waste_gui.plain_text import PlainParser, say_error

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = PlainParser(prog="waste-gui", description="Train a classifier of waste photos.")
    parser.add_argument("folders", nargs="*", help="folders of photos, with one sub-folder per class")
    parser.add_argument("--demo", action="store_true", help="train a small network on a drawn example")
    parser.add_argument(
        "--offscreen", action="store_true", help="without a screen; with --demo, end when the training ends"
    )
    parser.add_argument("--attach", metavar="RUN_FOLDER", help="show a run, running or ended")
    parser.add_argument(
        "--self-test", action="store_true", help="say whether this computer can train, and what to mend"
    )
    parser.add_argument(
        "--install-desktop", action="store_true", help="add waste-gui to the desktop's programs"
    )
    parser.add_argument("--uninstall-desktop", action="store_true", help="take it away from there")
    return parser.parse_args(arguments)


FIRST_PAGE_MS = 1000
"""The self-test of the very first start waits until the window is there."""


def in_terminal(options: argparse.Namespace) -> int | None:
    """What needs no window; None if the window is wanted."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal may not have all our signs.
    if options.self_test:
        from waste_gui.monitor import self_test
        from waste_gui.rundir import data_dir

        return self_test.in_terminal(data_dir())
    if options.install_desktop or options.uninstall_desktop:
        from waste_gui.gui.platform import desktop_entry

        return desktop_entry.install() if options.install_desktop else desktop_entry.uninstall()
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    gc.disable()  # `GarbageCollector` sees to it, in the window's thread.
    options = parse(sys.argv[1:] if arguments is None else arguments)
    isolation.clean_environment()
    options.folders = list(map(os.path.abspath, options.folders))
    options.attach = options.attach and os.path.abspath(options.attach)
    if arguments is None:
        os.chdir(isolation.safe_folder())  # Nor does what Qt starts begin in a folder of photos.
    status = in_terminal(options)
    if status is not None:
        return status
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"

    from waste_gui.gui import without_qt  # noqa: F401, I001

    from PySide6.QtWidgets import QApplication

    from waste_gui.gui.shell.interrupts import Interrupts
    from waste_gui.gui.main_window import MainWindow
    from waste_gui.gui.common.garbage import GarbageCollector
    from waste_gui.gui.common.preferences import Preferences
    from waste_gui.gui.common.theme import Theme
    from waste_gui.gui.session.run_text import Notice, Offer

    app = QApplication(sys.argv[:1])
    app.setApplicationName("waste-gui")
    app.setApplicationDisplayName("")
    app.setDesktopFileName("waste-gui")
    settings = Preferences()
    window = MainWindow(settings, Theme(app, settings.theme))
    window.show()
    GarbageCollector(window)
    if options.demo and options.offscreen:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from waste_gui.gui.headless import follow_demo

        return follow_demo(app, window)
    Interrupts(partial(_leave, window), window)
    _begin(window, options)
    if settings.trouble:
        say_error(settings.trouble)
        window.notify(Notice("info", "waiting", "Settings are not kept.", settings.trouble, (Offer.HIDE,)))
    return app.exec()


def _leave(window: MainWindow, status: int) -> None:
    """Ctrl+C in the terminal."""
    from waste_gui.gui.shell.interrupts import say_that_it_goes_on

    if window.rooms.session.running:
        say_that_it_goes_on()
    window.rooms.session.leave_now(status)


def _begin(window: MainWindow, options: argparse.Namespace) -> None:
    """With what was asked for on the command line, else with what was left behind."""
    from PySide6.QtCore import QTimer

    from waste_gui.rundir import RunDir

    rooms = window.rooms
    if options.demo:
        window.commands.try_example(and_train=True)
    elif options.attach:
        rooms.session.open(RunDir(Path(options.attach)))
    elif options.folders:
        rooms.data.add_folders(options.folders)
    else:
        rooms.left_behind.at_start()
    quiet = not (options.demo or options.offscreen or rooms.session.running)
    if quiet and not window.settings.self_test_shown:
        QTimer.singleShot(FIRST_PAGE_MS, window, lambda: window.commands.show_self_test(first=True))


if __name__ == "__main__":
    sys.exit(main())
