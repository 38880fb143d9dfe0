"""How long still: from the live rate, then this computer's history, then the table of expected times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from waste_gui.monitor.history import History, RunKind, Spread, kind_of, spread
from waste_gui.monitor.run import Run, RunPhase, Stage, StageState
from waste_gui.stages import INSIDE_TRAIN

Basis = Literal["live", "history", "guess"]
Band = tuple[float, float]
Left = tuple[float | None, Basis]

READ_PHOTOS = ("scan", "single_sample", "first_train_batch", "first_val_batch")
"""Stages that depend on where the photos are and how large, also where it does not matter how many."""

LIVE_AFTER_S = 2.0
LIVE_AFTER_SHARE = 0.1
"""A live rate counts once it was measured over 2 s, or over a tenth of the stage."""


@dataclass(frozen=True)
class Remaining:
    """Seconds; `stage_s` until this stage ends, `training_starts_s` until training starts (None once it
    has), `run_s` until the run ends; None where nothing can be said. `usual_s` is the band (low, high) shown
    for this stage; `over_s` how far the stage is past it (0 while inside); `basis` where it comes from;
    `earlier_runs` how many runs of this computer stand behind it. While training, the band and what is over
    it are of one epoch. `median_s` is what this stage took in the middle one of the earlier runs."""

    stage_s: float | None
    training_starts_s: float | None
    run_s: float | None
    usual_s: Band | None
    over_s: float
    basis: Basis
    earlier_runs: int
    median_s: float | None = None


def remaining(run: Run, now: float, history: History) -> Remaining:
    """What is left, on the engine's clock."""
    kind, now = kind_of(run), run.awake(now)
    stage = run.current if run.phase.running else None
    stage_s, basis = _stage_left(run, stage, now, history, kind) if stage else (None, _prior(history, kind))
    past = _past(run, stage, history, kind) if stage else None
    band, taken = None, 0.0
    if stage is not None and stage.started_at is not None:
        band, taken = usual(run, stage.id, history), now - stage.started_at
        if stage.id == "train":
            band, taken = usual_epoch(run, history), epoch_taken(run, now) or 0.0
    epochs = history.tuned_alike(kind) if stage and stage.id == "train" else history.alike(kind)
    starts_s = _training_starts(run, stage, stage_s, history, kind)
    return Remaining(
        stage_s=stage_s,
        training_starts_s=starts_s,
        run_s=_run_left(run, stage, stage_s, starts_s, now, history, kind),
        usual_s=band,
        over_s=max(0.0, taken - band[1]) if band else 0.0,
        basis=basis,
        earlier_runs=len(epochs) or (past.runs if past else 0),
        median_s=past.p50 if past else None,
    )


def usual(run: Run, stage_id: str, history: History) -> Band | None:
    """The band for the checklist's "usual" column: of this computer's runs, else of this run's earlier turns
    (validate, save), else the table's. For `train`, all its epochs."""
    kind, stage = kind_of(run), run.stages.get(stage_id)
    if stage_id == "train":
        epochs = run.started.epochs if run.started else 0
        each = usual_epoch(run, history)
        return (each[0] * epochs, each[1] * epochs) if each and epochs else None
    past = _past(run, stage, history, kind) if stage is not None else history.stage(kind, stage_id)
    if past is None and stage is not None and stage_id in INSIDE_TRAIN:
        past = spread(list(stage.times))
    guess = stage.info.expected_s if stage else None
    if past is None:
        return guess
    if guess and stage_id in READ_PHOTOS and not history.alike(kind):  # Of other photos than these.
        return past.band[0], max(past.band[1], guess[1])
    return past.band


def _past(run: Run, stage: Stage, history: History, kind: RunKind) -> Spread | None:
    """What earlier runs say of a stage; of photos still to be embedded, once their number is known."""
    if stage.id == "embed" and stage.to_do is not None:
        return history.embedding(kind, stage.to_do)
    return history.stage(kind, stage.id)


