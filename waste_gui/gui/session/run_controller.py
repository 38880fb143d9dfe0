"""One Run and the engine behind it: starts, follows, stops, and says at a fixed pace what to paint."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui import config as configs
from waste_gui import request as requests
from waste_gui.config import ConfigError, RunConfig
from waste_gui.files import write_atomically
from waste_gui.gui.common.background import Background
from waste_gui.gui.session.attached_engine import AttachedEngine
from waste_gui.gui.session.engine_process import (
    ASK_S,
    TERMINATE_S,
    EngineProcess,
    continue_tree,
    engine_command,
)
from waste_gui.gui.session.previous_events import PreviousEvents
from waste_gui.gui.session.snapshot import Snapshot
from waste_gui.monitor import history
from waste_gui.monitor.countdown import epoch_taken, live_rate, usual, usual_epoch
from waste_gui.monitor.crash import Crash, ProcessOutcome, explain
from waste_gui.monitor.diagnosis_log import DiagnosisLog
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence, Observer
from waste_gui.monitor.history import History, RunKind
from waste_gui.monitor.kernel_log import killed_for_memory
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.monitor.stacks import StackReader, Threads
from waste_gui.monitor.stretches import in_stretches
from waste_gui.monitor.timeline import Timeline
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.monitor.watch import Watch
from waste_gui.protocol import (
    AnyCommand,
    AnyMessage,
    DumpStacks,
    Pause,
    RestartWorkers,
    Resume,
    SaveNow,
    SkipPhoto,
    Stop,
    Unreadable,
)
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError, data_dir, new_run_dir
from waste_gui.stages import INSIDE_TRAIN, STAGES

LOG_TAIL_BYTES = 8192
FATAL_BYTES = 128 * 1024
"""The stacks of all threads follow the error itself."""

LOOKS_KEPT = 5
"""The last looks at an engine tell how fast memory went away."""

LATE_S = 3.0
"""A message is read within a second of its writing."""

PAINT_MS, BEHIND_MS = 100, 600
"""While a run is read from its file, painting would only delay its end."""
TICK_MS = 1000


class RunController(QObject):
    """The truth is in `run`; `changed` comes at most ten times a second with the moment to paint."""

    changed = Signal(object)  # Moment
    ended = Signal(object)  # Moment
    stuck = Signal(object)  # Moment, once for each time that it gets stuck.

    def __init__(
        self,
        parent: QObject | None = None,
        command: Callable[[Path], list[str]] = engine_command,
        clock: Callable[[], float] = time.monotonic,
        ask_s: float = ASK_S,
        terminate_s: float = TERMINATE_S,
    ) -> None:
        super().__init__(parent)
        self._ask_s, self._terminate_s = ask_s, terminate_s
        self._command = command
        self._clock = clock
        self._reset()
        self._paint_timer = QTimer(self)
        self._paint_timer.setSingleShot(True)
        self._paint_timer.timeout.connect(self._paint)
        self._tick_timer = QTimer(self)
        self._tick_timer.setInterval(TICK_MS)
        self._tick_timer.timeout.connect(self._on_tick)
        self._looking = Background(self)
        self._looking.finished.connect(self._on_evidence)
        self._asking = Background(self)
        self._asking.finished.connect(self._on_stacks)
        self._keeping = Background(self)
        self._looking_back = Background(self)
        self._looking_back.finished.connect(self._on_looked_back)

    def _reset(self) -> None:
        self.run = Run()
        self.timeline = Timeline()
        self.config: RunConfig | None = None
        self.folder: RunDir | None = None
        self._resumes = False
        self._engine: EngineProcess | AttachedEngine | None = None
        self._earlier: PreviousEvents | None = None
        self._watch = Watch(History.load(data_dir() / history.FILE_NAME))
        self._usual: dict[str, tuple[float, float]] = {}
        self._usual_of: tuple[object, ...] = ()
        self._observer: Observer | None = None
        self._diagnosis_log: DiagnosisLog | None = None
        self._evidence = NOTHING_KNOWN
        self._looks: deque[Evidence] = deque(maxlen=LOOKS_KEPT)
        self._log_begin = 0  # Where this engine's part of the log begins.
        self._log_tail = ""
        self._zero: float | None = None  # The engine's clock at zero, by our clock.
        self._was_stuck = False
        self._stops_after_epoch = False

    @property
    def running(self) -> bool:
        return self._engine is not None and self._engine.running

    @property
    def attached(self) -> bool:
        return isinstance(self._engine, AttachedEngine)

    def start(self, request: RunRequest) -> None:
        """Start training in a new run folder, or go on in an old one; RunFolderError or ConfigError says why
        not. The window writes `request.json`; `config.json` is the engine's."""
        folder = _folder_for(request)
        config = configs.check(request.config)
        place = None if request.resume else str(folder.path)
        request = RunRequest(config=config, run_dir=place, resume=request.resume)
        try:
            content = requests.dump(request)
        except UnicodeEncodeError:
            raise ConfigError("The name of a folder is not readable as text; rename the folder.") from None
        folder.create()
        try:
            write_atomically(folder.request, content)
        except OSError as error:
            raise RunFolderError(
                f"The settings cannot be written into {folder.path} ({error.strerror}).",
                "Free space on the disk, or choose another run folder.",
            ) from None
        self._begin(config, folder)
        self._resumes = request.resume is not None
        engine = EngineProcess(self, ask_s=self._ask_s, terminate_s=self._terminate_s)
        self._engine = engine
        self._connect()
        self.run.launched()
        self._zero = self._clock()
        self._log_begin = size_of(folder.log)
        engine.start(self._command(folder.request), folder.log)
        self._tick_timer.start()
        self._paint_timer.start(0)

    def attach(self, folder: RunDir) -> None:
        """Show a run from its events file; one that still runs is followed and can be commanded."""
        config = None
        with contextlib.suppress(ConfigError):
            config = configs.load(folder.config)
        self._begin(config, folder)
        engine = AttachedEngine(folder, self)
        self._engine = engine
        self._connect()
        self._recall(folder).finished.connect(engine.start)
        self._tick_timer.start()
        self._paint()

    def _begin(self, config: RunConfig | None, folder: RunDir) -> None:
        self.detach()
        self._reset()
        self.config, self.folder = config, folder
        self._diagnosis_log = DiagnosisLog(folder.evidence)

    def _recall(self, folder: RunDir) -> PreviousEvents:
        """Read the curves of the run's earlier starts."""
        self._earlier = PreviousEvents(folder, self)
        self._earlier.messages_read.connect(self._on_recalled)
        self._earlier.start()
        return self._earlier

    def _on_recalled(self, messages: list[AnyMessage | Unreadable]) -> None:
        self.run.recall(in_stretches(messages))
        self._paint_soon()

    def _connect(self) -> None:
        assert self._engine is not None
        self._engine.messages_received.connect(self._on_messages)
        self._engine.ended.connect(self._on_ended)

    def detach(self) -> None:
        """Look no longer at an engine that another window started; it goes on."""
        if isinstance(self._engine, AttachedEngine):
            self._engine.close()
        if self._engine is not None:
            self._engine.messages_received.disconnect(self._on_messages)
            self._engine.ended.disconnect(self._on_ended)
            self._engine.deleteLater()
            self._engine = None
        if self._earlier is not None:
            self._earlier.stop()
            self._earlier = None
        self._tick_timer.stop()
        self._looking.cancel()
        self._asking.cancel()
        self._looking_back.cancel()

    def send(self, command: AnyCommand) -> None:
        if self._engine is not None and self._engine.running:
            self._engine.send(command)

    def stop_now(self) -> None:
        """Ask, and end it by force if it does not answer."""
        self._stops_after_epoch = False
        self._stop(Stop(when="now"), firmly=True)

    def stop_after_epoch(self) -> None:
        self._stops_after_epoch = True
        self._stop(Stop(when="epoch_end"), firmly=False)

    def _stop(self, command: Stop, *, firmly: bool) -> None:
        if self._engine is not None and self._engine.running:
            self.run.stop_asked(self.now())
            self._engine.stop(command, firmly=firmly)
            self._paint_soon()

    def force_stop(self) -> None:
        if self._engine is not None and self._engine.running:
            self._engine.force_stop()

    def kill_now(self) -> None:
        """For a window that is going for good."""
        if self._engine is not None:
            self._engine.kill_now()

    def pause_or_resume(self) -> None:
        self.send(Resume() if self.run.paused else Pause())

    def save_now(self) -> None:
        """A checkpoint after this step; the log says when it is on disk."""
        self.send(SaveNow())

    def go_on(self) -> None:
        """After a pause: asked for here, or made from outside by stopping the process."""
        if self.run.paused:
            self.send(Resume())
        elif self._engine is not None and self._engine.pid:
            continue_tree(self._engine.pid)

    def skip_photo(self, path: str) -> None:
        self.send(SkipPhoto(path=path))

    def restart_workers(self) -> None:
        self.send(RestartWorkers())

    def ask_for_stacks(self) -> None:
        """Of the engine's own threads by itself, and of all its processes from outside."""
        self.send(DumpStacks())
        self._read_stacks()

    def keep_waiting(self) -> None:
        """The warning makes room for five minutes."""
        self._watch.keep_waiting(self.now())
        self._paint()

    def keep_going(self) -> None:
        """The note on learning has been read, and is not shown again."""
        view = self.snapshot().view
        if view is not None:
            self._watch.keep_going(view.verdict.cause)
            self._paint()

    def now(self) -> float:
        """Seconds on the engine's clock."""
        return 0.0 if self._zero is None else max(0.0, self._clock() - self._zero)

    def snapshot(self) -> Snapshot:
        now = self.now()
        running = self.run.phase.running and self.running
        view = self._watch.look(self.run, self._evidence, now) if running else None
        if view is not None and view.stacks_wanted:
            self._read_stacks(view.stands_still)
        return Snapshot(
            run=self.run,
            now=now,
            zero_unix=time.time() - now if self._zero is not None else 0.0,
            view=view,
            evidence=self._evidence,
            timeline=self.timeline,
            config=self.config,
            folder=self.folder.path if self.folder else None,
            attached=self.attached,
            live=running and not (isinstance(self._engine, AttachedEngine) and not self._engine.caught_up),
            log_tail=self._log_tail,
            usual=self._usual_times(),
            first_run=not self._watch.history.records,
            epoch_left_s=epoch_left(self.run, now, self._watch.history) if running else None,
            stops_after_epoch=self._stops_after_epoch,
        )

    def expected(self, config: RunConfig, photos: int) -> tuple[float, int] | None:
        """Seconds that such a training will take by this computer's past, and by how many runs; else None."""
        past = self._watch.history
        kind = RunKind(model=config.model, photos=photos, image_size=config.image_size or 0)
        epoch = past.epoch(kind)
        if epoch is None:
            return None
        before = [past.stage(kind, info.id) for info in STAGES if info.id not in ("train", *INSIDE_TRAIN)]
        start_up_s = sum(spread.p50 for spread in before if spread)
        return start_up_s + config.epochs * epoch.p50, epoch.runs

    def _usual_times(self) -> dict[str, tuple[float, float]]:
        """What each stage usually takes, anew when the run has told more of its kind or ended an epoch."""
        told = (history.kind_of(self.run), len(self.run.epochs), len(self.run.stages))
        if told != self._usual_of:
            self._usual_of = told
            known = {name: usual(self.run, name, self._watch.history) for name in self.run.stages}
            self._usual = {name: band for name, band in known.items() if band}
        return self._usual

    def _on_messages(self, messages: list[AnyMessage | Unreadable]) -> None:
        first = self.run.messages == 0
        if first and not self.attached and self.folder is not None and self._resumes:
            self._recall(self.folder)  # The engine has put what its earlier starts told aside by now.
        told = list(in_stretches(messages))
        self.run.receive_all(told)
        self.timeline.receive_all(told)
        self._set_clock(first)
        self._paint_soon()

    def _set_clock(self, first: bool) -> None:
        """The least delay seen tells best when the engine's clock was at zero."""
        if isinstance(self._engine, AttachedEngine):
            self._set_attached_clock(fresh=self._engine.caught_up)
        else:
            zero = self._clock() - self.run.heard_at
            launched = self._zero is None or first  # Until then it was the time of launch.
            self._zero = zero if launched else min(self._zero or zero, zero)

    def _set_attached_clock(self, *, fresh: bool) -> None:
        """By the Unix time at which it began, until a message shows that the clock was set, or the computer
        slept: none comes from the future, and a fresh one is not late."""
        if self._zero is None and self.run.started is not None:
            self._zero = self._clock() - (time.time() - self.run.started.started_at)
        if self._zero is not None:
            ahead = self.run.heard_at - (self._clock() - self._zero)
            if ahead > 0 or (fresh and ahead < -LATE_S):
                self._zero = self._clock() - self.run.heard_at

    def _on_ended(self, outcome: ProcessOutcome) -> None:
        stage = self.run.current
        self._tick_timer.stop()
        self._looking.cancel()
        if not self.run.phase.ended:
            self._end_in_a_crash(outcome, stage.id if stage else "")
        elif self.run.phase is RunPhase.FAILED and self.folder is not None:
            self._log_tail = read_tail(self.folder.log, self._log_begin)
        with contextlib.suppress(OSError):  # The run itself is safe; only the next countdown is poorer.
            history.remember(data_dir() / history.FILE_NAME, self.run)
        self._paint()
        self.ended.emit(self.snapshot())

    def _end_in_a_crash(self, outcome: ProcessOutcome, stage: str) -> None:
        """Said at once as far as it is known; the system is asked in the background, and may tell more."""
        log = read_tail(self.folder.log, self._log_begin, FATAL_BYTES) if self.folder else ""
        self._log_tail = log[-LOG_TAIL_BYTES:]
        before, home = tuple(self._looks), Path.home()
        crash = explain(outcome, log, before=before, stage=stage, home=home)
        self.run.process_gone(crash.text, crash)
        if outcome.forced or outcome.not_started or self._engine is None:
            return
        observer, pid, now = self._observer, self._engine.pid, self._clock()

        def look_back(tell: Callable[[object], None]) -> Crash:
            after = observer.look(now) if observer else NOTHING_KNOWN
            kernel = killed_for_memory(pid)
            return explain(outcome, log, before=before, after=after, kernel=kernel, stage=stage, home=home)

        self._looking_back.start(look_back)

    def _on_looked_back(self, crash: Crash) -> None:
        self.run.explain_crash(crash)
        self._paint()

    def _paint_soon(self) -> None:
        if not self._paint_timer.isActive():
            behind = isinstance(self._engine, AttachedEngine) and self._engine.behind
            self._paint_timer.start(BEHIND_MS if behind else PAINT_MS)

    def _paint(self) -> None:
        self._paint_timer.stop()
        snapshot = self.snapshot()
        if snapshot.view is not None:
            self.timeline.look(snapshot.evidence, snapshot.now, snapshot.view.verdict, self.run.moved_at)
            self._keep(snapshot.view.verdict, snapshot.now)
        stuck = snapshot.view is not None and snapshot.view.verdict.state is VerdictState.LIKELY_STUCK
        if stuck and not self._was_stuck:
            self._was_stuck = True
            self.stuck.emit(snapshot)
        self._was_stuck = stuck
        self.changed.emit(snapshot)

    def _keep(self, verdict: Verdict, now: float) -> None:
        """What a verdict on a silence rests on, in the run's folder; in the background, as all that touches a
        disk."""
        if self._diagnosis_log is None or self._keeping.working:
            return
        diagnosis_log, line = (
            self._diagnosis_log,
            self._diagnosis_log.line(self.run, verdict, self._evidence, now),
        )
        if line is not None:
            self._keeping.start(lambda tell: diagnosis_log.write(line))

    def _on_tick(self) -> None:
        self._look()
        self._paint()

    def _look(self) -> None:
        """In the background: asking a disk that went away for its free space can take for ever."""
        if self._engine is None or self._looking.working or not self._engine.pid or self.folder is None:
            return
        if self._observer is None:
            self._observer = Observer(self._engine.pid, self.folder.path)
        observer, now = self._observer, self._clock()
        self._looking.start(lambda tell: observer.look(now))

    def _read_stacks(self, stands_still: bool = False) -> None:
        """In the background, as a drive may not answer."""
        if self._engine is None or self._asking.working or not self._engine.pid or self.folder is None:
            return
        reader = StackReader(self.folder.path, self._engine.pid)
        workers = [worker.pid for worker in self._evidence.workers]
        self._asking.start(lambda tell: reader.read(workers, stands_still=stands_still))

    def _on_stacks(self, threads: Threads) -> None:
        if threads and self.run.phase.running:
            self.run.saw_stacks(threads, self.now())
            self._paint_soon()

    def _on_evidence(self, evidence: Evidence) -> None:
        self._evidence = evidence
        if evidence.alive:
            self._looks.append(evidence)


