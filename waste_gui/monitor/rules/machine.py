"""Silence because the computer lacks something: disk, memory, the network, or a window that reads."""

from __future__ import annotations

from waste_gui.monitor import words
from waste_gui.monitor.scene import (
    BEAT_S,
    Scene,
)
from waste_gui.monitor.stack_words import DOWNLOADING
from waste_gui.monitor.verdict import ASK, DOWNLOAD, MEMORY, Action, State, Verdict

FULL_DISK_BYTES = 100_000_000
FEW_MEMORY = 0.05
HIGH_PRESSURE = 20.0
"""Percent of the time in which everything waits for memory."""


def disk_full(scene: Scene) -> Verdict | None:
    """Row 6."""
    free = scene.evidence.free_disk_bytes
    saving = scene.stage is not None and scene.stage.id == "save" and scene.silence_s > BEAT_S
    if free is None or free >= FULL_DISK_BYTES or not (saving or scene.silent):
        return None
    text = (
        f"The disk of the run folder is full: {words.size(free)} are free. Delete what is not needed there."
    )
    return scene.silence("disk_full", text, ASK)


def not_saved(scene: Scene) -> Verdict | None:
    """Training goes on, and what it learns cannot be kept."""
    trouble = scene.run.not_saved
    if trouble is None or not scene.run.phase.running:
        return None
    kept = scene.run.checkpoint
    so_far = f"What was saved last, epoch {kept.epoch}, is kept. " if kept else "Nothing is saved yet. "
    text = (
        f"{trouble.text} Training goes on, and it is tried again by itself. {so_far}Free some space on that "
        "disk, or make the run folder writable."
    )
    since = words.span(scene.now - trouble.at)
    return Verdict(
        State.SLOW,
        "disk_full" if "full" in trouble.text else "not_saved",
        f"The model cannot be saved, for {since} now",
        text,
        scene.facts,
        (Action.KEEP_GOING, Action.STOP, Action.COPY_DETAILS),
        headline="Not saved",
        advice="Free some space.",
    )


def window_busy(scene: Scene) -> Verdict | None:
    """Row 2: the engine sleeps in writing what nobody reads."""
    engine = scene.evidence.engine
    if engine is None or "pipe_write" not in (engine.waits_for or "") or not scene.silent:
        return None
    return scene.silence("window_busy", "The window was busy. It reads again now.", ASK, state=State.SLOW)


def low_memory(scene: Scene) -> Verdict | None:
    """Row 25."""
    free, pressure = scene.evidence.free_memory, scene.evidence.machine.memory_pressure or 0.0
    if not (scene.silent or scene.over) or free is None:
        return None
    if free >= FEW_MEMORY and pressure < HIGH_PRESSURE:
        return None
    text = (
        f"The computer is nearly out of memory ({100 * free:.0f} % free) and may swap. Close other programs, "
        "or start again with a smaller batch or fewer data workers."
    )
    return scene.silence("memory", text, MEMORY)


def network(scene: Scene) -> Verdict | None:
    """Row 15: a model's weights do not come."""
    if scene.stage is None or not scene.silent or scene.works:
        return None
    if scene.stage.id != "model" and scene.doing != DOWNLOADING:
        return None
    text = (
        f"Waiting for the model's weights for {words.span(scene.silence_s)}. The network or its server does "
        "not answer; the download gives up by itself near 400 s. Check the network, or choose a file with "
        "weights."
    )
    return scene.silence("network", text, DOWNLOAD)