def usual_epoch(run: Run, history: History) -> Band | None:
    """The band of one epoch: of this run's epochs, those of its earlier starts too, else of this computer's
    runs."""
    times = [*run.earlier.epoch_times, *run.epoch_times]
    if times:  # The first one warms up: with more, it is not the measure.
        settled = times[1:] if len(times) > 2 else times
        wider = 1.25 if len(settled) == 1 else 1.1
        return max(0.0, min(settled) / wider), max(settled) * wider
    past = history.epoch(kind_of(run))
    return past.band if past else None


def epoch_taken(run: Run, now: float) -> float | None:
    """Seconds since the epoch that runs began."""
    train = run.stages.get("train")
    if train is None or train.state is not StageState.RUNNING or train.started_at is None:
        return None
    return max(0.0, run.awake(now) - run.epoch_began_at)


def planned_epochs(run: Run, past: History) -> int:
    """How many there will be: of the last layer alone one, also before the run has said so."""
    if past.tune(kind_of(run)) == "head":
        return 1
    return run.started.epochs if run.started else 0


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


def live_rate(stage: Stage) -> float | None:
    """Seconds each, measured in this stage from the first one done (before it, it warms up)."""
    if stage.first is None or stage.started_at is None or stage.moved_at is None or not stage.total:
        return None
    first_at, first_done = stage.first
    done, passed = stage.done - first_done, stage.moved_at - first_at
    if stage.id == "train":
        enough = done > 0 and passed >= LIVE_AFTER_S
    else:
        enough = done > 0 and (passed >= LIVE_AFTER_S or done >= LIVE_AFTER_SHARE * stage.total)
    return passed / done if enough else None


def _stage_left(run: Run, stage: Stage, now: float, history: History, kind: RunKind) -> Left:
    """Best first. What was measured before this stage is passed over once the stage has outrun it."""
    if stage.id == "train":
        return _train_left(run, stage, now, history, kind)
    taken = now - stage.started_at if stage.started_at is not None else 0.0
    each = live_rate(stage)
    if each is not None and stage.total and stage.moved_at is not None:
        waits = now - stage.moved_at
        if stage.id == "embed":  # A stall does not count down: only the batch that is computed may.
            waits = min(waits, max(1.0, *stage.gaps))
        return max(0.0, (stage.total - stage.done) * each - waits), "live"
    measured = _from_the_stage_before(run, stage)
    if measured is not None and measured > taken:
        return measured - taken, "live"
    past = _past(run, stage, history, kind)
    if past is not None:
        return _until(taken, past.p50, past.band[1]), "history"
    if stage.info.expected_s is not None:
        low, high = stage.info.expected_s
        return _until(taken, (low + high) / 2, high), "guess"
    return None, "guess"


def _from_the_stage_before(run: Run, stage: Stage) -> float | None:
    """Seconds that this stage should take, from a like one of this run: one photo × photos / workers, a
    photo's share of a batch × photos, an earlier validation."""
    if stage.times:
        return stage.times.median_s
    if not stage.total:
        return None
    one = run.stages.get("single_sample")
    like = {"first_val_batch": "first_train_batch", "validate": "first_val_batch"}.get(stage.id, "")
    batch = run.stages.get(like)
    if batch is not None and batch.elapsed_s is not None and batch.total:
        return batch.elapsed_s / batch.total * stage.total
    if stage.id == "first_train_batch" and one and one.elapsed_s is not None:
        workers = len(run.heartbeat.workers) if run.heartbeat else 0
        return one.elapsed_s * stage.total / max(1, workers)
    return None


