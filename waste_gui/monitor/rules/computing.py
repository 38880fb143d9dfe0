"""Silence of a busy or sleeping engine: one long operation, a loop, a driver."""

from __future__ import annotations

from waste_gui.monitor import words
from waste_gui.monitor.scene import (
    BEAT_S,
    BUSY_CPU_PERCENT,
    GAPS_NEEDED,
    LOOP_FACTOR,
    WORKING_CPU_PERCENT,
    WORKING_GPU_PERCENT,
    Scene,
)
from waste_gui.monitor.verdict import ASK, REPORT, State, Verdict

LONG_WORK = ("computing", "compiling", "importing", "saving", "reading", "starting", "waiting for the GPU")
"""How the words begin of what may be busy for longer than ever before."""

SAME_PLACE_S = 12.0


def busy_in_one_call(scene: Scene) -> Verdict | None:
    """Row 23: the beat stopped while the processor is busy, so one operation holds the interpreter."""
    if scene.beat_age_s <= BEAT_S or scene.cpu < BUSY_CPU_PERCENT or not scene.silent or looping(scene):
        return None
    where = f" ({scene.place})" if scene.place else ""
    text = f"The training is inside one long operation{where}: the processor is busy, so it still works."
    return scene.silence("one_operation", text, ASK, state=State.SLOW)


def loop(scene: Scene) -> Verdict | None:
    """Row 24: busy, and yet nothing is counted for many times the limit."""
    if not looping(scene):
        return None
    text = (
        f"The processor works at {scene.cpu:.0f} % of a core, but nothing has been finished for "
        f"{words.span(scene.silence_s)}: the program repeats {scene.place or 'itself'} and does not come to "
        "an end."
    )
    return scene.silence("loop", text, REPORT, state=State.LIKELY_STUCK)


def looping(scene: Scene) -> bool:
    gpu_works = (scene.gpu_percent or 0) >= WORKING_GPU_PERCENT
    burns = scene.cpu >= WORKING_CPU_PERCENT and not scene.reads and not gpu_works
    return burns and (scene.silence_s >= LOOP_FACTOR * scene.limit_s or stays_in_one_place(scene))


def stays_in_one_place(scene: Scene) -> bool:
    """In a stage whose steps are known, in a function that is none of those that may take long."""
    known = scene.stage is not None and len(scene.stage.gaps) >= GAPS_NEEDED
    patient = scene.doing.startswith(LONG_WORK) or not scene.doing
    return known and scene.red and not patient and scene.run.same_place_s >= SAME_PLACE_S


def first_step(scene: Scene) -> Verdict | None:
    """Row 19."""
    if scene.stage is None or scene.stage.id != "train" or scene.stage.done > 0 or scene.run.step > 0:
        return None
    if not scene.silent or not scene.works:
        return None
    text = f"The GPU code is being prepared: {work(scene)}. Usually once. You can wait."
    return scene.silence("first_step", text, ASK, state=State.SLOW)


def still_works(scene: Scene) -> Verdict | None:
    """Overdue, but alive."""
    if not scene.silent or not scene.works:
        return None
    longest = f", usual {scene.usual}" if scene.usual else ""
    taken = words.clock(scene.silence_s)
    if scene.remaining.earlier_runs and scene.over and longest:
        text = f"Longer than any run before ({taken}{longest}), but it still works: {work(scene)}."
    else:
        text = f"No progress for {taken}{longest}, but it still works: {work(scene)}. You can wait."
    return scene.silence("still_working", text, ASK, state=State.SLOW)


def frozen(scene: Scene) -> Verdict | None:
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


def unknown(scene: Scene) -> Verdict | None:
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


def work(scene: Scene) -> str:
    """What shows that it works."""
    parts = []
    if (scene.gpu_percent or 0) >= WORKING_GPU_PERCENT:
        parts.append(f"GPU {scene.gpu_percent:.0f} %")
    if scene.cpu >= WORKING_CPU_PERCENT:
        parts.append(f"processor {scene.cpu:.0f} % of a core")
    if scene.reads:
        parts.append(f"{words.size(scene.evidence.io_bytes_per_s or 0)}/s read or written")
    return ", ".join(parts)
