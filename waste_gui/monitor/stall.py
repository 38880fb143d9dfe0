"""What the silence of a run means: a verdict, its cause in words, and what the person can do.

The rules stand in `RULES`, in the order of the decision table of `design/stalls.md`; the first that says
something wins. A heartbeat is no proof of progress: in 11 of 16 measured stalls it went on. So silence is
counted from the last progress, and what the processes do decides what the silence means.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from statistics import fmean, median

import numpy as np

from waste_gui.monitor import words
from waste_gui.monitor.countdown import Remaining, epoch_taken, usual_epoch
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Phase, Run, Stage
from waste_gui.protocol import RunFailed, RunFinished, RunStopped, WorkerState
from waste_gui.stages import INSIDE_TRAIN

RED_SILENCE_S = 30.0
"""Nothing is called stuck after less silence than this."""

PHOTO_S = 30.0
"""A photo takes 0.01 s; one in flight for longer than this does not come any more."""

BEAT_S = 5.0
"""Heartbeats come each second."""

NOTICED_S = 10.0
"""Silence below this is never told, however fast the progress was."""

SPEECHLESS_S = 30.0
"""The engine says its first line within a second of its start."""

STOP_S = 20.0
WORKING_CPU_PERCENT = 20.0
BUSY_CPU_PERCENT = 80.0
WORKING_IO = 50_000.0
WORKING_GPU_PERCENT = 20.0
LOOP_FACTOR = 5.0
"""A frozen counter under a busy processor is a loop when the silence is this many times the limit."""

EXPECTED_FACTOR = 5.0
MEDIAN_FACTOR = 3.0
GAPS_NEEDED = 5
PHI = 8.0
FULL_DISK_BYTES = 100_000_000
FEW_MEMORY = 0.05
COUNTED_STAGES = ("train", "validate")
LOADING_STAGES = ("single_sample", "first_train_batch", "first_val_batch", "train", "validate", "check")


class State(Enum):
    """As `python -m waste_gui.monitor` prints it."""

    ON_SCHEDULE = "on_schedule"
    SLOW = "slow"
    LIKELY_STUCK = "likely_stuck"
    ENDED = "ended"


class Action(Enum):
    """What a button of the warning does. The value is the button's text."""

    SHOW_WHERE = "Show where it waits"
    SET_ASIDE = "Set that photo aside"
    KEEP_WAITING = "Keep waiting 5 min"
    STOP = "Stop, keep best model"
    FORCE_STOP = "Force stop"
    RESUME = "Go on"
    COPY_DETAILS = "Copy details"


ASK = (Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP)
ASK_PHOTO = (Action.SHOW_WHERE, Action.SET_ASIDE, Action.KEEP_WAITING, Action.STOP)
REPORT = (Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP, Action.COPY_DETAILS)


@dataclass(frozen=True)
class Verdict:
    """`title` is one line, `text` says the evidence and the cause in words, `evidence` its facts one a line;
    `photo` is the path in question, if one is; `silent` says that progress has stopped for now."""

    state: State
    cause: str
    title: str
    text: str
    evidence: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    photo: str | None = None
    silent: bool = False


