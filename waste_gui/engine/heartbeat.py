"""A sign of life each second from a thread of its own, and the stacks when a stage passes its limit."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from waste_gui.engine.stacks import stacks
from waste_gui.protocol import Activity, GpuState, Heartbeat, WorkerState
from waste_gui.reporting import Reporter

BEAT_S = 1.0
STANDSTILL_S = 1.0
"""A busy computer delays a beat by tenths of a second."""


class MainThread(NamedTuple):
    """What it is at, for programs and for people; in one piece, as the beat's thread reads it."""

    activity: Activity
    where: str


class Standstill:
    """How long the whole process stood still between two beats: stopped by a signal (SIGSTOP), or, on
    Windows, suspended or asleep with its computer. A beat that is late for another reason, as Python is held
    up in a library, is none: that time counts."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._before, self._worked_s = now(), time.process_time()

    def since_the_beat_before(self) -> float:
        """Seconds; 0 if it went on all the time."""
        now, worked_s = self._now(), time.process_time()
        late_s, worked = now - self._before - BEAT_S, worked_s - self._worked_s
        self._before, self._worked_s = now, worked_s
        continued = _was_continued()
        if late_s < STANDSTILL_S or not (continued or (sys.platform == "win32" and worked < 0.01 * late_s)):
            return 0.0
        return round(late_s, 3)


def _was_continued() -> bool:
    """Whether a SIGCONT came since it was last asked; it is blocked in all threads (`stack_file.py`)."""
    if sys.platform == "win32" or signal.SIGCONT not in signal.sigpending():
        return False
    signal.sigwait((signal.SIGCONT,))
    return True


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
        standstill = Standstill(self._report.now)
        while not self._stopped.wait(BEAT_S):
            stood_still_s = standstill.since_the_beat_before()
            main = self._told()
            self._report(
                Heartbeat(
                    where=main.where,
                    activity=main.activity,
                    workers=self.workers(),
                    queued=self.queued(),
                    gpu=self.gpu(),
                    stood_still_s=stood_still_s,
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
