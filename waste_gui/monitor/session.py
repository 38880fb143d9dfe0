"""RunSession: the one place that follows a run. What drives it only brings messages and does its waiting.

`receive` takes in messages, `look` asks the system, `tick` moves the watch on, `snapshot` only reads. The
window's controller and the terminal's `follow` are its drivers: they own the pipe or the files, the timers,
and the threads in which work waits for a disk or a process (`Beside`).
"""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from waste_gui.config import RunConfig
from waste_gui.monitor import history
from waste_gui.monitor.countdown import epoch_left, usual
from waste_gui.monitor.crash import Crash, ProcessOutcome, explain
from waste_gui.monitor.diagnosis_log import DiagnosisLog
from waste_gui.monitor.engine_clock import EngineClock
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence, Observer
from waste_gui.monitor.exit_status import ExitWatch
from waste_gui.monitor.forecast import fine_tuning
from waste_gui.monitor.history import History
from waste_gui.monitor.kernel_log import killed_for_memory
from waste_gui.monitor.last_log import read_tail
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.stacks import StackReader, Threads
from waste_gui.monitor.stretches import in_stretches
from waste_gui.monitor.timeline import Timeline
from waste_gui.monitor.verdict import Verdict
from waste_gui.monitor.waits.link import Chain
from waste_gui.monitor.waits.run_waits import waits_of_run
from waste_gui.monitor.watch import View, Watch
from waste_gui.owner import OTHER_HOST_S, Owner, by_its_word, is_living
from waste_gui.protocol import AnyMessage, RunStarted, Unreadable
from waste_gui.rundir import RunDir, data_dir, runs_dir

SHOWN_LOG_BYTES = 8192
LAST_LOG_BYTES = 128 * 1024
"""The stacks of all threads follow the error itself."""

LOOKS_KEPT = 5
"""The last looks at an engine tell how fast memory went away."""

T = TypeVar("T")


class Beside(Protocol):
    """Does what may wait for a disk or a process beside the caller, one piece of each name at a time: what is
    asked for while that name still works is passed over. `then` gets the result in the caller's thread."""

    def __call__(self, name: str, work: Callable[[], T], then: Callable[[T], None]) -> None: ...


@dataclass(frozen=True)
class _Seen:
    """Who has the folder, and how long nothing was told there. `unlocked` says that there is no lock: its
    process is the one that had it before, and somebody took the folder away; or its messages name it."""

    owner: Owner | None
    silent_s: float
    unlocked: bool = False


