"""Garbage is collected in the window's thread, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import gc, threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from waste_gui.gui import app, main_window

where, littered, real = [], [], main_window.MainWindow.show

class Loop:
    def __init__(self):
        self.itself = self
    def __del__(self):
        where.append(threading.current_thread() is threading.main_thread())

def litter():
    for _ in range(20_000):
        Loop()

def look():
    if where:
        print(len(where), all(where), flush=True)
        QApplication.exit(0)
    elif gc.get_freeze_count() and not littered:  # What was there before stays for good.
        littered.append(threading.Thread(target=litter))
        littered[0].start()

def begin(window):
    real(window)
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(50)

main_window.MainWindow.show = begin
app.main(["--offscreen"])
"""


def test_cycles_made_in_another_thread_go_in_the_windows(tmp_path: Path) -> None:
    environment = {**os.environ, "WASTE_GUI_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60
    )
    said = done.stdout.split()
    assert said and int(said[0]) > 0 and said[1] == "True", done.stdout + done.stderr
