"""Tiles to batches, ahead of the step that needs them, in an order that only the seed decides.

The pool reads photos in worker processes and gives them back in any order; here they are put into batches in
the order asked for. A tile is copied out and its slot given back at once, so that a photo that takes long, or
one that must be replaced, never waits for a slot that a later photo holds.
"""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from waste_gui.dataset.images import ImageError
from waste_gui.dataset.pool import Read, ReadingPool
from waste_gui.dataset.scan import Sample
from waste_gui.engine.errors import TooManyFailures
from waste_gui.protocol import ImageFailed
from waste_gui.rundir import write_atomically

TAKE_S = 0.1
READ_AHEAD_BATCHES = 4
FAILURES_ALWAYS_ALLOWED = 100
FAILURES_ALLOWED_SHARE = 0.01


@dataclass
class Batch:
    """uint8 tiles and int64 labels of the samples that could be read, and the seconds waited for them."""

    tiles_BHWC: Tensor
    labels_B: Tensor
    samples: list[Sample]
    wait_s: float


def failure_budget(photos: int) -> int:
    """How many photos may fail before the run does: max(100, 1 % of the dataset), as in the lab."""
    return max(FAILURES_ALWAYS_ALLOWED, int(photos * FAILURES_ALLOWED_SHARE))


class Failures:
    """The photos that cannot be read: reported once each, never tried again, limited by a budget."""

    def __init__(self, limit: int, report: Callable[[ImageFailed], object], csv_path: Path | None) -> None:
        self.limit = limit
        self.errors: dict[str, ImageError] = {}
        self._folders: Counter[str] = Counter()
        self._report = report
        self._csv_path = csv_path

    def add(
        self, sample: Sample, error: ImageError, action: Literal["replaced", "blank", "left_out"]
    ) -> None:
        """Tell of it, once a photo; TooManyFailures past the budget."""
        if sample.path in self.errors:
            return
        self.errors[sample.path] = error
        self._folders[str(Path(sample.path).parent)] += 1
        self._report(
            ImageFailed(
                path=sample.path,
                source=sample.source,
                reason=error.reason,
                kind=error.kind,
                action=action,
                failures=len(self.errors),
                limit=self.limit,
            )
        )
        self._write_csv()
        if len(self.errors) > self.limit:
            raise self._too_many()

    def _too_many(self) -> TooManyFailures:
        reason, times = Counter(e.reason for e in self.errors.values()).most_common(1)[0]
        folder, there = self._folders.most_common(1)[0]
        return TooManyFailures(
            f"{len(self.errors)} photos cannot be read, more than the {self.limit} allowed; "
            f"the commonest reason is: {reason} ({times} photos).",
            f"Look at {folder} first ({there} of them); failures.csv in the run folder lists all.",
        )

    def _write_csv(self) -> None:
        if self._csv_path is None:
            return
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(["path", "kind", "reason", "times"])
        for path, error in self.errors.items():
            rows.writerow([path, error.kind, error.reason, 1])
        write_atomically(self._csv_path, text.getvalue().encode("utf-8", "backslashreplace"))


@dataclass
class _Place:
    """One photo's place in a batch to be, and what stands in for it after a failure."""

    wanted: Sample
    reading: Sample
    batch: _Pending
    index: int
    attempt: int = 0


@dataclass
class _Pending:
    """A batch of which photos still come."""

    tiles_BHWC: Tensor
    samples: list[Sample | None]
    missing: int
    on_read: Callable[[int], None] | None = None
    begun: float = field(default_factory=time.monotonic)

    def done(self) -> int:
        return len(self.samples) - self.missing


