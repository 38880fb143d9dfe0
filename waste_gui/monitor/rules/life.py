"""How a run ended, what the person asked for, and processes that were stopped or never spoke."""

from __future__ import annotations

import re

from waste_gui.monitor import formatting
from waste_gui.monitor.best_model import best_of, kept, of_epoch
from waste_gui.monitor.context import (
    BEAT_S,
    NOTICED_S,
    RED_SILENCE_S,
    SPEECHLESS_S,
    Context,
)
from waste_gui.monitor.crash import GONE
from waste_gui.monitor.last_log import LastLog
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.verdict import HANGS, Action, Verdict, VerdictState
from waste_gui.protocol import RunFailed, RunFinished, RunStopped

STOP_S = 20.0
NOT_HEARD_S, LOST_S = 30.0, 120.0
"""A network drive may show for a minute what a file was."""


def ended(context: Context) -> Verdict | None:
    run = context.run
    if not run.phase.ended:
        return None
    match run.last:
        case RunFinished(elapsed_s=elapsed_s):
            which = f" ({best_of(run)})" if best_of(run) else ""
            best = f" Best: {percent(run.best.val_accuracy)}{which}." if run.best else ""
            return Verdict(
                VerdictState.ENDED, "finished", "Done", f"Done in {formatting.clock(elapsed_s)}.{best}"
            )
        case RunStopped(reason=reason):
            text = f"{reason.rstrip('.') or 'Stopped'}.{kept(run)}"
            return Verdict(VerdictState.ENDED, "stopped", "Stopped", text)
        case RunFailed(kind=kind, text=text, hint=hint, traceback=traceback):
            actions = (Action.COPY_DETAILS,)
            return Verdict(
                VerdictState.ENDED,
                as_id(kind) or "failed",
                text,
                f"{text} {hint}".strip(),
                LastLog(traceback).error_lines,
                actions,
            )
    title, actions = "Training crashed", (Action.COPY_DETAILS,)
    if crash := run.crash:
        text = f"{crash.text} {crash.hint}".strip()
        return Verdict(VerdictState.ENDED, crash.cause, title, text, crash.lines, actions)
    text = run.exit_words or "The training process ended without saying why."
    return Verdict(VerdictState.ENDED, "crashed", title, text, (), actions)


def idle(context: Context) -> Verdict | None:
    if context.run.phase is not RunPhase.IDLE:
        return None
    return Verdict(VerdictState.ON_SCHEDULE, "idle", "Nothing is running", "Nothing is running.")


def gone(context: Context) -> Verdict | None:
    """The process is gone, and its last message, if there was one, had time to arrive."""
    if (
        context.evidence.alive
        or context.run.phase is RunPhase.LAUNCHED
        or context.now - context.run.heard_at <= 2
    ):
        return None
    text = GONE.format(work="training")
    title = "Training crashed"
    return Verdict(VerdictState.ENDED, "gone", title, text, context.facts, (Action.COPY_DETAILS,))


def stopping(context: Context) -> Verdict | None:
    run = context.run
    if run.stop_asked_at is None:
        return None
    waited = context.now - run.stop_asked_at
    if waited < STOP_S:
        text = "Stopping: the step that runs is finished and the model saved."
        return Verdict(VerdictState.ON_SCHEDULE, "stopping", "Stopping", text)
    disk = " Nothing is on disk yet."
    if run.checkpoint is not None:
        which = of_epoch(run, run.best.epoch if run.best else run.checkpoint.epoch)
        disk = (
            f" The {'best' if run.best else 'last'} model{f', {which},' if which else ''} is already on disk."
        )
    title = f"It has not stopped after {formatting.span(waited)}"
    if host := context.evidence.elsewhere:
        text = f"{title}. It cannot be ended from here: end it on {host}.{disk}"
        elsewhere = (Action.KEEP_WAITING, Action.COPY_DETAILS)
        return Verdict(VerdictState.LIKELY_STUCK, "not_stopping", title, text, context.facts, elsewhere)
    if pid := context.evidence.unproven:
        text = f"{title}. {not_ended_from_here(pid)} Look at it, and end it yourself.{disk}"
        unproven = (Action.KEEP_WAITING, Action.COPY_DETAILS)
        return Verdict(VerdictState.LIKELY_STUCK, "not_stopping", title, text, context.facts, unproven)
    actions = (Action.FORCE_STOP, Action.KEEP_WAITING, Action.SHOW_WHERE)
    return Verdict(
        VerdictState.LIKELY_STUCK, "not_stopping", title, f"{title}. Force it?{disk}", context.facts, actions
    )


