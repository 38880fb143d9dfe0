"""What the photos page says of a check: a headline, the line below it, how far it is. No widgets."""

from __future__ import annotations

from collections.abc import Sequence

from waste_gui.config import failure_budget
from waste_gui.gui.common.formatting import count, many, time_of_day
from waste_gui.gui.photos.check import CHECK, PhotoCheck
from waste_gui.gui.photos.finding_rows import counted, counts
from waste_gui.gui.photos.work_text import (
    BarWords,
    WorkText,
    ended_badly,
    photos_done,
    share_done,
    waiting_text,
)
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.run_text import time_left
from waste_gui.monitor.run import RunPhase
from waste_gui.protocol import Finding

START, STOP, GO_ON, AGAIN = "Chec&k photos", "Stop chec&king", "Resume chec&king", "Chec&k again"
"""The check's button; each with the same letter, that nothing always there has."""

BAR = BarWords(
    "Check of the photos",
    (START, STOP, GO_ON, AGAIN),
    STOP,
    "Reads every photo once and lists what would disturb training",
    "Stop the check; it goes on where it was when you start it again",
)

LATER = "When you resume it, it starts from there."


def check_text(check: PhotoCheck, left_open: Sequence[Finding], choice: DatasetChoice) -> WorkText:
    """`left_open` are the findings still to be looked at, `choice` the photos and classes chosen now."""
    phase = check.run.phase
    if check.running or phase.running:
        return _running(check, left_open)
    if check.choice != choice:
        return _not_yet(check.choice is not None and check.choice.sources == choice.sources)
    if check.refused:
        return WorkText("The check could not be started.", check.refused, AGAIN, "failed")
    if check.stopped:
        return _stopped(check, left_open)
    match phase:
        case RunPhase.FINISHED:
            return _finished(check, left_open)
        case RunPhase.FAILED | RunPhase.CRASHED:
            return ended_badly(check, AGAIN)
    return _not_yet(False)


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


def _not_yet(with_other_classes: bool) -> WorkText:
    if with_other_classes:
        why = "What was read is remembered: checking again takes a moment."
        return WorkText("Not checked with these classes yet", why, START)
    why = "A check reads every photo once and finds damaged ones, duplicates and unusual ones."
    return WorkText("Not checked yet", why, START)


def _running(check: PhotoCheck, left_open: Sequence[Finding]) -> WorkText:
    share = share_done(check) or 0.0
    found = counted(counts(left_open))
    detail = f"So far: {found}." if found else "Nothing found so far."
    if check.run.stop_asked_at is not None:
        return WorkText("Stopping the check…", LATER, STOP, "ok", share)
    if check.run.away:
        return waiting_text(check, STOP)
    stage = check.run.current
    if stage is not None and stage.id != CHECK and check.photos:
        return WorkText("Comparing the photos with each other…", detail, STOP, "running", 1.0)
    if not check.photos:
        return WorkText("Looking up the photos…", detail, STOP, "running", share)
    still = f", {time_left(check.left_s)}" if check.left_s is not None else ""
    return WorkText(f"Checking: {photos_done(check)}{still}", detail, STOP, "running", share)


def _stopped(check: PhotoCheck, left_open: Sequence[Finding]) -> WorkText:
    why = " for the training" if check.stopped_for_training else ""
    at = f" at {photos_done(check)}" if check.photos else ""
    found = counted(counts(left_open))
    detail = LATER + (f" Found until then: {found}." if found else "")
    return WorkText(f"Check stopped{why}{at}.", detail, GO_ON, "stopped", share_done(check))


def _finished(check: PhotoCheck, left_open: Sequence[Finding]) -> WorkText:
    found = counts(left_open)
    checked = f"{many(check.photos, 'photo')} checked"
    at = f"Checked at {time_of_day(check.ended_at)}."
    if not found:
        nothing = "all findings are dealt with" if check.findings else "nothing found"
        return WorkText(f"{checked}: {nothing}.", at, AGAIN, "done")
    damaged = found.pop("damaged", 0)
    if not damaged:
        return WorkText(f"{checked}: {many(len(left_open), 'finding')}.", f"{counted(found)}.", AGAIN, "slow")
    title = f"{count(damaged)} of {many(check.photos, 'photo')} cannot be read."
    allowed = failure_budget(check.photos)
    if damaged > allowed:
        cure = f"Training copes with {count(allowed)}: repair the photos, or exclude them."
        return WorkText(f"{title} That is too many.", cure, AGAIN, "stuck")
    title += " It is left out." if damaged == 1 else " They are left out."
    return WorkText(title, f"Also {counted(found)}." if found else at, AGAIN, "slow")
