"""What is said of the queue: its runs in a line each, and how all of them ended. No widgets."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from waste_gui.config import epochs_if_known
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.session.queue_store import QueuedRun
from waste_gui.gui.session.run_ends import GLYPHS
from waste_gui.gui.session.run_text import Notice, Offer
from waste_gui.monitor.formatting import about
from waste_gui.run_names import default_name

BADLY = ("failed", "crashed")


@dataclass(frozen=True)
class QueueRow:
    """A line of the list. `state` stands on the right; `detail` below the name, or why it ended badly."""

    id: str
    name: str
    detail: str
    glyph: Glyph
    state: str
    time: str
    movable: bool
    failure: str = ""


def row(entry: QueuedRun, expected_s: float | None) -> QueueRow:
    config = entry.config
    folders = ", ".join(os.path.basename(source) or source for source in config.source)
    epochs = epochs_if_known(config)
    parts = (config.model, many(epochs, "epoch") if epochs else "", folders) if config.name else (folders,)
    detail = "  ·  ".join(filter(None, parts))
    state = {"done": f"done  {entry.words}".strip(), "stopped": "stopped by you"}.get(
        entry.state, entry.state
    )
    known = entry.state in ("waiting", "running") and expected_s is not None
    return QueueRow(
        id=entry.id,
        name=title(entry),
        detail=detail,
        glyph=GLYPHS[entry.state],
        state=state,
        time=f"about {about(expected_s)}" if known and expected_s is not None else "",
        movable=entry.state == "waiting",
        failure=entry.words if entry.state in BADLY else "",
    )


def title(entry: QueuedRun) -> str:
    """Its own name, or what distinguishes it most."""
    config = entry.config
    return config.name or default_name(config.source, config.model, epochs_if_known(config), config.tune)


def headline(
    waiting: int,
    running: bool,
    *,
    begun: bool,
    paused: bool,
    busy: bool,
    elsewhere: bool,
    seconds: float | None,
) -> str:
    """Above the list: what it does now, and for how long still."""
    if not waiting:
        return "The last run of the queue trains now." if running else "Nothing waits in the queue."
    words = f"{many(waiting, 'run')} {'waits' if waiting == 1 else 'wait'}"
    words += f", about {about(seconds)} altogether." if seconds else "."
    if paused:
        return f"{words} {'The queue is paused.' if begun else 'Start the queue to train them.'}"
    if elsewhere:
        return f"{words} Another window starts them."
    return f"{words} The next one starts {'when this training has ended' if busy else 'now'}."


def over_notice(ended: Sequence[QueuedRun]) -> Notice:
    """How many went well and how many did not, with their names."""
    well = [entry for entry in ended if entry.state == "done"]
    rest = len(ended) - len(well)
    if not rest:
        words = f"The queue is done: {many(len(well), 'run')} went well."
    else:
        words = f"The queue is done: {many(len(well), 'run')} went well, {rest} did not."
    parts = [
        _named("Went well", well, lambda entry: f" ({entry.words})" if entry.words else ""),
        _named("Stopped", [entry for entry in ended if entry.state == "stopped"], lambda entry: ""),
        *(f"{title(entry)} {entry.state}: {entry.words}" for entry in ended if entry.state in BADLY),
    ]
    text = " ".join(part for part in parts if part)
    glyph: Glyph = "failed" if rest else "done"
    offers = (Offer.SHOW_QUEUE, Offer.HIDE)
    return Notice("info" if rest else "done", glyph, words, text, offers, of_queue=True)


def _named(words: str, entries: Sequence[QueuedRun], more: Callable[[QueuedRun], str]) -> str:
    names = [f"{title(entry)}{more(entry)}" for entry in entries]
    return f"{words}: {', '.join(names)}." if names else ""


def start_labels(begun: bool) -> tuple[tuple[Offer, str], ...]:
    """What the button says where nothing of it has trained yet."""
    return () if begun else ((Offer.QUEUE_ON, "Start the queue"),)


def waiting_notice(waiting: int, *, begun: bool) -> Notice:
    """A window was opened, and an earlier one left runs in the queue."""
    words = f"{many(waiting, 'run')} {'waits' if waiting == 1 else 'wait'} in the queue."
    offers = (Offer.QUEUE_ON, Offer.SHOW_QUEUE, Offer.HIDE)
    return Notice("info", "waiting", words, "", offers, labels=start_labels(begun), of_queue=True)


def added_notice(entry: QueuedRun, place: int, *, begun: bool, paused: bool, busy: bool) -> Notice:
    """`place` counts from 1 among those that wait."""
    if paused:
        waits = "It waits" if place == 1 else f"{place} runs wait"
        when = f"{waits} until you {'resume' if begun else 'start'} the queue."
    elif place > 1:
        when = f"It is number {place}."
    else:
        when = "It starts when this training has ended." if busy else "It starts now."
    words = f"Added to the queue: {title(entry)}."
    offers = (Offer.QUEUE_ON, Offer.SHOW_QUEUE, Offer.HIDE) if paused else (Offer.SHOW_QUEUE, Offer.HIDE)
    return Notice("info", "ok", words, when, offers, labels=start_labels(begun), of_queue=True)


def halted_question(entry: QueuedRun, waiting: int) -> str:
    """`You stopped night run. 2 runs wait in the queue.`"""
    wait = "waits" if waiting == 1 else "wait"
    return f"You stopped {title(entry)}. {many(waiting, 'run')} {wait} in the queue."
