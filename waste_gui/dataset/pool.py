"""Processes that read photos, watched: a stuck one is replaced and its photo set aside, and reading goes on.

One supervisor thread owns all state and starts the workers, so no lock is needed and PR_SET_PDEATHSIG, which
follows the thread that started a process, does no harm. A thread per worker blocks on its replies and
passes them to the supervisor. Nothing ever waits for a killed process to end: on a dead drive it may not.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import psutil

from waste_gui.dataset import worker as wire
from waste_gui.dataset.images import ERRORS, DamagedImage, ImageError, Tile, TimedOutImage
from waste_gui.protocol import WorkerState

AHEAD = 3
"""Photos a worker is given at once: enough to never wait for us, few enough that a stuck one delays few."""

AHEAD_BYTES = 4096
"""Longest total of paths under way to one worker: what any pipe takes without blocking us."""

START_S = 30.0
"""What a new worker gets beyond the deadline until its first reply."""

MAX_STARTS = 3
"""Failed starts in a row after which the pool gives up."""

ATTEMPTS = 2
"""How many workers a photo may take down before it is called damaged."""

REAP_S = 1.0
"""After this long a killed process runs no code of its own any more, even if the kernel still holds it."""

TICK_S = 0.1

PAUSE_S = 5.0
"""After a longer gap between two checks we were stopped or the computer slept."""

MANY, PATIENCE = 3, 3
"""When all of at least so many workers are silent at once (for half the limit, as they did not begin at the
same moment), the drive is the suspect, not the photos: the time limit is that much longer."""

CGROUP = "/sys/fs/cgroup"
"""Where a container sees its own limits."""

SET_ASIDE = "set aside by you"


class PoolError(Exception):
    """No photos can be read at all: one sentence that says why, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A finished photo: its tile, a view into the arena that is good until `release`, or its error."""

    ticket: int
    path: str
    tile: Tile | None
    error: ImageError | None
    seconds: float
    slot: int | None = None


@dataclass(slots=True)
class _Photo:
    """A photo asked for and not yet answered."""

    ticket: int
    path: str
    slot: int | None = None
    crashes: int = 0


@dataclass(slots=True)
class _Worker:
    """A process, and the photos given to it in order."""

    row: int
    process: subprocess.Popen[bytes]
    started_at: float
    ready: bool = False
    killed: bool = False
    photos: dict[int, _Photo] = field(default_factory=dict)
    moved_at: float = 0.0
    """When it last began or finished a photo, or was given one while it had none."""

    @property
    def requests(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin


@dataclass(slots=True)
class _Gone:
    """A killed worker whose slots nobody may use until it runs no more, and what to do then."""

    process: subprocess.Popen[bytes]
    killed_at: float
    free: list[int]
    again: list[_Photo]

    def still(self, now: float) -> bool:
        return self.process.poll() is not None or now - self.killed_at > REAP_S


class ReadingPool:
    """Reads photos in `workers` processes; tickets come back in any order, each exactly once.

    The arena takes slots × tile_size² × 3 bytes. A photo that takes longer than `deadline_s`, or than ten
    times the median of recent photos if this is more (a slow disk is no failure), comes back as
    TimedOutImage. Raises OSError if there is not enough shared memory.
    """

    def __init__(self, workers: int, tile_size: int, slots: int, deadline_s: float) -> None:
        self._count, self._tile_size, self._deadline_s = workers, tile_size, deadline_s
        self._tiles_offset = -(-workers * wire.ROW_BYTES // mmap.PAGESIZE) * mmap.PAGESIZE
        self._arena = _Arena(self._tiles_offset + slots * tile_size * tile_size * 3)
        self._slots: Tile = np.frombuffer(self._arena.map, np.uint8, offset=self._tiles_offset).reshape(
            slots, tile_size, tile_size, 3
        )
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Read | PoolError] = queue.SimpleQueue()
        self._closing = False
        self._broken: PoolError | None = None
        # Below: the supervisor's own. Other threads only look, at `_workers` and `_unread`.
        self._workers: tuple[_Worker | None, ...] = (None,) * workers
        self._unread: dict[int, _Photo] = {}
        self._waiting: deque[_Photo] = deque()
        self._free: list[int] = list(range(slots))
        self._lent: dict[int, int] = {}
        self._gone: list[_Gone] = []
        self._set_aside: set[str] = set()
        self._recent_s: deque[float] = deque(maxlen=64)
        self._failed_starts = 0
        self._checked_at = time.monotonic()
        self._supervisor = threading.Thread(target=self._supervise, name="photo pool", daemon=True)
        self._supervisor.start()

    def submit(self, ticket: int, path: str) -> None:
        """Ask for a photo; never blocks."""
        self._events.put(lambda: self._on_submit(_Photo(ticket, path)))

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
        """Give the tile's slot back, after copying the tile."""
        if read.slot is not None:
            slot, ticket = read.slot, read.ticket
            self._events.put(lambda: self._on_release(slot, ticket))

    def skip(self, path: str) -> None:
        """Set a photo aside for good: it comes back as TimedOutImage, now or when it is asked for."""
        self._events.put(lambda: self._on_skip(path))

    def restart(self) -> None:
        """Replace all workers; their photos are asked for again."""
        self._events.put(self._on_restart)

    def states(self) -> tuple[WorkerState, ...]:
        """What each worker does now, from its status row: cheap, and from any thread."""
        now = time.monotonic()
        return tuple(self._state(worker, now) for worker in self._workers if worker is not None)

    def queued(self) -> int:
        """Photos asked for and not yet read."""
        return len(self._unread)

    def close(self) -> None:
        """End all workers. Never waits long, and nothing stays behind."""
        if not self._closing:
            self._closing = True
            self._broken = PoolError("The pool of readers is closed.", "Start a new one.")
            self._events.put(lambda: None)
            self._supervisor.join(timeout=10)
            self._arena.close()

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
            self._replace_missing()
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=TICK_S)()
                while True:  # whatever else has come meanwhile
                    self._events.get_nowait()()
            self._recover_slots()
            self._check_deadlines()
            self._hand_out()

    def _on_submit(self, photo: _Photo) -> None:
        self._unread[photo.ticket] = photo
        if photo.path in self._set_aside:
            self._finish(photo, TimedOutImage(photo.path, SET_ASIDE), 0.0)
        else:
            self._waiting.append(photo)

    def _on_release(self, slot: int, ticket: int) -> None:
        if self._lent.get(slot) == ticket:
            del self._lent[slot]
            self._free.append(slot)

    def _on_skip(self, path: str) -> None:
        self._set_aside.add(path)
        for photo in [photo for photo in self._waiting if photo.path == path]:
            self._waiting.remove(photo)
            self._finish(photo, TimedOutImage(path, SET_ASIDE), 0.0)
        for worker in self._living():
            current = self._current(worker)
            if current is not None and current.path == path:
                self._set_aside_current(worker, current, SET_ASIDE)

    def _on_restart(self) -> None:
        for worker in self._living():
            self._kill(worker)

    def _on_reply(self, worker: _Worker, reply: _Reply) -> None:
        if worker.killed:  # it finished just before: its photos are already taken care of
            return
        worker.moved_at = time.monotonic()
        if reply.slot == wire.HELLO:
            self._on_hello(worker, reply)
            return
        photo = worker.photos.pop(reply.ticket)
        self._recent_s.append(reply.seconds)
        if photo.path in self._set_aside:
            self._finish(photo, TimedOutImage(photo.path, SET_ASIDE), reply.seconds)
        elif reply.kind:
            self._finish(photo, ERRORS[reply.kind](photo.path, reply.reason), reply.seconds)
        else:
            self._finish(photo, None, reply.seconds)

    def _on_hello(self, worker: _Worker, reply: _Reply) -> None:
        if reply.reason:
            self._failed_starts = MAX_STARTS  # trying again would not help
            self._on_failed_start(worker, reply.reason)
        else:
            worker.ready = True
            self._failed_starts = 0

    def _on_end(self, worker: _Worker) -> None:
        """A worker's stdout has ended."""
        if worker.killed:
            return
        if not worker.ready:
            self._failed_starts += 1
            self._on_failed_start(worker, "they end at once")
            return
        # By itself, or killed by the system. Its photo is tried once more elsewhere.
        blamed = self._current(worker) or next(iter(worker.photos.values()), None)
        if blamed is not None:
            blamed.crashes += 1
            if blamed.crashes >= ATTEMPTS:
                self._set_aside_current(worker, blamed, "crashed the decoder")
                return
        self._kill(worker)

    def _on_failed_start(self, worker: _Worker, reason: str) -> None:
        self._kill(worker)
        if self._failed_starts >= MAX_STARTS:
            self._break(reason)

    def _break(self, reason: str) -> None:
        self._broken = PoolError(
            f"The processes that read photos cannot be started ({reason}).",
            "Install the program anew; the log has the details.",
        )
        self._finished.put(self._broken)

    # --- photos

    def _hand_out(self) -> None:
        """Give waiting photos, first come first served, to the workers with the least to do."""
        while self._waiting:
            photo = self._waiting[0]
            able = [worker for worker in self._living() if worker.ready and _has_room(worker, photo)]
            if not able or (photo.slot is None and not self._free):
                return
            self._waiting.popleft()
            if photo.slot is None:
                photo.slot = self._free.pop()
            self._give(min(able, key=lambda worker: len(worker.photos)), photo, photo.slot)

    def _give(self, worker: _Worker, photo: _Photo, slot: int) -> None:
        if not worker.photos:
            worker.moved_at = time.monotonic()
        worker.photos[photo.ticket] = photo
        path = os.fsencode(photo.path)
        # If it has just died, its reader thread says so next, and the photo is asked for again.
        with contextlib.suppress(OSError):
            os.write(worker.requests.fileno(), wire.REQUEST.pack(photo.ticket, slot, len(path)) + path)

    def _finish(self, photo: _Photo, error: ImageError | None, seconds: float) -> None:
        """Pass the result on; the slot goes with a tile and is free again after an error."""
        del self._unread[photo.ticket]
        slot = photo.slot
        if error is not None or slot is None:
            if slot is not None:
                self._free.append(slot)
            self._finished.put(Read(photo.ticket, photo.path, None, error, seconds))
        else:
            self._lent[slot] = photo.ticket
            self._finished.put(Read(photo.ticket, photo.path, self._slots[slot], None, seconds, slot))

    def _set_aside_current(self, worker: _Worker, photo: _Photo, reason: str) -> None:
        """Give up a photo and the worker that is on it."""
        del worker.photos[photo.ticket]
        slot, photo.slot = photo.slot, None
        kind = DamagedImage if photo.crashes >= ATTEMPTS else TimedOutImage
        self._finish(photo, kind(photo.path, reason), time.monotonic() - worker.moved_at)
        self._kill(worker, [slot] if slot is not None else [])

    # --- workers

    def _living(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker is not None]

    def _replace_missing(self) -> None:
        for row, worker in enumerate(self._workers):
            if worker is None and self._broken is None:
                self._start(row)

    def _start(self, row: int) -> None:
        wire.ROW.pack_into(self._arena.map, row * wire.ROW_BYTES, wire.STARTING, 0, time.monotonic())
        try:
            process = _start_process(self._arena, row, self._tiles_offset, self._tile_size)
        except OSError as error:
            self._failed_starts += 1
            if self._failed_starts >= MAX_STARTS:
                self._break(error.strerror or str(error))
            return
        worker = _Worker(row, process, started_at=time.monotonic(), moved_at=time.monotonic())
        self._workers = (*self._workers[:row], worker, *self._workers[row + 1 :])
        threading.Thread(target=self._listen, args=(worker,), name="photo replies", daemon=True).start()

    def _listen(self, worker: _Worker) -> None:
        """The thread of one worker: its replies, then its end."""
        replies = worker.process.stdout
        assert replies is not None
        with replies:
            while (reply := _read_reply(replies)) is not None:
                self._events.put(partial(self._on_reply, worker, reply))
        self._events.put(partial(self._on_end, worker))

    def _kill(self, worker: _Worker, free: list[int] | None = None) -> None:
        """End a worker without waiting; its photos come first in line, with their slots, once it is still."""
        worker.killed = True
        worker.process.kill()
        with contextlib.suppress(OSError):
            worker.requests.close()
        again = list(worker.photos.values())
        worker.photos = {}
        self._gone.append(_Gone(worker.process, time.monotonic(), free or [], again))
        self._workers = tuple(None if other is worker else other for other in self._workers)

    def _recover_slots(self) -> None:
        now = time.monotonic()
        for gone in [gone for gone in self._gone if (gone.free or gone.again) and gone.still(now)]:
            self._free.extend(gone.free)
            for photo in reversed(gone.again):
                if photo.path in self._set_aside:
                    self._finish(photo, TimedOutImage(photo.path, SET_ASIDE), 0.0)
                else:
                    self._waiting.appendleft(photo)
            gone.free, gone.again = [], []
        self._gone = [gone for gone in self._gone if gone.again or gone.process.poll() is None]

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < TICK_S:
            return
        deadline_s = self._current_deadline_s()
        if now - self._checked_at > PAUSE_S:  # we were stopped ourselves: whatever the rows say is old
            for worker in self._living():
                worker.started_at = worker.moved_at = now
        self._checked_at = now
        for worker in [worker for worker in self._living() if not worker.ready]:
            if now - worker.started_at > self._deadline_s + START_S:
                self._failed_starts += 1
                self._on_failed_start(worker, "they do not answer")
        silent = [(worker, self._silent_s(worker, now)) for worker in self._living()]
        if len(silent) == self._count and drive_is_suspect([silent_s for _, silent_s in silent], deadline_s):
            deadline_s *= PATIENCE
        for worker in [worker for worker, silent_s in silent if silent_s > deadline_s]:
            current = self._current(worker)
            if current is not None:
                self._set_aside_current(worker, current, f"was not read within {deadline_s:.0f} s")
            else:  # frozen between two photos, so none is to blame
                self._kill(worker)

    def _silent_s(self, worker: _Worker, now: float) -> float:
        """For how long a worker that has photos to read has neither begun nor finished one."""
        if not (worker.ready and worker.photos):
            return 0.0
        _, _, since = self._row(worker)
        return now - max(since, worker.moved_at)

    def _current_deadline_s(self) -> float:
        """The time limit, or more where all photos are slow."""
        if len(self._recent_s) < 8:
            return self._deadline_s
        return max(self._deadline_s, 10 * statistics.median(self._recent_s))

    def _row(self, worker: _Worker) -> tuple[int, int, float]:
        state, ticket, since = wire.ROW.unpack_from(self._arena.map, worker.row * wire.ROW_BYTES)
        return state, ticket, since

    def _current(self, worker: _Worker) -> _Photo | None:
        """The photo that it is reading, by its status row."""
        state, ticket, _ = self._row(worker)
        return worker.photos.get(ticket) if state == wire.READING else None

    def _state(self, worker: _Worker, now: float) -> WorkerState:
        try:
            state, ticket, since = self._row(worker)
        except ValueError:  # closed meanwhile
            state, ticket, since = wire.IDLE, 0, now
        photo = worker.photos.get(ticket) if state == wire.READING else None
        return WorkerState(
            pid=worker.process.pid,
            state=("starting", "idle", "reading")[state],
            path=photo.path if photo is not None else None,
            since_s=max(0.0, now - since),
        )

    def _end_all(self) -> None:
        for worker in self._living():
            self._kill(worker)
        end = time.monotonic() + REAP_S
        for gone in self._gone:
            with contextlib.suppress(subprocess.TimeoutExpired):
                gone.process.wait(max(0.0, end - time.monotonic()))


