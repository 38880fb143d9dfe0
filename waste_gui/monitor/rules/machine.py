"""Silence because the computer lacks something: disk, memory, the network, or a window that reads."""

from __future__ import annotations

from waste_gui.monitor import formatting
from waste_gui.monitor.best_model import of_epoch
from waste_gui.monitor.context import (
    BEAT_S,
    Context,
)
from waste_gui.monitor.stack_words import Doing
from waste_gui.monitor.verdict import ASK, DOWNLOAD, HANGS, MEMORY, Action, Verdict, VerdictState
from waste_gui.monitor.waits.link import Chain, Kind
from waste_gui.protocol import NotSavedCause

FULL_DISK_BYTES = 100_000_000
FEW_MEMORY = 0.05
HIGH_PRESSURE = 20.0
"""Percent of the time in which everything waits for memory."""


CURES = {
    NotSavedCause.DISK_FULL: "Free some space on that disk.",
    NotSavedCause.FOLDER_GONE: "Bring the folder or its drive back.",
    NotSavedCause.NOT_WRITABLE: "Make the run folder writable, or look at its disk.",
}
ADVICE = {
    NotSavedCause.DISK_FULL: "Free some space.",
    NotSavedCause.FOLDER_GONE: "Bring the drive back.",
    NotSavedCause.NOT_WRITABLE: "Look at its disk.",
}


def disk_full(context: Context) -> Verdict | None:
    """Row 6."""
    free = context.evidence.free_disk_bytes
    saving = context.stage is not None and context.stage.id == "save" and context.silence_s > BEAT_S
    if free is None or free >= FULL_DISK_BYTES or not (saving or context.silent):
        return None
    text = (
        f"The disk of the run folder is full: {formatting.size(free)} are free. "
        "Delete what is not needed there."
    )
    return context.silence("disk_full", text, ASK)


def not_saved(context: Context) -> Verdict | None:
    """Training goes on, and what it learns cannot be kept."""
    trouble = context.run.not_saved
    if trouble is None or not context.run.phase.running:
        return None
    kept = context.run.checkpoint
    which = of_epoch(context.run, kept.epoch) if kept else ""
    so_far = (
        f"What was saved last{f', {which},' if which else ''} is kept. " if kept else "Nothing is saved yet. "
    )
    text = f"{trouble.text} Training goes on, and it is tried again by itself. {so_far}{CURES[trouble.cause]}"
    since = formatting.span(context.now - trouble.at)
    return Verdict(
        VerdictState.SLOW,
        "disk_full" if trouble.cause is NotSavedCause.DISK_FULL else "not_saved",
        f"The model cannot be saved, for {since} now",
        text,
        context.facts,
        (Action.KEEP_GOING, Action.STOP, Action.COPY_DETAILS),
        headline="Not saved",
        advice=ADVICE[trouble.cause],
    )


def window_busy(context: Context) -> Verdict | None:
    """Row 2: the engine sleeps in writing what nobody reads."""
    engine = context.evidence.engine
    if engine is None or "pipe_write" not in (engine.waits_for or "") or not context.silent:
        return None
    link = context.chain.first if context.chain is not None else None
    if link is not None and link.kind is Kind.PIPE_WRITE and not link.detail:
        return None  # A pipe of the program's own.
    return context.silence(
        "window_busy", "The window was busy. It reads again now.", ASK, state=VerdictState.SLOW
    )


def low_memory(context: Context) -> Verdict | None:
    """Row 25."""
    free, pressure = context.evidence.free_memory, context.evidence.machine.memory_pressure or 0.0
    if not (context.silent or context.over) or free is None:
        return None
    if free >= FEW_MEMORY and pressure < HIGH_PRESSURE:
        return None
    text = (
        f"The computer is nearly out of memory ({100 * free:.0f} % free) and may swap. Close other programs, "
        "or start again with a smaller batch or fewer data workers."
    )
    return context.silence("memory", text, MEMORY)


NETWORK_WAITS = (Kind.SOCKET_READ, Kind.SOCKET_WRITE, Kind.CONNECTION)


def is_of_a_server(chain: Chain, doing: Doing | None) -> bool:
    """Whether it may be weights that do not come: from another computer, or as the stack says."""
    far = chain.first.holder is not None and bool(chain.first.holder.host)
    downloads = doing is Doing.DOWNLOADING and chain.first.kind in (*NETWORK_WAITS, Kind.SEVERAL)
    return downloads or far and chain.first.kind in NETWORK_WAITS


def network(context: Context) -> Verdict | None:
    """Row 15: a model's weights do not come, or the program waits for a server of its own."""
    if context.stage is None or not context.silent or context.works:
        return None
    model, chain = context.stage.id == "model", context.chain
    if chain is not None and not (model and is_of_a_server(chain, context.doing)):
        return None
    if not model and context.doing is Doing.DOWNLOADING:
        span = formatting.span(context.silence_s)
        text = f"The training waits for a server, for {span} now ({context.place}). Check the network."
        return context.silence("network", text, HANGS)
    if not model:
        return None
    text = (
        f"Waiting for the model's weights for {formatting.span(context.silence_s)}. "
        "The network or its server does "
        "not answer; the download gives up by itself near 400 s. Check the network, or use the starter "
        "weights, which came with the program."
    )
    return context.silence("network", text, DOWNLOAD)
