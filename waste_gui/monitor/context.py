"""What the rules look at: one run at one moment, and what the system says of its processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median

from waste_gui.monitor import formatting
from waste_gui.monitor.countdown import Remaining
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.gpu import Gpu
from waste_gui.monitor.run import Run, Stage
from waste_gui.monitor.stack_words import Doing, doing_of, in_words, place_of
from waste_gui.monitor.verdict import Action, Verdict, VerdictState
from waste_gui.monitor.waits import words as wait_words
from waste_gui.monitor.waits.link import Chain, Kind
from waste_gui.protocol import WorkerState

RED_SILENCE_S = 30.0
"""Nothing is called stuck after less silence than this."""

PHOTO_S = 30.0
"""A photo takes 0.01 s; one in flight for longer than this does not come any more."""

SPEECHLESS_S = 30.0
"""The engine says its first line within a second of its start."""

BEAT_S = 5.0
"""Heartbeats come each second."""

NOTICED_S = 10.0
"""Silence below this is never told, however fast the progress was."""

WORKING_CPU_PERCENT = 20.0
BUSY_CPU_PERCENT = 80.0
WORKING_IO = 50_000.0
WORKING_GPU_PERCENT = 20.0
ALL_BUSY_PERCENT = 90.0
"""Of all processors together: who wants one more has to wait for its turn."""

OTHERS_BUSY = "other programs keep this computer's processors busy"
GPU_ANSWERS_S = 3.0
"""A graphics driver answers within milliseconds."""

LOOP_FACTOR = 5.0
"""A frozen counter under a busy processor is a loop when the silence is this many times the limit."""

EXPECTED_FACTOR = 5.0
MEDIAN_FACTOR = 3.0
GAPS_NEEDED = 5
PHI = 8.0
COUNTED_STAGES = ("train", "validate", "embed")
LOADING_STAGES = (
    "single_sample",
    "first_train_batch",
    "first_val_batch",
    "embed",
    "train",
    "validate",
    "check",
)


@dataclass(frozen=True)
class Context:
    """What the rules look at."""

    run: Run
    remaining: Remaining
    evidence: Evidence
    now: float

    @cached_property
    def stage(self) -> Stage | None:
        return self.run.current

    @cached_property
    def title(self) -> str:
        return self.stage.title if self.stage else "Starting"

    @cached_property
    def silence_s(self) -> float:
        """Since the last progress, while the computer was awake."""
        return max(0.0, self.now - self.run.moved_at - self.run.slept_s)

    @cached_property
    def beat_age_s(self) -> float:
        """Since the last heartbeat; since the last message before there was one."""
        beat = self.run.heartbeat
        return max(0.0, self.now - (beat.at if beat else self.run.heard_at))

    @cached_property
    def beats(self) -> bool:
        return self.run.heartbeat is not None and self.beat_age_s <= BEAT_S

    @cached_property
    def limit_s(self) -> float:
        return silence_limit(self.stage, self.remaining)

    @cached_property
    def red(self) -> bool:
        return self.silence_s >= self.limit_s

    @cached_property
    def silent(self) -> bool:
        """Whether the silence is worth a word: longer than this stage's own gaps, or past its usual time."""
        if self.silence_s < NOTICED_S:
            return False
        if self.stage is not None and len(self.stage.gaps) >= GAPS_NEEDED:
            return self.silence_s > MEDIAN_FACTOR * max(median(self.stage.gaps), p99(self.stage))
        return self.red or self.over or self.remaining.usual_s is None and self.silence_s >= RED_SILENCE_S

    @cached_property
    def over(self) -> bool:
        """Past the usual time by more than a moment."""
        usual = self.remaining.usual_s
        return usual is not None and is_over(self.remaining.over_s, usual)

    @cached_property
    def held(self) -> tuple[tuple[WorkerState, float], ...]:
        """The workers that read a photo and for how long by now, the longest first. Nothing where the last
        beat is older than the last progress: what it told may be over."""
        beat = self.run.heartbeat
        if beat is None or beat.at < self.run.moved_at:
            return ()
        age = max(0.0, self.now - beat.at)
        reading = [(w, w.since_s + age) for w in beat.workers if w.path is not None and w.state == "reading"]
        return tuple(sorted(reading, key=lambda pair: -pair[1]))

    @cached_property
    def workers(self) -> tuple[WorkerState, ...]:
        return self.run.heartbeat.workers if self.run.heartbeat else ()

    @cached_property
    def cpu(self) -> float:
        return self.evidence.cpu_percent or 0.0

    @cached_property
    def others_busy(self) -> bool:
        """Whether no processor is free, and other programs have half of them or more."""
        busy, processors = self.evidence.machine.cpu_percent, self.evidence.machine.processors
        if busy is None or not processors or self.evidence.cpu_percent is None or busy < ALL_BUSY_PERCENT:
            return False
        return busy - self.cpu / processors >= 50.0

    @cached_property
    def reads(self) -> bool:
        return (self.evidence.io_bytes_per_s or 0.0) > WORKING_IO

    @cached_property
    def gpu(self) -> Gpu | None:
        """What the driver tells of the graphics card, where the engine computes on one."""
        return self.evidence.gpu if self.uses_gpu else None

    @cached_property
    def uses_gpu(self) -> bool:
        return self.run.heartbeat is not None and self.run.heartbeat.gpu is not None

    @cached_property
    def gpu_percent(self) -> float | None:
        """As the driver tells, or the engine."""
        if self.gpu is not None and self.gpu.utilisation is not None:
            return self.gpu.utilisation
        beat = self.run.heartbeat
        return beat.gpu.utilisation if beat and beat.gpu and self.beats else None

    @cached_property
    def works(self) -> bool:
        busy = self.cpu >= WORKING_CPU_PERCENT or (self.gpu_percent or 0) >= WORKING_GPU_PERCENT
        return busy or self.reads or self.waits_for_its_turn

    @cached_property
    def waits_for_its_turn(self) -> bool:
        """Whether it would work, if other programs left it a processor."""
        return self.others_busy and self.cpu > 0 and "running" in self.evidence.states

    @cached_property
    def chain(self) -> Chain | None:
        """What the engine waits for in this silence; None where nothing of it could be read."""
        chain = next((c for c in self.run.waits_now if c.first.role in ("main", "engine")), None)
        return chain if chain is not None and chain.known else None

    def chain_of(self, pid: int) -> Chain | None:
        """What a worker waits for, or that it runs."""
        chain = next((c for c in self.run.waits_now if c.first.pid == pid and c.first.role == "worker"), None)
        return chain if chain is not None and chain.first.kind is not Kind.UNKNOWN else None

    @cached_property
    def tried(self) -> tuple[str, ...]:
        """What could not be read of what the engine waits for."""
        return tuple(dict.fromkeys(line for chain in self.run.waits_now for line in chain.tried))

    @cached_property
    def doing(self) -> Doing | None:
        """What the engine's stack says that it does; None where none is known of this silence."""
        return doing_of(self.run.doing) if self.run.doing else None

    @cached_property
    def doing_words(self) -> str:
        return in_words(self.run.doing) if self.run.doing else ""

    @cached_property
    def place(self) -> str:
        """The function it is in."""
        return place_of(self.run.doing) if self.run.doing else ""

    @cached_property
    def state(self) -> VerdictState:
        return VerdictState.LIKELY_STUCK if self.red else VerdictState.SLOW

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """What is known, one fact a line."""
        lines = [
            f"Last progress {formatting.span(self.silence_s)} ago (limit {formatting.span(self.limit_s)})"
        ]
        if self.stage is not None and self.stage.done:
            of = f" of {self.stage.total}" if self.stage.total else ""
            lines.append(f"{self.title}: {self.stage.done}{of} {self.stage.unit}".rstrip())
        if self.run.heartbeat is not None:
            lines.append(f"Last response {formatting.span(self.beat_age_s)} ago")
            if self.run.heartbeat.where:
                lines.append(f"Main thread: {self.run.heartbeat.where}")
            if self.doing:
                lines.append(f"Its stack: {self.doing_words}, {self.place}")
            if looks := self.run.samples.in_words():
                lines.append(f"Its places: {looks}")
            if self.workers:
                asked = self.run.heartbeat.queued
                lines.append(f"Workers: {counted(self.workers)}; {asked} photos asked for")
        if self.evidence.cpu_percent is not None:
            lines.append(f"Processor: {self.evidence.cpu_percent:.0f} % of one core")
        if self.evidence.io_bytes_per_s is not None:
            lines.append(f"Reading and writing: {formatting.size(self.evidence.io_bytes_per_s)}/s")
        if self.gpu is not None and self.gpu.words:
            lines.append(f"GPU: {self.gpu.words}")
        elif self.gpu_percent is not None:
            lines.append(f"GPU: {self.gpu_percent:.0f} %")
        if self.uses_gpu and self.evidence.gpu_silent_s >= GPU_ANSWERS_S:
            lines.append(
                f"The graphics driver has not answered for {formatting.span(self.evidence.gpu_silent_s)}"
            )
        if self.evidence.states:
            lines.append(f"Processes: {', '.join(sorted(set(self.evidence.states)))}")
        lines += [
            f"{w.path}: worker {w.pid}, {formatting.span(held)}" for w, held in self.held[:3] if held > 1
        ]
        return tuple(lines)

    def silence(
        self,
        cause: str,
        text: str,
        actions: tuple[Action, ...],
        *,
        state: VerdictState | None = None,
        photo: str | None = None,
        chain: Chain | None = None,
    ) -> Verdict:
        """A verdict on this silence; amber before the limit, red from there, if not said otherwise. What a
        `chain` rests on comes first among its evidence."""
        state = self.state if state is None else state
        stuck = state is VerdictState.LIKELY_STUCK
        what = "Likely stuck" if stuck else "Slower than usual"
        usual = f" (usual: {self.usual})" if self.usual else ""
        title = f"{what}: {self.title}, no progress for {formatting.span(self.silence_s)}{usual}"
        facts = (*wait_words.evidence(chain), *self.facts) if chain else self.facts
        return Verdict(state, cause, title, text, facts, actions, photo, silent=True, chain=chain)

    @cached_property
    def usual(self) -> str:
        """This stage's usual time in words; nothing in training, where it is an epoch's."""
        usual = self.remaining.usual_s
        return (
            formatting.band(*usual) if usual and self.stage is not None and self.stage.id != "train" else ""
        )


