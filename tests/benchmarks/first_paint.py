"""A window until it is painted: `python -m tests.benchmarks.first_paint SIDE` prints when that was.

The clock is the system's own since its start, so that whoever started the process can tell how long it took.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.child import run

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow


def seconds_of(side: str, home: Path) -> float:
    """From the command to the first paint."""
    settings = {"QT_QPA_PLATFORM": "offscreen", "WASTE_GUI_HOME": str(home / "home")}
    began = time.monotonic()
    return float(run([sys.executable, "-m", __name__, side], env=settings).split()[-1]) - began


def ours() -> None:
    """As the command does it: the program itself decides when Qt is imported."""
    sys.meta_path.insert(0, _BeforeTheWindow())
    from waste_gui.gui.app import main

    main([])


class _BeforeTheWindow(MetaPathFinder):
    """Finds nothing, and is asked right before the window's own module is imported."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "waste_gui.gui.main_window":
            _watch_the_window()


def _watch_the_window() -> None:
    from PySide6.QtWidgets import QMainWindow

    show = QMainWindow.show

    def show_and_watch(window: QMainWindow) -> None:
        show(window)
        _tell_when_painted(window)

    QMainWindow.show = show_and_watch  # type: ignore[assignment, method-assign]


def bare() -> None:
    import pyqtgraph as pg
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication([])
    window = QMainWindow()
    window.setCentralWidget(pg.PlotWidget())
    window.resize(1180, 760)
    window.show()
    _tell_when_painted(window)
    app.exec()


def _tell_when_painted(window: QMainWindow) -> None:
    """After the turn in which the window was exposed: it is painted then."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Expose:
                QTimer.singleShot(0, _tell)
            return False

    watcher = Watcher(window)
    window.windowHandle().installEventFilter(watcher)


def _tell() -> None:
    print(time.monotonic(), flush=True)
    os._exit(0)


if __name__ == "__main__":
    {"ours": ours, "bare": bare}[sys.argv[1]]()
