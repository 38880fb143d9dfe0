"""What is said of a preview, in the bar and on its page. No widgets."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from waste_gui.bounds import Interval
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import count, many, time_of_day
from waste_gui.gui.photos.preview import Preview
from waste_gui.gui.photos.work_text import (
    BarWords,
    WorkText,
    ended_badly,
    photos_done,
    share_done,
    waiting_text,
)
from waste_gui.gui.session.run_text import time_left
from waste_gui.monitor.run import RunPhase
from waste_gui.protocol import Previewed

START, STOP, GO_ON, AGAIN = "Preview &training", "S&top preview", "Resume &the preview", "Upda&te preview"
"""The preview's button; each with the same letter, that nothing always there has."""

OPEN, BACK = "&Open preview", "Back t&o the classes"
OPEN_TIP = "Classes, more photos, other places, labels to look at"

BAR = BarWords(
    "Preview",
    (START, STOP, GO_ON, AGAIN),
    STOP,
    "Estimates, before training, how many photos will be right, what more photos would bring, and which "
    "labels to look at. About a minute the first time, seconds after a change; nothing is changed by itself.",
    "Stop the preview; it goes on where it was when you start it again",
)

ABOUT = "How many photos will be right, and what would help most: takes about a minute."
FIRST = "The first time takes about a minute, later it takes seconds."
LATER = "When you resume it, it starts from there."

CONFUSED, WANTED = 6, 6
"""Lines of each that are read."""
ROWS = 60
"""Bars of classes or sources: of more, the weakest."""

STAGES = {
    "import": "starting PyTorch",
    "scan": "looking up the photos",
    "model": "building the model",
    "forecast": "working it out",
}


@dataclass(frozen=True)
class Known:
    """What the last preview told of these folders, why it may be different by now, if not "", what it
    warned of, and when it ended."""

    told: Previewed
    stale: str = ""
    warned: tuple[str, ...] = ()
    at: float = 0.0


def preview_text(preview: Preview, known: Known | None, *, looked_at: bool = False) -> WorkText:
    """For the bar; `known` is of the folders that are chosen. It is short while the page is `looked_at`."""
    phase = preview.run.phase
    if preview.running or phase.running:
        return _running(preview)
    if preview.refused:
        return WorkText("The preview could not be started.", preview.refused, AGAIN, "failed")
    if preview.stopped:
        why = " for the training" if preview.stopped_for_training else ""
        at = f" at {photos_done(preview)}" if preview.photos else ""
        return WorkText(f"Preview stopped{why}{at}.", LATER, GO_ON, "stopped", share_done(preview))
    if phase in (RunPhase.FAILED, RunPhase.CRASHED):
        return ended_badly(preview, AGAIN)
    if phase is RunPhase.FINISHED and preview.told is None:
        return WorkText(
            "The preview came to nothing.", "Its engine told no result. Try again.", AGAIN, "failed"
        )
    if known is None:
        return WorkText("No preview yet", ABOUT, START)
    title = f"{expected(known.told)} ({around(known.told.interval)})."
    if looked_at:
        title = f"Preview of {time_of_day(known.at)}"
    if known.stale:
        return WorkText(title, f"Out of date: {known.stale}.", AGAIN, "slow")
    return WorkText(title, "" if looked_at else twice(known.told), AGAIN, "done")


def _running(preview: Preview) -> WorkText:
    share = share_done(preview) or 0.0
    if preview.run.stop_asked_at is not None:
        return WorkText("Stopping the preview…", LATER, STOP, "ok", share)
    if preview.run.away:
        return waiting_text(preview, STOP)
    stage = preview.run.current
    if stage is not None and stage.id == preview.stage and preview.photos:
        still = f", {time_left(preview.left_s)}" if preview.left_s is not None else ""
        return WorkText(f"Preview: {photos_done(preview)}{still}", FIRST, STOP, "running", share)
    return WorkText(f"Preview: {doing(preview)}…", FIRST, STOP, "running", share)


def doing(preview: Preview) -> str:
    """What it does, where that is not to go from photo to photo."""
    stage = preview.run.current
    return STAGES.get(stage.id if stage else "import", "working")


# --- what it tells


def of_100(share: float) -> int:
    return round(100 * min(1.0, max(0.0, share)))