@dataclass(frozen=True)
class Scene:
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
        """Since the last progress."""
        return max(0.0, self.now - self.run.moved_at)

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
            return self.silence_s > MEDIAN_FACTOR * max(median(self.stage.gaps), _p99(self.stage))
        return self.red or self.over or self.remaining.usual_s is None and self.silence_s >= RED_SILENCE_S

    @cached_property
    def over(self) -> bool:
        """Past the usual time by more than a moment."""
        usual = self.remaining.usual_s
        return usual is not None and _is_over(self.remaining.over_s, usual)

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
    def reads(self) -> bool:
        return (self.evidence.io_bytes_per_s or 0.0) > WORKING_IO

    @cached_property
    def gpu_percent(self) -> float | None:
        beat = self.run.heartbeat
        return beat.gpu.utilisation if beat and beat.gpu and self.beats else None

    @cached_property
    def works(self) -> bool:
        return self.cpu >= WORKING_CPU_PERCENT or self.reads or (self.gpu_percent or 0) >= WORKING_GPU_PERCENT

    @cached_property
    def state(self) -> State:
        return State.LIKELY_STUCK if self.red else State.SLOW

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """What is known, one fact a line."""
        lines = [f"Last progress {words.span(self.silence_s)} ago (limit {words.span(self.limit_s)})"]
        if self.stage is not None and self.stage.done:
            of = f" of {self.stage.total}" if self.stage.total else ""
            lines.append(f"{self.title}: {self.stage.done}{of} {self.stage.unit}".rstrip())
        if self.run.heartbeat is not None:
            lines.append(f"Last sign of life {words.span(self.beat_age_s)} ago")
            if self.run.heartbeat.where:
                lines.append(f"Main thread: {self.run.heartbeat.where}")
            if self.workers:
                asked = self.run.heartbeat.queued
                lines.append(f"Workers: {_counted(self.workers)}; {asked} photos asked for")
        if self.evidence.cpu_percent is not None:
            lines.append(f"Processor: {self.evidence.cpu_percent:.0f} % of one core")
        if self.evidence.io_bytes_per_s is not None:
            lines.append(f"Reading and writing: {words.size(self.evidence.io_bytes_per_s)}/s")
        if self.gpu_percent is not None:
            lines.append(f"GPU: {self.gpu_percent:.0f} %")
        if self.evidence.states:
            lines.append(f"Processes: {', '.join(sorted(set(self.evidence.states)))}")
        lines += [f"{w.path}: worker {w.pid}, {words.span(held)}" for w, held in self.held[:3] if held > 1]
        return tuple(lines)

    def silence(
        self,
        cause: str,
        text: str,
        actions: tuple[Action, ...],
        *,
        state: State | None = None,
        photo: str | None = None,
    ) -> Verdict:
        """A verdict on this silence; amber before the limit, red from there, if not said otherwise."""
        state = self.state if state is None else state
        stuck = state is State.LIKELY_STUCK
        what = "Likely stuck" if stuck else "Slower than usual"
        usual = f" (usual: {self.usual})" if self.usual else ""
        title = f"{what}: {self.title}, no progress for {words.span(self.silence_s)}{usual}"
        return Verdict(state, cause, title, text, self.facts, actions, photo, silent=True)

    @cached_property
    def usual(self) -> str:
        """This stage's usual time in words; nothing in training, where it is an epoch's."""
        usual = self.remaining.usual_s
        return words.band(*usual) if usual and self.stage is not None and self.stage.id != "train" else ""


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
    if len(gaps) >= GAPS_NEEDED:
        limit = EXPECTED_FACTOR * MEDIAN_FACTOR * median(gaps)
        if stage.id in COUNTED_STAGES:
            return max(RED_SILENCE_S, limit, PHI * math.log(10) * fmean(gaps), MEDIAN_FACTOR * _p99(stage))
        return max(RED_SILENCE_S, stage.info.stuck_after_s, limit)
    expected = stage.info.expected_s[0] if stage.info.expected_s else 0.0
    if remaining.median_s is not None and stage.id != "train":
        expected = max(expected, MEDIAN_FACTOR * remaining.median_s)
    return float(max(RED_SILENCE_S, stage.info.stuck_after_s, EXPECTED_FACTOR * expected))


def diagnose(run: Run, remaining: Remaining, evidence: Evidence, now: float) -> Verdict:
    """What the silence of this run means, and what the person can do about it."""
    scene = Scene(run, remaining, evidence, now)
    for rule in RULES:
        verdict = rule(scene)
        if verdict is not None:
            return verdict
    return _on_schedule(scene)


