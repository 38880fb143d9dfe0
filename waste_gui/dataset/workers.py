"""The worker processes of a pool, seen from outside: started, listened to, replaced, never waited for."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from waste_gui import isolation
from waste_gui.dataset import worker as wire
from waste_gui.dataset.shared_buffer import SharedBuffer

REAP_S = 1.0
"""After this long a killed process runs no code of its own any more, even if the kernel still holds it."""


@dataclass(slots=True, eq=False)
class Photo:
    """A photo asked for and not yet answered; with `look`, only the question whether its folder is there."""

    ticket: int
    path: str
    slot: int | None = None
    look: bool = False
    crashes: int = 0
    kills: int = 0
    asked_again: bool = False


@dataclass(slots=True, eq=False)
class Worker:
    """A process, and the photos given to it in order."""

    row: int
    process: subprocess.Popen[bytes]
    started_at: float
    moved_at: float
    """When it last began or finished a photo, or was given one while it had none."""
    ready: bool = False
    killed: bool = False
    slow: bool = False
    """It has been silent for so long that it gets no more photos, and another works in its stead."""
    photos: dict[int, Photo] = field(default_factory=dict)
    taken_back: dict[int, int | None] = field(default_factory=dict)
    """Tickets that others read now, with their slots: free once this one has answered all the same."""

    def give(self, photo: Photo, slot: int) -> None:
        if not self.photos:
            self.moved_at = time.monotonic()
        self.photos[photo.ticket] = photo
        path = os.fsencode(os.path.abspath(photo.path))  # It stands in another folder.
        assert self.process.stdin is not None
        # If it has just died, its reader thread says so next, and the photo is asked for again.
        with contextlib.suppress(OSError, ValueError):
            os.write(self.process.stdin.fileno(), wire.REQUEST.pack(photo.ticket, slot, len(path)) + path)

    def give_back(self, photo: Photo) -> None:
        """A photo that was taken back, and is in its line still."""
        photo.slot = self.taken_back.pop(photo.ticket)
        self.photos[photo.ticket] = photo


@dataclass(frozen=True, slots=True)
class Reply:
    ticket: int
    slot: int
    kind: str
    seconds: float
    width: int
    height: int
    reason: bytes

    @property
    def words(self) -> str:
        return self.reason.decode("utf-8", "replace")


class Workers:
    """Up to `shared_buffer.rows` workers; other threads call `on_reply`, and `on_end` with the exit
    status."""

    def __init__(
        self,
        shared_buffer: SharedBuffer,
        on_reply: Callable[[Worker, Reply], None],
        on_end: Callable[[Worker, int | None], None],
    ) -> None:
        self._shared_buffer, self._on_reply, self._on_end = shared_buffer, on_reply, on_end
        self._workers: tuple[Worker | None, ...] = (
            None,
        ) * shared_buffer.rows  # replaced as a whole: others look

    def living(self) -> list[Worker]:
        return [worker for worker in self._workers if worker is not None]

    def start(self) -> bool:
        """One more, if there is a row for it. Raises OSError if the system gives no process or thread."""
        row = next((row for row, worker in enumerate(self._workers) if worker is None), None)
        if row is None:
            return False
        now = time.monotonic()
        self._shared_buffer.set_row(row, wire.STARTING, 0, now)
        worker = Worker(row, _start_process(self._shared_buffer, row), started_at=now, moved_at=now)
        try:
            threading.Thread(target=self._listen, args=(worker,), name="photo replies", daemon=True).start()
        except RuntimeError as error:
            with worker.process as process:  # waits for its end, which is near: it has only just begun
                process.kill()
            raise OSError(errno.EAGAIN, str(error)) from error
        self._workers = (*self._workers[:row], worker, *self._workers[row + 1 :])
        return True

    def kill(self, worker: Worker) -> None:
        """End it without waiting; it belongs to the workers no more."""
        worker.killed = True
        worker.process.kill()
        if worker.process.stdin is not None:
            with contextlib.suppress(OSError):
                worker.process.stdin.close()
        self._workers = tuple(None if other is worker else other for other in self._workers)

    def current(self, worker: Worker) -> Photo | None:
        """The photo that it is reading, by its status row."""
        state, ticket, _ = self._shared_buffer.row(worker.row)
        return worker.photos.get(ticket) if state == wire.READING else None

    def silent_s(self, worker: Worker, now: float) -> float:
        """For how long a worker that has photos to read has neither begun nor finished one."""
        if not worker.ready or not (worker.photos or worker.taken_back):
            return 0.0
        return now - max(self._shared_buffer.row(worker.row)[2], worker.moved_at)

    def _listen(self, worker: Worker) -> None:
        """The thread of one worker: its replies, then its end."""
        replies = worker.process.stdout
        assert replies is not None
        with replies:
            while (reply := _read_reply(replies)) is not None:
                self._on_reply(worker, reply)
        status = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = worker.process.wait(REAP_S)
        self._on_end(worker, status)


class Gone:
    """A killed worker: until it runs no more nobody may use its slots; then its photos are free, too."""

    def __init__(self, worker: Worker, slots: list[int]) -> None:
        self.process = worker.process
        self.slots = [*slots, *(slot for slot in worker.taken_back.values() if slot is not None)]
        self.photos = list(worker.photos.values())
        self._killed_at = time.monotonic()

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def still(self, now: float) -> bool:
        return self.ended or now - self._killed_at > REAP_S


def _read_reply(replies: IO[bytes]) -> Reply | None:
    """The next reply, or None at the end."""
    header = replies.read(wire.REPLY.size)
    if len(header) < wire.REPLY.size:
        return None
    ticket, slot, kind, seconds, width, height, length = wire.REPLY.unpack(header)
    reason = replies.read(length) if length else b""
    return Reply(ticket, slot, kind.rstrip(b"\0").decode(), seconds, width, height, reason)


def _start_process(shared_buffer: SharedBuffer, row: int) -> subprocess.Popen[bytes]:
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy starts faster without a team
    numbers = (os.getpid(), shared_buffer.name, row, shared_buffer.resized_offset, shared_buffer.resized_size)
    return subprocess.Popen(
        isolation.module_command(wire.__name__, *map(str, numbers)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=shared_buffer.pass_fds,
        env=isolation.environment(one_thread),
        cwd=isolation.safe_folder(),
    )
