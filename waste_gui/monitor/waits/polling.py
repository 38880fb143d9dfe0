"""Who asks again and again sleeps between: what for is seen in what it has open, or opens for moments."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from waste_gui import files
from waste_gui.monitor.waits import descriptors, holders, kernel, locks, mounts
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.kernel import Task
from waste_gui.monitor.waits.link import Holder, Kind
from waste_gui.monitor.waits.objects import Found
from waste_gui.monitor.waits.opened import opened_by

NAP_S = 0.25
"""Who sleeps for longer at a time is not asking for something."""

WATCH_S = 0.4
"""Libraries ask each 0.05 s, and have the file open for 0.00005 s."""


def of_polling(task: Task, nap_s: float | None, computer: Computer) -> Found | None:
    """A database that it has open and that is locked; else a file that it opens for moments."""
    found = _locked_database(task, computer)
    if found is not None or nap_s is None or nap_s > NAP_S:
        return found
    return _opened_for_moments(task, computer)


def _locked_database(task: Task, computer: Computer) -> Found | None:
    """SQLite's way to wait: the kernel knows the lock that it does not get, and not that it wants it."""
    inodes: dict[int, list[tuple[int, str]]] = {}
    for number in descriptors.numbers(task.pid):
        path = kernel.link(f"/proc/{task.pid}/fd/{number}")
        ino = descriptors.info(task.pid, number).get("ino", "") if path.startswith("/") else ""
        if ino.isdigit() and not path.startswith("/dev/"):
            inodes.setdefault(int(ino), []).append((number, path))
    for inode, opened in inodes.items():
        number, path = opened[0]
        held = [lock for lock in locks.held_on(inode, computer.locks) if lock.mode == "WRITE"]
        others = [lock for lock in held if lock.pid != task.pid]
        database = database_of(path)
        twice = sum(database_of(each) == database for files in inodes.values() for _, each in files) > 1
        own = bool(held) and not others and twice
        if (others or own) and is_database(path, held):
            who = (holders.ITSELF,) if own else holders.of_locks(others, path, computer, task.pid)
            return _found(Kind.DATABASE, path, held, who, f"/proc/{task.pid}/fd/{number} leads to {path}")
    return None


def is_database(path: str, held: list[locks.Lock]) -> bool:
    pending = any(locks.PENDING <= lock.begin < locks.PENDING + 1024 for lock in held)
    return pending or path.endswith(("-shm", "-wal", "-journal"))


def database_of(path: str) -> str:
    """The file that a person knows."""
    return path.removesuffix("-shm").removesuffix("-wal").removesuffix("-journal")


def _opened_for_moments(task: Task, computer: Computer) -> Found | None:
    """Of the files that others have locked the one that this thread opens whenever it wakes."""
    of_others = {lock.pid: lock for lock in computer.locks if not lock.waits and 0 < lock.pid != task.pid}
    paths: dict[str, locks.Lock] = {}
    for pid, lock in of_others.items():
        path = path_of(pid, lock.inode)
        mount = mounts.of_path(path, computer.mounts(task.pid)) if path else None
        if mount is not None and mount.is_local and not is_database(path, [lock]):
            paths[path] = lock
    opened = opened_by(task.pid, task.tid, paths, WATCH_S) if paths else set()
    if len(opened) != 1:
        return None
    path = opened.pop()
    who = holders.of_locks([paths[path]], path, computer, task.pid)
    return _found(Kind.FILE_LOCK, path, [paths[path]], who, f"{path} is opened again and again, for moments")


def path_of(pid: int, inode: int) -> str:
    """Of a file that the process has open."""
    for number in descriptors.numbers(pid):
        if descriptors.info(pid, number).get("ino") == str(inode):
            return kernel.link(f"/proc/{pid}/fd/{number}")
    return ""


def _found(kind: Kind, path: str, held: list[locks.Lock], who: tuple[Holder, ...], seen: str) -> Found:
    lines = (f"/proc/locks: {lock.kind} on inode {lock.inode} by {lock.pid}" for lock in held[:3])
    name = database_of(path) if kind is Kind.DATABASE else path
    return Found(kind, name, holders=who, evidence=(seen, *lines))


def of_napping_parent(task: Task, nap_s: float | None) -> Found | None:
    """Python waits so for a child that it gives a limit. A guess, for who tells no stack."""
    if nap_s is None or nap_s > NAP_S:
        return None
    living = [child for child in kernel.children(task.pid) if kernel.is_living(child)]
    if not living:
        return None
    found = Found(Kind.CHILD, holders=holders.of_processes(living, "is its child"))
    return replace(found, for_s=nap_s, evidence=("it sleeps for moments again and again, and has a child",))


# --- a file by its name


def of_polled_path(task: Task, path: str, computer: Computer) -> Found:
    """Who naps in a function that knows one path asks whether that is there: a lock file, mostly, where it
    is. Such a file often has the number of the process in it that made it."""
    inode = mounts.inode_of(path, computer.mounts(task.pid))
    if inode is None:
        return Found(Kind.FILE, path)
    if inode == 0:
        return Found(Kind.FILE, path, "come")
    held = [lock for lock in locks.held_on(inode, computer.locks) if lock.pid != task.pid]
    if held:
        who = holders.of_locks(held, path, computer, task.pid)
        return Found(Kind.FILE_LOCK, path, holders=who)
    maker = _number_in(path)
    if maker is None and "lock" not in path.rpartition("/")[2].lower():
        return Found(Kind.FILE, path, "go or change")
    if maker and kernel.is_living(maker):
        return Found(Kind.FILE_LOCK, path, holders=holders.of_processes([maker], "made it"))
    return Found(Kind.FILE_LOCK, path, holders=(holders.NOBODY,))


def _number_in(path: str) -> int | None:
    """The process that a lock file names in its first word; of ordinary small files only."""
    with contextlib.suppress(OSError, ValueError):
        with files.open_to_read(Path(path)) as file:
            words = file.read(100).decode("ascii", "replace").split()
        return int(words[0]) if words and words[0].isdecimal() else None
    return None