def _ended(scene: Scene) -> Verdict | None:
    run = scene.run
    if not run.phase.ended:
        return None
    match run.last:
        case RunFinished(elapsed_s=elapsed_s):
            best = f" Best: {_percent(run.best.val_accuracy)} (epoch {run.best.epoch})." if run.best else ""
            return Verdict(State.ENDED, "finished", "Done", f"Done in {words.clock(elapsed_s)}.{best}")
        case RunStopped(reason=reason):
            kept = f" The best model so far, epoch {run.best.epoch}, is kept." if run.best else ""
            text = f"{reason.rstrip('.') or 'Stopped'}.{kept}"
            return Verdict(State.ENDED, "stopped", "Stopped", text)
        case RunFailed(kind=kind, text=text, hint=hint, traceback=traceback):
            actions = (Action.COPY_DETAILS,)
            last_line = traceback.strip().splitlines()[-1:]
            return Verdict(
                State.ENDED,
                _as_id(kind) or "failed",
                text,
                f"{text} {hint}".strip(),
                tuple(last_line),
                actions,
            )
    text = run.exit_words or "The training process ended without saying why."
    return Verdict(State.ENDED, "crashed", "Training ended unexpectedly", text, (), (Action.COPY_DETAILS,))


def _idle(scene: Scene) -> Verdict | None:
    if scene.run.phase is not Phase.IDLE:
        return None
    return Verdict(State.ON_SCHEDULE, "idle", "Nothing is running", "Nothing is running.")


def _gone(scene: Scene) -> Verdict | None:
    """The process is gone, and its last message, if there was one, had time to arrive."""
    if scene.evidence.alive or scene.run.phase is Phase.LAUNCHED or scene.now - scene.run.heard_at <= 2:
        return None
    text = "The training process is gone and did not say why. It was killed, or it crashed."
    title = "Training ended unexpectedly"
    return Verdict(State.ENDED, "gone", title, text, scene.facts, (Action.COPY_DETAILS,))


def _stopping(scene: Scene) -> Verdict | None:
    run = scene.run
    if run.stop_asked_at is None:
        return None
    waited = scene.now - run.stop_asked_at
    if waited < STOP_S:
        text = "Stopping: the step that runs is finished and the model saved."
        return Verdict(State.ON_SCHEDULE, "stopping", "Stopping", text)
    disk = " Nothing is on disk yet."
    if run.checkpoint is not None:
        epoch = run.best.epoch if run.best else run.checkpoint.epoch
        disk = f" The {'best' if run.best else 'last'} model, epoch {epoch}, is already on disk."
    title = f"It has not stopped after {words.span(waited)}"
    actions = (Action.FORCE_STOP, Action.KEEP_WAITING, Action.SHOW_WHERE)
    return Verdict(
        State.LIKELY_STUCK, "not_stopping", title, f"{title}. Force it?{disk}", scene.facts, actions
    )


def _stopped_process(scene: Scene) -> Verdict | None:
    """Row 3: a process in T."""
    if "stopped" not in scene.evidence.states or max(scene.beat_age_s, scene.silence_s) <= BEAT_S:
        return None
    who = "The training process" if scene.beat_age_s > BEAT_S else "A data worker"
    text = f"{who} is paused: somebody stopped it (SIGSTOP). It goes on where it was when it is continued."
    state = State.LIKELY_STUCK if scene.silence_s >= RED_SILENCE_S else State.SLOW
    return scene.silence("paused", text, (Action.RESUME, Action.STOP), state=state)


def _paused(scene: Scene) -> Verdict | None:
    if not scene.run.paused:
        return None
    return Verdict(State.ON_SCHEDULE, "paused_by_you", "Paused", "Paused.", (), (Action.RESUME, Action.STOP))


def _nothing_said(scene: Scene) -> Verdict | None:
    if scene.run.phase is not Phase.LAUNCHED:
        return None
    if scene.now < NOTICED_S:
        return Verdict(State.ON_SCHEDULE, "starting", "Starting", "The training process is starting.")
    text = (
        f"The training process was started {words.span(scene.now)} ago and has not said anything yet. "
        "Usually it does within a second. An antivirus program or a slow network home can hold it up."
    )
    state = State.LIKELY_STUCK if scene.now >= SPEECHLESS_S else State.SLOW
    return scene.silence("no_first_word", text, REPORT, state=state)


