"""Locks on files: who waits for which, and who holds it. The kernel lists all of them, with the waiters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from waste_gui.monitor.waits import kernel

LINE = re.compile(
    r"^(\d+): (-> )*(\w+) +(\w+) +(\w+) +(-?\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) +(\w+) +(\w+)", re.ASCII
)
PENDING = 0x40000000
"""Where SQLite locks bytes of its database: its own page after the first gigabyte."""


@dataclass(frozen=True)
class Lock:
    """`kind` is FLOCK, POSIX, OFDLCK or LEASE; `pid` is 0 or -1 where the kernel names none: a lock of an
    open file, or one of another computer or container."""

    number: int
    waits: bool
    kind: str
    mode: str
    pid: int
    device: tuple[int, int]
    inode: int
    begin: int
    end: int | None
    """None is the end of the file."""

    def meets(self, other: Lock) -> bool:
        """Whether both want the same bytes of the same file, and one of them alone."""
        if (self.device, self.inode) != (other.device, other.inode):
            return False
        ends = [lock.end if lock.end is not None else 2**63 for lock in (self, other)]
        together = self.begin <= ends[1] and other.begin <= ends[0]
        return together and "WRITE" in (self.mode, other.mode)


def parse(text: str) -> list[Lock]:
    return [lock for line in text.splitlines() if (lock := _lock(line)) is not None]


def _lock(line: str) -> Lock | None:
    match = LINE.match(line)
    if match is None:
        return None
    begin, end = match[10], match[11]
    return Lock(
        number=int(match[1]),
        waits="->" in line,
        kind=match[3],
        mode=match[5],
        pid=int(match[6]),
        device=(int(match[7], 16), int(match[8], 16)),
        inode=int(match[9]),
        begin=int(begin) if begin.isdigit() else 0,
        end=int(end) if end.isdigit() else None,
    )


def all_locks() -> list[Lock]:
    return parse(kernel.read("/proc/locks", 2**22))


def waited_for(pid: int, locks: list[Lock], inode: int = 0) -> tuple[Lock, list[Lock]] | None:
    """The lock that a process waits for, and those that stand in its way."""
    for wanted in locks:
        if wanted.waits and wanted.pid == pid and inode in (0, wanted.inode):
            held = [lock for lock in locks if not lock.waits and lock.number == wanted.number]
            return wanted, held
    return None


def held_on(inode: int, locks: list[Lock], device: tuple[int, int] | None = None) -> list[Lock]:
    return [
        lock for lock in locks if lock.inode == inode and not lock.waits and device in (None, lock.device)
    ]


def noted(lines: tuple[str, ...]) -> list[Lock]:
    """Those that a descriptor itself holds, by its fdinfo."""
    return parse("\n".join(line[5:].strip() for line in lines if line.startswith("lock:")))
