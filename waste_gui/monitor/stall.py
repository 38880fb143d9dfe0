"""What the silence of a run means: a verdict, its cause in words, and what the person can do.

The rules stand in `RULES`, in the order of the decision table of `design/stalls.md`; the first that says
something wins. A heartbeat is no proof of progress: in 11 of 16 measured stalls it went on. So silence is
counted from the last progress, and what the processes do decides what the silence means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from waste_gui.monitor.chances import with_chances
from waste_gui.monitor.context import Context
from waste_gui.monitor.countdown import Remaining
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.rules import computing, learning, life, machine, pace, photos, waiting
from waste_gui.monitor.run import Run
from waste_gui.monitor.verdict import Verdict

Rule = Callable[[Context], Verdict | None]
LEARNING: tuple[Rule, ...] = (
    learning.loss_is_nan,
    learning.loss_explodes,
    learning.loss_does_not_move,
    learning.one_class_predicted,
    learning.validation_at_chance,
    learning.still_guesses,
    learning.overfits,
    learning.waits_for_photos,
)


def by_steps(rule: Rule) -> Rule:
    """A rule on curves and epochs: the last layer alone is no training by steps, and its one epoch says
    nothing of learning or pace."""
    return lambda context: None if context.run.head_only else rule(context)


RULES: tuple[Rule, ...] = (
    life.ended,
    life.idle,
    life.gone,
    life.stopping,
    life.not_heard,
    life.stopped_process,
    life.paused,
    life.nothing_said,
    machine.disk_full,
    photos.source_gone,
    photos.one_photo,
    photos.storage,
    photos.workers_starting,
    waiting.photo_cache,
    machine.window_busy,
    machine.low_memory,
    waiting.gpu_driver,
    waiting.known_wait,
    photos.handover,
    computing.loop,
    computing.busy_in_one_call,
    computing.first_step,
    computing.still_works,
    machine.network,
    computing.frozen,
    waiting.named_wait,
    computing.unknown,
    machine.not_saved,
    *map(by_steps, LEARNING),
    by_steps(pace.slower_epoch),
    pace.slower_stage,
    by_steps(learning.first_pass),
)
"""First match wins: how it ended, what was asked for, silence by its cause, learning, then the pace."""


def diagnose(run: Run, remaining: Remaining, evidence: Evidence, now: float) -> Verdict:
    """What the silence of this run means, how sure that is, and what the person can do about it."""
    context = Context(run, remaining, evidence, now)
    said = filter(None, (rule(context) for rule in RULES))
    verdict = with_chances(next(said, None) or pace.on_schedule(context), said)
    host = evidence.elsewhere
    if host and run.phase.running and host not in verdict.text:
        return replace(verdict, text=f"It runs on {host}. {verdict.text}")
    return verdict
