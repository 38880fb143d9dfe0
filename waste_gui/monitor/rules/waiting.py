"""Silence of an engine whose stack says what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.monitor import formatting
from waste_gui.monitor.context import GPU_ANSWERS_S, Context
from waste_gui.monitor.rules.helping import against
from waste_gui.monitor.stack_words import Doing, doing_of
from waste_gui.monitor.verdict import ASK, CACHE, HANGS, HOPELESS, REPORT, Action, Verdict, VerdictState
from waste_gui.monitor.waits import words as wait_words
from waste_gui.monitor.waits.link import Chain, Kind


@dataclass(frozen=True)
class Wait:
    """What is said of it: `text` may name the {place} in the program, what it is {doing}, and the {span}."""

    cause: str
    text: str
    actions: tuple[Action, ...] = REPORT


def known_wait(context: Context) -> Verdict | None:
    """Nothing works, and the stack names the cause; before the limit it may still pass."""
    if not context.silent or context.works or context.doing is None:
        return None
    span = formatting.span(context.silence_s)
    if context.doing is Doing.COMPILING:
        text = "Code for the graphics card is being prepared. This happens once; you can wait."
        return context.silence("first_step", text, ASK, state=VerdictState.SLOW)
    wait = WAITS.get(context.doing)
    if wait is None or not is_true_of(context.doing, context.chain):
        return None
    if context.doing is Doing.LOCK_FILE and context.chain and context.chain.first.name:
        return as_it_was_read(context, context.chain, wait.cause)
    text = wait.text.format(place=context.place, doing=context.doing_words, span=span)
    chain = context.chain if context.doing is Doing.LOCK else None
    if chain is not None:
        text = f"{text} {wait_words.waits(chain)}"
    if not context.red:
        text = (
            f"No progress for {span}: the program is {context.doing_words}. It may still go on; you can wait."
        )
    return context.silence(wait.cause, text, wait.actions, chain=chain)


def is_true_of(doing: Doing, chain: Chain | None) -> bool:
    """Whether what a stack says by its names is what the thread waits for: an import may wait for a lock that
    another program holds, and a lock that somebody holds is none that nobody releases."""
    if chain is None:
        return True
    if doing is Doing.LOCK and chain.first.holder is not None and not chain.first.holder.nobody:
        return False
    return chain.first.kind in COMPATIBLE.get(doing, frozenset(Kind))


def named_wait(context: Context) -> Verdict | None:
    """No rule has a better name: who waits for what, and who could end it, as it was read."""
    chain = context.chain
    if chain is None or not context.silent or context.works:
        return None
    return as_it_was_read(context, chain)


def as_it_was_read(context: Context, chain: Chain, cause: str = "") -> Verdict:
    """In the chain's own words; a circle has a name of its own."""
    cause = cause or ("deadlock" if chain.circle is not None else f"waits_for_{chain.telling.kind.value}")
    text = f"No progress for {formatting.span(context.silence_s)}. {wait_words.in_words(chain)}"
    ours = {process.pid for process in context.evidence.processes}
    return context.silence(cause, text, against(chain, ours), chain=chain)


def gpu_driver(context: Context) -> Verdict | None:
    """Row 21: the driver answers nobody any more, whatever the stack says."""
    if not context.silent or not context.uses_gpu or context.evidence.gpu_silent_s < GPU_ANSWERS_S:
        return None
    text = WAITS[Doing.GPU].text.format(span=formatting.span(context.silence_s))
    return context.silence(WAITS[Doing.GPU].cause, text, HOPELESS)


def photo_cache(context: Context) -> Verdict | None:
    """The thread that reads ahead waits for the disk of the photo cache."""
    if not context.silent or context.works:
        return None
    if not any(
        thread.thread == "loader" and doing_of(thread) is Doing.USING_CACHE
        for thread in context.run.stacks_now
    ):
        return None
    text = (
        "Photos come from the photo cache, and its disk does not answer. Check that disk; when it answers, "
        f"training goes on by itself. Or press {Action.WITHOUT_CACHE.value}: photos are read anew then."
    )
    return context.silence("cache", text, CACHE)


_UNCLEAR = frozenset((Kind.UNKNOWN, Kind.RUNS, Kind.SLEEP, Kind.SEVERAL, Kind.EVENT))
_DRIVES = frozenset((Kind.DISK, Kind.MEMORY, Kind.UNKNOWN, Kind.RUNS))
_OWN_LOCKS = frozenset((Kind.LOCK, Kind.CONDITION, Kind.SEMAPHORE))
COMPATIBLE = {
    Doing.LOCK_FILE: _UNCLEAR | {Kind.FILE_LOCK},
    Doing.GPU: _UNCLEAR | _OWN_LOCKS | {Kind.DEVICE, Kind.DISK},
    Doing.LOCK: _UNCLEAR | _OWN_LOCKS,
    Doing.IMPORTING: _DRIVES,
    Doing.SAVING: _DRIVES,
}
"""What a thread may wait for, for the words of its stack to be true."""

WAITS = {
    Doing.LOCK_FILE: Wait(
        "lock_file",
        "The training waits for a lock file. Another run holds it, or one that crashed left it behind. End "
        "the other run; if there is none, delete the lock file, and the training goes on by itself.",
    ),
    Doing.OTHER_GPUS: Wait(
        "other_gpus",
        "This process waits for the processes of the other graphics cards, and they do not come. One of them "
        "has ended or hangs. Try again.",
        HANGS,
    ),
    Doing.GPU: Wait(
        "gpu_driver",
        "The program waits for the graphics card, which does nothing, for {span}. The graphics driver "
        "probably does not answer; then only a restart of the computer helps.",
        HOPELESS,
    ),
    Doing.LOCK: Wait(
        "deadlock",
        "The program waits for a lock that nobody releases ({place}), and uses no processor time. This does "
        "not pass. Try again: training goes on from what was saved last.",
        HANGS,
    ),
    Doing.IMPORTING: Wait(
        "slow_import",
        "The program is {doing} and waits for the disk. A network home, a slow disk or an antivirus program "
        "can hold it up; it usually passes.",
        ASK,
    ),
    Doing.SAVING: Wait(
        "storage",
        "Saving the model waits for the disk that holds the run folder. Check that disk; when it answers, "
        "training goes on by itself. Ending it may not work until then.",
    ),
}
"""What a stack says → what is said of it (rows 12, 15, 17, 20 to 22)."""
