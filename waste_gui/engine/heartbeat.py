"""A sign of life each second from a thread of its own, and the stacks when a stage passes its limit."""

from __future__ import annotations

import threading
from collections.abc import Callable

from waste_gui.engine.stacks import stacks
from waste_gui.protocol import GpuState, Heartbeat, WorkerState
from waste_gui.reporting import Reporter

BEAT_S = 1.0
PAUSED = "paused"


class Heart:
    """What the beat says is set by the main thread: `where`, and who knows of workers and GPU."""

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.where = "starting"
        self.workers: Callable[[], tuple[WorkerState, ...]] = tuple
        self.queued: Callable[[], int] = int
        self.away: Callable[[], tuple[str, ...]] = tuple
        """The folders that are waited for."""
        self.gpu: Callable[[], GpuState | None] = lambda: None
        self.stacks_due_at: float | None = None  # By the reporter's clock.

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_S):
            away = self.away()
            where = f"waiting for {away[0]}" if away and self.where != PAUSED else self.where
            self._report(Heartbeat(where=where, workers=self.workers(), queued=self.queued(), gpu=self.gpu()))
            due = self.stacks_due_at
            if due is not None and self._report.now() > due:
                self.stacks_due_at = None
                self._report(stacks())