class Loader:
    """Batches of photos, read ahead. `waiting` is called at least ten times a second while there is none."""

    def __init__(
        self,
        pool: ReadingPool,
        tile_size: int,
        failures: Failures,
        waiting: Callable[[], None],
        *,
        bad_image: Literal["replace", "blank"],
        stand_ins: Sequence[Sample],
        seed: int,
        pin: bool = False,
    ) -> None:
        """`stand_ins` are the training samples: one of the same class replaces a photo that cannot be read.
        A photo that is not among them (validation, test) is never replaced: it is left out."""
        self._pool, self._tile_size, self._failures, self._waiting = pool, tile_size, failures, waiting
        self._bad_image, self._seed, self._pin = bad_image, seed, pin
        self._stand_ins: dict[int, list[Sample]] = {}
        for sample in stand_ins:
            self._stand_ins.setdefault(sample.label, []).append(sample)
        self._replaceable = {sample.path for sample in stand_ins}
        self._ticket = 0
        self._places: dict[int, _Place] = {}

    def load(
        self, batches: Iterable[Sequence[Sample]], on_read: Callable[[int], None] | None = None
    ) -> Generator[Batch]:
        """The batches asked for, in order; `batches` may be endless, a few are read ahead of the step.

        `on_read(n)` is told how many photos of the batch that is waited for are there.
        """
        ahead: deque[_Pending] = deque()
        wanted = iter(batches)
        try:
            while True:
                while len(ahead) < READ_AHEAD_BATCHES and (samples := next(wanted, None)) is not None:
                    ahead.append(self._begin(samples, on_read))
                if not ahead:
                    return
                yield self._finish(ahead.popleft())
        finally:
            self._places.clear()  # What is still being read belongs to nobody: `_place` lets go of it.

    def one(self, sample: Sample) -> Batch:
        """A single photo, for `single_sample` and `predict`; its batch is empty if it cannot be read."""
        return next(self.load([[sample]]))

    def _begin(self, samples: Sequence[Sample], on_read: Callable[[int], None] | None) -> _Pending:
        shape = (len(samples), self._tile_size, self._tile_size, 3)
        tiles = torch.zeros(shape, dtype=torch.uint8, pin_memory=self._pin)
        pending = _Pending(tiles, [None] * len(samples), len(samples), on_read)
        for index, sample in enumerate(samples):
            place = _Place(sample, sample, pending, index)
            if sample.path in self._failures.errors:
                self._stand_in(place, self._failures.errors[sample.path])
            else:
                self._submit(place)
        return pending

    def _submit(self, place: _Place) -> None:
        self._ticket += 1
        self._places[self._ticket] = place
        self._pool.submit(self._ticket, place.reading.path)

    def _finish(self, pending: _Pending) -> Batch:
        began = time.monotonic()
        told = 0
        while pending.missing:
            read = self._pool.take(TAKE_S)
            if read is not None:
                self._place(read)
            if pending.on_read and pending.done() > told:
                told = pending.done()
                pending.on_read(told)
            self._waiting()
        kept = [i for i, sample in enumerate(pending.samples) if sample is not None]
        tiles = pending.tiles_BHWC if len(kept) == len(pending.samples) else pending.tiles_BHWC[kept]
        samples = [sample for sample in pending.samples if sample is not None]
        labels = torch.tensor([sample.label for sample in samples], dtype=torch.int64)
        return Batch(tiles, labels, samples, time.monotonic() - began)

    def _place(self, read: Read) -> None:
        place = self._places.pop(read.ticket, None)
        if place is not None and read.tile is not None:
            place.batch.tiles_BHWC[place.index] = torch.from_numpy(read.tile)
            place.batch.samples[place.index] = place.reading
            place.batch.missing -= 1
        self._pool.release(read)
        if place is not None and read.error is not None:
            self._failures.add(place.reading, read.error, self._action(place))
            self._stand_in(place, read.error)

    def _action(self, place: _Place) -> Literal["replaced", "blank", "left_out"]:
        if self._bad_image == "blank":
            return "blank"
        return "replaced" if place.wanted.path in self._replaceable else "left_out"

    def _stand_in(self, place: _Place, error: ImageError) -> None:
        """Another photo of the class, chosen by the seed; a black image; or nothing."""
        action = self._action(place)
        if action == "replaced" and (other := self._other_photo(place)) is not None:
            place.reading = other
            self._submit(place)
            return
        if action == "blank":
            place.batch.samples[place.index] = place.wanted  # Its tile is black already.
        place.batch.missing -= 1

    def _other_photo(self, place: _Place) -> Sample | None:
        """A function of the seed, the failed path and the attempt, so that a run can be repeated."""
        candidates = self._stand_ins.get(place.wanted.label, [])
        start = hashlib.sha256(f"{self._seed} {place.wanted.path!r}".encode("utf-8", "surrogateescape"))
        first = int.from_bytes(start.digest()[:8], "big")
        while place.attempt < len(candidates):
            sample = candidates[(first + place.attempt) % len(candidates)]
            place.attempt += 1
            if sample.path not in self._failures.errors:
                return sample
        return None


def batches_of(samples: Sequence[Sample], size: int, *, drop_last: bool = False) -> list[Sequence[Sample]]:
    """Runs of `size`; a shorter last one is dropped on request, but never the only one."""
    found = [samples[i : i + size] for i in range(0, len(samples), size)]
    if drop_last and len(found) > 1 and len(found[-1]) < size:
        found.pop()
    return found


def training_order(samples: Sequence[Sample], epoch: int, seed: int, balance: bool) -> list[Sample]:
    """The epoch's samples, shuffled by seed and epoch; balanced draws each class equally often."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    if not balance:
        return [samples[i] for i in torch.randperm(len(samples), generator=generator).tolist()]
    counts = Counter(sample.label for sample in samples)
    weights = torch.tensor([1 / counts[sample.label] for sample in samples], dtype=torch.float64)
    drawn = torch.multinomial(weights, len(samples), replacement=True, generator=generator)
    return [samples[i] for i in drawn.tolist()]
