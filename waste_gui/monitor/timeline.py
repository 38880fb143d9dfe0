"""Timeline: what stages, main thread and workers did when, from messages and evidence alone.

All times are seconds on the engine's clock. Reads no clock; bounded in memory (`lanes.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter, sub
from typing import Any, Literal

from waste_gui import protocol
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.lanes import IN_ONE_S, LONG_S, Curve, Lane, SegmentKind
from waste_gui.monitor.numbering import Numbering
from waste_gui.monitor.stretches import Stretch, Told
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.protocol import LAST_MESSAGES, AnyMessage, Unreadable, WorkerState
from waste_gui.stages import INSIDE_TRAIN, STAGES

STAGE_KINDS = (SegmentKind.STAGE, SegmentKind.TRAIN, SegmentKind.VALIDATE, SegmentKind.SAVE)
TIMED = (SegmentKind.WAIT, SegmentKind.COPY, SegmentKind.COMPUTE)
MAIN_KINDS = (
    *TIMED,
    SegmentKind.WORK,
    SegmentKind.VALIDATE,
    SegmentKind.SAVE,
    SegmentKind.PAUSED,
    SegmentKind.STUCK,
    SegmentKind.SILENT,
)
STANDS = (SegmentKind.WAIT, SegmentKind.PAUSED, SegmentKind.STUCK, SegmentKind.SILENT)
WORKER_KINDS = (
    SegmentKind.STARTING,
    SegmentKind.READING,
    SegmentKind.LONG,
    SegmentKind.HELD,
    SegmentKind.IDLE,
)
WORKER_STATES = {"starting": SegmentKind.STARTING, "reading": SegmentKind.READING, "idle": SegmentKind.IDLE}
OF_STAGE = {"train": SegmentKind.TRAIN, "validate": SegmentKind.VALIDATE, "save": SegmentKind.SAVE}

MOST_WORKERS = 64
NAME_CHARS = 400
"""Of a photo's path its end, of an event's words the begin."""
MOST_MARKS = 4_000
METRICS_S = 1.0
"""The times of the steps are told together for as long."""

CATCHING_UP_S = 10.0
"""Messages of more than this at once: a run is read from its file, or the window could not keep up. Then a
look each so often is enough."""

SILENT_S = 3.0
"""A beat comes each second."""

IN_STEP_S = 1.5
"""Steps are told up to ten times a second; for as long after one, its times say more than a beat."""

_SINCE = attrgetter("since_s")
_WAIT, _COPY, _COMPUTE = attrgetter("wait_s"), attrgetter("copy_s"), attrgetter("compute_s")

CurveName = Literal["cpu", "disk", "gpu", "memory"]


class MarkKind(Enum):
    """What happened at one moment; the values are the words of the legend."""

    FAILED = "photo not readable"
    WARNED = "warning"
    SAVED = "saved"
    SLEPT = "computer slept"
    ON_SCHEDULE = "on schedule again"
    SLOW = "slower than usual"
    STUCK = "likely stuck"


VERDICT_MARKS = {
    VerdictState.ON_SCHEDULE: MarkKind.ON_SCHEDULE,
    VerdictState.SLOW: MarkKind.SLOW,
    VerdictState.LIKELY_STUCK: MarkKind.STUCK,
}


@dataclass(frozen=True)
class Mark:
    at: float
    kind: MarkKind
    text: str


class Timeline:
    """`receive` and `look` are the ways in."""

    def __init__(self) -> None:
        self.stages = Lane("Stages", STAGE_KINDS)
        self.main = Lane("Main thread", MAIN_KINDS)
        self.workers: list[Lane] = []
        self.marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self.curves: dict[CurveName, Curve] = {name: Curve() for name in ("cpu", "disk", "gpu", "memory")}
        self.now = 0.0
        self._heard_at = 0.0
        self._numbering = Numbering()
        self._ended = False
        self._stage = ""
        self._metric_at = self._told_at = self._workers_at = 0.0
        self._waited_s = self._copied_s = self._computed_s = 0.0  # In the steps since then.
        self._titles = {info.id: info.title for info in STAGES}
        self._pids: list[int] = []  # Of each worker's lane, the process that is in it now.
        self._evidence: Evidence | None = None
        self._uses_gpu = False
        self._state = VerdictState.ON_SCHEDULE
        self._ways: dict[type, Callable[[Any], None]] = {
            protocol.RunStarted: self._on_started,
            protocol.StageStarted: self._on_stage_started,
            protocol.StageFinished: self._on_stage_finished,
            protocol.Metric: self._on_metric,
            protocol.Heartbeat: self._on_heartbeat,
            protocol.ImageFailed: self._on_failed,
            protocol.Warned: self._on_warned,
            protocol.CheckpointSaved: self._on_saved,
            **dict.fromkeys(LAST_MESSAGES, self._on_last),
        }

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return (self.stages, self.main, *self.workers)

    def receive(self, message: AnyMessage | Unreadable) -> None:
        """Take in one message; one that came before is passed over."""
        if isinstance(message, Unreadable) or not self._numbering.takes(message.seq):
            return
        self._hear(message.at)
        way = self._ways.get(type(message))
        if way is not None:
            way(message)

    def receive_all(self, told: Iterable[Told]) -> None:
        """The same as `receive` for each. Of a run that is caught up with, what it told each second is looked
        at less often: it would soon be merged anyway."""
        for each in told:
            if not isinstance(each, Stretch):
                self.receive(each)
            elif each.first_seq == self._numbering.next and self._only_trains(each):
                self._take_stretch(each)
            else:
                for message in each.messages:
                    self.receive(message)

    def _only_trains(self, stretch: Stretch) -> bool:
        """Whether it is long, and a step was told all the time, so that heartbeats add nothing to those."""
        if self._stage != "train" or self.main.open is None or self.main.open.kind not in TIMED:
            return False
        times = [self._metric_at, *stretch.metric_times, stretch.last_at]
        longest_s: float = max(map(sub, times[1:], times))
        return times[-1] - times[0] >= CATCHING_UP_S and longest_s < IN_STEP_S

    def _take_stretch(self, stretch: Stretch) -> None:
        self._numbering.pass_over(stretch.count)
        times, begin = stretch.metric_times, 0
        while begin < len(times):
            end = min(len(times), bisect_left(times, self._told_at + CATCHING_UP_S, begin) + 1)
            timings = [metric.timing for metric in stretch.metrics[begin:end]]
            self._waited_s += sum(map(_WAIT, timings))
            self._copied_s += sum(map(_COPY, timings))
            self._computed_s += sum(map(_COMPUTE, timings))
            self._metric_at = times[end - 1]
            if self._metric_at - self._told_at >= CATCHING_UP_S:
                self._tell_steps(CATCHING_UP_S)
            begin = end
        self._on_gpus(stretch.heartbeats)
        for beat in stretch.heartbeats:
            if self._tells_of_workers(beat, CATCHING_UP_S):
                self._on_workers(beat.workers, beat.at)
        for lane in (self.stages, self.main):
            lane.extend(stretch.last_at)
        self._hear(stretch.last_at)

    def _hear(self, at: float) -> None:
        if at > self._heard_at:
            self._heard_at = at
            if at > self.now:
                self.now = at

    def look(
        self, evidence: Evidence, now: float, verdict: Verdict | None = None, moved_at: float = 0.0
    ) -> None:
        """What was seen from outside; evidence that was seen before is not counted again. A run that is stuck
        has been so since its last progress, `moved_at`."""
        if self._ended:
            return
        self.now = now = max(now, self.now)
        self.stages.extend(now)
        if now - self._heard_at <= SILENT_S:
            for lane in (self.main, *self.workers):
                lane.extend(now)
        elif self.main.open is not None:
            self.main.become(SegmentKind.SILENT, self._heard_at)
            self.main.extend(now)
        if evidence is not self._evidence:
            self._evidence = evidence
            self._measure(evidence, now)
        if verdict is not None and verdict.state is not self._state and verdict.state in VERDICT_MARKS:
            self._state = verdict.state
            words = verdict.title if verdict.state is not VerdictState.ON_SCHEDULE else "On schedule again"
            self._mark(now, VERDICT_MARKS[verdict.state], words)
        open_ = self.main.open
        if self._state is VerdictState.LIKELY_STUCK and open_ is not None and open_.kind not in STANDS:
            self.main.become(SegmentKind.STUCK, max(moved_at, open_.start))
            self.main.extend(now)

    def _measure(self, evidence: Evidence, now: float) -> None:
        measured: dict[CurveName, float | None] = {
            "cpu": evidence.cpu_percent,
            "disk": evidence.io_bytes_per_s,
            "memory": evidence.machine.free_memory_bytes,
            "gpu": evidence.gpu.utilisation if evidence.gpu and self._uses_gpu else None,
        }
        for name, value in measured.items():
            if value is not None:
                self.curves[name].append(now, value)
        if evidence.slept_s:
            self._mark(now, MarkKind.SLEPT, f"The computer slept for {evidence.slept_s:.0f} s")

    def _mark(self, at: float, kind: MarkKind, text: str) -> None:
        self.marks.append(Mark(at, kind, text[:NAME_CHARS]))

    # --- messages

    def _on_started(self, message: protocol.RunStarted) -> None:
        self._titles.update((info.id, info.title) for info in message.stages)
        self._ended = False  # It was resumed.
        self.main.become(SegmentKind.WORK, message.at, "starting")

    def _on_stage_started(self, message: protocol.StageStarted) -> None:
        self._tell_steps()
        self._stage = message.stage
        name = self._titles.get(message.stage, message.stage)
        self.stages.become(OF_STAGE.get(message.stage, SegmentKind.STAGE), message.at, name)
        self._metric_at = message.at
        if message.stage == "train":
            self.main.become(SegmentKind.COMPUTE, message.at)
        else:
            self.main.become(self._kind_of_work(), message.at, self._name_of_work(name))

    def _on_stage_finished(self, message: protocol.StageFinished) -> None:
        self._tell_steps()
        if message.stage in INSIDE_TRAIN and self.stages.open is not None:
            self._stage = "train"
            self.stages.become(SegmentKind.TRAIN, message.at, self._titles["train"])
            self.main.become(SegmentKind.COMPUTE, message.at)
        else:
            self._stage = ""
            self.stages.close(message.at)
            self.main.become(SegmentKind.WORK, message.at)
        self._metric_at = message.at

    def _on_metric(self, message: protocol.Metric) -> None:
        timing = message.timing
        self._waited_s += timing.wait_s
        self._copied_s += timing.copy_s
        self._computed_s += timing.compute_s
        self._metric_at = message.at
        if message.at - self._told_at >= METRICS_S:
            self._tell_steps()

    def _tell_steps(self, every_s: float = METRICS_S) -> None:
        """How the time of the last steps was spent."""
        shares = {
            SegmentKind.WAIT: self._waited_s,
            SegmentKind.COPY: self._copied_s,
            SegmentKind.COMPUTE: self._computed_s,
        }
        if not any(shares.values()):
            return
        self._waited_s = self._copied_s = self._computed_s = 0.0
        if self.main.open is None or self.main.open.kind not in TIMED:
            self.main.become(SegmentKind.COMPUTE, self.main.ends_at)
        self.main.share(self._metric_at, shares, every_s)
        self.stages.extend(self._metric_at)
        self._told_at = self._metric_at

    def _on_heartbeat(self, message: protocol.Heartbeat) -> None:
        self._on_where(message)
        self._on_gpus([message])
        if self._tells_of_workers(message, METRICS_S):
            self._on_workers(message.workers, message.at)
        self.stages.extend(message.at)

    def _on_gpus(self, beats: Sequence[protocol.Heartbeat]) -> None:
        if beats:
            self._uses_gpu = beats[-1].gpu is not None
        known = [(beat.at, beat.gpu.utilisation) for beat in beats if beat.gpu is not None]
        self.curves["gpu"].extend([(at, used) for at, used in known if used is not None])

    def _tells_of_workers(self, message: protocol.Heartbeat, every_s: float) -> bool:
        """One that reads a photo for long is never passed over."""
        if not message.workers and not self._pids:
            return False
        soon = every_s > METRICS_S and message.at - self._workers_at < every_s
        if soon and max(map(_SINCE, message.workers), default=0.0) < LONG_S:
            return False
        self._workers_at = message.at
        return True

    def _on_where(self, message: protocol.Heartbeat) -> None:
        """While steps are told, their times say more than a look each second."""
        in_step = self._stage == "train" and message.at - self._metric_at < IN_STEP_S
        if not in_step:
            self._tell_steps()
        since = self._told_until() if self._stage == "train" else message.at
        if message.activity is protocol.Activity.PAUSED:
            self.main.become(SegmentKind.PAUSED, since)
        elif not in_step or (self.main.open is not None and self.main.open.kind is SegmentKind.SILENT):
            self.main.become(*self._work_of(message, since))
        self.main.extend(message.at)

    def _work_of(self, beat: protocol.Heartbeat, since: float) -> tuple[SegmentKind, float, str]:
        """What it does by its own account, as long as nobody knows better."""
        if beat.activity.waits:
            return SegmentKind.WAIT, since, ""
        if self._state is VerdictState.LIKELY_STUCK:
            return SegmentKind.STUCK, since, ""
        return self._kind_of_work(), since, self._name_of_work(beat.where)

    def _told_until(self) -> float:
        """Since the last step nothing was told of the main thread, but that it was silent."""
        silence = self.main.open if self.main.open and self.main.open.kind is SegmentKind.SILENT else None
        return silence.end if silence else self._metric_at

    def _kind_of_work(self) -> SegmentKind:
        return {"train": SegmentKind.COMPUTE, "validate": SegmentKind.VALIDATE, "save": SegmentKind.SAVE}.get(
            self._stage, SegmentKind.WORK
        )

    def _name_of_work(self, words: str) -> str:
        """Start-up does many things; what it does in the epochs is said by the kind."""
        return words if self._kind_of_work() is SegmentKind.WORK else ""

    def _on_workers(self, workers: tuple[WorkerState, ...], at: float) -> None:
        there = {worker.pid for worker in workers}
        for worker in workers:
            lane = self._lane_of(worker.pid, there)
            if lane is not None:
                _take_worker(lane, worker, at)
        for i, pid in enumerate(self._pids):
            if pid not in there:
                self.workers[i].close(self.workers[i].ends_at)

    def _lane_of(self, pid: int, there: set[int]) -> Lane | None:
        """Its own; else that of a worker that is gone, which it replaces; else a new one."""
        if pid in self._pids:
            return self.workers[self._pids.index(pid)]
        for i, before in enumerate(self._pids):
            if before not in there:
                self._pids[i] = pid
                self.workers[i].close(self.workers[i].ends_at)
                self.workers[i].title = f"Worker {pid}"
                return self.workers[i]
        if len(self.workers) >= MOST_WORKERS:
            return None
        self._pids.append(pid)
        self.workers.append(Lane(f"Worker {pid}", WORKER_KINDS))
        return self.workers[-1]

    def _on_failed(self, message: protocol.ImageFailed) -> None:
        self._mark(message.at, MarkKind.FAILED, f"Cannot read {message.path}: {message.reason}")

    def _on_warned(self, message: protocol.Warned) -> None:
        self._mark(message.at, MarkKind.WARNED, message.text)

    def _on_saved(self, message: protocol.CheckpointSaved) -> None:
        best = ", the best so far" if message.best else ""
        self._mark(message.at, MarkKind.SAVED, f"Saved after step {message.step}{best}")

    def _on_last(self, message: AnyMessage) -> None:
        self._tell_steps()
        self._ended = True
        for lane in self.lanes:
            lane.close(message.at if lane in (self.stages, self.main) else lane.ends_at)


def _take_worker(lane: Lane, worker: WorkerState, at: float) -> None:
    """A beat tells what it does now and since when; between two beats it read photos that nobody named."""
    since = max(0.0, at - worker.since_s)
    kind, name = WORKER_STATES.get(worker.state, SegmentKind.IDLE), (worker.path or "")[-NAME_CHARS:]
    before = lane.open
    if before is None:
        lane.become(kind, since, name)
    elif kind is before.kind is SegmentKind.READING and name != before.name and lane.next_photo(since, name):
        pass
    elif kind is before.kind is SegmentKind.IDLE and worker.since_s == 0:
        pass  # It does not tell since when.
    elif (before.kind, before.name) != (kind, name) or since > before.end:
        if since - before.end > IN_ONE_S:
            lane.become(
                SegmentKind.STARTING if before.kind is SegmentKind.STARTING else SegmentKind.READING,
                before.end,
            )
        lane.become(kind, max(since, before.end), name)
    lane.extend(at)
