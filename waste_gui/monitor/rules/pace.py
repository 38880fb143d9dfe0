"""The pace of a run that goes on: as usual, or slower."""

from __future__ import annotations

from waste_gui.monitor import formatting
from waste_gui.monitor.context import (
    NOTICED_S,
    OTHERS_BUSY,
    Context,
    is_over,
)
from waste_gui.monitor.countdown import epoch_taken, usual_epoch
from waste_gui.monitor.gpu import HEAT
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Stage
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.stages import INSIDE_TRAIN


def slower_epoch(context: Context) -> Verdict | None:
    """Also while it is validated or saved, when the band in `remaining` is of that."""
    stage, taken = context.stage, epoch_taken(context.run, context.now)
    if stage is None or taken is None:
        return None
    usual = context.remaining.usual_s if stage.id == "train" else usual_epoch(context.run, History())
    if usual is None or not is_over(taken - usual[1], usual):
        return None
    epoch = context.run.epochs[-1].epoch + 1 if context.run.epochs else context.run.epoch_now
    what = f"epoch {epoch} has taken {formatting.clock(taken)} (usual {formatting.band(*usual)})"
    text = f"Slower than usual: {what}. {bottleneck(context)}Nothing is wrong; you can wait."
    return Verdict(VerdictState.SLOW, "slow_epoch", f"Slower than usual: {what}", text, context.facts)


def slower_stage(context: Context) -> Verdict | None:
    """Progress comes, but the stage is past its usual time."""
    stage, usual = context.stage, context.remaining.usual_s
    if stage is None or stage.started_at is None or usual is None or not context.over:
        return None
    if stage.id in INSIDE_TRAIN and context.silence_s < NOTICED_S:
        return None
    taken = formatting.clock(context.now - stage.started_at)
    what = f"{stage.title} has taken {taken} (usual {formatting.band(*usual)})"
    parts = [f"Slower than usual: {what}."]
    if stage.done:
        of = f" of {stage.total}" if stage.total else ""
        parts.append(f"{stage.done}{of} {stage.unit or 'done'}".rstrip() + " so far.")
    if context.remaining.stage_s and context.remaining.basis == "live":
        parts.append(f"About {formatting.about(context.remaining.stage_s)} left.")
    if context.others_busy:
        parts.append(about_others())
    if not context.remaining.earlier_runs:
        parts.append("First run on this computer: the times are a rough guess.")
    parts.append("Nothing is wrong; you can wait.")
    return Verdict(
        VerdictState.SLOW, "slow_stage", f"Slower than usual: {what}", " ".join(parts), context.facts
    )


def on_schedule(context: Context) -> Verdict:
    stage = context.stage
    if stage is None:
        return Verdict(VerdictState.ON_SCHEDULE, "on_schedule", "On schedule", "Starting.")
    parts = [f"{stage.title}: {stage.detail or so_far(stage)}."]
    if stage.id == "train":
        parts.append(bottleneck(context))
    return Verdict(
        VerdictState.ON_SCHEDULE, "on_schedule", "On schedule", " ".join(filter(None, parts)).strip()
    )


def bottleneck(context: Context) -> str:
    """Whether the graphics card is slowed down, other programs need the processors, or photos limit the speed
    (row 14). A sentence with a space after it, or nothing."""
    gpu = context.gpu
    if gpu is not None and gpu.slowed_by:
        warm = f" ({gpu.temperature} °C)" if gpu.temperature and HEAT in gpu.slowed_by else ""
        cure = (
            "look to its fans and the air around it" if HEAT in gpu.slowed_by else "look to its power cables"
        )
        return f"The graphics card is slowed down by {' and '.join(gpu.slowed_by)}{warm}: {cure}. "
    if context.others_busy:
        return f"{about_others()} "
    timing = context.run.timing
    step_s = timing.wait_s + timing.copy_s + timing.compute_s if timing else 0.0
    if timing is None or step_s <= 0 or timing.wait_s < 0.5 * step_s:
        return ""
    rate = f": {context.run.images_per_s:.0f} photos/s" if context.run.images_per_s else ""
    if context.gpu_percent is not None:
        return f"The GPU works at {context.gpu_percent:.0f} %, so photos arrive too slowly{rate}. "
    waits = 100 * timing.wait_s / step_s
    return f"Loading limits the speed{rate}; the training waits {waits:.0f} % of the time. "


def about_others() -> str:
    return f"{OTHERS_BUSY[0].upper()}{OTHERS_BUSY[1:]}."


def so_far(stage: Stage) -> str:
    of = f" of {stage.total}" if stage.total else ""
    return f"{stage.done}{of} {stage.unit}".rstrip() if stage.done or stage.total else "running"