def _disk_full(scene: Scene) -> Verdict | None:
    """Row 6."""
    free = scene.evidence.free_disk_bytes
    saving = scene.stage is not None and scene.stage.id == "save" and scene.silence_s > BEAT_S
    if free is None or free >= FULL_DISK_BYTES or not (saving or scene.silent):
        return None
    text = (
        f"The disk of the run folder is full: {words.size(free)} are free. Delete what is not needed there."
    )
    return scene.silence("disk_full", text, ASK)


def _source_gone(scene: Scene) -> Verdict | None:
    """The engine says itself which folder it waits for."""
    if not scene.run.away or scene.silence_s <= BEAT_S:
        return None
    gone = next(iter(scene.run.away.values()))
    others = len(scene.run.away) - 1
    more = f" So {'is 1 more' if others == 1 else f'are {others} more'}." if others else ""
    text = (
        f"{gone.folder} {gone.reason}.{more} Its drive was unplugged, its network was lost, or it was moved. "
        "Bring it back: training goes on by itself, and no photo is lost."
    )
    state = State.LIKELY_STUCK if scene.silence_s >= RED_SILENCE_S else State.SLOW
    title = f"Waiting for a folder of photos: no progress for {words.span(scene.silence_s)}"
    return replace(scene.silence("source_gone", text, ASK, state=state), title=title)


def _one_photo(scene: Scene) -> Verdict | None:
    """Rows 9 and 10: some workers hold a photo, the others do not; or the only one does."""
    stuck = [(worker, held) for worker, held in scene.held if held > PHOTO_S]
    if not stuck or scene.silence_s <= BEAT_S or (len(stuck) > 1 and len(stuck) * 2 > len(scene.workers)):
        return None
    worker, held = stuck[0]
    name = PurePath(worker.path or "").name
    others = f" {len(stuck) - 1} more are held as well." if len(stuck) > 1 else ""
    text = (
        f"Data worker {worker.pid} has been on {worker.path} for {words.span(held)} (usual: 0.01 s).{others} "
        f"The photo is damaged, is no ordinary file, or its drive does not answer. "
        f"Set {name} aside: training goes on without it."
    )
    state = State.LIKELY_STUCK if scene.silence_s >= RED_SILENCE_S else State.SLOW
    return scene.silence("one_photo", text, ASK_PHOTO, state=state, photo=worker.path)


def _storage(scene: Scene) -> Verdict | None:
    """Rows 7 and 8: the workers wait for photos all at once, so the drive is the suspect."""
    stuck = [(worker, held) for worker, held in scene.held if held > PHOTO_S]
    if len(stuck) < 2 or len(stuck) * 2 <= len(scene.workers) or scene.silence_s <= BEAT_S:
        return None
    path = stuck[0][0].path or ""
    if scene.reads:
        speed = words.size(scene.evidence.io_bytes_per_s or 0)
        text = (
            f"Reading {path}: {speed}/s. The drive is slow, but it answers. Nothing is wrong; you can wait."
        )
        return scene.silence("slow_storage", text, ASK_PHOTO, state=State.SLOW, photo=path)
    if scene.cpu >= WORKING_CPU_PERCENT and scene.silence_s < LOOP_FACTOR * scene.limit_s:
        text = f"The data workers are busy with large photos, {path} for one. You can wait."
        return scene.silence("large_photos", text, ASK_PHOTO, state=State.SLOW, photo=path)
    many = "Both" if len(scene.workers) == len(stuck) == 2 else f"{len(stuck)} of {len(scene.workers)}"
    same = len({worker.path for worker, _ in stuck}) == 1
    text = (
        f"{many} data workers wait for {path if same else f'their photos, {path} for one'}. "
        "Often a network drive went away. Check the drive; when it answers, training goes on by itself."
    )
    if "disk-sleep" in scene.evidence.states:
        text += " Stopping may not work until the drive answers."
    state = State.LIKELY_STUCK if scene.silence_s >= RED_SILENCE_S else State.SLOW
    return scene.silence("storage", text, ASK_PHOTO, state=state, photo=path)