def drive_is_suspect(silent_s: Sequence[float], deadline_s: float) -> bool:
    """Whether so many workers are silent at once that it cannot be their photos."""
    return len(silent_s) >= MANY and min(silent_s) > deadline_s / 2


def _has_room(worker: _Worker, photo: _Photo) -> bool:
    if not worker.photos:
        return True
    under_way = sum(wire.REQUEST.size + len(os.fsencode(p.path)) for p in (*worker.photos.values(), photo))
    return len(worker.photos) < AHEAD and under_way <= AHEAD_BYTES


@dataclass(frozen=True, slots=True)
class _Reply:
    ticket: int
    slot: int
    kind: str
    seconds: float
    reason: str


def _read_reply(replies: IO[bytes]) -> _Reply | None:
    """The next reply, or None at the end."""
    header = replies.read(wire.REPLY.size)
    if len(header) < wire.REPLY.size:
        return None
    ticket, slot, kind, seconds, length = wire.REPLY.unpack(header)
    reason = replies.read(length).decode("utf-8", "replace") if length else ""
    return _Reply(ticket, slot, kind.rstrip(b"\0").decode(), seconds, reason)


def _start_process(arena: _Arena, row: int, tiles_offset: int, tile_size: int) -> subprocess.Popen[bytes]:
    package_parent = str(Path(wire.__file__).parents[2])
    python_path = os.pathsep.join(filter(None, (package_parent, os.environ.get("PYTHONPATH"))))
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy starts faster without a team
    return subprocess.Popen(
        # -P: a numpy.py in the current folder is not ours to import.
        [sys.executable, "-P", "-m", wire.__name__]
        + [str(os.getpid()), arena.name, str(row), str(tiles_offset), str(tile_size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=arena.pass_fds,
        env=os.environ | one_thread | {"PYTHONPATH": python_path},
    )


class _Arena:
    """Memory shared with the workers. On Linux it has no name, so nothing stays behind whatever happens."""

    def __init__(self, size: int) -> None:
        self._file: str | None = None
        self.pass_fds: tuple[int, ...] = ()
        if sys.platform == "linux":
            descriptor = os.memfd_create("waste-gui-tiles", os.MFD_CLOEXEC)
            self.name, self.pass_fds = str(descriptor), (descriptor,)
        else:
            descriptor, self._file = tempfile.mkstemp(prefix="waste-gui-tiles-")
            self.name = self._file
        self._descriptor = descriptor
        try:
            _allocate(descriptor, size)
            self.map = mmap.mmap(descriptor, size)
        except BaseException:
            self._remove()
            raise

    def close(self) -> None:
        # Where a caller still holds a tile, the memory goes when that does.
        with contextlib.suppress(BufferError):
            self.map.close()
        self._remove()

    def _remove(self) -> None:
        os.close(self._descriptor)
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._file)


def _allocate(descriptor: int, size: int) -> None:
    """Take the memory now: too little is an OSError here, where it would be a fatal SIGBUS later.

    An unnamed file in memory has no limit of its own: the system would kill processes, ours or others', to
    make room. So it is asked first, and half of what is free stays free.
    """
    free = _free_memory()
    if size > free / 2:
        words = f"{size / 1e6:.0f} MB of memory are needed for photos and {free / 1e6:.0f} MB are free"
        raise OSError(errno.ENOMEM, words)
    if sys.platform == "linux":
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)


def _free_memory() -> int:
    """In bytes, by the system and by the limit of the container or job that we run in, if it has one."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = (int(Path(CGROUP, name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # no such limit, or "max"
        return free
    return min(free, limit - used)
