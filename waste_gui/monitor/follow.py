"""Follow: drives a RunSession from a run's folder alone, as `events.jsonl` grows, without a window."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from waste_gui.monitor.crash import ProcessOutcome
from waste_gui.monitor.engine_clock import EngineClock
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run
from waste_gui.monitor.session import RunSession
from waste_gui.protocol import AnyMessage, Stop, Unreadable, decode, decode_command
from waste_gui.rundir import GrowingFile, RunDir

T = TypeVar("T")


class BesideTheLoop:
    """Threads by name; `take` does with their results what was asked, in the thread of the loop."""

    def __init__(self) -> None:
        self._working: set[str] = set()
        self._done: queue.SimpleQueue[tuple[str, Callable[[], None]]] = queue.SimpleQueue()

    def __call__(self, name: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        if name in self._working:
            return
        self._working.add(name)

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                self._done.put((name, partial(_raise, error)))
            else:
                self._done.put((name, partial(then, result)))

        threading.Thread(target=run, name=name, daemon=True).start()

    def take(self, timeout_s: float = 0.0) -> None:
        """What is done by now; with a time, it is waited so long for the first."""
        try:
            name, then = self._done.get(timeout=timeout_s) if timeout_s else self._done.get_nowait()
            while True:
                self._working.discard(name)
                then()
                name, then = self._done.get_nowait()
        except queue.Empty:
            return


def _raise(error: BaseException) -> None:
    raise error


class Follow:
    """One run folder: `read` takes in what came, `look` asks the system once a second."""

    def __init__(self, folder: Path, past: History | None = None, clock: EngineClock | None = None) -> None:
        self._dir = RunDir(folder)
        self._events = GrowingFile(self._dir.events)
        self._commands = GrowingFile(self._dir.commands)
        self._beside = BesideTheLoop()
        self.session = RunSession(self._beside, self._dir, clock=clock, past=past)
        self.session.caught_up = False

    @property
    def run(self) -> Run:
        return self.session.run

    @property
    def exists(self) -> bool:
        return self._events.exists

    def read(self) -> list[AnyMessage | Unreadable]:
        """All that has come since the last time."""
        came: list[AnyMessage | Unreadable] = []
        while (lines := self._events.read()) is not None:
            came += map(decode, lines)
        if came:
            self.session.receive(came)
        self._take_commands()
        self.session.caught_up = True
        return came

    def _take_commands(self) -> None:
        """A stop that is asked for while we watch counts from now: it may not be obeyed. One from before may
        be of an earlier run in this folder."""
        for line in self._commands.read() or ():
            if self.session.caught_up and decode_command(line) == Stop(when="now"):
                self.session.stop_asked()

    def wait(self, timeout_s: float) -> None:
        """Until something that was asked of the system is known, at most so long."""
        self._beside.take(timeout_s)

    def look(self) -> list[AnyMessage | Unreadable]:
        """Moves the watch on. Where nobody has the folder any more, what came last is read, and the run is
        ended: it may have said its last words between our reading and its end."""
        self.session.look()
        came = self.read() if self.session.gone else []
        if self.session.gone or self._has_said_all:
            self.session.end(ProcessOutcome())
        self.session.tick()
        return came

    @property
    def _has_said_all(self) -> bool:
        """Its last message came, and no other engine goes on with it."""
        owner, started = self.session.owner, self.run.started
        same = owner is None or started is None or owner.pid == started.pid
        return self.run.phase.ended and self.session.located and same

    @property
    def now(self) -> float:
        """On the engine's clock; of a run that has ended, when it was last heard."""
        return self.run.heard_at if self.run.phase.ended else self.session.now()

    @property
    def ended(self) -> bool:
        """Whether the run has ended, all is known of its end, and no other engine resumes it now."""
        return self.session.over and self.session.explained

    @property
    def silent_folder(self) -> bool:
        """Whether there is no run in the folder and no engine that could begin one."""
        return self.run.started is None and not self.run.phase.ended and self.session.gone
