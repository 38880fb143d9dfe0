"""The newest runs by their names, to choose one that is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from waste_gui.gui.common.background import Background, unexpected
from waste_gui.monitor.run_list import read_runs
from waste_gui.run_names import told_apart

MOST = 12


class RecentRuns(QObject):
    found = Signal(object)  # list[tuple[str, str]]: folder and name, the newest first.

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading = Background(unexpected, self)
        self._reading.finished.connect(self.found)

    def read(self) -> None:
        self._reading.start(_newest)


def _newest(tell: Callable[[object], None]) -> list[tuple[str, str]]:
    runs = [run for run in read_runs() if not run.annotations.archived][:MOST]
    times = [time.strftime("%m-%d %H:%M", time.localtime(run.began)) for run in runs]
    names = told_apart([run.title for run in runs], times)
    return [(run.folder, name) for run, name in zip(runs, names, strict=True)]
