"""Resized images to batches, ahead of the step that needs them, in an order that only the seed decides.

A thread of its own puts batches together: resized images come from the cache, at near memory speed, or from
the pool, which reads photos in worker processes and gives them back in any order. A resized image from the
pool is copied out and its slot given back at once: a photo that takes long never waits for a slot that a
later photo holds.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from waste_gui import files, tables
from waste_gui.dataset.images import ERRORS, ImageError
from waste_gui.dataset.photo_cache import PhotoCache
from waste_gui.dataset.pool import Read, ReadingPool
from waste_gui.dataset.resized import ResizedImage
from waste_gui.dataset.samples import Sample
from waste_gui.engine.errors import TooManyFailures
from waste_gui.exports import append
from waste_gui.files import write_atomically
from waste_gui.protocol import ImageFailed, named_path

TAKE_S = 0.1
READ_AHEAD_BATCHES = 4

CSV_HEAD = ("path", "kind", "reason", "times")
MAY_COME_BACK = ("unreadable", "vanished")
"""It may have been the drive, and to look again costs nothing."""

Action = Literal["replaced", "blank", "left_out"]


@dataclass
class Batch:
    """uint8 resized images and int64 labels of the samples that could be read, and the seconds waited for
    them."""

    resized_BHWC: Tensor
    labels_B: Tensor
    samples: list[Sample]
    wait_s: float

    def __getitem__(self, which: slice) -> Batch:
        return Batch(self.resized_BHWC[which], self.labels_B[which], self.samples[which], self.wait_s)


class Failures:
    """The photos that cannot be read: reported once each, never tried again, limited by a budget."""

    def __init__(
        self,
        limit: int,
        report: Callable[[ImageFailed], object],
        csv_path: Path | None,
        aside: frozenset[str] = frozenset(),
    ) -> None:
        """`aside` are photos that nobody wants read: others take their places, and nothing is said."""
        self.limit = limit
        self._of_class: dict[str, str] = {}
        self._tell: Callable[[str, str], object] = lambda text, hint: None
        self._left: Counter[str] = Counter()
        self._aside = aside
        self.errors: dict[str, ImageError] = {}
        self._times: Counter[str] = Counter()
        self._failed_at = 0.0  # The last one, in Unix time.
        self._folders: Counter[str] = Counter()
        self._report = report
        self._csv_path = csv_path
        self._csv_size = 0  # What is written of it, and who is not in it yet.
        self._unwritten: list[str] = []
        self._back: queue.SimpleQueue[set[str]] = queue.SimpleQueue()

    def watch_classes(self, of_class: Mapping[str, str], tell: Callable[[str, str], object]) -> None:
        """From now on `tell` hears of each class of which no photo can be read, and what to do. `of_class`
        are the names of the classes by the photos' paths."""
        self._of_class, self._tell = dict(of_class), tell
        self._left = Counter(name for path, name in of_class.items() if path not in self.errors)

    def _count_class(self, path: str) -> None:
        name = self._of_class.get(path)
        if name is None:
            return
        self._left[name] -= 1
        if not self._left[name]:
            text = (
                f"No photo of the class '{name}' can be used: none can be read, and nothing is learnt of it."
            )
            hint = "Copy its photos again from where they came from, or leave its folder out."
            self._tell(text, hint)

    def may_lack(self, paths: set[str]) -> bool:
        """Whether all these could fail, too; from any thread."""
        return len(paths.union(self.errors)) <= self.limit

    def are_back(self, paths: set[str]) -> None:
        """Photos whose drive was away are read again from now on; from any thread."""
        self._back.put(paths)

    def _forget_those_back(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                for path in self._back.get_nowait():
                    if self.errors.pop(path, None) is not None and path in self._of_class:
                        self._left[self._of_class[path]] += 1

    def add(self, sample: Sample, error: ImageError, action: Action) -> None:
        """Tell of it, once a photo; TooManyFailures past the budget."""
        self._forget_those_back()
        if sample.path in self.errors:  # it was being read for several places
            self.wanted_again(sample.path)
            return
        self._keep(sample.path, error, time.time())
        self._times[sample.path] += 1
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
        self._count_class(sample.path)
        self._append_csv()
        if len(self.errors) > self.limit:
            raise self._too_many()

    def recall(self, of_run: Collection[str]) -> int:
        """What earlier starts of the run found, as `failures.csv` says: it counts, and is not tried again,
        unless the photo was changed since; how many. TooManyFailures past the budget."""
        for known in _failures_in(self._csv_path) if self._csv_path else ():
            if known.path not in of_run:
                continue
            self._times[known.path] = known.times
            if known.kind not in MAY_COME_BACK and not _changed_since(known.path, known.at):
                self._keep(known.path, ERRORS[known.kind](known.path, known.reason), known.at)
        if len(self.errors) > self.limit:
            raise self._too_many()
        return len(self.errors)

    def _keep(self, path: str, error: ImageError, at: float) -> None:
        self.errors[path] = error
        self._failed_at = max(self._failed_at, at)
        self._folders[str(Path(path).parent)] += 1
        self._unwritten.append(path)

    def known(self, path: str) -> bool:
        """Whether it is not to be read."""
        self._forget_those_back()
        return path in self.errors or path in self._aside

    def wanted_again(self, path: str) -> None:
        """One that failed before would have been used once more, in its place or in another's."""
        self._times[path] += 1

    def _too_many(self) -> TooManyFailures:
        reason, times = Counter(e.reason for e in self.errors.values()).most_common(1)[0]
        folder, there = self._folders.most_common(1)[0]
        listed = "" if self._csv_path is None else " failures.csv in the run folder lists all."
        return TooManyFailures(
            f"{len(self.errors)} photos cannot be read, more than the {self.limit} allowed. "
            f"The commonest reason, {times} times: the photo {reason}.",
            f"Look at {folder} first ({there} of them): repair the photos, or exclude them.{listed}",
        )

    def write_csv(self) -> None:
        """All of it, safe on the disk; `times` says how often the photo was wanted."""
        if self._csv_path is None or not self.errors:
            return
        with contextlib.suppress(OSError):  # Each was told as a message, too.
            rows = self._rows(self.errors, with_head=True)
            write_atomically(self._csv_path, rows)
            follow = os.utime not in os.supports_follow_symlinks
            at = self._failed_at  # What is repaired after it, is later than the list.
            os.utime(self._csv_path, (at, at), follow_symlinks=follow)
            self._csv_size = len(rows)
            self._unwritten.clear()

    def _append_csv(self) -> None:
        """What is new, so that each failure costs the same; whole lines also after a kill."""
        if self._csv_path is None:
            return
        rows = self._rows(self._unwritten, with_head=not self._csv_size)
        with contextlib.suppress(OSError):  # The next one tries again.
            self._csv_size = append(self._csv_path, self._csv_size, rows)
            self._unwritten.clear()

    def _rows(self, paths: Iterable[str], *, with_head: bool) -> bytes:
        rows: list[tuple[object, ...]] = [CSV_HEAD] if with_head else []
        for path in paths:
            error = self.errors[path]
            rows.append((path, error.kind, error.reason, self._times[path]))
        return tables.encoded(rows)


class _Known(NamedTuple):
    """A row of `failures.csv`."""

    path: str
    kind: str
    reason: str
    times: int
    at: float


def _failures_in(path: Path) -> list[_Known]:
    """Nothing of a file that cannot be read, or is none of ours. Its time is that of the last failure."""
    found = []
    try:
        at = os.stat(path).st_mtime
        for row in tables.decoded(files.read(path, files.LARGE_BYTES, path.parent)):
            if len(row) == 4 and row[1] in ERRORS:
                found.append(_Known(named_path(row[0]), row[1], row[2], min(max(1, int(row[3])), 10**9), at))
    except (OSError, ValueError, csv.Error):
        return []
    return found


def _changed_since(path: str, at: float) -> bool:
    """Also by a copy that kept its old time."""
    try:
        stat = os.stat(path)
    except OSError:
        return True
    return max(stat.st_mtime, stat.st_ctime) > at + 1


@dataclass(eq=False)
class _Attempt:
    """A photo that may fill a place in a batch, and the memory that its resized image goes to."""

    sample: Sample
    resized: ResizedImage
    state: Literal["reading", "read", "failed"] = "reading"


@dataclass(eq=False)
class _Place:
    """A photo's place in a batch to be: the photo wanted, then those that would stand in, in order."""

    wanted: Sample
    batch: _Pending
    index: int
    attempts: list[_Attempt] = field(default_factory=list)
    candidates_passed: int = 0
    settled: bool = False


@dataclass(eq=False)
class _Pending:
    """A batch of which photos still come."""

    resized_BHWC: Tensor
    rows: ResizedImage
    samples: list[Sample | None]
    missing: int

    @property
    def done(self) -> int:
        return len(self.samples) - self.missing

    def finish(self, wait_s: float) -> Batch:
        kept = [i for i, sample in enumerate(self.samples) if sample is not None]
        resized_images = self.resized_BHWC if len(kept) == len(self.samples) else self.resized_BHWC[kept]
        samples = [sample for sample in self.samples if sample is not None]
        return Batch(
            resized_images, torch.tensor([s.label for s in samples], dtype=torch.int64), samples, wait_s
        )


class Loader:
    """Batches of photos, read ahead. `waiting` is called at least ten times a second while there is none."""

    def __init__(
        self,
        pool: ReadingPool,
        resized_size: int,
        failures: Failures,
        waiting: Callable[[], None],
        *,
        bad_image: Literal["replace", "blank"],
        replacements: Sequence[Sample],
        seed: int,
        pin: bool = False,
        resized_images: PhotoCache | None = None,
    ) -> None:
        """`replacements` are the training samples: one of the same class replaces a photo that cannot be
        read. A photo that is not among them (validation, test) is never replaced: it is left out."""
        self._pool, self._resized_size, self._failures, self._waiting = pool, resized_size, failures, waiting
        self._bad_image, self._seed, self._pin, self._resized_images = bad_image, seed, pin, resized_images
        self._replacements: dict[int, list[Sample]] = {}
        for sample in replacements:
            self._replacements.setdefault(sample.label, []).append(sample)
        self._replaceable = {sample.path for sample in replacements}
        self._ticket = 0
        self._ask_again = threading.Event()
        self._reading: dict[int, tuple[_Place, _Attempt]] = {}

    def load(
        self, batches: Iterable[Sequence[Sample]], on_read: Callable[[int], None] | None = None
    ) -> Batches:
        """Begin at once to read the batches asked for; they come in order. `batches` may be endless: a few
        are read ahead of the step. One load at a time.

        `on_read(n)` is told how many photos of the batch that is waited for are there.
        """
        line = _Line(batches)
        thread = threading.Thread(target=self._fill, args=(line,), name="loader", daemon=True)
        thread.start()
        return Batches(line, thread, self._waiting, on_read)

    def one(self, sample: Sample) -> Batch:
        """A single photo; its batch is empty if it cannot be read."""
        with contextlib.closing(self.load([[sample]])) as batches:
            return next(batches)

    def restart(self) -> None:
        """Replace all workers, and ask again for every photo that has not arrived; from any thread."""
        self._pool.restart()
        self._ask_again.set()

    # --- the loader's thread

    def _fill(self, line: _Line) -> None:
        failure: BaseException | None = None
        try:
            while not line.stopped:
                if line.has_room and (samples := line.next_samples()) is not None:
                    line.ahead.append(self._begin(samples))
                elif line.ahead and not line.ahead[0].missing:
                    line.pass_on()
                elif line.ahead:
                    self._take()
                elif line.exhausted:
                    break
                else:
                    line.wait_for_room()
        except BaseException as error:  # raised again in the thread that waits for the batch
            failure = error
        # What is still being read belongs to nobody: `_on_read` lets go of it. Before the end is told, since
        # the other thread may begin a new load then.
        self._reading.clear()
        line.end(failure)

    def _begin(self, samples: Sequence[Sample]) -> _Pending:
        shape = (len(samples), self._resized_size, self._resized_size, 3)
        resized_images = torch.empty(shape, dtype=torch.uint8, pin_memory=self._pin)
        pending = _Pending(resized_images, resized_images.numpy(), [None] * len(samples), len(samples))
        for index, sample in enumerate(samples):
            place = _Place(sample, pending, index)
            if self._failures.known(sample.path):
                self._failures.wanted_again(sample.path)
                self._try_next(place)
            else:
                self._try(place, _Attempt(sample, pending.rows[index]))
        return pending

    def _try(self, place: _Place, attempt: _Attempt) -> None:
        """Read a photo for a place: from the cache, at once, or by the pool."""
        place.attempts.append(attempt)
        if self._resized_images is not None and self._resized_images.read_into(
            attempt.sample.path, attempt.resized
        ):
            attempt.state = "read"
            self._settle(place)
        else:
            self._ask(place, attempt)

    def _ask(self, place: _Place, attempt: _Attempt) -> None:
        self._ticket += 1
        self._reading[self._ticket] = place, attempt
        self._pool.submit(self._ticket, attempt.sample.path)

    def _ask_for_all_again(self) -> None:
        """Under new tickets: what may still come of the old ones belongs to nobody."""
        self._ask_again.clear()
        reading, self._reading = self._reading, {}
        for place, attempt in reading.values():
            self._ask(place, attempt)

    def _take(self) -> None:
        """Wait a moment for a photo from the pool; look who takes long."""
        if self._ask_again.is_set():
            self._ask_for_all_again()
        read = self._pool.take(TAKE_S)
        if read is not None:
            self._on_read(read)
        for ticket in self._pool.slow():
            place, attempt = self._reading.get(ticket, (None, None))
            if place and attempt is place.attempts[-1] and self._action(place) == "replaced":
                self._try_next(place)  # its replacement is read meanwhile, should it fail

    def _on_read(self, read: Read) -> None:
        place, attempt = self._reading.pop(read.ticket, (None, None))
        if place is None or attempt is None:
            self._pool.release(read)
            return
        if read.resized is not None:
            attempt.resized[...] = read.resized
            attempt.state = "read"
            if self._resized_images is not None:
                self._resized_images.put(attempt.sample.path, attempt.resized)
        self._pool.release(read)
        if read.error is not None:
            attempt.state = "failed"
            self._failures.add(attempt.sample, read.error, self._action(place))
        self._settle(place)

    def _settle(self, place: _Place) -> None:
        """Fill the place with the first of its photos that did not fail, once it is read."""
        if place.settled:
            return
        for attempt in place.attempts:
            if attempt.state == "reading":
                return
            if attempt.state == "read":
                self._fill_place(place, attempt)
                return
        self._try_next(place)

    def _fill_place(self, place: _Place, attempt: _Attempt | None) -> None:
        batch, place.settled = place.batch, True
        if attempt is not None:
            if attempt is not place.attempts[0]:  # whose resized image is the row itself
                batch.rows[place.index] = attempt.resized
            batch.samples[place.index] = attempt.sample
        batch.missing -= 1

    def _action(self, place: _Place) -> Action:
        if self._bad_image == "blank":
            return "blank"
        return "replaced" if place.wanted.path in self._replaceable else "left_out"

    def _try_next(self, place: _Place) -> None:
        """Another photo of the class, chosen by the seed; a black image; or nothing."""
        action = self._action(place)
        if action == "replaced" and (other := self._other_photo(place)) is not None:
            row = place.batch.rows[place.index]
            self._try(place, _Attempt(other, row.copy() if place.attempts else row))
        elif all(attempt.state == "failed" for attempt in place.attempts):
            if action == "blank":
                place.batch.rows[place.index] = 0
                place.batch.samples[place.index] = place.wanted
            self._fill_place(place, None)

    def _other_photo(self, place: _Place) -> Sample | None:
        """A function of the seed, the failed path and the attempt, so that a run can be repeated."""
        candidates = self._replacements.get(place.wanted.label, [])
        start = hashlib.sha256(f"{self._seed} {place.wanted.path!r}".encode("utf-8", "surrogateescape"))
        first = int.from_bytes(start.digest()[:8], "big")
        while place.candidates_passed < len(candidates):
            sample = candidates[(first + place.candidates_passed) % len(candidates)]
            place.candidates_passed += 1
            if sample.path == place.wanted.path:
                continue
            if not self._failures.known(sample.path):
                return sample
            self._failures.wanted_again(sample.path)
        return None


class Batches:
    """An iterator over batches as they are read. Close it, unless it has come to its end."""

    def __init__(
        self,
        line: _Line,
        thread: threading.Thread,
        waiting: Callable[[], None],
        on_read: Callable[[int], None] | None,
    ) -> None:
        self._line, self._thread, self._waiting, self.on_read = line, thread, waiting, on_read

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        began, told = time.monotonic(), 0
        while True:
            self._waiting()
            pending = self._line.take(TAKE_S)
            if pending is None and self._line.ended:
                raise StopIteration
            done = pending.done if pending else self._line.done_of_next
            if self.on_read and done > told:
                told = done
                self.on_read(told)
            if pending is not None:
                return pending.finish(time.monotonic() - began)

    def close(self) -> None:
        self._line.stop()
        self._thread.join(timeout=10)  # longer only if the cache's disk does not answer


class _Line:
    """Batches on their way from the loader's thread to the one that trains: a few ahead, in order."""

    def __init__(self, batches: Iterable[Sequence[Sample]]) -> None:
        self._wanted = iter(batches)
        self._ready: queue.SimpleQueue[_Pending | BaseException | None] = queue.SimpleQueue()
        self._taken = threading.Event()
        self._out = 0  # passed on and not taken yet
        self._lock = threading.Lock()
        self.ahead: deque[_Pending] = deque()
        self.exhausted = self.stopped = self.ended = False

    # --- for the loader's thread

    @property
    def has_room(self) -> bool:
        return not self.exhausted and len(self.ahead) + self._out < READ_AHEAD_BATCHES

    def next_samples(self) -> Sequence[Sample] | None:
        samples = next(self._wanted, None)
        self.exhausted = samples is None
        return samples

    def pass_on(self) -> None:
        with self._lock:
            self._out += 1
        self._ready.put(self.ahead.popleft())

    def wait_for_room(self) -> None:
        self._taken.wait(TAKE_S)
        self._taken.clear()

    def end(self, failure: BaseException | None) -> None:
        self._ready.put(failure)

    # --- for the thread that trains

    def take(self, timeout_s: float) -> _Pending | None:
        """The next batch; None after `timeout_s` or at the end (`ended`); raises what the loader raised."""
        try:
            pending = self._ready.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(pending, BaseException):
            self.ended = True
            raise pending
        if pending is None:
            self.ended = True
            return None
        with self._lock:
            self._out -= 1
        self._taken.set()
        return pending

    @property
    def done_of_next(self) -> int:
        with contextlib.suppress(IndexError):  # the other thread has just passed it on
            return self.ahead[0].done
        return 0

    def stop(self) -> None:
        self.stopped = True
        self._taken.set()


def batches_of(samples: Sequence[Sample], size: int) -> list[Sequence[Sample]]:
    """Runs of `size`, the last one perhaps shorter."""
    return [samples[i : i + size] for i in range(0, len(samples), size)]


def training_order(samples: Sequence[Sample], epoch: int, seed: int, balance: bool) -> list[Sample]:
    """The epoch's samples, shuffled by seed and epoch; balanced draws each class equally often."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    if not balance:
        return [samples[i] for i in torch.randperm(len(samples), generator=generator).tolist()]
    counts = Counter(sample.label for sample in samples)
    weights = torch.tensor([1 / counts[sample.label] for sample in samples], dtype=torch.float64)
    drawn = torch.multinomial(weights, len(samples), replacement=True, generator=generator)
    return [samples[i] for i in drawn.tolist()]