def around(interval: Interval) -> str:
    """`81 to 89`."""
    low, high = sorted(map(of_100, interval))
    return f"{low} to {high}" if low != high else f"{low}"


def expected(told: Previewed) -> str:
    return f"About {of_100(told.accuracy)} of 100 photos will be right"


def basis(told: Previewed) -> str:
    of = f"{many(told.photos, 'photo')} in {many(len(told.per_class), 'class', 'classes')}"
    return (
        f"{around(told.interval)} of 100, nine times of ten. "
        f"Judged on {of}, each by a model that had not seen it."
    )


def twice(told: Previewed) -> str:
    """`Twice the photos: 87 to 91 of 100.`"""
    return f"Twice the photos: {around(told.with_twice)} of 100." if told.with_twice else ""


def no_curve(told: Previewed) -> str:
    """Where nothing can be said of more photos."""
    return "" if told.curve else "There are too few photos to tell what more of them would bring."


def class_shares(told: Previewed) -> dict[str, float | None]:
    """The weakest first, those of which nothing is known last."""
    known = sorted(told.per_class, key=lambda each: (each.accuracy is None, each.accuracy or 0.0))
    return {each.label: each.accuracy for each in known[:ROWS]}


def more_classes(told: Previewed) -> str:
    hidden = len(told.per_class) - ROWS
    return f"The weakest {ROWS} are shown, {count(hidden)} more are better." if hidden > 0 else ""


def confusions(told: Previewed) -> list[str]:
    """`glass is taken for plastic: 7 of 96`, the commonest first."""
    of = {each.label: each.photos for each in told.per_class}
    found = sorted(told.confused, key=lambda each: -each.photos)[:CONFUSED]
    return [
        one_line(f"{each.label} is taken for {each.taken_for}: {count(each.photos)}")
        + (f" of {count(of[each.label])}" if of.get(each.label) else "")
        for each in found
        if each.photos
    ]


def points(gain: Interval) -> str:
    """`+1 to +3 points`."""
    low, high = sorted(round(100 * each) for each in gain)
    one = f"{_signed(high)} point" + ("" if high == 1 else "s")
    return one if low == high else f"{_signed(low)} to {one}"


def _signed(number: int) -> str:
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{abs(number)}"


def wanted(told: Previewed) -> list[str]:
    """`40 more of metal: +1 to +3 points`, what helps most first; of what nothing can be told in one line."""
    best = sorted(told.wanted, key=lambda each: -sum(each.gain))[:ROWS]
    helps = [each for each in best if each.helps]
    lines = [
        one_line(f"{count(each.photos)} more of {each.label}: {points(each.gain)}") for each in helps[:WANTED]
    ]
    idle = [one_line(each.label) for each in best if not each.helps]
    if idle:
        others = f" and {count(len(idle) - 3)} others" if len(idle) > 3 else ""
        lines.append(f"More of {', '.join(idle[:3])}{others}: nothing that could be told")
    return lines


def elsewhere(told: Previewed) -> str:
    """Whether it will hold for photos from another place."""
    known = [each.accuracy for each in told.sources if each.accuracy is not None]
    if len(told.sources) < 2:
        return (
            "This cannot be known: all photos come from one folder, perhaps from one camera at one place. "
            "Add a folder from another camera or place, and the preview leaves out each in turn."
        )
    if not known:
        return "This cannot be known: no folder has classes that another one has, too."
    return f"Of a folder that was not trained on, {around((min(known), max(known)))} of 100 are right:"


def source_shares(told: Previewed) -> dict[str, float | None]:
    """By the ends of their paths, as far as they differ; the weakest first."""
    if len(told.sources) < 2:
        return {}
    known = sorted(told.sources, key=lambda each: (each.accuracy is None, each.accuracy or 0.0))[:ROWS]
    names = short_names([each.source for each in known])
    return dict(zip(names, (each.accuracy for each in known), strict=True))


def short_names(paths: Sequence[str]) -> list[str]:
    """`camera1`; `site_a/photos` and `site_b/photos` where the last names are the same."""
    last = [os.path.basename(os.path.normpath(path)) or path for path in paths]
    twice_there = Counter(last)
    return [
        one_line(name if twice_there[name] == 1 else path) for name, path in zip(last, paths, strict=True)
    ]
