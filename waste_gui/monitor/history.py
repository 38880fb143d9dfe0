"""What earlier runs on this machine took, stage by stage."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import msgspec
import numpy as np

from waste_gui import files
from waste_gui.monitor.run import Run, RunPhase

FILE_NAME = "history.jsonl"
"""In `rundir.data_dir()`."""

KEPT_RUNS = 20
SAME_SIZE = 1.5
"""Two data sets are of one size class when neither has more than this times the photos of the other."""
LONGER_WITH_MORE = ("embed", "fit", "train", "validate", "check", "compare")
"""Stages that go through all photos; to look for them takes little even where they are many."""
EVEN = ("fit",)
"""Of these, those whose time is that of a photo times their number, so that any run tells of any other."""
FEWEST_MEASURED = 32
"""So many photos must have been embedded for their pace to count."""

FEW_RUNS = 5
"""With fewer runs their extremes say little of the next one, so the band is made wider."""


@dataclass(frozen=True)
class RunKind:
    """What makes runs comparable. None where a run has not said it yet: that compares with anything."""

    command: str = "train"
    model: str | None = None
    device: str | None = None
    photos: int | None = None
    image_size: int | None = None
    tune: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run. `stages` holds seconds, for a stage that comes again its median; `epoch_s` is the
    median time of an epoch, validation and saving included, pauses not; `embed_each_s` that of a photo whose
    embedding was not known yet."""

    command: str
    model: str
    device: str
    photos: int | None
    epochs: int
    steps: int
    stages: dict[str, float]
    epoch_s: float | None = None
    started_at: float = 0.0
    image_size: int = 0
    tune: str = "all"  # Older versions knew no other way.
    embed_each_s: float | None = None

    def alike(self, kind: RunKind) -> bool:
        """However it was tuned: that makes a difference to its epochs alone."""
        return (
            self.command == kind.command
            and kind.model in (None, self.model)
            and kind.device in (None, self.device)
            and kind.image_size in (None, self.image_size)
            and _same_size(self.photos, kind.photos)
        )


@dataclass(frozen=True)
class Spread:
    """Percentiles in seconds, and of how many runs."""

    p10: float
    p50: float
    p90: float
    runs: int

    @property
    def band(self) -> tuple[float, float]:
        """Where 80 % of the next runs should end: p10–p90, wider after few runs; half a second either way is
        never a difference."""
        wider = 1.5 if self.runs < FEW_RUNS else 1.0
        return max(0.0, self.p10 / wider - 0.5), self.p90 * wider + 0.5


