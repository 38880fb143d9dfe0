"""Processes that read photos, watched: a stuck one is replaced and its photo set aside, and reading goes on.

One supervisor thread owns all state and starts the workers, so no lock is needed and PR_SET_PDEATHSIG, which
follows the thread that started a process, does no harm. A thread per worker blocks on its replies and
passes them to the supervisor. Nothing ever waits for a killed process to end: on a dead drive it may not.

A photo that takes long holds up no other: what was queued behind it goes to others, and another worker is
started in the stead of the one that is on it.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
import statistics
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from waste_gui.dataset import worker as wire
from waste_gui.dataset.images import (
    ERRORS,
    DamagedImage,
    ImageError,
    TimedOutImage,
    UnreadableImage,
    VanishedImage,
)
from waste_gui.dataset.resized import ResizedImage
from waste_gui.dataset.shared_buffer import SharedBuffer
from waste_gui.dataset.source_outage import ANSWER_S, SourceOutage, SourceOutages, drive_of
from waste_gui.dataset.workers import REAP_S, Gone, Photo, Reply, Worker, Workers
from waste_gui.protocol import WorkerState

AHEAD = 3
"""Photos a worker is given at once: enough to never wait for us, few enough that a stuck one delays few."""

AHEAD_BYTES = 4096
"""Longest total of paths under way to one worker: what any pipe takes without blocking us."""

START_S = 30.0
"""What a new worker gets beyond the deadline until its first reply."""

MAX_STARTS, START_AGAIN_S = 3, 1.0
"""Failed starts in a row after which the pool gives up, if no worker is left; and the time between two."""

MAX_IDLE_DEATHS = 100
"""Workers that are killed or end while on no photo, with none read in between, until the pool gives up."""

CRASHES, KILLS = 2, 3
"""How many workers a photo may take down before it is called damaged; a kill from outside may be chance."""

SPARES = 8
"""Workers beyond those asked for, while as many are on photos that take long."""

SLOW_S, SLOW_TIMES = 1.0, 10
"""A photo takes long after so many seconds, or so many times the median of recent photos if this is more."""

TICK_S = 0.1

LOOK_S = 10.0
"""Between two looks at a drive that all wait for."""

PAUSE_S = 5.0
"""After a longer gap between two checks we were stopped or the computer slept."""

MANY, PATIENCE = 3, 3
"""When so many workers are silent (for half the limit, as they did not begin at the same moment) and nothing
was read since they began, the drive is the suspect, not the photos: the time limit is that much longer."""

KILLED = -getattr(signal, "SIGKILL", 9)
"""The exit status of a process that somebody else killed: the system, when memory ran out, or a person."""

EXCLUDE = "excluded by you"

SUSPECT = (VanishedImage, UnreadableImage, TimedOutImage)
"""Errors that may mean that the whole folder is away."""


FEW = 0.25
"""Of a dataset: what a run can do without, whatever its budget for failures says."""


class PoolError(Exception):
    """No photos can be read at all: one sentence that says why, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A finished photo: its resized image (a view into the shared buffer, good until `release`) and the
    photo's own width and height as stored; or its error."""

    ticket: int
    path: str
    resized: ResizedImage | None
    error: ImageError | None
    seconds: float
    slot: int | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Spare:
    """Which of the `paths` of a dataset a run can do without while their drive is away.

    `may_lack(paths)` says whether it can do without all these; `on_spared(folder, photos)` is called when it
    begins to, `on_back(paths)` when they are there again: all in the supervisor's thread."""

    paths: Collection[str]
    may_lack: Callable[[set[str]], bool]
    on_spared: Callable[[str, int], object] = lambda folder, photos: None
    on_back: Callable[[set[str]], object] = lambda paths: None


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A photo that failed, or (without an error) waits, until it is known whether its folder is there."""

    photo: Photo
    error: ImageError | None = None


class ReadingPool:
    """Reads photos in `workers` processes; tickets come back in any order, each exactly once.

    The shared buffer takes slots × tile_size² × 3 bytes. A photo that takes longer than `deadline_s`, or than
    ten times the median of recent photos if this is more (a slow disk is no failure), comes back as
    TimedOutImage. Given `on_away`, the photos of a folder that is away are waited for: `on_away(folder, why)`
    and `on_back(folder, seconds)` are called, in the supervisor's thread. With a `spare`, as few of them as
    it allows are waited for until the deadline, and then come back as VanishedImage. Raises OSError if there
    is not enough shared memory.
    """

    def __init__(
        self,
        workers: int,
        resized_size: int,
        slots: int,
        deadline_s: float,
        on_away: Callable[[str, str], object] | None = None,
        on_back: Callable[[str, float], object] = lambda folder, seconds: None,
        spare: Spare | None = None,
    ) -> None:
        self._count, self._deadline_s, self._spare = workers, deadline_s, spare
        self._on_away, self._on_back = on_away, on_back
        self._shared_buffer = SharedBuffer(workers + SPARES, slots, resized_size)
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Read | PoolError] = queue.SimpleQueue()
        self._closing = False
        self._broken: PoolError | None = None
        self._workers = Workers(
            self._shared_buffer,
            lambda worker, reply: self._events.put(partial(self._on_reply, worker, reply)),
            lambda worker, status: self._events.put(partial(self._on_end, worker, status)),
        )
        # Below: the supervisor's own. Other threads only look, at `_unread`.
        self._unread: dict[int, Photo] = {}
        self._waiting: deque[Photo] = deque()
        self._free: list[int] = list(range(slots))
        self._lent: dict[int, int] = {}
        self._gone: list[Gone] = []
        self._excluded: dict[str, str] = {}  # For good, and why.
        self._by_person: set[str] = set()  # Of these, those that a person did not want any more.
        self._suspects: dict[str, list[_Suspect]] = {}
        self._outages: SourceOutages[Photo] = SourceOutages()
        self._unanswered: list[subprocess.Popen[bytes]] = []
        self._last_look = 0
        self._recent_s: deque[float] = deque(maxlen=64)
        self._read_at = self._drive_asked_at = -math.inf
        self._spares_help = False
        self._failed_starts = 0
        self._start_again_at = 0.0
        self._idle_deaths = 0
        self._checked_at = time.monotonic()
        self._supervisor = threading.Thread(target=self._supervise, name="photo pool", daemon=True)
        self._supervisor.start()

    def submit(self, ticket: int, path: str) -> None:
        """Ask for a photo; never blocks. Tickets are not negative."""
        self._events.put(lambda: self._on_submit(Photo(ticket, path)))

    def take(self, timeout_s: float) -> Read | None:
        """The next finished photo, or None after `timeout_s`; PoolError if no worker can be started."""
        if self._broken is not None:
            raise self._broken
        try:
            read = self._finished.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(read, PoolError):
            raise read
        return read

    def release(self, read: Read) -> None:
        """Give the resized image's slot back, after copying the resized image."""
        if read.slot is not None:
            slot, ticket = read.slot, read.ticket
            self._events.put(lambda: self._on_release(slot, ticket))

    def skip(self, path: str) -> None:
        """Set a photo aside for good: it comes back as TimedOutImage, now or when it is asked for."""
        self._events.put(lambda: self._on_skip(path))

    def was_set_aside(self, path: str) -> bool:
        """By `skip`, and not for what was wrong with it."""
        return path in self._by_person

    def restart(self) -> None:
        """Replace all workers; their photos are asked for again."""
        self._events.put(self._on_restart)

    def states(self) -> tuple[WorkerState, ...]:
        """What each worker does now, from its status row: cheap, and from any thread."""
        now = time.monotonic()
        return tuple(self._state(worker, now) for worker in self._workers.living())

    def slow(self) -> tuple[int, ...]:
        """The tickets of photos that take long just now, from any thread."""
        slow = [self._workers.current(worker) for worker in self._workers.living() if worker.slow]
        return tuple(photo.ticket for photo in slow if photo is not None and not photo.look)

    def queued(self) -> int:
        """Photos asked for and not yet read."""
        return len(self._unread)

    def away(self) -> tuple[str, ...]:
        """The folders that are waited for, from any thread."""
        return tuple(outage.folder for outage in self._outages if not outage.spared)

    def close(self) -> None:
        """End all workers. Never waits long, and nothing stays behind."""
        if not self._closing:
            self._closing = True
            self._broken = PoolError("The pool of readers is closed.", "Start a new one.")
            self._events.put(lambda: None)
            self._supervisor.join(timeout=10)
            self._shared_buffer.close()

    def __enter__(self) -> ReadingPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the supervisor thread

    def _supervise(self) -> None:
        try:
            self._watch()
        except BaseException as error:  # whoever waits in `take` must hear of it
            self._break(f"the supervisor failed with {error!r}")
            raise
        finally:
            self._end_all()

    def _watch(self) -> None:
        while not self._closing:
            self._staff()
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=TICK_S)()
                while True:  # whatever else has come meanwhile
                    self._events.get_nowait()()
            self._recover_slots()
            if time.monotonic() - self._checked_at >= TICK_S:
                self._check_workers()
                self._look_for_folders()
                self._do_without()
            self._hand_out()

    def _on_submit(self, photo: Photo) -> None:
        self._unread[photo.ticket] = photo
        if photo.path in self._excluded:
            self._finish(photo, TimedOutImage(photo.path, self._excluded[photo.path]))
        elif outage := self._outages.of(photo.path):
            outage.held.append(photo)
        elif suspects := self._suspects.get(os.path.dirname(photo.path)):
            suspects.append(_Suspect(photo))
        else:
            self._waiting.append(photo)

    def _on_release(self, slot: int, ticket: int) -> None:
        if self._lent.get(slot) == ticket:
            del self._lent[slot]
            self._free.append(slot)

    def _on_skip(self, path: str) -> None:
        self._by_person.add(path)
        self._excluded[path] = EXCLUDE
        self._end_reads_of(path)

    def _end_reads_of(self, path: str) -> None:
        """Of a photo that was set aside: it may have been asked for more than once."""
        for line in (self._waiting, *(outage.held for outage in self._outages)):
            for photo in [photo for photo in line if photo.path == path and not photo.look]:
                line.remove(photo)
                self._finish(photo, TimedOutImage(path, self._excluded[path]))
        for worker in self._workers.living():
            current = self._workers.current(worker)
            if current is not None and current.path == path and not current.look:
                self._give_up(worker, current)
                self._finish(current, TimedOutImage(path, self._excluded[path]))

    def _on_restart(self) -> None:
        for worker in self._workers.living():
            self._kill(worker)

    def _on_reply(self, worker: Worker, reply: Reply) -> None:
        if worker.killed:  # it finished just before: its photos are already taken care of
            return
        worker.moved_at, worker.slow = time.monotonic(), False
        if reply.slot == wire.HELLO:
            self._on_hello(worker, reply)
        elif reply.ticket in worker.taken_back:
            self._free_slot(worker.taken_back.pop(reply.ticket))
        else:
            photo = worker.photos.pop(reply.ticket)
            if photo.look:
                self._on_looked(photo, reply)
            else:
                self._on_read(photo, reply)

    def _on_read(self, photo: Photo, reply: Reply) -> None:
        self._recent_s.append(reply.seconds)
        self._read_at = time.monotonic()
        self._spares_help = self._spares_help or reply.seconds < SLOW_S
        self._idle_deaths = 0
        if photo.path in self._excluded:
            self._finish(photo, TimedOutImage(photo.path, self._excluded[photo.path]), reply)
        elif reply.kind:
            error = ERRORS[reply.kind](photo.path, reply.words)
            if isinstance(error, SUSPECT):
                self._suspect(photo, error)
            else:
                self._finish(photo, error, reply)
        else:
            self._finish(photo, None, reply)

    def _on_hello(self, worker: Worker, reply: Reply) -> None:
        if reply.reason:
            self._kill(worker)
            self._failed_starts = MAX_STARTS  # trying again would not help
            self._on_failed_start(reply.words)
        else:
            worker.ready = True
            self._failed_starts = 0

    def _on_end(self, worker: Worker, status: int | None) -> None:
        """It ended by itself, or was killed by the system. Its photo is tried once more elsewhere."""
        if worker.killed:
            return
        blamed = self._workers.current(worker)
        if not worker.ready and status != KILLED:
            self._kill(worker)
            self._on_failed_start("they end at once")
        elif not worker.ready or blamed is None:
            self._on_idle_death(worker)
        elif not _deadly(blamed, status):
            self._kill(worker)
        else:
            self._give_up(worker, blamed)
            if blamed.look:
                self._is_away(os.path.dirname(blamed.path), "cannot be looked at", blamed.path)
            else:
                self._finish(blamed, DamagedImage(blamed.path, "makes the reading program crash"))

    def _on_idle_death(self, worker: Worker) -> None:
        self._kill(worker)
        self._idle_deaths += 1
        if self._idle_deaths > MAX_IDLE_DEATHS:
            self._break("they end again and again", "Close other programs: often too little memory is free.")

    def _on_failed_start(self, reason: str) -> None:
        self._failed_starts += 1
        self._start_again_at = time.monotonic() + START_AGAIN_S
        if self._failed_starts >= MAX_STARTS and not any(worker.ready for worker in self._workers.living()):
            self._break(reason)

    def _break(self, reason: str, hint: str = "Install the program anew; the log has the details.") -> None:
        self._broken = PoolError(f"The processes that read photos cannot be started ({reason}).", hint)
        self._finished.put(self._broken)

    # --- photos

    def _hand_out(self) -> None:
        """Give waiting photos, first come first served, to the workers with the least to do."""
        while self._waiting:
            photo = self._waiting[0]
            able = [w for w in self._workers.living() if w.ready and not w.slow and _has_room(w, photo)]
            if not able:
                return
            worker = min(able, key=lambda worker: len(worker.photos))
            needs_slot = photo.slot is None and not photo.look
            if photo.ticket in worker.taken_back:
                self._free_slot(photo.slot)
                worker.give_back(photo)
            elif needs_slot and not self._free:
                return
            else:
                if needs_slot:
                    photo.slot = self._free.pop()
                worker.give(photo, wire.LOOK if photo.slot is None else photo.slot)
            self._waiting.popleft()

    def _finish(self, photo: Photo, error: ImageError | None, reply: Reply | None = None) -> None:
        """Pass the result on; the slot goes with a resized image and is free again after an error."""
        del self._unread[photo.ticket]
        if isinstance(error, TimedOutImage) and photo.path not in self._excluded:
            self._excluded[photo.path] = error.reason
            self._events.put(partial(self._end_reads_of, photo.path))
        slot, photo.slot = photo.slot, None
        seconds = reply.seconds if reply else 0.0
        if error is not None or slot is None or reply is None:
            self._free_slot(slot)
            self._finished.put(Read(photo.ticket, photo.path, None, error, seconds))
            return
        self._lent[slot] = photo.ticket
        resized = self._shared_buffer.resized_images[slot]
        self._finished.put(
            Read(photo.ticket, photo.path, resized, None, seconds, slot, reply.width, reply.height)
        )

    def _free_slot(self, slot: int | None) -> None:
        if slot is not None:
            self._free.append(slot)

    def _give_up(self, worker: Worker, photo: Photo) -> None:
        """Take a photo from the worker that is on it, and end that worker."""
        del worker.photos[photo.ticket]
        slot, photo.slot = photo.slot, None
        self._kill(worker, [slot] if slot is not None else [])

    # --- folders that may be away

    def _suspect(self, photo: Photo, error: ImageError) -> None:
        """It failed in a way that may mean that its whole folder is away: look for that before any other."""
        if self._on_away is None:
            self._finish(photo, error)
            return
        if outage := self._outages.of(photo.path):
            outage.held.append(self._without_slot(photo))
            return
        folder = os.path.dirname(photo.path)
        looked_for = folder in self._suspects
        suspects = self._suspects.setdefault(folder, [])
        suspects.append(_Suspect(self._without_slot(photo), error))
        if not looked_for:
            suspects += map(_Suspect, self._take_from_line(lambda path: os.path.dirname(path) == folder))
            self._look(photo.path)

    def _take_from_line(self, wanted: Callable[[str], bool]) -> list[Photo]:
        """Photos that wait to be read and shall not be now."""
        taken = [photo for photo in self._waiting if not photo.look and wanted(photo.path)]
        if taken:
            self._waiting = deque(photo for photo in self._waiting if photo not in taken)
        return [self._without_slot(photo) for photo in taken]

    def _without_slot(self, photo: Photo) -> Photo:
        self._free_slot(photo.slot)
        photo.slot = None
        return photo

    def _look(self, path: str) -> None:
        self._last_look -= 1
        self._waiting.appendleft(Photo(self._last_look, path, look=True))

    def _on_looked(self, photo: Photo, reply: Reply) -> None:
        if reply.kind:
            folder, _, why = reply.reason.partition(b"\0")
            self._is_away(os.fsdecode(folder), why.decode("utf-8", "replace"), photo.path)
        else:
            self._is_there(photo.path, reply.seconds > SLOW_S)

    def _is_there(self, path: str, answered_late: bool) -> None:
        """Its folder is there: what waited for it is read again, and what failed has failed by itself.

        If the folder itself answered late, a photo that was not read in time gets another chance."""
        self._are_back(self._outages.end(path))
        for suspect in self._suspects.pop(os.path.dirname(path), []):
            photo, error = suspect.photo, suspect.error
            if photo.path in self._excluded:
                self._finish(photo, TimedOutImage(photo.path, self._excluded[photo.path]))
            elif error and (photo.asked_again or isinstance(error, TimedOutImage) and not answered_late):
                self._finish(photo, error)
            else:  # the folder may have been away for just that moment
                photo.asked_again = error is not None
                self._waiting.append(photo)

    def _are_back(self, outages: Sequence[SourceOutage[Photo]]) -> None:
        for outage in outages:
            self._waiting.extend(outage.held)
            if self._spare is not None and outage.spared:
                self._spare.on_back(outage.spared)
            self._on_back(outage.folder, time.monotonic() - outage.since)

    def _is_away(self, folder: str, why: str, path: str) -> None:
        outage, is_new = self._outages.begin(folder, why, path, time.monotonic())
        self._are_back(self._outages.end(path, but=outage))  # a folder above, or where a link led before
        for suspected in [f for f in self._suspects if outage.covers(os.path.join(f, "x"))]:
            outage.held += [suspect.photo for suspect in self._suspects.pop(suspected)]
        # A photo that is a link to one in that folder is not below it itself; its neighbours may be there.
        for suspect in self._suspects.pop(os.path.dirname(path), []):
            is_away = suspect.error is not None or outage.holds(suspect.photo.path)
            (outage.held if is_away else self._waiting).append(suspect.photo)
        outage.held += self._take_from_line(outage.covers)
        if is_new and self._on_away is not None:
            self._on_away(folder, why)

    def _do_without(self) -> None:
        """Once the deadline is over, few photos on a drive that is away hold up nothing: not those that are
        asked for, nor those that will be. If they are more than the run can spare, or than a quarter of all,
        all are waited for: then it is the drive of the dataset."""
        if self._spare is None:
            return
        now = time.monotonic()
        for outage in self._outages:
            if not outage.held or now - outage.since < self._deadline_s:
                continue
            if outage.below is None:
                outage.below = set(filter(outage.covers, self._spare.paths))
            paths = {photo.path for photo in outage.held} | outage.below
            lacking = paths | self._outages.spared()
            if len(lacking) > FEW * len(self._spare.paths) or not self._spare.may_lack(lacking):
                continue
            if not outage.spared:
                self._spare.on_spared(outage.folder, len(paths))
            outage.spared |= paths
            held, outage.held = outage.held, []
            for photo in held:
                self._finish(photo, VanishedImage(photo.path, f"is away: {outage.folder} {outage.why}"))

    def _look_for_folders(self) -> None:
        """Whether those that are away are back; one process at most waits for a dead drive."""
        self._unanswered = [process for process in self._unanswered if process.poll() is None]
        if not self._unanswered:
            for outage in self._outages.due(time.monotonic()):
                outage.looking = True
                self._look(outage.example)

    # --- workers

    def _staff(self) -> None:
        """As many workers as asked for that are not slow; one too many, after a slow one came back, goes."""
        able = [worker for worker in self._workers.living() if not worker.slow]
        if len(able) > self._count:
            idle = [worker for worker in able if worker.ready and not worker.photos]
            for worker in idle[: len(able) - self._count]:
                self._kill(worker)
        if self._broken or time.monotonic() < self._start_again_at:
            return
        for _ in range(self._count - len(able)):
            try:
                if not self._may_start() or not self._workers.start():
                    return
            except OSError as error:
                self._on_failed_start(error.strerror or str(error))
                return

    def _may_start(self) -> bool:
        """A spare or two at first, more once they help: on a slow drive each only waits for the others."""
        living = len(self._workers.living())
        if living < self._count or any(photo.look for photo in self._waiting):
            return True
        most = self._count + SPARES - 1 if self._spares_help else max(MANY, self._count + 1)
        self._spares_help = False
        return living < most

    def _kill(self, worker: Worker, slots: list[int] | None = None) -> None:
        """End a worker without waiting; its photos come first in line, with their slots, once it is still."""
        self._workers.kill(worker)
        self._gone.append(Gone(worker, slots or []))
        worker.photos, worker.taken_back = {}, {}

    def _recover_slots(self) -> None:
        now = time.monotonic()
        for gone in [gone for gone in self._gone if (gone.slots or gone.photos) and gone.still(now)]:
            self._free.extend(gone.slots)
            for photo in reversed(gone.photos):
                if photo.path in self._excluded and not photo.look:
                    self._finish(photo, TimedOutImage(photo.path, self._excluded[photo.path]))
                else:
                    self._waiting.appendleft(photo)
            gone.slots, gone.photos = [], []
        self._gone = [gone for gone in self._gone if gone.photos or gone.slots or not gone.ended]

    def _check_workers(self) -> None:
        now = time.monotonic()
        if now - self._checked_at > PAUSE_S:  # we were stopped ourselves: whatever the rows say is old
            for worker in self._workers.living():
                worker.started_at = worker.moved_at = now
        self._checked_at = now
        for worker in [worker for worker in self._workers.living() if not worker.ready]:
            if now - worker.started_at > self._deadline_s + START_S:
                self._kill(worker)
                self._on_failed_start("they do not answer")
        silent = [(worker, self._workers.silent_s(worker, now)) for worker in self._workers.living()]
        deadline_s = self._current_deadline_s()
        if drive_is_suspect([silent_s for _, silent_s in silent], now - self._read_at, deadline_s):
            deadline_s *= PATIENCE * len(silent) / self._count  # who reads alone waits least
            self._ask_drive(max(silent, key=lambda pair: pair[1])[0], now)
        for worker, silent_s in silent:
            self._check_worker(worker, silent_s, deadline_s)

    def _check_worker(self, worker: Worker, silent_s: float, deadline_s: float) -> None:
        """Slow: its other photos go elsewhere. Past the deadline: it is replaced."""
        if silent_s > self._slow_after_s() and not worker.slow:
            worker.slow = True
            self._take_back(worker)
        current = self._workers.current(worker)
        if silent_s <= (ANSWER_S if current is not None and current.look else deadline_s):
            return
        if current is None:  # frozen between two photos, so none is to blame
            self._kill(worker)
            return
        self._give_up(worker, current)
        if current.look:
            self._unanswered.append(worker.process)
            self._is_away(drive_of(current.path), "does not answer", current.path)
        else:
            error = TimedOutImage(current.path, f"was not read within {deadline_s:.0f} s")
            self._suspect(current, error)

    def _ask_drive(self, worker: Worker, now: float) -> None:
        """Now and then while all wait, so that a dead drive is known before any photo's time is up."""
        current = self._workers.current(worker)
        if self._on_away is None or current is None or current.look or now < self._drive_asked_at + LOOK_S:
            return
        self._drive_asked_at = now
        if self._outages.of(current.path) is None:
            self._look(current.path)

    def _take_back(self, worker: Worker) -> None:
        """What is queued behind a photo that takes long goes to others; the slots stay until it answers."""
        current = self._workers.current(worker)
        for photo in [photo for photo in reversed(worker.photos.values()) if photo is not current]:
            del worker.photos[photo.ticket]
            worker.taken_back[photo.ticket] = photo.slot
            photo.slot = None
            self._waiting.appendleft(photo)

    def _current_deadline_s(self) -> float:
        """The time limit, or more where all photos are slow."""
        return max(self._deadline_s, SLOW_TIMES * self._usual_s())

    def _slow_after_s(self) -> float:
        return max(SLOW_S, SLOW_TIMES * self._usual_s())

    def _usual_s(self) -> float:
        return statistics.median(self._recent_s) if self._recent_s else 0.0

    def _state(self, worker: Worker, now: float) -> WorkerState:
        try:
            state, ticket, since = self._shared_buffer.row(worker.row)
        except ValueError:  # closed meanwhile
            state, ticket, since = wire.IDLE, 0, now
        path = None
        if state == wire.READING and (photo := worker.photos.get(ticket)):
            path = os.path.dirname(photo.path) if photo.look else photo.path
        return WorkerState(
            pid=worker.process.pid,
            state=("starting", "idle", "reading")[state],
            path=path,
            since_s=max(0.0, now - since),
        )

    def _end_all(self) -> None:
        for worker in self._workers.living():
            self._kill(worker)
        end = time.monotonic() + REAP_S
        for gone in self._gone:
            with contextlib.suppress(subprocess.TimeoutExpired):
                gone.process.wait(max(0.0, end - time.monotonic()))


def drive_is_suspect(silent_s: Sequence[float], none_read_s: float, deadline_s: float) -> bool:
    """Whether so many workers are silent, and nothing was read meanwhile, that it cannot be their photos."""
    return sum(deadline_s / 2 < each_s < none_read_s for each_s in silent_s) >= MANY


def _deadly(photo: Photo, status: int | None) -> bool:
    """Whether this photo has taken down as many workers as a photo may; counts one more."""
    if status == KILLED:
        photo.kills += 1
    else:
        photo.crashes += 1
    return photo.crashes >= CRASHES or photo.kills >= KILLS


def _has_room(worker: Worker, photo: Photo) -> bool:
    if not worker.photos:
        return True
    under_way = sum(wire.REQUEST.size + len(os.fsencode(p.path)) for p in (*worker.photos.values(), photo))
    return len(worker.photos) < AHEAD and under_way <= AHEAD_BYTES
