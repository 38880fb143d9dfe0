"""Follow: a run from its folder alone, as `events.jsonl` grows."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence, Observer
from waste_gui.monitor.kernel_log import killed_for_memory
from waste_gui.monitor.run import Run
from waste_gui.monitor.stacks import StackReader, Threads
from waste_gui.protocol import AnyMessage, RunStarted, Stop, Unreadable, decode, decode_command
from waste_gui.rundir import GrowingFile, RunDir

LATE_S = 3.0
LAST_LOG_BYTES = 128 * 1024
"""The stacks of all threads follow the error itself."""

LOOKS_KEPT = 5


class EngineClock:
    """The engine's seconds on this computer's steady clock, set from `started_at` (Unix) and corrected by
    messages: none comes from the future."""

    def __init__(
        self, steady: Callable[[], float] = time.monotonic, unix: Callable[[], float] = time.time
    ) -> None:
        self._steady, self._unix = steady, unix
        self._zero = steady()

    def set(self, started_at: float) -> None:
        """The engine's first line was at this Unix time."""
        self._zero = self._steady() - (self._unix() - started_at)

    def heard(self, at: float, fresh: bool) -> None:
        """A message of this time was read; `fresh` if it was just written. Two computers' clocks differ."""
        ahead = at - self.now()
        if ahead > 0 or (fresh and ahead < -LATE_S):
            self._zero = self._steady() - at

    def now(self) -> float:
        return self._steady() - self._zero


class Follow:
    """One run folder: `read` takes in what came, `look` observes the engine's processes."""

    def __init__(self, folder: Path, clock: EngineClock | None = None) -> None:
        self.run = Run()
        self.clock = clock or EngineClock()
        self._dir = RunDir(folder)
        self._events = GrowingFile(self._dir.events)
        self._commands = GrowingFile(self._dir.commands)
        self._observer: Observer | None = None
        self._looks: deque[Evidence] = deque(maxlen=LOOKS_KEPT)
        self._stacks: queue.SimpleQueue[Threads] = queue.SimpleQueue()
        self._asking: threading.Thread | None = None
        self._caught_up = False
        self._untold: list[AnyMessage | Unreadable] = []

    @property
    def exists(self) -> bool:
        return self._events.exists

    def read(self) -> list[AnyMessage | Unreadable]:
        """All that has come since the last time."""
        self._take_in()
        came, self._untold = self._untold, []
        return came

    def _take_in(self) -> None:
        came: list[AnyMessage | Unreadable] = []
        while (lines := self._events.read()) is not None:
            came += map(decode, lines)
        for message in came:
            self._take(message)
        if came and not self.run.phase.ended:
            self.clock.heard(self.run.heard_at, fresh=self._caught_up)
        self._take_commands()
        self._caught_up = True
        self._untold += came

    def _take_commands(self) -> None:
        """A stop that is asked for while we watch counts from now: it may not be obeyed. One from before may
        be of an earlier run in this folder."""
        for line in self._commands.read() or ():
            if self._caught_up and decode_command(line) == Stop(when="now"):
                self.run.stop_asked(self.clock.now())

    def _take(self, message: AnyMessage | Unreadable) -> None:
        if isinstance(message, RunStarted):
            before = self.run.started
            if before is not None and (before.pid, before.started_at) != (message.pid, message.started_at):
                self.run, self._observer = Run(), None  # The run was resumed in the same folder.
                self._looks.clear()
            self.clock.set(message.started_at)
        self.run.receive(message)

    def ask_for_stacks(self, evidence: Evidence, stands_still: bool) -> None:
        """Read in a thread of its own, as a drive may not answer; `take_stacks` has them later."""
        if not self.here or self.run.started is None or (self._asking and self._asking.is_alive()):
            return
        reader = StackReader(self._dir.path, self.run.started.pid)
        workers = [worker.pid for worker in evidence.workers]

        def ask() -> None:
            self._stacks.put(reader.read(workers, stands_still=stands_still))

        self._asking = threading.Thread(target=ask, daemon=True)
        self._asking.start()

    def take_stacks(self) -> None:
        """What was read meanwhile becomes part of the run."""
        with contextlib.suppress(queue.Empty):
            threads = self._stacks.get_nowait()
            if threads:
                self.run.saw_stacks(threads, self.clock.now())

    def _end(self, pid: int, after: Evidence) -> None:
        """The engine is gone: say why, unless it said so itself."""
        if self.run.phase.ended:
            return
        stage = self.run.current
        crash = explain(
            ProcessOutcome(),
            self._last_of_log(),
            before=tuple(self._looks),
            after=after,
            kernel=killed_for_memory(pid),
            stage=stage.id if stage else "",
            home=Path.home(),
        )
        self.run.process_gone(crash.text, crash)

    def _last_of_log(self) -> str:
        """A library that gives up says so there."""
        try:
            with open(self._dir.log, "rb") as file:
                file.seek(max(0, self._dir.log.stat().st_size - LAST_LOG_BYTES))
                return file.read().decode("utf-8", "backslashreplace")
        except OSError:
            return ""

    @property
    def now(self) -> float:
        """On the engine's clock; of a run that has ended, when it was last heard."""
        return self.run.heard_at if self.run.phase.ended else self.clock.now()

    @property
    def ended(self) -> bool:
        """Whether the run has ended, and no other engine resumes it at this moment."""
        if not self.run.phase.ended:
            return False
        owner = self._dir.owner()
        return owner is None or self.run.started is None or owner == self.run.started.pid

    @property
    def silent_folder(self) -> bool:
        """Whether there is no run in the folder and no engine that could begin one."""
        return self.run.started is None and not self.run.phase.ended and self._dir.owner() is None

    @property
    def here(self) -> bool:
        """Whether the engine runs on this computer, so that its processes can be seen."""
        return self.run.started is not None and self.run.started.host == socket.gethostname()

    def look(self) -> Evidence:
        """The evidence now. Where the engine is gone, the rest of its messages is read and the run ended."""
        if not self.here or self.run.phase.ended or self.run.started is None:
            return NOTHING_KNOWN
        if self._observer is None:
            self._observer = Observer(self.run.started.pid, self._dir.path)
        evidence = self._observer.look(self.clock.now())
        if not evidence.alive:
            self._take_in()  # It may have said its last words between our reading and its end.
            self._end(self.run.started.pid, evidence)
        else:
            self._looks.append(evidence)
        return evidence