def _train_left(run: Run, train: Stage, now: float, history: History, kind: RunKind) -> Left:
    """Steps left at their own pace, plus what validating and saving add after each epoch."""
    epochs = run.started.epochs if run.started else 0
    inside = [stage for stage in run.stages.values() if stage.inside_train]
    spent_inside = sum(stage.times.total_s for stage in inside)
    if train.first is None or train.moved_at is None or not train.total or live_rate(train) is None:
        past = history.epoch(kind)
        if past is None or not epochs:
            return None, _prior(history, kind)
        return max(0.0, past.p50 * (epochs - len(run.all_epochs)) - (epoch_taken(run, now) or 0.0)), "history"
    first_at, first_done = train.first
    busy_inside = sum(_before_the_last_step(stage, train.moved_at) for stage in inside)
    each = max(0.0, train.moved_at - first_at - busy_inside) / max(1, train.done - first_done)
    left = each * (train.total - train.done)
    turns = max((stage.times.count for stage in inside), default=0)
    if epochs:
        finished_before = int(first_done / (train.total / epochs))
        per_turn = spent_inside / turns if turns else _first_turn(inside, now, history, kind)
        left += per_turn * max(0, epochs - finished_before - turns)
    open_stage = next((stage for stage in inside if stage.state is StageState.RUNNING), None)
    if open_stage is not None and open_stage.started_at is not None:
        usual_s = open_stage.times.median_s if open_stage.times else now - open_stage.started_at
        left -= min(now - open_stage.started_at, usual_s)
    else:  # A stall does not count down: only the step that runs may.
        last = max([train.moved_at, *(s.moved_at for s in inside if s.moved_at is not None)])
        left -= min(now - last, max(each, 1.0))
    return max(0.0, left), "live"


def _before_the_last_step(stage: Stage, stepped_at: float) -> float:
    """Seconds of validating or saving that lie before the last step: not the turn that came after it."""
    after = stage.state is not StageState.RUNNING and (stage.moved_at or 0.0) > stepped_at
    return stage.times.total_s - (stage.times.last_s if after else 0.0)


def _first_turn(inside: list[Stage], now: float, history: History, kind: RunKind) -> float:
    """What validating and saving should take before they were once done in this run."""
    total = 0.0
    for stage in inside:
        past, each = history.stage(kind, stage.id), live_rate(stage)
        if each is not None and stage.total:
            total += each * stage.total
        elif past is not None:
            total += past.p50
        elif stage.state is StageState.RUNNING and stage.started_at is not None:
            total += now - stage.started_at
    return total


def _training_starts(
    run: Run, stage: Stage | None, stage_s: float | None, history: History, kind: RunKind
) -> float | None:
    """This stage's rest and the usual times of those between it and `train`."""
    if run.phase not in (RunPhase.IDLE, RunPhase.LAUNCHED, RunPhase.STARTING) or "train" not in run.stages:
        return None
    if stage is not None and stage_s is None:
        return None
    total = stage_s or 0.0
    for later in run.stages.values():
        if later.id == "train":
            break
        if later.state is StageState.WAITING:
            total += _typical(later, _past(run, later, history, kind))
    return total


def _run_left(
    run: Run,
    stage: Stage | None,
    stage_s: float | None,
    starts_s: float | None,
    now: float,
    history: History,
    kind: RunKind,
) -> float | None:
    if run.phase.ended:
        return None
    train = run.stages.get("train")
    if train is not None and train.state is StageState.RUNNING:
        return _train_left(run, train, now, history, kind)[0]
    if starts_s is not None:
        past, epochs = history.epoch(kind), planned_epochs(run, history)
        return starts_s + past.p50 * epochs if past and epochs else None
    if stage is None or stage_s is None or train is not None:
        return None
    waiting = [later for later in run.stages.values() if later.state is StageState.WAITING]
    return stage_s + sum(_typical(later, history.stage(kind, later.id)) for later in waiting)


def _typical(stage: Stage, past: Spread | None) -> float:
    """Seconds of a stage that has not begun."""
    if past is not None:
        return past.p50
    return sum(stage.info.expected_s) / 2 if stage.info.expected_s else 0.0


def _until(taken: float, typical: float, high: float) -> float:
    """To the typical time, then to the band's end, then nothing."""
    if taken < typical:
        return typical - taken
    return max(0.0, high - taken)


def _prior(history: History, kind: RunKind) -> Basis:
    return "history" if history.alike(kind) else "guess"
