"""A sign of life each second from a thread of its own, and the stacks when a stage passes its limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from waste_gui.engine.stacks import stacks
from waste_gui.protocol import Activity, GpuState, Heartbeat, WorkerState
from waste_gui.reporting import Reporter

BEAT_S = 1.0


class MainThread(NamedTuple):
    """What it is at, for programs and for people; in one piece, as the beat's thread reads it."""

    activity: Activity
    where: str


class Heart:
    """What the beat says is set by the main thread: what it `does`, and who knows of workers and GPU."""

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.main = MainThread(Activity.WORKING, "starting")
        self.workers: Callable[[], tuple[WorkerState, ...]] = tuple
        self.queued: Callable[[], int] = int
        self.away: Callable[[], tuple[str, ...]] = tuple
        """The folders that are waited for."""
        self.gpu: Callable[[], GpuState | None] = lambda: None
        self.stacks_due_at: float | None = None  # By the reporter's clock.

    @property
    def where(self) -> str:
        return self.main.where

    def does(self, where: str, activity: Activity = Activity.WORKING) -> None:
        self.main = MainThread(activity, where)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_S):
            main = self._told()
            self._report(
                Heartbeat(
                    where=main.where,
                    activity=main.activity,
                    workers=self.workers(),
                    queued=self.queued(),
                    gpu=self.gpu(),
                )
            )
            due = self.stacks_due_at
            if due is not None and self._report.now() > due:
                self.stacks_due_at = None
                self._report(stacks())

    def _told(self) -> MainThread:
        """A folder that is waited for is what matters, whatever the main thread is at meanwhile."""
        away, main = self.away(), self.main
        if away and main.activity is not Activity.PAUSED:
            return MainThread(Activity.WAITING_FOR_SOURCE, f"waiting for {away[0]}")
        return main
