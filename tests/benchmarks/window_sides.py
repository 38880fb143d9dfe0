"""What is measured of the window, each in a process of its own that draws on a screen that is none."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow

LOOK_MS = 1
SETTLE_S = 1.0
WIDTH, HEIGHT = 1180, 760


class Blocks:
    """How long the window did not get round to a timer: by the clock, and by what its thread worked."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.longest_s = self.longest_work_s = 0.0
        self._at, self._worked = time.perf_counter(), time.thread_time()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._look)
        self._timer.start(LOOK_MS)

    def _look(self) -> None:
        at, worked = time.perf_counter(), time.thread_time()
        self.longest_s = max(self.longest_s, at - self._at)
        self.longest_work_s = max(self.longest_work_s, worked - self._worked)
        self._at, self._worked = at, worked


@contextmanager
def open_window(command: Callable[[Path], list[str]]) -> Iterator[MainWindow]:
    """The window as the program opens it, its plots made; its engine is `command`."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="waste-gui-window-") as home:
        os.environ["WASTE_GUI_HOME"] = home
        from PySide6.QtWidgets import QApplication

        from waste_gui.gui.common.preferences import Preferences
        from waste_gui.gui.common.theme import Theme
        from waste_gui.gui.main_window import MainWindow
        from waste_gui.gui.session.pages import TRAINING
        from waste_gui.gui.session.run_controller import RunController

        app = QApplication([])
        window = MainWindow(Preferences(), Theme(app, "light"), RunController(command=command))
        window.resize(WIDTH, HEIGHT)
        window.show()
        window.show_page(TRAINING)
        turn(SETTLE_S)
        yield window
        window.rooms.session.controller.kill_now()


def turn(seconds: float) -> None:
    """Let the window do what it has to for a while."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def _until_ended(window: MainWindow, begin: Callable[[], None]) -> dict[str, Any]:
    """Seconds from `begin` to the picture of the ended run."""
    from PySide6.QtCore import QEventLoop

    loop = QEventLoop()
    blocks = Blocks()
    began = time.perf_counter()
    begin()
    controller = window.rooms.shown.controller  # Of the run that is looked at, which may be another by now.
    controller.ended.connect(loop.quit)
    loop.exec()
    for _ in range(2 + len(window.rooms.run_page.plots.plots)):  # One is drawn each turn, then painted.
        turn(0)
    run = controller.run
    assert run.last is not None and run.missed == 0, (run.last, run.missed)
    return {
        "seconds": time.perf_counter() - began,
        "messages": run.messages,
        "block": blocks.longest_s,
        "work": blocks.longest_work_s,
    }


def _megabytes() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


def _start(window: MainWindow, folder: str) -> Callable[[], None]:
    from waste_gui.config import RunConfig
    from waste_gui.request import RunRequest

    request = RunRequest(config=RunConfig(source=(folder,)), run_dir=os.path.join(folder, "run"))
    return lambda: window.rooms.session.controller.start(request)


def take_messages(events: str) -> dict[str, Any]:
    """From a real child process that writes as fast as they are read."""
    with tempfile.TemporaryDirectory() as folder, open_window(lambda config: ["cat", events]) as window:
        return _until_ended(window, _start(window, folder))


def remember(messages: int, hours: float) -> dict[str, Any]:
    """Megabytes before and after, from an engine that says so many."""
    command = [sys.executable, "-m", "tests.benchmarks.long_run", str(messages), str(hours)]
    with tempfile.TemporaryDirectory() as folder, open_window(lambda config: command) as window:
        before = _megabytes()
        told = _until_ended(window, _start(window, folder))
        turn(SETTLE_S)
        return told | {"before": before, "after": _megabytes()}


def reopen(events: str) -> dict[str, Any]:
    """A run that ended, from its folder."""
    from waste_gui import config as configs
    from waste_gui.config import RunConfig
    from waste_gui.rundir import RunDir

    with tempfile.TemporaryDirectory() as path, open_window(lambda config: []) as window:
        folder = RunDir(Path(path))
        folder.create()
        folder.config.write_bytes(configs.dump(RunConfig(model="resnet18")))
        shutil.copyfile(events, folder.events)  # A link would not be read.
        return _until_ended(window, lambda: window.rooms.session.open(folder))


FRAMES = 30


def time_plots(points: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a frame of three plots, in each of which one point is new."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    import pyqtgraph as pg
    from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

    from tests.benchmarks.figures import interleave
    from waste_gui.gui.common.theme import Theme
    from waste_gui.gui.training.plots import SPECS, Plots
    from waste_gui.monitor.run import Run

    app = QApplication([])
    Theme(app, "light")
    values = np.random.default_rng(0).normal(1.0, 0.1, (len(SPECS), points + (rounds + 1) * FRAMES))
    run = Run()
    for series, ys in zip((run.loss, run.accuracy, run.lr), values, strict=True):
        for step in range(points):
            series.append(step, ys[step])
    ours, plain = Plots(), QWidget()
    rows = QVBoxLayout(plain)
    curves = []
    for _ in SPECS:
        plot = pg.PlotWidget()
        rows.addWidget(plot)
        curves.append((plot, plot.plot()))
    for widget in (ours, plain):
        widget.resize(WIDTH, HEIGHT)
        widget.show()
    ours.choose(*SPECS)
    app.processEvents()

    def seconds_of(frame: Callable[[], None]) -> float:
        began = time.perf_counter()
        for _ in range(FRAMES):
            frame()
        return (time.perf_counter() - began) / FRAMES

    def our_frame() -> None:
        size = len(run.loss)
        for series, ys in zip((run.loss, run.accuracy, run.lr), values, strict=True):
            series.append(size, ys[size])
        for plot in ours.plots.values():
            plot.show_run(run)
            plot.view.viewport().repaint()

    def plain_frame() -> None:
        size = len(run.loss)
        for (plot, curve), ys in zip(curves, values, strict=True):
            curve.setData(np.arange(size), ys[:size])
            plot.viewport().repaint()

    sides = {
        "ours": lambda: seconds_of(our_frame),
        "pyqtgraph": lambda: seconds_of(plain_frame) if points < 100_000 else _once(plain_frame),
    }
    return {side: seconds[1:] for side, seconds in interleave(rounds + 1, sides).items()}


def _once(frame: Callable[[], None]) -> float:
    began = time.perf_counter()
    frame()
    return time.perf_counter() - began