def epoch_left(run: Run, now: float, past: History) -> float | None:
    """Seconds until the epoch that runs has ended: by its usual time, else by the pace of its steps. Of an
    epoch that an earlier start began, only its share of the steps is left."""
    taken, each = epoch_taken(run, now), usual_epoch(run, past)
    train, epochs = run.stages["train"], run.started.epochs if run.started else 0
    if taken is None:
        return None
    steps = train.total / epochs if epochs and train.total else 0.0
    done = train.done % steps if steps else 0.0
    if steps and train.done and not done:  # All of them: it validates.
        done = steps
    if each is not None:
        usual_s = sum(each) / 2
        share_s = usual_s * (1 - done / steps) if done < steps else usual_s
        return max(0.0, min(usual_s - taken, share_s))
    pace = live_rate(train)
    return (steps - done) * pace if pace is not None and steps else None


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def read_tail(log: Path, begin: int = 0, most: int = LOG_TAIL_BYTES) -> str:
    """The last lines of the engine's log, as far as they were written after `begin`: a library that gives up
    says so there."""
    try:
        with open(log, "rb") as file:
            file.seek(max(begin, file.seek(0, 2) - most))
            return file.read().decode("utf-8", "backslashreplace").strip()
    except OSError:
        return ""


def _folder_for(request: RunRequest) -> RunDir:
    """Looked at before anything is written into it."""
    if not request.resume:
        return RunDir(Path(request.run_dir) if request.run_dir else new_run_dir(request.config.name))
    folder = RunDir(Path(request.resume))
    if not folder.config.exists():
        raise RunFolderError(f"{folder.path} holds no run to go on with.", "Choose it from the list of runs.")
    if folder.owner() is not None:
        raise RunFolderError(
            f"The training in {folder.path.name} still runs.", "Show it from the list of runs."
        )
    return folder
