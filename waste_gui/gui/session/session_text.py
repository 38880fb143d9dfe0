"""What the session says and asks: before a training ends, and of one that went on without a window."""

from __future__ import annotations

from waste_gui.config import epochs_if_known
from waste_gui.gui.common.formatting import time_of_day
from waste_gui.gui.session.interfaces import Answer
from waste_gui.gui.session.queue_store import QueueState
from waste_gui.gui.session.run_ends import GLYPHS
from waste_gui.gui.session.run_text import Notice, Offer, stop_question
from waste_gui.monitor.formatting import about
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.run_names import default_name


def trouble(text: str, hint: str = "") -> Notice:
    """What went wrong outside a run."""
    return Notice("slow", "slow", text, hint, (Offer.HIDE,))


def stop_answers(snapshot: Snapshot) -> tuple[tuple[Answer, ...], str, dict[Answer, str]]:
    """What can be answered to whether to stop, the question's text, and what is added to a button's."""
    text = stop_question(snapshot)
    if snapshot.run.phase is not RunPhase.TRAINING:
        return (Answer.STOP_NOW, Answer.KEEP_TRAINING), text, {}
    left = snapshot.epoch_left_s
    notes = {Answer.AFTER_EPOCH: f", ~{about(left)}"} if left and left >= 1 else {}
    return (Answer.STOP_NOW, Answer.AFTER_EPOCH, Answer.KEEP_TRAINING), text, notes


def close_question(snapshot: Snapshot, *, queue_waits: bool) -> str:
    left = snapshot.view.remaining.run_s if snapshot.view else None
    still = f"It needs about {about(left)} more. " if left and left >= 1 else ""
    queued = " The queue waits until then." if queue_waits else ""
    return f"{still}It can go on without the window; open waste-gui again to see it.{queued}"


def still_runs_notice(began: float) -> Notice:
    """`began` is Unix time."""
    title = f"Reconnected to the training started at {time_of_day(began)}."
    return Notice("info", "ok", title, "", (Offer.HIDE,))


def resumed_elsewhere_notice() -> Notice:
    title = "Reconnected: this training was resumed in another window."
    return Notice("info", "ok", title, "", (Offer.HIDE,))


def ended_alone_notice(began: float, state: QueueState, words: str) -> Notice:
    """`words` is the accuracy, or why it ended badly."""
    training, offers = f"Training from {time_of_day(began)}", (Offer.SHOW_RUN, Offer.HIDE)
    match state:
        case "done":
            title = f"{training} ended while the window was closed{f': {words}' if words else ''}."
            return Notice("done", "done", title, "", offers)
        case "stopped":
            title = f"{training} was stopped while the window was closed."
            return Notice("info", "stopped", title, "", offers)
    how = "crashed" if state == "crashed" else "failed"
    return Notice("slow", GLYPHS[state], f"{training} {how} while the window was closed.", words, offers)


def run_name(snapshot: Snapshot) -> str:
    """The run's own name, or what tells it from others, or that of its folder; empty where there is none."""
    config = snapshot.config
    if config is not None:
        run = snapshot.run
        epochs = epochs_if_known(config) or (run.started.epochs if run.started else None)
        return config.name or default_name(config.source, config.model, epochs, run.tune or config.tune)
    return snapshot.folder.name if snapshot.folder else ""
