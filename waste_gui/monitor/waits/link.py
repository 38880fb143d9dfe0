"""What is found of a wait: a chain of links, each with who waits, for what, who could end it, and where that
was read. Made in `chain.py`, told in `words.py`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a thread waits for. The value is the verdict's cause after "waits_for_"."""

    FILE_LOCK = "file_lock"
    DATABASE = "database"
    PIPE_READ = "pipe"
    PIPE_WRITE = "full_pipe"
    FIFO_OPEN = "fifo"
    FILE = "file"
    """To come, to go or to change: it asks again and again."""
    SOCKET_READ = "socket"
    SOCKET_WRITE = "full_socket"
    CONNECTION = "connection"
    LISTENING = "client"
    INPUT = "input"
    TERMINAL_WRITE = "terminal"
    DEVICE = "device"
    CHILD = "child"
    SLEEP = "sleep"
    THREAD = "thread"
    LOCK = "lock"
    CONDITION = "condition"
    QUEUE = "queue"
    FULL_QUEUE = "full_queue"
    EVENT = "event"
    SEMAPHORE = "semaphore"
    BARRIER = "barrier"
    RESULT = "result"
    POOL = "pool"
    DISK = "disk"
    MEMORY = "memory"
    SEVERAL = "several"
    SIGNAL = "signal"
    MESSAGE = "message"
    WATCH = "file_change"
    TIMER = "timer"
    PHOTOS = "photos"
    STOPPED = "continue"
    RUNS = "nothing"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Place:
    """A line of Python on whose behalf it waits."""

    file: str
    line: int
    function: str


@dataclass(frozen=True)
class Holder:
    """Who could end a wait: a process, a thread of the same one, or a place beyond this computer.

    `pid` 0 with a `host` is on another computer; without one, nobody is there to do it: `nobody`."""

    pid: int = 0
    tid: int = 0
    command: str = ""
    thread: str = ""
    host: str = ""
    age_s: float | None = None
    folder: str = ""
    stopped: bool = False
    nobody: bool = False
    verb: str = "holds"
    """What it does with the object: "holds", "has the other end of", "listens at"."""


@dataclass(frozen=True)
class Link:
    """One that waits. `role` is main, worker, engine or other of a run, empty for a stranger; `name` is the
    object's, as a person knows it; `detail` what else is known of it; `for_s` how long a sleep or a limit
    is."""

    pid: int
    tid: int
    kind: Kind
    role: str = ""
    thread: str = ""
    command: str = ""
    call: str = ""
    name: str = ""
    detail: str = ""
    holders: tuple[Holder, ...] = ()
    for_s: float | None = None
    place: Place | None = None
    age_s: float | None = None
    evidence: tuple[str, ...] = ()
    parent: int = 0
    """The process that started it."""

    @property
    def holder(self) -> Holder | None:
        return self.holders[0] if self.holders else None

    @property
    def held_by_itself(self) -> bool:
        """By this process, whichever of its threads: the kernel knows of a file's lock no more."""
        return self.holder is not None and self.holder.pid == self.pid and not self.holder.tid


@dataclass(frozen=True)
class Chain:
    """The first link is who was asked about; each next one is who could end the wait of the one before.
    `circle` is the index of the link to which the last one leads back. `tried` says what cannot be read."""

    links: tuple[Link, ...]
    circle: int | None = None
    tried: tuple[str, ...] = ()

    @property
    def first(self) -> Link:
        return self.links[0]

    @property
    def last(self) -> Link:
        return self.links[-1]

    @property
    def telling(self) -> Link:
        """The first that is no mere hand-over within the program."""
        passed_on = (Kind.PHOTOS, Kind.THREAD, Kind.RESULT)
        return next((link for link in self.links if link.kind not in passed_on), self.last)

    @property
    def known(self) -> bool:
        return self.first.kind not in (Kind.UNKNOWN, Kind.RUNS)
