"""Run: what is known of one run, from its messages alone. No clock, no I/O.

All times are on the engine's clock: seconds since its first line, as each message carries them in `at`.
Whoever asks (`countdown`, `diagnose`) passes `now` on the same clock.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter, itemgetter, lt
from typing import Literal

import msgspec
import numpy as np

from waste_gui import protocol
from waste_gui.bounds import MOST_STAGES
from waste_gui.monitor.crash import Crash
from waste_gui.monitor.numbering import Numbering
from waste_gui.monitor.previous_attempts import KEPT_TIMES, PreviousAttempts, is_whole
from waste_gui.monitor.samples import Samples
from waste_gui.monitor.series import FloatArray, Series
from waste_gui.monitor.stack_words import decisive
from waste_gui.monitor.stretches import Stretch, Told
from waste_gui.monitor.times import Times
from waste_gui.monitor.waits.link import Chain
from waste_gui.protocol import AnyMessage, StageInfo, ThreadStack, Unreadable
from waste_gui.stages import EMBEDS, INSIDE_TRAIN, STAGES

STILL = (
    *(protocol.Progress, protocol.Heartbeat, protocol.Stacks, protocol.Warned, protocol.SourceGone),
    *(protocol.NotSaved, protocol.SavedAgain),
)
"""No progress by their kind: not a heartbeat, nor the stacks of a stuck run. Of a counter, it says."""

NOT_NEEDED = {"all": EMBEDS, "head": ("validate",)}
"""Stages that do not come, by what of the network is trained. Test photos are validated in any case."""

LOG_LINES = 20_000
KEPT_FAILURES = 10_000
KEPT_GAPS = 200
KEPT_METRICS = 1200
KEPT_WARNINGS = 1000
MOST_AWAY = 1000
LINE_CHARS = 1000
"""Of a line of the log."""
_AT, _STEP, _VALUES, _EPOCH = map(attrgetter, ("at", "step", "values", "epoch"))


Validated = Literal["val_loss", "val_accuracy"]


class RunPhase(Enum):
    """Where a run is in its life."""

    IDLE = "idle"
    LAUNCHED = "launched"  # The process was started; it has said nothing yet.
    STARTING = "starting"  # The stages before training.
    TRAINING = "training"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"  # With a `run_failed` that says why.
    CRASHED = "crashed"  # The process ended without a last message.

    @property
    def running(self) -> bool:
        return self in (RunPhase.LAUNCHED, RunPhase.STARTING, RunPhase.TRAINING)

    @property
    def ended(self) -> bool:
        return self in (RunPhase.FINISHED, RunPhase.STOPPED, RunPhase.FAILED, RunPhase.CRASHED)


_RUNNING = (RunPhase.LAUNCHED, RunPhase.STARTING, RunPhase.TRAINING)
TRANSITIONS: dict[tuple[RunPhase, str], RunPhase] = {
    (RunPhase.IDLE, "launched"): RunPhase.LAUNCHED,
    (RunPhase.IDLE, "run_started"): RunPhase.STARTING,
    (RunPhase.LAUNCHED, "run_started"): RunPhase.STARTING,
    (RunPhase.STARTING, "train_started"): RunPhase.TRAINING,
    **{(phase, "run_finished"): RunPhase.FINISHED for phase in _RUNNING},
    **{(phase, "run_stopped"): RunPhase.STOPPED for phase in _RUNNING},
    **{(phase, "run_failed"): RunPhase.FAILED for phase in (*_RUNNING, RunPhase.IDLE)},
    **{(phase, "process_gone"): RunPhase.CRASHED for phase in _RUNNING},
}
"""(phase, event) → phase. What is not listed changes nothing."""


class StageState(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Stage:
    """One stage: as announced, and what has been heard of it."""

    info: StageInfo
    state: StageState = StageState.WAITING
    started_at: float | None = None
    moved_at: float | None = None
    stood_still_s: float = 0.0  # Of the time that it runs.
    elapsed_s: float | None = None  # Of the last time it was finished.
    times: Times = field(default_factory=Times)  # Seconds of each time it was finished in this run.
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_GAPS))  # Seconds between progress.
    first: tuple[float, int] | None = None  # When the first thing was done, and how many were then.
    begun: int | None = None  # What was done already when it was told first.
    done: int = 0
    total: int | None = None
    unit: str = ""
    detail: str = ""
    summary: str = ""

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def title(self) -> str:
        return self.info.title

    @property
    def to_do(self) -> int | None:
        """How many there were to do when it began; None while that is not told."""
        return None if self.begun is None or self.total is None else self.total - self.begun

    @property
    def inside_train(self) -> bool:
        return self.id in INSIDE_TRAIN


@dataclass(frozen=True)
class LogLine:
    """A line for the log page; `level` is info, warning or error."""

    at: float
    text: str
    level: str = "info"


class Run:
    """One run as its messages tell it: `receive` is the only way in."""

    def __init__(self) -> None:
        self.phase = RunPhase.IDLE
        self.stages = {info.id: Stage(info) for info in STAGES}
        self._left_out: dict[str, Stage] = {}
        self.started: protocol.RunStarted | None = None
        self.device: protocol.DeviceChosen | None = None
        self.heard_at = 0.0  # The last sign of life, heartbeats included.
        self.moved_at = 0.0  # The last progress: a stage, a photo, a step.
        self._slept: tuple[float, float] = (0.0, 0.0)  # The last progress, and for how long it slept since.
        self._counted_at = 0.0  # The same, without metrics: they come together with their step's progress.
        self.heartbeat: protocol.Heartbeat | None = None
        self.heartbeat_gap_s = 0.0
        self.loss, self.accuracy, self.lr = Series(), Series(), Series()
        self.images_per_s: float | None = None
        self.timing: protocol.Timing | None = None
        self.metrics: deque[protocol.Metric] = deque(maxlen=KEPT_METRICS)
        self.baseline: protocol.Baseline | None = None
        self.step = 0
        self.epoch = 0
        self.epochs: list[protocol.EpochFinished] = []
        self.val_loss, self.val_accuracy = Series(), Series()  # By step, as `epochs`.
        self.epoch_times: deque[float] = deque(
            maxlen=KEPT_TIMES
        )  # Seconds of each that this start trained whole, without pauses.
        self.earlier = PreviousAttempts()
        self.best: protocol.EpochFinished | None = None
        self.checkpoint: protocol.CheckpointSaved | None = None
        self.failures: deque[protocol.ImageFailed] = deque(maxlen=KEPT_FAILURES)
        self.failure_count = 0
        self.away: dict[str, protocol.SourceGone] = {}  # Folders of photos that are waited for.
        self.warnings: deque[protocol.Warned] = deque(maxlen=KEPT_WARNINGS)
        self.not_saved: protocol.NotSaved | None = None
        self.stacks: protocol.Stacks | None = None
        self._waits: tuple[float, tuple[Chain, ...]] = (0.0, ())  # When they were read.
        self._samples = Samples()  # Where the engine was in this silence.
        self.last: protocol.RunFinished | protocol.RunStopped | protocol.RunFailed | None = None
        self.stop_asked_at: float | None = None
        self.paused = False
        self._paused_at = 0.0
        self.epoch_began_at = 0.0  # The one that runs; pauses are cut out.
        self.log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self.log_count = 0  # All lines ever, so that a reader knows how many are new.
        self.messages = 0
        self._numbering = Numbering()
        self.exit_words = ""  # How the process ended, when it ended without a last message.
        self.crash: Crash | None = None  # The same with cause and cure, where somebody looked into it.

    @property
    def current(self) -> Stage | None:
        """The stage that runs: the innermost, if `validate` or `save` runs inside `train`."""
        running = [s for s in self.stages.values() if s.state is StageState.RUNNING]
        return running[-1] if running else None

    @property
    def head_only(self) -> bool:
        """Whether it is a training of the last layer alone, as far as that is known."""
        return self.tune == "head"

    @property
    def tune(self) -> str:
        """What is trained: `head`, `all` or `head_then_all`; empty while nobody knows."""
        if self.device is not None and (self.started is None or self.started.command == "train"):
            return self.device.tune or "all"  # A version that does not tell it knew no other way.
        asked = self.started.tune if self.started is not None else ""
        return "" if asked == "auto" else asked

    @property
    def next_seq(self) -> int:
        return self._numbering.next

    @property
    def missed(self) -> int:
        """Messages that never came, by the gaps in their numbers."""
        return self._numbering.missed

    @property
    def number(self) -> int:
        """The current stage's place in the checklist, from 1; 0 when none runs."""
        current = self.current
        return list(self.stages).index(current.id) + 1 if current else 0

    def launched(self) -> None:
        """The process was started."""
        self._enter("launched")

    def process_gone(self, words: str, crash: Crash | None = None) -> None:
        """The process ended. If it had not said its last message, this is a crash; `words` says how."""
        if not self.phase.ended:
            self.exit_words, self.crash = words, crash
            self._enter("process_gone")
            self._end_open_stages()
            self._log(self.heard_at, words, "error")

    def note(self, at: float, text: str) -> None:
        """What this side has to say of it, in its log."""
        self._log(at, text, "warning")

    def explain_crash(self, crash: Crash) -> None:
        """More is known of how it ended."""
        if self.phase is RunPhase.CRASHED and crash != self.crash:
            self.exit_words, self.crash = crash.text, crash
            self._log(self.heard_at, crash.text, "error")

    def saw_stacks(self, threads: tuple[ThreadStack, ...], at: float) -> None:
        """The stacks at that time, as the engine told them or as they were read from outside."""
        told = {thread.pid for thread in threads}  # The engine itself tells nothing of its workers.
        threads += tuple(thread for thread in self.stacks_now if thread.pid not in told)
        self.stacks = protocol.Stacks(threads=threads, at=at)
        self._samples = self._samples.with_stack(decisive(threads), at, self.moved_at)

    def slept(self, seconds: float) -> None:
        """The computer slept, or stood still, and the engine's clock went on for so long."""
        self._slept = self.moved_at, self.slept_s + seconds

    @property
    def slept_s(self) -> float:
        """Since the last progress: seconds in which nothing could move."""
        moved_at, seconds = self._slept
        return seconds if moved_at == self.moved_at else 0.0

    def saw_waits(self, chains: tuple[Chain, ...], at: float) -> None:
        """What the engine's decisive thread and the workers waited for at that time."""
        self._waits = at, chains

    @property
    def waits_now(self) -> tuple[Chain, ...]:
        """Those of this silence, the engine's first."""
        at, chains = self._waits
        return chains if at >= self.moved_at else ()

    @property
    def stacks_now(self) -> tuple[ThreadStack, ...]:
        """The stacks of this silence; none where the last ones are from before it."""
        return self.stacks.threads if self.stacks and self.stacks.at >= self.moved_at else ()

    @property
    def doing(self) -> ThreadStack | None:
        """The thread that says what the engine does in this silence; None where no stack is of it."""
        return decisive(self.stacks_now)

    @property
    def samples(self) -> Samples:
        """Where the engine was, as far as its stacks since the last progress tell."""
        return self._samples.since(self.moved_at)

    @property
    def epoch_now(self) -> int:
        """The epoch that is trained or validated, from 1; before this start's first step, the one that an
        earlier start had come to."""
        train, epochs = self.stages.get("train"), self.started.epochs if self.started else 0
        if self.epoch or train is None or not train.total or not epochs:
            return max(1, self.epoch)
        ended, steps = divmod(train.done, train.total / epochs)
        if not steps and self.earlier.epochs and self.earlier.epochs[-1].epoch < ended:
            return int(ended)  # All its steps are made; it is still to be validated.
        return min(int(ended) + 1, epochs)

    @property
    def took_s(self) -> float:
        """Seconds until its last sign of life, those of its earlier starts included."""
        return self.earlier.took_s + self.heard_at

    def stop_asked(self, now: float) -> None:
        self.stop_asked_at = now

    @property
    def all_epochs(self) -> list[protocol.EpochFinished]:
        """Also those of its earlier starts, as far as this one goes on from them."""
        first = self.epochs[0].epoch if self.epochs else math.inf
        return self.earlier.epochs[: bisect_left(self.earlier.epochs, first, key=_EPOCH)] + self.epochs

    def points(self, name: Validated) -> tuple[FloatArray, FloatArray]:
        """The steps and values of `all_epochs`; a NaN where one was not told."""
        own: Series = getattr(self, name)
        earlier = self.all_epochs[: -len(self.epochs) or None]
        if not earlier:
            return own.x, own.y
        known = np.array([(epoch.step, getattr(epoch, name)) for epoch in earlier], float).T
        return np.concatenate([known[0], own.x]), np.concatenate([known[1], own.y])

    def recall(self, told: Iterable[Told]) -> None:
        """What an earlier start of this run told: this one goes on with its curves."""
        for each in told:
            self.earlier.take(each)
            if self.step:  # It drew its own already.
                continue
            if isinstance(each, Stretch):
                self._draw(each.metrics)
            elif isinstance(each, protocol.Metric):
                self._draw([each])
            elif isinstance(each, protocol.EpochFinished) and each.best and not self.epochs:
                self.best = each
            elif isinstance(each, protocol.HeadFitted) and self.best is None:
                self.best = each.as_epoch()

    def receive(self, message: AnyMessage | Unreadable) -> None:
        """Take in one message. One that came before (same `seq`) is passed over; an unreadable is logged."""
        if isinstance(message, Unreadable):
            self._log(self.heard_at, f"Not a message: {message.text[:500]}", "warning")
            return
        if not self._numbering.takes(message.seq):
            return
        self.messages += 1
        self._take(message)
        if not isinstance(message, STILL):
            self.moved_at = max(self.moved_at, message.at)
        self.heard_at = max(self.heard_at, message.at)

    def receive_all(self, told: Iterable[Told]) -> None:
        """The same as `receive` for each. Of a stretch, one kind is taken in after the other: they do not
        touch what the others do."""
        for each in told:
            if not isinstance(each, Stretch):
                self.receive(each)
            elif each.first_seq == self.next_seq and not self.paused:
                self._take_stretch(each)
            else:
                for message in each.messages:
                    self.receive(message)

    def _take_stretch(self, stretch: Stretch) -> None:
        self.messages += stretch.count
        self._numbering.pass_over(stretch.count)
        self._on_counts(stretch.progress)
        self._on_metrics(stretch.metrics)
        for message in stretch.heartbeats[-2:]:
            self._on_heartbeat(message)
        self.heard_at = max(self.heard_at, stretch.last_at)

    def _take(self, message: AnyMessage) -> None:
        match message:
            case protocol.RunStarted():
                self._on_started(message)
            case protocol.DeviceChosen():
                self.device = message
                if self.started is not None and message.epochs:
                    self.started = msgspec.structs.replace(self.started, epochs=message.epochs)
                self._leave_out(NOT_NEEDED.get(message.tune, ()))
                self._log(message.at, f"Device: {message.name}")
            case protocol.Progress():
                self._on_progress(message)
            case protocol.StageStarted() | protocol.StageFinished():
                self._on_stage(message)
            case protocol.Baseline():
                self.baseline = message
            case protocol.Metric():
                self._on_metrics([message])
            case protocol.HeadFitted():
                self.best = message.as_epoch()
            case protocol.EpochFinished():
                self._on_epoch(message)
            case protocol.Heartbeat():
                self._on_heartbeat(message)
            case protocol.ImageFailed():
                self.failures.append(message)
                self.failure_count = message.failures
                self._log(message.at, f"Cannot read {message.path}: {message.reason}", "warning")
            case protocol.SourceGone():
                if len(self.away) < MOST_AWAY:
                    self.away[message.folder] = message
                self._log(message.at, f"{message.folder} {message.reason}: waiting for it", "warning")
            case protocol.SourceBack():
                self.away.pop(message.folder, None)
                self._log(message.at, f"{message.folder} is back")
            case protocol.Warned():
                self.warnings.append(message)
                self._log(message.at, " ".join(filter(None, (message.text, message.hint))), "warning")
            case protocol.NotSaved():
                self.not_saved = message
                self._log(message.at, f"Not saved: {message.text} It is tried again.", "warning")
            case protocol.SavedAgain():
                self.not_saved = None
                self._log(message.at, "All is saved again")
            case protocol.CheckpointSaved():
                self.checkpoint = message
                best = " (best so far)" if message.best else ""
                self._log(message.at, f"Saved after step {message.step}{best}: {message.path}")
            case protocol.Stacks():
                self.saw_stacks(message.threads, message.at)
                self._log(message.at, f"Stacks of {len(message.threads)} threads received")
            case protocol.RunFinished() | protocol.RunStopped() | protocol.RunFailed():
                self._on_last(message)

    def _on_started(self, message: protocol.RunStarted) -> None:
        self.started = message
        if message.stages:
            self.stages = {info.id: Stage(info) for info in message.stages}
        self._enter("run_started")
        self._log(message.at, f"Run {message.run} started on {message.host}, process {message.pid}")

    def _leave_out(self, stages: Sequence[str]) -> None:
        """What was announced before the device had decided, and is not needed."""
        for name in stages:
            if name in self.stages:
                self._left_out[name] = self.stages.pop(name)

    def _stage(self, name: str) -> Stage:
        stage = self.stages.get(name)
        if stage is None:  # A stage this version does not know; or one that is needed after all.
            unknown = Stage(StageInfo(id=name, title=name, expected_s=None, stuck_after_s=60))
            stage = self._left_out.pop(name, unknown)
            if len(self.stages) < MOST_STAGES:
                self.stages[name] = stage
        return stage

    def _on_progress(self, message: protocol.Progress) -> None:
        """A counter that is told again is no progress; where there is nothing to count, new words are."""
        stage, at, done = self._stage(message.stage), message.at, message.done
        if stage.begun is None:
            stage.begun = done
        if done > stage.done:
            stage.gaps.append(at - self._counted_at)
        if stage.first is None and done > 0:
            stage.first = (at, done)
        uncounted = message.total is None and stage.total is None
        if done != stage.done or stage.moved_at is None or (uncounted and message.detail != stage.detail):
            stage.moved_at = self._counted_at = at
            if at > self.moved_at:
                self.moved_at = at
        stage.done, stage.detail = done, message.detail
        if message.total is not None:
            stage.total = message.total
        if stage.total is not None and stage.total < done:  # A download that is larger than was announced.
            stage.total = done

    def _on_counts(self, counts: Sequence[protocol.Progress]) -> None:
        """Of many that count one stage up, only the first and the last leave a trace."""
        passed = len(counts) - KEPT_GAPS - 1
        if passed > 0 and _rises(counts):
            self._on_progress(counts[0])
            last = counts[passed]
            stage = self._stage(last.stage)
            stage.done, stage.moved_at = last.done, last.at
            self._counted_at, self.moved_at = last.at, max(self.moved_at, last.at)
            counts = counts[passed + 1 :]
        for message in counts:
            self._on_progress(message)

    def _on_heartbeat(self, message: protocol.Heartbeat) -> None:
        if self.heartbeat:
            self.heartbeat_gap_s = message.at - self.heartbeat.at
        self.heartbeat = message
        paused = message.activity is protocol.Activity.PAUSED
        if paused and not self.paused:
            self._paused_at = message.at
        if self.paused and not paused:  # The time of a pause that was asked for does not count.
            self.moved_at = self._counted_at = max(self.moved_at, message.at)
            self._cut_out(message.at - self._paused_at)
        elif message.stood_still_s:
            self._stood_still(message.at, message.stood_still_s)
        self.paused = paused

    def awake(self, now: float) -> float:
        """`now`, or since when it is paused: then nothing that is timed goes on."""
        return min(now, self._paused_at) if self.paused else now

    def _stood_still(self, at: float, seconds: float) -> None:
        """The whole process did, until just before `at`: what was slow was not the training. Progress may
        have been told between its end and the beat that tells of it."""
        stage, began = self.current, at - seconds
        if self._counted_at <= began:
            self._counted_at = min(at, self._counted_at + seconds)
        elif stage is not None and stage.gaps and stage.gaps[-1] >= seconds:
            stage.gaps[-1] -= seconds
        self.moved_at = max(self.moved_at, at)
        self._cut_out(seconds, before=began)
        for open_stage in self.stages.values():
            if open_stage.state is StageState.RUNNING:
                open_stage.stood_still_s += seconds

    def _cut_out(self, seconds: float, before: float = math.inf) -> None:
        """What is open, and began before that, began so much later."""
        if self.epoch_began_at < before:
            self.epoch_began_at += seconds
        for stage in self.stages.values():
            running = stage.state is StageState.RUNNING and stage.started_at is not None
            if running and stage.started_at is not None and stage.started_at < before:
                stage.started_at += seconds
                if stage.moved_at is not None:
                    stage.moved_at += seconds
                if stage.first is not None:
                    stage.first = stage.first[0] + seconds, stage.first[1]

    def _on_stage(self, message: protocol.StageStarted | protocol.StageFinished) -> None:
        stage = self._stage(message.stage)
        match message:
            case protocol.StageStarted():
                stage.first, stage.begun, stage.stood_still_s = None, None, 0.0
                stage.state, stage.started_at, stage.elapsed_s = StageState.RUNNING, message.at, None
                stage.done, stage.total, stage.unit, stage.detail = 0, message.total, message.unit, ""
                if stage.id == "train":
                    self.epoch_began_at = message.at
                    self._enter("train_started")
                if not stage.inside_train:
                    self._log(message.at, f"{stage.title} …")
            case protocol.StageFinished():
                elapsed_s = max(0.0, message.elapsed_s - stage.stood_still_s)
                stage.state, stage.elapsed_s, stage.summary = StageState.DONE, elapsed_s, message.summary
                stage.times.append(elapsed_s)
                if not stage.inside_train:
                    self._log(message.at, f"{stage.title}: {message.summary} ({elapsed_s:.1f} s)")
        stage.moved_at = self._counted_at = message.at

    def _on_metrics(self, metrics: Sequence[protocol.Metric]) -> None:
        if not metrics:
            return
        self.metrics.extend(metrics)
        self.moved_at = max(self.moved_at, max(map(_AT, metrics)))
        last = metrics[-1]
        self.step, self.epoch = last.step, last.epoch
        self.images_per_s, self.timing = last.images_per_s, last.timing
        self._draw(metrics)

    def _draw(self, metrics: Sequence[protocol.Metric]) -> None:
        """Steps that an earlier start had made already are made again, from its last checkpoint on."""
        if not metrics:
            return
        for series in (self.loss, self.accuracy, self.lr):
            if len(series) and metrics[0].step <= series.x[-1]:
                series.cut(metrics[0].step)
        steps, values = np.array(list(map(_STEP, metrics)), float), list(map(_VALUES, metrics))
        for name, series in (("loss", self.loss), ("accuracy", self.accuracy), ("lr", self.lr)):
            try:
                series.extend(steps, list(map(itemgetter(name), values)))
            except KeyError:  # Not all of them told it.
                told = [metric for metric in metrics if name in metric.values]
                series.extend([metric.step for metric in told], [metric.values[name] for metric in told])

    def _on_epoch(self, message: protocol.EpochFinished) -> None:
        train = self._stage("train")
        from_step = train.first[1] if train.first and not self.epochs else None
        if is_whole(message, self.started, from_step, train.total):
            self.epoch_times.append(message.at - self.epoch_began_at)
        self.epochs.append(message)
        self.val_loss.append(message.step, message.val_loss)
        self.val_accuracy.append(message.step, message.val_accuracy)
        self.epoch_began_at = message.at
        if message.best:
            self.best = message
        accuracy = message.val_accuracy
        words = "–" if accuracy is None else f"{100 * accuracy:.1f} %"
        self._log(message.at, f"Epoch {message.epoch}: {words} of validation photos right")

    def _on_last(self, message: protocol.RunFinished | protocol.RunStopped | protocol.RunFailed) -> None:
        self.last = message
        self._end_open_stages()
        match message:
            case protocol.RunFinished():
                self._enter("run_finished")
                self._log(message.at, "Finished")
            case protocol.RunStopped():
                self._enter("run_stopped")
                self._log(message.at, f"Stopped: {message.reason}")
            case protocol.RunFailed():
                self._enter("run_failed")
                self._log(message.at, f"{message.text} {message.hint}".strip(), "error")

    def _end_open_stages(self) -> None:
        for stage in self.stages.values():
            if stage.state is StageState.RUNNING:
                stage.state = StageState.FAILED

    def _enter(self, event: str) -> None:
        self.phase = TRANSITIONS.get((self.phase, event), self.phase)

    def _log(self, at: float, text: str, level: str = "info") -> None:
        self.log.append(LogLine(at, text[:LINE_CHARS], level))
        self.log_count += 1


def _rises(counts: Sequence[protocol.Progress]) -> bool:
    """Whether each counts the same thing further than the one before: in a stretch no other stage begins."""
    first, last, done = counts[0], counts[-1], [message.done for message in counts]
    same = (first.stage, first.total) == (last.stage, last.total) and last.total is not None
    return same and all(map(lt, done, done[1:]))