class RunSession:
    """One run. The truth is in `run`."""

    def __init__(
        self,
        beside: Beside,
        folder: RunDir | None = None,
        config: RunConfig | None = None,
        *,
        clock: EngineClock | None = None,
        past: History | None = None,
        keeps_log: bool = False,
    ) -> None:
        """`keeps_log` says that what warnings rest on is written into the run's folder."""
        self.folder, self.config = folder, config
        self.clock = clock or EngineClock()
        self.caught_up = True  # What is received was just told, and not long ago.
        self.stops_after_epoch = False
        self.owner: Owner | None = None
        self._beside = beside
        self._watch = Watch(History.load(data_dir() / history.FILE_NAME) if past is None else past)
        self._diagnosis_log = DiagnosisLog(folder.evidence) if folder and keeps_log else None
        self._unwritten: deque[bytes] = deque()
        self._seen: _Seen | None = None
        self._ours = self._was_here = False
        self._exit: ExitWatch | None = None
        self._log_begin = 0  # Where this engine's part of the log begins.
        self._begin()

    def _begin(self) -> None:
        """Also anew, where another start of the run is told of in the same file."""
        self.run = Run()
        self.timeline = Timeline()
        self.evidence = NOTHING_KNOWN
        self.log_tail = ""
        self.view: View | None = None  # As the last tick left it.
        self.over = False  # Its process is gone, and all that it said was taken in.
        self.explained = True  # All is known of how it ended that can be found out.
        self._observer: Observer | None = None
        if self._exit is not None:
            self._exit.close()
        self._exit = None
        self._looks: deque[Evidence] = deque(maxlen=LOOKS_KEPT)
        self._usual: dict[str, tuple[float, float]] = {}
        self._usual_of: tuple[object, ...] = ()

    # --- what it tells

    def launched(self, log_begin: int = 0) -> None:
        """We start it ourselves, and it writes into its log from there on."""
        self._ours, self._log_begin = True, log_begin
        self.run.launched()
        self.clock.launch()

    def started_as(self, owner: Owner) -> None:
        """The process that we started."""
        self.owner, self._was_here = owner, True

    def recall(self, messages: Sequence[AnyMessage | Unreadable]) -> None:
        """What earlier starts of the run told: this one goes on with their curves."""
        self.run.recall(in_stretches(messages))

    def receive(self, messages: Sequence[AnyMessage | Unreadable]) -> None:
        for part in _starts(messages):
            if isinstance(part[0], RunStarted):
                self._on_started(part[0])
            first = self.run.messages == 0
            told = list(in_stretches(part))
            self.run.receive_all(told)
            self.timeline.receive_all(told)
            if self._ours:
                self.clock.heard_at_once(self.run.heard_at, first=first)
            elif not self.run.phase.ended:
                self.clock.heard(self.run.heard_at, fresh=self.caught_up)

    def _on_started(self, message: RunStarted) -> None:
        """Of what we started, there is one start: another is nonsense in its messages."""
        if self._ours:
            return
        before = self.run.started
        if before is not None and (before.pid, before.started_at) != (message.pid, message.started_at):
            self._begin()  # The run was resumed in the same folder.
        if self.run.started is None:
            self.clock.set(message.started_at)

    # --- where it runs

    @property
    def elsewhere(self) -> str:
        """The computer on which it runs, where that is not this one."""
        if self._ours or self.over or self._seen is None or not self.run.phase.running:
            return ""
        if self.owner is not None:
            return "" if self.owner.here else self.owner.host
        return "" if self._was_here else self._told_host

    @property
    def _told_host(self) -> str:
        """That its first message names; nothing where it is this one."""
        host = self.run.started.host if self.run.started else ""
        return "" if host == socket.gethostname() else host

    @property
    def located(self) -> bool:
        """Whether it is known by now who has the folder."""
        return self._ours or self._seen is not None

    @property
    def gone(self) -> bool:
        """Whether no engine has the folder any more: what is still to be read of it is to be taken in, and
        then it is to be ended. Never of one that we started: its own end is seen."""
        if self._ours or self._seen is None:
            return False
        if self.owner is not None:
            return self.run.phase.ended and (self._seen.unlocked or not self.owner.here)
        return not self.elsewhere or self._seen.silent_s > OTHER_HOST_S

    def look(self) -> None:
        """Once a second: who has the folder, and what the system says of its processes."""
        if self.folder is None or self.over:
            return
        folder, started, before = self.folder, self.run.started, self.owner
        if not self._ours:
            self._beside("owner", lambda: _see(folder, started, before), self._on_seen)
            self._watch_for_its_exit()
        self._look_at_processes()

    def _watch_for_its_exit(self) -> None:
        """Of an engine that is nobody's child here; to be begun while it lives."""
        started = self.run.started
        if self._exit is None and started is not None and not self._told_host:
            self._exit = ExitWatch(started.pid, started.started_at)

    def _on_seen(self, seen: _Seen) -> None:
        self._seen, self.owner = seen, seen.owner
        self._was_here = self._was_here or bool(seen.owner and seen.owner.here)

    def _look_at_processes(self) -> None:
        owner, folder, now = self.owner, self.folder, self.clock.steady()
        if owner is None or not owner.here or folder is None:
            self.evidence = Evidence(elsewhere=self.elsewhere) if self.elsewhere else NOTHING_KNOWN
            return
        if self._observer is None or self._observer.pid != owner.pid:
            self._observer = Observer(owner.pid, folder.path)
        observer = self._observer
        self._beside("evidence", lambda: observer.look(now), self._on_evidence)

    def _on_evidence(self, evidence: Evidence) -> None:
        if self.over:
            return
        if self.owner is not None and not self.owner.ours:
            evidence = replace(evidence, unproven=self.owner.pid)
        self.evidence = evidence
        if evidence.alive:
            self._looks.append(evidence)

    def read_stacks(self, stands_still: bool = False) -> None:
        """Of all its processes, from outside: only of those that are proven ours. What they wait for, the
        kernel says of any."""
        owner, folder = self.owner, self.folder
        if owner is None or not owner.here or folder is None:
            return
        reader = StackReader(folder.path, owner) if owner.ours else None
        roles = {process.pid: process.role for process in self.evidence.processes} | {owner.pid: "engine"}
        workers = [pid for pid, role in roles.items() if role == "worker"]

        def read() -> tuple[Threads, tuple[Chain, ...]]:
            threads = reader.read(workers, stands_still=stands_still) if reader else ()
            return threads, waits_of_run(owner.pid, roles, threads)

        self._beside("stacks", read, self._on_stacks)

    def _on_stacks(self, found: tuple[Threads, tuple[Chain, ...]]) -> None:
        threads, chains = found
        if not self.run.phase.running:
            return
        if threads:
            self.run.saw_stacks(threads, self.now())
        self.run.saw_waits(chains, self.now())

    # --- the watch

    def now(self) -> float:
        """Seconds on the engine's clock."""
        return self.clock.now()

    @property
    def running(self) -> bool:
        return self.run.phase.running and not self.over

    def tick(self) -> None:
        """Moves the watch on, by what is known now. What is still being read is of the past: a silence that
        is seen in it never was, and nothing is remembered of it."""
        now = self.run.heard_at if self.run.phase.ended else self.now()
        watch = self._watch if self.caught_up else Watch(self._watch.history)
        self.view = view = watch.look(self.run, self.evidence, now, self.clock.steady())
        if not self.running or not self.caught_up:
            return
        if view.stacks_wanted:
            self.read_stacks(view.stands_still)
        self.timeline.look(self.evidence, now, view.verdict, self.run.moved_at)
        self._keep(view.verdict, now)

    def _keep(self, verdict: Verdict, now: float) -> None:
        """What a verdict on a silence rests on. Who watches it where it runs sees more."""
        log = self._diagnosis_log
        if log is None or self.elsewhere or not self.located:
            return
        line = log.line(self.run, verdict, self.evidence, now)
        if line is not None:
            self._unwritten.append(line)
            self._write_kept()

    def _write_kept(self) -> None:
        log, lines = self._diagnosis_log, self._unwritten
        if log is not None and lines:
            self._beside(
                "diagnosis log", lambda: log.write(b"".join(_taken(lines))), lambda _: self._write_kept()
            )

    def keep_waiting(self) -> None:
        """The warning makes room for five minutes."""
        self._watch.keep_waiting(self.now())

    def keep_going(self) -> None:
        """The note on learning has been read, and is not shown again."""
        if self.view is not None:
            self._watch.keep_going(self.view.verdict.cause)

    def stop_asked(self) -> None:
        self.run.stop_asked(self.now())

    def say(self, text: str) -> None:
        """In the run's log."""
        self.run.note(self.now(), text)

    def snapshot(self) -> Snapshot:
        """What is known. Looking changes nothing."""
        now = self.now()
        return Snapshot(
            run=self.run,
            now=now,
            zero_unix=self.clock.zero_unix,
            view=self.view if self.running else None,
            evidence=self.evidence,
            timeline=self.timeline,
            config=self.config,
            folder=self.folder.path if self.folder else None,
            attached=not self._ours and self.folder is not None,
            elsewhere=self.elsewhere,
            live=self.running and self.caught_up,
            log_tail=self.log_tail,
            usual=self._usual_times(),
            first_run=not self._watch.history.records,
            epoch_left_s=epoch_left(self.run, now, self._watch.history) if self.running else None,
            stops_after_epoch=self.stops_after_epoch,
            fine_tuning_s=self._fine_tuning_s(),
        )

    def _fine_tuning_s(self) -> float | None:
        if self.run.phase is not RunPhase.FINISHED or not self.run.head_only or self.config is None:
            return None
        return fine_tuning(self.run, self.config, self.past)

    @property
    def past(self) -> History:
        """Of this computer's runs."""
        return self._watch.history

    def _usual_times(self) -> dict[str, tuple[float, float]]:
        """What each stage usually takes, anew when the run has told more of its kind or ended an epoch."""
        told = (history.kind_of(self.run), len(self.run.epochs), len(self.run.stages))
        if told != self._usual_of:
            self._usual_of = told
            known = {name: usual(self.run, name, self.past) for name in self.run.stages}
            self._usual = {name: band for name, band in known.items() if band}
        return self._usual

    # --- its end

    def end(self, outcome: ProcessOutcome) -> None:
        """Its process is gone, and all that it said was taken in."""
        if self.over:
            return
        elsewhere, self.over = self.elsewhere, True
        if not self.run.phase.ended:
            self._end_in_a_crash(outcome, elsewhere)
        elif self.run.phase is RunPhase.FAILED and self.folder is not None:
            self.log_tail = read_tail(self.folder.log, self._log_begin, SHOWN_LOG_BYTES)
        if self._is_of_this_computer:
            with contextlib.suppress(OSError):  # The run itself is safe; only the next countdown is poorer.
                history.remember(data_dir() / history.FILE_NAME, self.run)

    @property
    def _is_of_this_computer(self) -> bool:
        """Whether its times say something of the next run here."""
        if self._was_here:
            return True
        return self.folder is not None and not self._told_host and self.folder.path.parent == runs_dir()

    def _end_in_a_crash(self, outcome: ProcessOutcome, elsewhere: str) -> None:
        """Said at once as far as it is known; the system is asked beside, and may tell more."""
        log = read_tail(self.folder.log, self._log_begin, LAST_LOG_BYTES) if self.folder else ""
        self.log_tail = log[-SHOWN_LOG_BYTES:]
        stage, before, home = self.run.current, tuple(self._looks), Path.home()
        stage_id = stage.id if stage else ""
        crash = explain(outcome, log, before=before, stage=stage_id, home=home)
        self.run.process_gone(crash.text, crash)
        if outcome.forced or outcome.not_started or elsewhere:
            return
        observer, now = self._observer, self.clock.steady()
        started = self.run.started
        pid = observer.pid if observer else started.pid if started and not self._told_host else 0

        self._watch_for_its_exit()
        watch = self._exit
        self.explained = False

        def look_back() -> Crash:
            seen = outcome if outcome.is_seen or watch is None else outcome.with_status(watch.look())
            after = observer.look(now) if observer else NOTHING_KNOWN
            kernel = killed_for_memory(pid) if pid else ""
            return explain(seen, log, before=before, after=after, kernel=kernel, stage=stage_id, home=home)

        self._beside("end", look_back, self._on_explained)

    def _on_explained(self, crash: Crash) -> None:
        self.run.explain_crash(crash)
        self.explained = True


def _starts(messages: Sequence[AnyMessage | Unreadable]) -> Iterable[Sequence[AnyMessage | Unreadable]]:
    """What each start of an engine told."""
    begins: list[int] = []
    if RunStarted in map(type, messages):  # Nearly never, and messages come by the million.
        begins = [i for i, message in enumerate(messages) if i and isinstance(message, RunStarted)]
    for begin, end in zip((0, *begins), (*begins, len(messages)), strict=True):
        if begin < end:
            yield messages[begin:end]


def _taken(lines: deque[bytes]) -> Iterable[bytes]:
    while lines:
        yield lines.popleft()


def _see(folder: RunDir, started: RunStarted | None, before: Owner | None) -> _Seen:
    owner = folder.holder()
    if owner is not None or folder.is_locked:
        return _Seen(owner, folder.silent_s)
    if before is not None and before.here and is_living(before):
        owner = before
    elif started is not None:
        owner = by_its_word(started.pid, started.host)
    return _Seen(owner, folder.silent_s, unlocked=True)