def not_heard(context: Context) -> Verdict | None:
    """A run on another computer: its processes cannot be seen, so nobody can say from here whether it is
    stuck, was ended, or lives and its words do not arrive."""
    host = context.evidence.elsewhere
    if not host or context.beat_age_s < NOT_HEARD_S:
        return None
    heard = formatting.span(context.beat_age_s)
    text = (
        f"Not heard for {heard}: it runs on {host}, and its processes cannot be seen from here. It may be "
        f"stuck, or ended, or its network drive is away. Look at it on {host}."
    )
    lost = context.beat_age_s >= LOST_S
    state = VerdictState.LIKELY_STUCK if lost else VerdictState.SLOW
    title = f"Not heard for {heard}: it runs on {host}"
    actions = (Action.KEEP_WAITING, Action.STOP, Action.COPY_DETAILS)
    return Verdict(
        state,
        "not_heard",
        title,
        text,
        context.facts,
        actions,
        silent=True,
        headline="Not heard",
        advice=f"Look at it on {host}.",
    )


def stopped_process(context: Context) -> Verdict | None:
    """Row 3: a process in T, the engine's or a data worker's. Another that the training started is told of
    where the training waits for it."""
    if "stopped" not in context.evidence.states or max(context.beat_age_s, context.silence_s) <= BEAT_S:
        return None
    stopped = [process.role for process in context.evidence.processes if process.state == "stopped"]
    if stopped and "engine" not in stopped and "worker" not in stopped:
        return None
    who = "The training process" if context.beat_age_s > BEAT_S else "A data worker"
    text = f"{who} is paused: somebody stopped it (SIGSTOP). It goes on where it was when it is continued."
    state = VerdictState.LIKELY_STUCK if context.silence_s >= RED_SILENCE_S else VerdictState.SLOW
    if pid := context.evidence.unproven:
        text += f" {not_ended_from_here(pid)} Continue it yourself: kill -CONT {pid}."
        return context.silence("paused", text, (Action.KEEP_WAITING, Action.COPY_DETAILS), state=state)
    return context.silence("paused", text, (Action.RESUME, Action.STOP), state=state)


def not_ended_from_here(pid: int) -> str:
    """Why no signal is sent to an engine that a lock without a proof names."""
    return (
        f"This window sends no signal to process {pid}: nothing proves that it is this training, started by "
        "you and by this version of the program."
    )


def paused(context: Context) -> Verdict | None:
    if not context.run.paused:
        return None
    return Verdict(
        VerdictState.ON_SCHEDULE, "paused_by_you", "Paused", "Paused.", (), (Action.RESUME, Action.STOP)
    )


def nothing_said(context: Context) -> Verdict | None:
    if context.run.phase is not RunPhase.LAUNCHED:
        return None
    if context.now < NOTICED_S:
        return Verdict(VerdictState.ON_SCHEDULE, "starting", "Starting", "The training process is starting.")
    text = (
        f"The training process was started {formatting.span(context.now)} ago and has not said anything yet. "
        "Usually it does within a second. An antivirus program or a slow network home can hold it up."
    )
    state = VerdictState.LIKELY_STUCK if context.now >= SPEECHLESS_S else VerdictState.SLOW
    return context.silence("no_first_word", text, HANGS, state=state)


def as_id(name: str) -> str:
    """`TooManyBadPhotos` as `too_many_bad_photos`."""
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