def silence_limit(stage: Stage | None, remaining: Remaining) -> float:
    """Seconds without progress from which a stage is likely stuck.

    max(the stage's own limit, 5 × expected), never under 30 s. Expected is 3 × the median of the gaps between
    progress once five are known, else the low end of the table and 3 × the median of earlier runs (with the
    high end the table's own limits could never apply). In training and validation the gaps decide: φ of an
    accrual failure detector (Hayashibara 2004, with the exponential tail that Cassandra uses) is
    silence / (mean gap × ln 10), and 8 means one false alarm in 10⁸ gaps; at least 3 × the longest gap.
    """
    if stage is None:
        return SPEECHLESS_S * 2
    gaps = stage.gaps
    if 0 < len(gaps) < GAPS_NEEDED:  # Two steps of a minute each: the third may take as long.
        return max(_limit_by_table(stage, remaining), MEDIAN_FACTOR * max(gaps))
    if len(gaps) >= GAPS_NEEDED:
        limit = EXPECTED_FACTOR * MEDIAN_FACTOR * median(gaps)
        if stage.id in COUNTED_STAGES:
            return max(RED_SILENCE_S, limit, PHI * math.log(10) * fmean(gaps), MEDIAN_FACTOR * p99(stage))
        return max(RED_SILENCE_S, stage.info.stuck_after_s, limit)
    return _limit_by_table(stage, remaining)


def _limit_by_table(stage: Stage, remaining: Remaining) -> float:
    """Where too little is known of this stage's own pace."""
    expected = stage.info.expected_s[0] if stage.info.expected_s else 0.0
    if remaining.median_s is not None and stage.id != "train":
        expected = max(expected, MEDIAN_FACTOR * remaining.median_s)
    return float(max(RED_SILENCE_S, stage.info.stuck_after_s, EXPECTED_FACTOR * expected))


def is_over(over_s: float, usual: tuple[float, float]) -> bool:
    """By more than a moment, and more than a tenth."""
    return over_s > max(3.0, 0.1 * usual[1])


def counted(workers: tuple[WorkerState, ...]) -> str:
    states = [worker.state for worker in workers]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def p99(stage: Stage) -> float:
    gaps = sorted(stage.gaps)
    return gaps[int(0.99 * (len(gaps) - 1))]
