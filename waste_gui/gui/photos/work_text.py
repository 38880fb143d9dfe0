"""What is said of work on the photos, check or preview: in its bar, and in the header. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.gui.common.escaping import shorten
from waste_gui.gui.common.formatting import count, many
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.session.engine_work import EngineWork
from waste_gui.gui.session.run_text import ReadingNow, time_left
from waste_gui.protocol import RunFailed


@dataclass(frozen=True)
class WorkText:
    """A headline, the line below or beside it, and the button; `share` is how much is done, None while there
    is nothing to show."""

    title: str
    detail: str
    button: str
    glyph: Glyph = "waiting"
    share: float | None = None


@dataclass(frozen=True)
class BarWords:
    """What is always the same in the bar of one kind of work."""

    of: str
    """`Check of the photos`."""
    buttons: tuple[str, ...]
    """All that may stand on its button."""
    stop: str
    """What stands there while it runs."""
    tip: str
    stop_tip: str


def photos_done(work: EngineWork) -> str:
    """`1 204 of 2 527 photos`."""
    return f"{count(work.done)} of {many(work.photos, 'photo')}" if work.photos else ""


def share_done(work: EngineWork) -> float | None:
    return min(1.0, work.done / work.photos) if work.photos else None


def waiting_text(work: EngineWork, stop: str) -> WorkText:
    """A folder went away."""
    gone = next(iter(work.run.away.values()))
    detail = f"Bring it back and the {work.name} goes on by itself; or stop it, and resume it later."
    share = share_done(work) or 0.0
    return WorkText(f"{gone.folder} {gone.reason}: waiting for it", detail, stop, "slow", share)


def ended_badly(work: EngineWork, again: str) -> WorkText:
    """What it said itself, or what its log ends with; `again` is the button's text."""
    last = work.run.last
    if isinstance(last, RunFailed):
        return WorkText(f"The {work.name} failed.", f"{last.text} {last.hint}".strip(), again, "failed")
    written = work.log_tail.partition("Fatal Python error")[0]  # Then come the stacks, for the log alone.
    said = written.strip().rpartition("\n")[2].strip()
    log = f" Its log ends with: {shorten(said, 200)}" if said else ""
    why = f"{work.run.exit_words} {work.name.capitalize()} again: it goes on where it was.{log}"
    return WorkText(f"The {work.name} crashed.", why, again, "failed")


def reading_now(work: EngineWork, stage: str, before: str, soon: str) -> ReadingNow | None:
    """What the header says of it: `stage` is what it does, `before` what it does before it knows how many
    photos there are, `soon` how long that takes."""
    if not work.running:
        return None
    time = soon if work.left_s is None else time_left(work.left_s)
    if work.run.away:
        time = "no estimate"
    elif work.left_s is None and work.photos:
        time = "no estimate yet"
    return ReadingNow(stage, work.name, photos_done(work) or before, time, bool(work.run.away))
