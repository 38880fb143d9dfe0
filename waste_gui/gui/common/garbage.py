"""Python's garbage, collected in the window's own thread.

Python collects it in whichever thread happens to make an object. What a closed dialog left behind would then
end in a thread that reads photos, and Qt ends the program for a timer that is stopped from another thread. At
the start, while modules are imported, each collection is also a pause for nothing.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

LOOK_MS = 1000


class GarbageCollector(QObject):
    """Collects as Python itself would have without `gc.disable`, for as long as `parent` lives."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return