def _workers_starting(scene: Scene) -> Verdict | None:
    """Row 18."""
    starting = [worker for worker in scene.workers if worker.state == "starting"]
    if not starting or not scene.silent or scene.silence_s >= 2 * scene.limit_s:
        return None
    ready = len(scene.workers) - len(starting)
    text = f"Starting the data workers: {ready} of {len(scene.workers)} ready."
    return scene.silence("workers_starting", text, ASK, state=State.SLOW)


def _handover(scene: Scene) -> Verdict | None:
    """Row 13: every worker idle, nothing in flight, and the main thread waits."""
    beat, stage = scene.run.heartbeat, scene.stage
    if beat is None or not beat.workers or stage is None or stage.id not in LOADING_STAGES:
        return None
    if scene.held or not scene.red or scene.works or not scene.beats:
        return None
    if any(worker.state != "idle" for worker in beat.workers) or "photo" not in beat.where:
        return None
    text = (
        "The data workers are idle, but the batch did not arrive: it was lost between them and the training."
    )
    return scene.silence("handover", text, REPORT)


def _low_memory(scene: Scene) -> Verdict | None:
    """Row 25."""
    free = scene.evidence.free_memory
    if free is None or free >= FEW_MEMORY or not (scene.silent or scene.over):
        return None
    text = (
        f"The computer is nearly out of memory ({100 * free:.0f} % free) and may swap. Close other programs, "
        "or start again with a smaller batch or fewer data workers."
    )
    return scene.silence("memory", text, REPORT)


def _network(scene: Scene) -> Verdict | None:
    """Row 15: a model's weights do not come."""
    if scene.stage is None or scene.stage.id != "model" or not scene.silent or scene.works:
        return None
    text = (
        f"Waiting for the model's weights for {words.span(scene.silence_s)}. The network or its server does "
        "not answer; the download gives up by itself near 400 s. Check the network, or choose a file with "
        "weights."
    )
    return scene.silence("network", text, REPORT)


def _busy_in_one_call(scene: Scene) -> Verdict | None:
    """Row 23: the beat stopped while the processor is busy, so one operation holds the interpreter."""
    if scene.beat_age_s <= BEAT_S or scene.cpu < BUSY_CPU_PERCENT or not scene.silent or _looping(scene):
        return None
    where = f" ({scene.run.heartbeat.where})" if scene.run.heartbeat and scene.run.heartbeat.where else ""
    text = f"The training is inside one long operation{where}: the processor is busy, so it still works."
    return scene.silence("one_operation", text, ASK, state=State.SLOW)


def _loop(scene: Scene) -> Verdict | None:
    """Row 24: busy, and yet nothing is counted for many times the limit."""
    if not _looping(scene):
        return None
    text = (
        f"The processor works at {scene.cpu:.0f} % of a core, but nothing has been finished for "
        f"{words.span(scene.silence_s)}: the program seems to repeat itself."
    )
    return scene.silence("loop", text, REPORT, state=State.LIKELY_STUCK)


def _looping(scene: Scene) -> bool:
    gpu_works = (scene.gpu_percent or 0) >= WORKING_GPU_PERCENT
    burns = scene.cpu >= WORKING_CPU_PERCENT and not scene.reads and not gpu_works
    return burns and scene.silence_s >= LOOP_FACTOR * scene.limit_s


def _first_step(scene: Scene) -> Verdict | None:
    """Row 19."""
    if scene.stage is None or scene.stage.id != "train" or scene.stage.done > 0 or scene.run.step > 0:
        return None
    if not scene.silent or not scene.works:
        return None
    text = f"The GPU code is being prepared: {_work(scene)}. Usually once. You can wait."
    return scene.silence("first_step", text, ASK, state=State.SLOW)


