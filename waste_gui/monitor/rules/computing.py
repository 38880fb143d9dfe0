"""Silence of a busy or sleeping engine: one long operation, a loop, a driver."""

from __future__ import annotations

from waste_gui.monitor import formatting
from waste_gui.monitor.context import (
    BEAT_S,
    BUSY_CPU_PERCENT,
    GAPS_NEEDED,
    LOOP_FACTOR,
    WORKING_CPU_PERCENT,
    WORKING_GPU_PERCENT,
    Context,
)
from waste_gui.monitor.stack_words import LONG_WORK, Doing
from waste_gui.monitor.verdict import ASK, HANGS, REPORT, Action, Verdict, VerdictState
from waste_gui.monitor.waits import words as wait_words
from waste_gui.plain_text import plain

SAME_PLACE_S = 12.0

ENDLESS_S, ENDLESS_FACTOR = 48.0, 1.5
"""The limit is three times the longest step and more, so that this is five times it."""

OF_ITS_OWN_TIME = frozenset(
    (Doing.COMPILING, Doing.IMPORTING, Doing.SAVING, Doing.READING_WEIGHTS, Doing.STARTING_GPU)
)
"""What is no part of a step, and takes as long as it takes."""


def busy_in_one_call(context: Context) -> Verdict | None:
    """Row 23: the beat stopped while the processor is busy, so one operation holds the interpreter."""
    if (
        context.beat_age_s <= BEAT_S
        or context.cpu < BUSY_CPU_PERCENT
        or not context.silent
        or looping(context)
    ):
        return None
    where = f" ({context.place})" if context.place else ""
    text = f"The training is inside one long operation{where}: the processor is busy, so it still works."
    return context.silence("one_operation", text, ASK, state=VerdictState.SLOW)


def loop(context: Context) -> Verdict | None:
    """Row 24: busy, and yet nothing is counted for many times the limit."""
    if not looping(context):
        return None
    text = (
        f"The processor works at {context.cpu:.0f} % of a core, but nothing has been finished for "
        f"{formatting.span(context.silence_s)}: the program repeats "
        f"{context.place or 'itself'} and does not come to "
        f"an end. {context.run.samples.in_words()}"
    ).rstrip()
    if context.chain is not None and len(context.chain.links) > 1:
        text = f"{text} {wait_words.waits(context.chain)}"
    return context.silence("loop", text, HANGS, state=VerdictState.LIKELY_STUCK)


def looping(context: Context) -> bool:
    gpu_works = (context.gpu_percent or 0) >= WORKING_GPU_PERCENT
    burns = context.cpu >= WORKING_CPU_PERCENT and not context.reads and not gpu_works
    return burns and (
        context.silence_s >= LOOP_FACTOR * context.limit_s
        or stays_in_one_place(context)
        or goes_in_circles(context)
    )


def stays_in_one_place(context: Context) -> bool:
    """In a stage whose steps are known, in a function that is none of those that may take long."""
    known = context.stage is not None and len(context.stage.gaps) >= GAPS_NEEDED
    patient = context.doing is None or context.doing in LONG_WORK
    return known and context.red and not patient and context.run.samples.in_one_function_s >= SAME_PLACE_S


def goes_in_circles(context: Context) -> bool:
    """Also in what may take long: where the steps of this stage are known, a silence of many times the
    longest of them in which the thread comes to no new place is no long step, if a processor is free."""
    known = context.stage is not None and len(context.stage.gaps) >= GAPS_NEEDED
    if not known or context.others_busy or context.doing in OF_ITS_OWN_TIME:
        return False
    long = context.silence_s >= max(ENDLESS_S, ENDLESS_FACTOR * context.limit_s)
    return long and context.run.samples.repeats


def first_step(context: Context) -> Verdict | None:
    """Row 19."""
    if context.stage is None or context.stage.id != "train" or context.stage.done > 0 or context.run.step > 0:
        return None
    if not context.silent or not context.works:
        return None
    text = f"The GPU code is being prepared: {work(context)}. Usually once. You can wait."
    return context.silence("first_step", text, ASK, state=VerdictState.SLOW)


def still_works(context: Context) -> Verdict | None:
    """Overdue, but alive."""
    if not context.silent or not context.works:
        return None
    longest = f", usual {context.usual}" if context.usual else ""
    taken = formatting.clock(context.silence_s)
    if context.remaining.earlier_runs and context.over and longest:
        text = f"Longer than any run before ({taken}{longest}), but it still works: {work(context)}."
    else:
        text = f"No progress for {taken}{longest}, but it still works: {work(context)}. You can wait."
    if context.chain is not None and len(context.chain.links) > 1:  # What works is something else.
        text = f"{text} {wait_words.waits(context.chain)}"
    return context.silence("still_working", text, ASK, state=VerdictState.SLOW)


def frozen(context: Context) -> Verdict | None:
    """The beat stopped and the processor rests: the whole process sleeps, in a driver or a frozen drive."""
    if context.beat_age_s <= BEAT_S or not context.silent:
        return None
    drive = "disk-sleep" in context.evidence.states
    if drive:
        text = (
            f"The training waits for a drive, without a response for "
            f"{formatting.span(context.beat_age_s)}. "
            "Check the drive. Stopping may not work until it answers."
        )
    else:
        text = (
            f"The training has not responded for {formatting.span(context.beat_age_s)} and uses no "
            "processor time: it waits inside a driver or a library."
        )
    if context.chain is not None:
        text = f"{text} {wait_words.in_words(context.chain)}"
    actions = REPORT if drive else HANGS
    return context.silence("storage" if drive else "frozen", text, actions, chain=context.chain)


def unknown(context: Context) -> Verdict | None:
    """Row 26."""
    if not context.silent:
        return None
    if not context.red:
        text = f"No progress for {formatting.span(context.silence_s)}. It may still come; you can wait."
        return context.silence("silent", text, ASK)
    silence = formatting.span(context.silence_s)
    tried = f" Tried: {'; '.join(map(plain, context.tried[:3]))}." if context.tried else ""
    text = f"No progress for {silence}, and no known cause. “{Action.SHOW_WHERE.value}” tells more.{tried}"
    return context.silence("unknown", text, HANGS)


def work(context: Context) -> str:
    """What shows that it works."""
    parts = []
    if (context.gpu_percent or 0) >= WORKING_GPU_PERCENT:
        parts.append(f"GPU {context.gpu_percent:.0f} %")
    if context.cpu >= WORKING_CPU_PERCENT:
        parts.append(f"processor {context.cpu:.0f} % of a core")
    if context.reads:
        parts.append(f"{formatting.size(context.evidence.io_bytes_per_s or 0)}/s read or written")
    return ", ".join(parts)
