"""A descriptor of a process: what it leads to, by name. Read from links and the kernel's notes alone."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum

from waste_gui.monitor.waits import kernel

ANONYMOUS = re.compile(r"^(\w+):\[(\d+)\]$")


READ_ONLY, WRITE_ONLY, BOTH, ACCESS = 0, 1, 2, 3
"""How Linux notes what a descriptor was opened for."""


class What(Enum):
    """A descriptor's kind."""

    FILE = "file"
    PIPE = "pipe"
    SOCKET = "socket"
    TERMINAL = "terminal"
    DEVICE = "device"
    EPOLL = "eventpoll"
    EVENT = "eventfd"
    TIMER = "timerfd"
    SIGNALS = "signalfd"
    WATCH = "inotify"
    PROCESS = "pidfd"
    RING = "io_uring"
    OTHER = "other"
    GONE = "gone"


NAMED = {f"anon_inode:[{what.value}]": what for what in What} | {"anon_inode:inotify": What.WATCH}


@dataclass(frozen=True)
class Descriptor:
    """`name` is a path, or pipe:[17]; `inode` and `mount` as the kernel numbers them, 0 where it does not
    tell; `writes` and `reads`, what it was opened for; `notes`, the other lines of its fdinfo."""

    pid: int
    number: int
    what: What
    name: str = ""
    inode: int = 0
    mount: int = 0
    reads: bool = True
    writes: bool = True
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return f"/proc/{self.pid}/fd/{self.number}"


def descriptor(pid: int, number: int) -> Descriptor:
    name = kernel.link(f"/proc/{pid}/fd/{number}")
    notes = info(pid, number)
    inode = int(notes.get("ino", "0")) if notes.get("ino", "0").isdigit() else 0
    if match := ANONYMOUS.match(name):
        inode = int(match[2])
    mode = int(notes["flags"], 8) & ACCESS if notes.get("flags", "").isdigit() else BOTH
    mount = notes.get("mnt_id", "0")
    return Descriptor(
        pid,
        number,
        what_of(name),
        name.removesuffix(" (deleted)"),
        inode,
        int(mount) if mount.isdigit() else 0,
        mode in (READ_ONLY, BOTH),
        mode in (WRITE_ONLY, BOTH),
        tuple(kernel.read(f"/proc/{pid}/fdinfo/{number}", 65536).splitlines()),
    )


def info(pid: int, number: int) -> dict[str, str]:
    lines = kernel.read(f"/proc/{pid}/fdinfo/{number}", 4096).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def what_of(name: str) -> What:
    if not name:
        return What.GONE
    if name in NAMED:
        return NAMED[name]
    if match := ANONYMOUS.match(name):
        return {"pipe": What.PIPE, "socket": What.SOCKET}.get(match[1], What.OTHER)
    if name.startswith("anon_inode:"):
        return What.OTHER
    if re.match(r"/dev/(pts/\d+|tty\w*|console)$", name):
        return What.TERMINAL
    if name.startswith("/dev/") and not name.startswith("/dev/shm/"):
        return What.DEVICE
    return What.FILE


def numbers(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    except (OSError, ValueError):
        return []