class History:
    """Times of this computer's last 20 finished runs of each kind (device, model, image size, size class)."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records = tuple(records)

    @classmethod
    def load(cls, path: Path) -> History:
        """What the file holds, the oldest first; a missing file is empty, a broken line is passed over."""
        try:
            lines = files.read(path, files.SMALL_BYTES).splitlines()
        except OSError:
            return cls()
        return cls(record for record in map(_decoded, lines) if record is not None)

    def alike(self, kind: RunKind) -> tuple[Record, ...]:
        """The last 20 runs of this kind."""
        return tuple(record for record in self.records if record.alike(kind))[-KEPT_RUNS:]

    def stage(self, kind: RunKind, stage: str) -> Spread | None:
        """Of runs of this kind; where none of them had as many photos and the stage does not take longer with
        more of them, of all others of the kind."""
        if stage == "embed":
            return self._embedding(kind)
        alike = self.alike(kind)
        if not alike and stage not in LONGER_WITH_MORE:
            alike = self.alike(replace(kind, photos=None))
        found = spread([record.stages[stage] for record in alike if stage in record.stages])
        return self._by_photo(kind, stage) if found is None and stage in EVEN else found

    def embedding(self, kind: RunKind, photos: int) -> Spread | None:
        """Seconds for so many photos whose embeddings are not known, by the pace of runs of any size."""
        alike = self.alike(replace(kind, photos=None))
        return spread([photos * r.embed_each_s for r in alike if r.embed_each_s is not None])

    def epoch(self, kind: RunKind) -> Spread | None:
        return spread([record.epoch_s for record in self.tuned_alike(kind) if record.epoch_s is not None])

    def tuned_alike(self, kind: RunKind) -> tuple[Record, ...]:
        """Those of `alike` that trained the same layers; of the last layer alone, of any number of photos, as
        its one epoch does nothing but save."""
        tune = self.tune(kind)
        of_size = replace(kind, photos=None) if tune == "head" else kind
        alike = (r for r in self.records if r.alike(of_size) and tune in (None, r.tune))
        return tuple(alike)[-KEPT_RUNS:]

    def tune(self, kind: RunKind) -> str | None:
        """What is trained; where the run has not said it yet, as the last time."""
        alike = self.alike(kind) if kind.tune is None else ()
        return alike[-1].tune if alike else kind.tune

    def _embedding(self, kind: RunKind) -> Spread | None:
        """Where a run had just as many photos they are the same, most likely, and their embeddings known."""
        again = [r for r in self.alike(kind) if kind.photos is not None and r.photos == kind.photos]
        if any("embed" in record.stages for record in again):
            known = [r.stages["embed"] for r in again if "embed" in r.stages and r.embed_each_s is None]
            return spread(known or [0.0])
        return self.embedding(kind, kind.photos) if kind.photos is not None else None

    def _by_photo(self, kind: RunKind, stage: str) -> Spread | None:
        alike = self.alike(replace(kind, photos=None))
        each = [r.stages[stage] / r.photos for r in alike if stage in r.stages and r.photos]
        return spread([kind.photos * s for s in each]) if kind.photos is not None else None


def kind_of(run: Run) -> RunKind:
    """As far as the run has told."""
    scan = run.stages.get("scan")
    return RunKind(
        command=run.started.command if run.started else "train",
        model=run.started.model or None if run.started else None,
        device=run.device.name if run.device else None,
        photos=scan.done or None if scan and scan.elapsed_s is not None else None,
        image_size=run.started.image_size if run.started else None,
        tune=run.tune or None,
    )


def record_of(run: Run) -> Record:
    """What to remember of a run that has finished."""
    kind = kind_of(run)
    return Record(
        command=kind.command,
        model=kind.model or "",
        device=kind.device or "",
        photos=kind.photos,
        epochs=len(run.epochs),
        steps=run.step,
        stages={stage.id: round(stage.times.median_s, 3) for stage in run.stages.values() if stage.times},
        epoch_s=round(median(run.epoch_times), 3) if run.epoch_times else None,
        started_at=run.started.started_at if run.started else 0.0,
        image_size=kind.image_size or 0,
        tune=kind.tune or "all",
        embed_each_s=embedding_pace(run),
    )


def embedding_pace(run: Run) -> float | None:
    """Seconds for each photo that was embedded in this run; None where hardly any had to be."""
    stage = run.stages.get("embed")
    if stage is None or stage.first is None or stage.to_do is None or stage.moved_at is None:
        return None
    (first_at, first_done), begun = stage.first, stage.begun or 0
    done = stage.done - max(first_done, begun)
    return round((stage.moved_at - first_at) / done, 6) if done >= FEWEST_MEASURED else None


def remember(path: Path, run: Run) -> bool:
    """Add a run that has finished, once, however often and by whom it is watched. Raises OSError."""
    if run.phase is not RunPhase.FINISHED:
        return False
    record = record_of(run)
    if any(
        (r.started_at, r.command) == (record.started_at, record.command) for r in History.load(path).records
    ):
        return False
    append(path, record)
    return True


def append(path: Path, record: Record) -> None:
    """Add one line, in one write, so that two windows do not mix theirs. Raises OSError."""
    files.make_private_folder(path.parent)
    line = files.encode_json(record) + b"\n"
    file = files.open_to_append(path, mode=files.PRIVATE_FILE, readable=True)
    try:
        size = os.lseek(file, 0, os.SEEK_END)
        if size:
            os.lseek(file, size - 1, os.SEEK_SET)
            if os.read(file, 1) != b"\n":  # Half a line from a crash: it must not spoil this one too.
                line = b"\n" + line
        os.write(file, line)
        os.fsync(file)
    finally:
        os.close(file)


def spread(seconds: list[float]) -> Spread | None:
    """Percentiles of what is there; None of nothing."""
    if not seconds:
        return None
    p10, p50, p90 = np.percentile(seconds, (10, 50, 90))
    return Spread(float(p10), float(p50), float(p90), len(seconds))


def _same_size(photos: int | None, others: int | None) -> bool:
    if photos is None or others is None:
        return True
    return max(photos, others) <= SAME_SIZE * min(photos, others)


def _decoded(line: bytes) -> Record | None:
    try:
        return files.decode_json(line, Record)
    except ValueError:
        return None
