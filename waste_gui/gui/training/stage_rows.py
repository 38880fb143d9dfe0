"""The checklist in words: four groups, and in one that is open its stages. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.session.run_text import stage_glyph, stage_time, usual
from waste_gui.monitor.formatting import about, band, clock, short_band
from waste_gui.monitor.run import RunPhase, Stage, StageState
from waste_gui.monitor.snapshot import Snapshot

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Prepare", ("import", "scan", "model", "loaders")),
    ("Load", ("single_sample", "first_train_batch", "first_val_batch", "label_check", "model_check")),
    ("Train", ("embed", "fit", "train", "validate", "save")),
    ("Finish", ()),  # Whatever else an engine tells of: after the last epoch.
)
OPEN: tuple[Glyph, ...] = ("running", "slow", "stuck")
WORST: tuple[Glyph, ...] = ("failed", "stuck", "slow", "stopped", "running")
"""What one of its stages is, a group is as well; the first that is found counts."""


@dataclass(frozen=True)
class Row:
    """A line of the checklist. A group has no number; `unfolded` is None in a stage."""

    number: int
    title: str
    glyph: Glyph
    state: str
    took: str
    usual: str
    usual_short: str
    indent: bool
    summary: str
    unfolded: bool | None = None

    @property
    def open(self) -> bool:
        return self.glyph in OPEN

    @property
    def is_group(self) -> bool:
        return self.unfolded is not None


def rows(snapshot: Snapshot) -> list[Row]:
    """A line a stage."""
    return [_row(snapshot, stage, n) for n, stage in enumerate(snapshot.run.stages.values(), 1)]


def grouped_rows(snapshot: Snapshot, toggled: Collection[str] = ()) -> list[Row]:
    """The groups, and the stages of those that run, are late or ended badly; `toggled` are those that the
    person opened or closed."""
    stages = list(snapshot.run.stages.values())
    lines = rows(snapshot)
    shown: list[Row] = []
    for title in (title for title, _ in GROUPS):
        of = [(stage, row) for stage, row in zip(stages, lines, strict=True) if _group(stage.id) == title]
        needs = any(row.glyph in (*OPEN, "failed", "stopped") for _, row in of)
        unfolded = bool(of) and needs != (title in toggled)
        shown.append(_group_row(snapshot, title, [s for s, _ in of], [r for _, r in of], unfolded))
        shown += [row for _, row in of] if unfolded else []
    return shown


def _group(stage: str) -> str:
    return next((title for title, ids in GROUPS if stage in ids), GROUPS[-1][0])


def _group_row(snapshot: Snapshot, title: str, stages: list[Stage], lines: list[Row], unfolded: bool) -> Row:
    if not lines:
        nothing: Glyph = "done" if snapshot.run.phase is RunPhase.FINISHED else "waiting"
        return Row(0, title, nothing, nothing, "", "", "", False, "", unfolded)
    glyphs = [row.glyph for row in lines]
    glyph = next((each for each in WORST if each in glyphs), None)
    if glyph is None:
        glyph = "done" if all(each == "done" for each in glyphs) else "waiting"
        if glyph == "waiting" and "done" in glyphs:
            glyph = "running" if snapshot.run.phase.running else "done"
    word = next((row.state for row in lines if row.glyph == glyph), glyph)
    counted = [stage for stage in stages if not stage.inside_train] or stages
    took = [seconds for stage in counted if (seconds := stage_time(snapshot, stage)) is not None]
    total = _sum([_band(snapshot, stage) for stage in counted])
    told, short = band(*total) if total else "", short_band(*total) if total else ""
    if len(counted) == 1:
        told, short = _usual(snapshot, counted[0], band), _usual(snapshot, counted[0], short_band)
    done = sum(row.glyph == "done" for row in lines)
    return Row(
        0,
        title,
        glyph,
        word,
        clock(sum(took)) if took else "",
        told,
        short,
        False,
        f"{done} of {len(lines)} done",
        unfolded,
    )


def _sum(bands: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Nothing where one is not known: the others may be the least of it."""
    known = [each for each in bands if each is not None]
    whole = known and len(known) == len(bands)
    return (sum(low for low, _ in known), sum(high for _, high in known)) if whole else None


def _band(snapshot: Snapshot, stage: Stage) -> tuple[float, float] | None:
    return snapshot.usual.get("train") if stage.id == "train" else usual(snapshot, stage)


def _row(snapshot: Snapshot, stage: Stage, number: int) -> Row:
    glyph, state = stage_glyph(snapshot, stage)
    took = stage_time(snapshot, stage)
    return Row(
        number,
        one_line(stage.title),
        glyph,
        state,
        "" if took is None else clock(took),
        _usual(snapshot, stage, band),
        _usual(snapshot, stage, short_band),
        stage.inside_train,
        stage.summary,
    )


def _usual(snapshot: Snapshot, stage: Stage, in_words: Callable[[float, float], str]) -> str:
    if stage.id == "train":
        return _usual_training(snapshot, stage, in_words)
    known = usual(snapshot, stage)
    return in_words(*known) if known else ""


def _usual_training(snapshot: Snapshot, stage: Stage, in_words: Callable[[float, float], str]) -> str:
    """The whole of it: what has passed and what is still expected."""
    passed = stage_time(snapshot, stage)
    left = snapshot.view.remaining.run_s if snapshot.view else None
    if stage.state is StageState.RUNNING and passed is not None and left is not None:
        return about(passed + left)
    return in_words(*snapshot.usual["train"]) if "train" in snapshot.usual else ""
