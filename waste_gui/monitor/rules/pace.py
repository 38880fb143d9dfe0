"""The pace of a run that goes on: as usual, or slower."""

from __future__ import annotations

from waste_gui.monitor import words
from waste_gui.monitor.countdown import epoch_taken, usual_epoch
from waste_gui.monitor.gpu import HEAT
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Stage
from waste_gui.monitor.scene import (
    NOTICED_S,
    OTHERS_BUSY,
    Scene,
    is_over,
)
from waste_gui.monitor.verdict import State, Verdict
from waste_gui.stages import INSIDE_TRAIN


def slower_epoch(scene: Scene) -> Verdict | None:
    """Also while it is validated or saved, when the band in `remaining` is of that."""
    stage, taken = scene.stage, epoch_taken(scene.run, scene.now)
    if stage is None or taken is None:
        return None
    usual = scene.remaining.usual_s if stage.id == "train" else usual_epoch(scene.run, History())
    if usual is None or not is_over(taken - usual[1], usual):
        return None
    epoch = scene.run.epochs[-1].epoch + 1 if scene.run.epochs else scene.run.epoch_now
    what = f"epoch {epoch} has taken {words.clock(taken)} (usual {words.band(*usual)})"
    text = f"Slower than usual: {what}. {bottleneck(scene)}Nothing is wrong; you can wait."
    return Verdict(State.SLOW, "slow_epoch", f"Slower than usual: {what}", text, scene.facts)


def slower_stage(scene: Scene) -> Verdict | None:
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
    if scene.others_busy:
        parts.append(about_others())
    if not scene.remaining.earlier_runs:
        parts.append("First run on this computer: the times are a rough guess.")
    parts.append("Nothing is wrong; you can wait.")
    return Verdict(State.SLOW, "slow_stage", f"Slower than usual: {what}", " ".join(parts), scene.facts)


def on_schedule(scene: Scene) -> Verdict:
    stage = scene.stage
    if stage is None:
        return Verdict(State.ON_SCHEDULE, "on_schedule", "On schedule", "Starting.")
    parts = [f"{stage.title}: {stage.detail or so_far(stage)}."]
    if stage.id == "train":
        parts.append(bottleneck(scene))
    return Verdict(State.ON_SCHEDULE, "on_schedule", "On schedule", " ".join(filter(None, parts)).strip())


def bottleneck(scene: Scene) -> str:
    """Whether the graphics card is slowed down, other programs need the processors, or photos limit the speed
    (row 14). A sentence with a space after it, or nothing."""
    gpu = scene.gpu
    if gpu is not None and gpu.slowed_by:
        warm = f" ({gpu.temperature} °C)" if gpu.temperature and HEAT in gpu.slowed_by else ""
        cure = (
            "look to its fans and the air around it" if HEAT in gpu.slowed_by else "look to its power cables"
        )
        return f"The graphics card is slowed down by {' and '.join(gpu.slowed_by)}{warm}: {cure}. "
    if scene.others_busy:
        return f"{about_others()} "
    timing = scene.run.timing
    step_s = timing.wait_s + timing.copy_s + timing.compute_s if timing else 0.0
    if timing is None or step_s <= 0 or timing.wait_s < 0.5 * step_s:
        return ""
    rate = f": {scene.run.images_per_s:.0f} photos/s" if scene.run.images_per_s else ""
    if scene.gpu_percent is not None:
        return f"The GPU works at {scene.gpu_percent:.0f} %, so photos arrive too slowly{rate}. "
    waits = 100 * timing.wait_s / step_s
    return f"Loading limits the speed{rate}; the training waits {waits:.0f} % of the time. "


def about_others() -> str:
    return f"{OTHERS_BUSY[0].upper()}{OTHERS_BUSY[1:]}."


def so_far(stage: Stage) -> str:
    of = f" of {stage.total}" if stage.total else ""
    return f"{stage.done}{of} {stage.unit}".rstrip() if stage.done or stage.total else "running"