def _still_works(scene: Scene) -> Verdict | None:
    """Overdue, but alive."""
    if not scene.silent or not scene.works:
        return None
    longest = f", usual {scene.usual}" if scene.usual else ""
    taken = words.clock(scene.silence_s)
    if scene.remaining.earlier_runs and scene.over and longest:
        text = f"Longer than any run before ({taken}{longest}), but it still works: {_work(scene)}."
    else:
        text = f"No progress for {taken}{longest}, but it still works: {_work(scene)}. You can wait."
    return scene.silence("still_working", text, ASK, state=State.SLOW)


def _frozen(scene: Scene) -> Verdict | None:
    """The beat stopped and the processor rests: the whole process sleeps, in a driver or a frozen drive."""
    if scene.beat_age_s <= BEAT_S or not scene.silent:
        return None
    drive = "disk-sleep" in scene.evidence.states
    if drive:
        text = (
            f"The training waits for a drive, without a sign of life for {words.span(scene.beat_age_s)}. "
            "Check the drive. Stopping may not work until it answers."
        )
    else:
        text = (
            f"The training has given no sign of life for {words.span(scene.beat_age_s)} and uses no "
            "processor time: it waits inside a driver or a library."
        )
    return scene.silence("storage" if drive else "frozen", text, REPORT)


def _unknown(scene: Scene) -> Verdict | None:
    """Row 26."""
    if not scene.silent:
        return None
    if not scene.red:
        text = f"No progress for {words.span(scene.silence_s)}. It may still come; you can wait."
        return scene.silence("silent", text, ASK)
    text = (
        f"No progress for {words.span(scene.silence_s)}, and no known cause. Show where it waits tells more."
    )
    return scene.silence("unknown", text, REPORT)


def _loss_is_nan(scene: Scene) -> Verdict | None:
    y = scene.run.loss.y
    if scene.run.phase is not Phase.TRAINING or not len(y) or np.isfinite(y[-1]):
        return None
    finite = np.flatnonzero(np.isfinite(y))
    step = int(scene.run.loss.x[finite[-1] + 1 if len(finite) else 0])
    since = f"{step:,}".replace(",", " ")
    title = f"The loss is no longer a number since step {since}"
    text = f"{title}. Training goes on but will not learn. Start again with a lower learning rate."
    actions = (Action.STOP, Action.KEEP_WAITING)
    return Verdict(State.SLOW, "loss_is_nan", title, text, (f"Loss is NaN since step {since}",), actions)


def _slower_epoch(scene: Scene) -> Verdict | None:
    """Also while it is validated or saved, when the band in `remaining` is of that."""
    stage, taken = scene.stage, epoch_taken(scene.run, scene.now)
    if stage is None or taken is None:
        return None
    usual = scene.remaining.usual_s if stage.id == "train" else usual_epoch(scene.run, History())
    if usual is None or not _is_over(taken - usual[1], usual):
        return None
    epoch = scene.run.epochs[-1].epoch + 1 if scene.run.epochs else max(1, scene.run.epoch)
    what = f"epoch {epoch} has taken {words.clock(taken)} (usual {words.band(*usual)})"
    text = f"Slower than usual: {what}. {_bottleneck(scene)}Nothing is wrong; you can wait."
    return Verdict(State.SLOW, "slow_epoch", f"Slower than usual: {what}", text, scene.facts)


