"""The queue on disk: runs one after another, kept over the end of every window and shared by all of them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from waste_gui import files
from waste_gui.config import RunConfig, without_former
from waste_gui.rundir import data_dir

if TYPE_CHECKING:
    from filelock import BaseFileLock

CHANGE_S = 10.0
"""A change takes milliseconds."""

QueueState = Literal["waiting", "running", "done", "failed", "crashed", "stopped"]
ENDED: tuple[QueueState, ...] = ("done", "failed", "crashed", "stopped")


class QueuedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the queue. `words` say how it ended, `folder` is where it trains or has trained, and of one
    that was `told` the person knows."""

    config: RunConfig
    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    photos: int = 0
    state: QueueState = "waiting"
    words: str = ""
    folder: str = ""
    told: bool = False


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of their starts. While it is `paused`, nothing is started."""

    entries: tuple[QueuedRun, ...] = ()
    paused: bool = False


class BrokenQueue(Exception):
    """The file could not be read, and lies aside."""

    def __init__(self, aside: Path) -> None:
        super().__init__(str(aside))
        self.aside = aside


class QueueFile:
    """`queue.json`, and the two locks beside it: of who changes it, and of who starts its runs."""

    def __init__(self) -> None:
        self._path = data_dir() / "queue.json"
        self._known: tuple[int, int, int] | None = None
        self._driving: BaseFileLock | None = None

    def read(self) -> Queue | None:
        """None if it is as it was when this object saw it last. Raises BrokenQueue, OSError."""
        stamp = self._stamp()
        if stamp == self._known:
            return None
        self._known = stamp
        if stamp is None:
            return Queue()
        try:
            return _of_any_version(files.read_json(self._path, object, files.SMALL_BYTES))
        except (files.UnsafeFile, ValueError):
            aside = self._path.with_name("queue.broken.json")
            files.rename(self._path, aside)
            self._known = None
            raise BrokenQueue(aside) from None

    def write(self, queue: Queue) -> None:
        files.make_private_folder(self._path.parent)
        content = files.encode_json(queue, indent=1)
        files.write_atomically(self._path, content, mode=files.PRIVATE_FILE)
        self._known = self._stamp()

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Another window waits with its change; on a disk that cannot lock, or not answer, nobody does."""
        lock = self._lock("queue.change-lock", timeout_s=CHANGE_S)
        with contextlib.suppress(OSError, NotImplementedError):
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def drive(self) -> bool:
        """Become the window that starts the runs, or still be it. The system takes it from a process that
        ends, however it ends."""
        if self._driving is None:
            lock = self._lock("queue.lock", timeout_s=0)
            try:
                lock.acquire()
            except (OSError, NotImplementedError):
                return False
            self._driving = lock
        return True

    def let_go(self) -> None:
        """Another window may start the runs."""
        if self._driving is not None:
            self._driving.release()
            self._driving = None

    def _lock(self, name: str, timeout_s: float) -> BaseFileLock:
        from filelock import FileLock  # A window can be shown without.

        with contextlib.suppress(OSError):
            files.make_private_folder(self._path.parent)
        return FileLock(self._path.with_name(name), timeout=timeout_s, mode=files.PRIVATE_FILE)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _of_any_version(raw: Any) -> Queue:
    """Raises ValidationError."""
    if isinstance(raw, dict) and isinstance(raw.get("entries"), list):
        for entry in raw["entries"]:
            if isinstance(entry, dict):
                entry["config"] = without_former(entry.get("config"))
    return msgspec.convert(raw, Queue)
