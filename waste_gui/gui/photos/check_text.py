"""What the photos page says of a check: a headline, the line below it, how far it is. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waste_gui.config import failure_budget
from waste_gui.gui.common.escaping import shorten
from waste_gui.gui.common.formatting import count, many, time_of_day
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.photos.check import CHECK, PhotoCheck
from waste_gui.gui.photos.finding_rows import counted, counts
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.run_text import CheckNow, time_left
from waste_gui.monitor.run import RunPhase
from waste_gui.protocol import Finding, RunFailed

START, STOP, GO_ON, AGAIN = "Chec&k photos", "Stop chec&king", "Resume chec&king", "Chec&k again"
"""The check's button; each with the same letter, that nothing always there has."""

LATER = "When you resume it, it starts from there."


@dataclass(frozen=True)
class CheckText:
    """`share` is how much is done, None while there is nothing to show."""

    title: str
    detail: str
    button: str
    glyph: Glyph = "waiting"
    share: float | None = None


def check_text(check: PhotoCheck, left_open: Sequence[Finding], choice: DatasetChoice) -> CheckText:
    """`left_open` are the findings still to be looked at, `choice` the photos and classes chosen now."""
    phase = check.run.phase
    if check.running or phase.running:
        return _running(check, left_open)
    if check.choice != choice:
        return _not_yet(check.choice is not None and check.choice.sources == choice.sources)
    if check.refused:
        return CheckText("The check could not be started.", check.refused, AGAIN, "failed")
    if check.stopped:
        return _stopped(check, left_open)
    match phase:
        case RunPhase.FINISHED:
            return _finished(check, left_open)
        case RunPhase.FAILED | RunPhase.CRASHED:
            return _failed(check)
    return _not_yet(False)


def check_now(check: PhotoCheck) -> CheckNow | None:
    if not check.running:
        return None
    time = "a few seconds" if check.left_s is None else time_left(check.left_s)
    if check.run.away:
        time = "no estimate"
    elif check.left_s is None and check.photos:
        time = "no estimate yet"
    return CheckNow(_progress(check) or "the photos are looked up", time, bool(check.run.away))


def empty_words(check: PhotoCheck, choice: DatasetChoice) -> str:
    """What the empty list says."""
    if check.running:
        return "What is found appears here. It can be excluded while the check goes on."
    if check.choice == choice and check.run.phase is RunPhase.FINISHED:
        return (
            "Every photo can be read, none is there twice, and none is unusually small, large or shaped. "
            "You can start the training."
        )
    return "Check the photos to see here which are damaged, duplicates or unusual."


def _not_yet(with_other_classes: bool) -> CheckText:
    if with_other_classes:
        why = "What was read is remembered: checking again takes a moment."
        return CheckText("Not checked with these classes yet", why, START)
    why = "A check reads every photo once and finds damaged ones, duplicates and unusual ones."
    return CheckText("Not checked yet", why, START)


def _progress(check: PhotoCheck) -> str:
    """`1 204 of 2 527 photos`."""
    return f"{count(check.done)} of {many(check.photos, 'photo')}" if check.photos else ""


def _running(check: PhotoCheck, left_open: Sequence[Finding]) -> CheckText:
    share = check.done / check.photos if check.photos else 0.0
    found = counted(counts(left_open))
    detail = f"So far: {found}." if found else "Nothing found so far."
    if check.run.stop_asked_at is not None:
        return CheckText("Stopping the check…", LATER, STOP, "ok", share)
    if check.run.away:
        gone = next(iter(check.run.away.values()))
        detail = "Bring it back and the check goes on by itself; or stop it, and resume it later."
        return CheckText(f"{gone.folder} {gone.reason}: waiting for it", detail, STOP, "slow", share)
    stage = check.run.current
    if stage is not None and stage.id != CHECK and check.photos:
        return CheckText("Comparing the photos with each other…", detail, STOP, "running", 1.0)
    if not check.photos:
        return CheckText("Looking up the photos…", detail, STOP, "running", share)
    still = f", {time_left(check.left_s)}" if check.left_s is not None else ""
    return CheckText(f"Checking: {_progress(check)}{still}", detail, STOP, "running", share)


def _stopped(check: PhotoCheck, left_open: Sequence[Finding]) -> CheckText:
    why = " for the training" if check.stopped_for_training else ""
    at = f" at {_progress(check)}" if check.photos else ""
    found = counted(counts(left_open))
    detail = LATER + (f" Found until then: {found}." if found else "")
    share = check.done / check.photos if check.photos else None
    return CheckText(f"Check stopped{why}{at}.", detail, GO_ON, "stopped", share)


def _finished(check: PhotoCheck, left_open: Sequence[Finding]) -> CheckText:
    found = counts(left_open)
    checked = f"{many(check.photos, 'photo')} checked"
    at = f"Checked at {time_of_day(check.ended_at)}."
    if not found:
        nothing = "all findings are dealt with" if check.findings else "nothing found"
        return CheckText(f"{checked}: {nothing}.", at, AGAIN, "done")
    damaged = found.pop("damaged", 0)
    if not damaged:
        return CheckText(
            f"{checked}: {many(len(left_open), 'finding')}.", f"{counted(found)}.", AGAIN, "slow"
        )
    title = f"{count(damaged)} of {many(check.photos, 'photo')} cannot be read."
    allowed = failure_budget(check.photos)
    if damaged > allowed:
        cure = f"Training copes with {count(allowed)}: repair the photos, or exclude them."
        return CheckText(f"{title} That is too many.", cure, AGAIN, "stuck")
    title += " It is left out." if damaged == 1 else " They are left out."
    return CheckText(title, f"Also {counted(found)}." if found else at, AGAIN, "slow")


def _failed(check: PhotoCheck) -> CheckText:
    last = check.run.last
    if isinstance(last, RunFailed):
        return CheckText("The check failed.", f"{last.text} {last.hint}".strip(), AGAIN, "failed")
    written = check.log_tail.partition("Fatal Python error")[0]  # Then come the stacks, for the log alone.
    said = written.strip().rpartition("\n")[2].strip()
    log = f" Its log ends with: {shorten(said, 200)}" if said else ""
    why = f"{check.run.exit_words} Check again: it goes on where it was.{log}"
    return CheckText("The check crashed.", why, AGAIN, "failed")