def _slower_stage(scene: Scene) -> Verdict | None:
    """Progress comes, but the stage is past its usual time."""
    stage, usual = scene.stage, scene.remaining.usual_s
    if stage is None or stage.started_at is None or usual is None or not scene.over:
        return None
    if stage.id in INSIDE_TRAIN and scene.silence_s < NOTICED_S:
        return None
    taken = words.clock(scene.now - stage.started_at)
    what = f"{stage.title} has taken {taken} (usual {words.band(*usual)})"
    parts = [f"Slower than usual: {what}."]
    if stage.done:
        of = f" of {stage.total}" if stage.total else ""
        parts.append(f"{stage.done}{of} {stage.unit or 'done'}".rstrip() + " so far.")
    if scene.remaining.stage_s and scene.remaining.basis == "live":
        parts.append(f"About {words.about(scene.remaining.stage_s)} left.")
    if not scene.remaining.earlier_runs:
        parts.append("First run on this computer: the times are a rough guess.")
    parts.append("Nothing is wrong; you can wait.")
    return Verdict(State.SLOW, "slow_stage", f"Slower than usual: {what}", " ".join(parts), scene.facts)


def _on_schedule(scene: Scene) -> Verdict:
    stage = scene.stage
    if stage is None:
        return Verdict(State.ON_SCHEDULE, "on_schedule", "On schedule", "Starting.")
    parts = [f"{stage.title}: {stage.detail or _so_far(stage)}."]
    if stage.id == "train":
        parts.append(_bottleneck(scene))
    return Verdict(State.ON_SCHEDULE, "on_schedule", "On schedule", " ".join(filter(None, parts)).strip())


def _is_over(over_s: float, usual: tuple[float, float]) -> bool:
    """By more than a moment, and more than a tenth."""
    return over_s > max(3.0, 0.1 * usual[1])


def _bottleneck(scene: Scene) -> str:
    """Row 14: whether photos limit the speed. A sentence with a space after it, or nothing."""
    timing = scene.run.timing
    step_s = timing.wait_s + timing.copy_s + timing.compute_s if timing else 0.0
    if timing is None or step_s <= 0 or timing.wait_s < 0.5 * step_s:
        return ""
    rate = f": {scene.run.images_per_s:.0f} photos/s" if scene.run.images_per_s else ""
    if scene.gpu_percent is not None:
        return f"The GPU works at {scene.gpu_percent:.0f} %, so photos arrive too slowly{rate}. "
    waits = 100 * timing.wait_s / step_s
    return f"Loading limits the speed{rate}; the training waits {waits:.0f} % of the time. "


def _work(scene: Scene) -> str:
    """What shows that it works."""
    parts = []
    if (scene.gpu_percent or 0) >= WORKING_GPU_PERCENT:
        parts.append(f"GPU {scene.gpu_percent:.0f} %")
    if scene.cpu >= WORKING_CPU_PERCENT:
        parts.append(f"processor {scene.cpu:.0f} % of a core")
    if scene.reads:
        parts.append(f"{words.size(scene.evidence.io_bytes_per_s or 0)}/s read or written")
    return ", ".join(parts)


def _so_far(stage: Stage) -> str:
    of = f" of {stage.total}" if stage.total else ""
    return f"{stage.done}{of} {stage.unit}".rstrip() if stage.done or stage.total else "running"


def _as_id(name: str) -> str:
    """`TooManyBadPhotos` as `too_many_bad_photos`."""
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()


def _counted(workers: tuple[WorkerState, ...]) -> str:
    states = [worker.state for worker in workers]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _p99(stage: Stage) -> float:
    gaps = sorted(stage.gaps)
    return gaps[int(0.99 * (len(gaps) - 1))]


Rule = Callable[[Scene], Verdict | None]
RULES: tuple[Rule, ...] = (
    _ended,
    _idle,
    _gone,
    _stopping,
    _stopped_process,
    _paused,
    _nothing_said,
    _disk_full,
    _source_gone,
    _one_photo,
    _storage,
    _workers_starting,
    _handover,
    _low_memory,
    _loop,
    _busy_in_one_call,
    _first_step,
    _still_works,
    _network,
    _frozen,
    _unknown,
    _loss_is_nan,
    _slower_epoch,
    _slower_stage,
)
"""First match wins: how it ended, what the person asked for, silence by its cause, then the pace."""
