"""Mutated messages into the window: live through a real child process and pipe, and reopened from a folder.

    python -m tests.faults.fuzz --lines 1000000 [--seed N]

prints the longest block of the window's event loop and its memory; its exit status is 1 if the window died,
an exception was raised in it, Qt warned, or what came last was not taken. Another seed makes other lines.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.faults.mutations import mutated

if TYPE_CHECKING:
    from waste_gui.gui.main_window import MainWindow

WAYS = ("live", "reopened")
MODULE = "tests.faults.fuzz"
ACT_MS = 150
OF_THIS_COMPUTER = ("propagateSizeHints", "OpenType support missing")
"""What Qt says of a screen that is none, and of fonts that lack the letters of a mutated text."""
MOST_S = 1800


@dataclass(frozen=True)
class Outcome:
    """Of one way; blocks in seconds (by the clock, and of the window's own work), memory in megabytes."""

    way: str
    lines: int
    seed: int
    seconds: float
    block: float
    work: float
    memory: float
    messages: int
    troubles: tuple[str, ...]

    def __str__(self) -> str:
        said = "lives" if not self.troubles else f"TROUBLE: {self.troubles[0]}"
        return (
            f"{self.way:<9} {self.lines:>9,} lines, seed {self.seed}: {said}; {self.seconds:.0f} s, longest "
            f"block {self.block:.2f} s (own work {self.work:.2f} s), memory {self.memory:.0f} MB, "
            f"{self.messages:,} messages taken"
        )


def fuzz(way: str, lines: int, seed: int) -> Outcome:
    """In a process of its own, which may die."""
    command = [sys.executable, "-m", MODULE, "--in-child", way, "--lines", str(lines), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_S)
    if done.returncode == 0:
        told = json.loads(done.stdout.splitlines()[-1])
        return Outcome(**{**told, "troubles": tuple(told["troubles"])})
    end = " / ".join(done.stderr.strip().splitlines()[-12:])
    return Outcome(way, lines, seed, 0, 0, 0, 0, 0, (f"ended with {done.returncode}: {end}",))


# --- in the child


def _window(way: str, lines: int, seed: int) -> Outcome:
    """The window with everything open that draws."""
    from tests.benchmarks.window_sides import Blocks, open_window, turn

    troubles: list[str] = []
    _watch(troubles)
    writer = [sys.executable, "-m", MODULE, "--write", "--lines", str(lines), "--seed", str(seed)]
    with tempfile.TemporaryDirectory() as folder, open_window(lambda config: writer) as window:
        begin = _start(window, folder) if way == "live" else _reopen(window, folder, lines, seed)
        window.rooms.log.setVisible(True)
        turn(0.5)
        acting = _act_meanwhile(window, random.Random(seed))
        blocks = Blocks()
        seconds = _until_ended(window, begin)
        turn(1.0)
        run = window.rooms.shown.controller.run
        if run.last is None or getattr(run.last, "reason", "") != "the end":
            troubles.append(f"the last message was not taken: {run.last}")
        memory = psutil.Process().memory_info().rss / 2**20
        del acting
        return Outcome(
            *(way, lines, seed, seconds, blocks.longest_s, blocks.longest_work_s, memory, run.messages),
            tuple(troubles),
        )


def _watch(troubles: list[str]) -> None:
    """Every exception in a slot, and every warning of Qt."""
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

    faulthandler.enable()

    def on_exception(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        troubles.append(f"{kind.__name__}: {error}")
        sys.__excepthook__(kind, error, trace)

    def on_message(level: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if level is not QtMsgType.QtDebugMsg and not any(words in text for words in OF_THIS_COMPUTER):
            troubles.append(f"Qt: {text}")

    sys.excepthook = on_exception
    sys.unraisablehook = lambda args: troubles.append(f"unraisable: {args.exc_value!r}")
    qInstallMessageHandler(on_message)


def _start(window: MainWindow, folder: str) -> Callable[[], None]:
    from waste_gui.config import RunConfig
    from waste_gui.request import RunRequest

    request = RunRequest(config=RunConfig(source=(folder,)), run_dir=os.path.join(folder, "run"))
    return lambda: window.rooms.session.controller.start(request)


def _reopen(window: MainWindow, path: str, lines: int, seed: int) -> Callable[[], None]:
    from waste_gui import config as configs
    from waste_gui.config import RunConfig
    from waste_gui.rundir import RunDir

    folder = RunDir(Path(path))
    folder.create()
    folder.config.write_bytes(configs.dump(RunConfig(model="resnet18")))
    with open(folder.events, "wb") as file:
        file.writelines(mutated(seed, lines))
    return lambda: window.rooms.session.open(folder)


def _until_ended(window: MainWindow, begin: Callable[[], None]) -> float:
    import time

    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    began = time.perf_counter()
    QTimer.singleShot(1000 * MOST_S, loop.quit)
    begin()
    window.rooms.shown.controller.ended.connect(loop.quit)
    loop.exec()
    return time.perf_counter() - began


def _act_meanwhile(window: MainWindow, draw: random.Random) -> object:
    """Somebody who looks at everything: pages, the timeline with its keys, tooltips."""
    from PySide6.QtCore import QPointF, Qt, QTimer
    from PySide6.QtTest import QTest

    from waste_gui.gui.diagnosis.timeline import TimelineView
    from waste_gui.gui.session import pages

    keys = (
        Qt.Key.Key_Plus,
        Qt.Key.Key_Minus,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Home,
        Qt.Key.Key_Space,
    )
    names = (pages.TRAINING, pages.TRAINING, pages.PHOTOS, pages.RESULTS)

    def act() -> None:
        views = window.findChildren(TimelineView)
        if not views:
            window.rooms.where.show()
        for view in views:
            QTest.keyClick(view, draw.choice(keys))
            view.words_at(QPointF(draw.uniform(0, view.width()), draw.uniform(0, view.height())))
        window.show_page(draw.choice(names))

    timer = QTimer(window)
    timer.timeout.connect(act)
    timer.start(ACT_MS)
    return timer


def _write(lines: int, seed: int) -> None:
    """As an engine does that has lost its mind."""
    out = sys.stdout.buffer
    for line in mutated(seed, lines):
        out.write(line)
    out.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--in-child", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        _write(asked.lines, asked.seed)
        return 0
    if asked.in_child:
        print(json.dumps(asdict(_window(asked.in_child, asked.lines, asked.seed))))
        return 0
    troubles = 0
    for way in [asked.way] if asked.way else WAYS:
        outcome = fuzz(way, asked.lines, asked.seed)
        print(outcome, flush=True)
        for trouble in outcome.troubles[1:6]:
            print(f"  {trouble}")
        troubles += len(outcome.troubles)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
