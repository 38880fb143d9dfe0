"""What processes share without a descriptor: semaphores and locks in mapped memory, System V's objects."""

from __future__ import annotations

import ctypes
import struct
import time

from waste_gui.monitor.waits import holders, kernel
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.kernel import Task
from waste_gui.monitor.waits.link import Holder, Kind
from waste_gui.monitor.waits.objects import Found

GET_LAST_PID = 11
SCAN_S = 0.6
File = tuple[str, str]
"""Device and inode."""


def of_shared_lock(task: Task, address: int, computer: Computer) -> Found | None:
    """None where nothing but the process itself has that memory."""
    mapped = _mapped_at(task.pid, address)
    if mapped is None:
        return None
    file, name = mapped
    others = tuple(pid for pid in computer.family if pid != task.pid and file in _mapped(pid))
    others = others or _all_that_map(file, task.pid)
    who = holders.of_processes(others, "uses it, too")
    seen = (f"/proc/{task.pid}/maps: {name or 'shared memory'} at {address:#x}",)
    return Found(Kind.LOCK, name, "shared with other processes", who, evidence=seen)


def _all_that_map(file: File, waiting: int) -> tuple[int, ...]:
    found, until = [], time.monotonic() + SCAN_S
    for pid in kernel.same_user():
        if pid != waiting and file in _mapped(pid):
            found.append(pid)
        if time.monotonic() > until:
            break
    return tuple(found)


def _mapped_at(pid: int, address: int) -> tuple[File, str] | None:
    for line in kernel.read(f"/proc/{pid}/maps", 2**22).splitlines():
        fields = line.split(maxsplit=5)
        begin, _, end = fields[0].partition("-")
        if int(begin, 16) <= address < int(end, 16) and fields[4] != "0":
            name = fields[5].strip().removesuffix(" (deleted)") if len(fields) > 5 else ""
            return (fields[3], fields[4]), name
    return None


def _mapped(pid: int) -> set[File]:
    lines = kernel.read(f"/proc/{pid}/maps", 2**22).splitlines()
    return {(fields[3], fields[4]) for fields in map(str.split, lines) if len(fields) > 4}


def of_system_v(task: Task) -> Found:
    """Of a semaphore the system knows who used it last, of a queue who wrote into it."""
    number = task.args[0]
    if not task.call.startswith("sem"):
        return Found(Kind.MESSAGE, f"number {number}", holders=_last_writer(number))
    raw = kernel.memory(task.pid, task.args[1], 2)
    index = int(struct.unpack("=H", raw)[0]) if len(raw) == 2 else 0
    last = -1
    library = ctypes.CDLL(None)
    if hasattr(library, "semctl"):
        last = library.semctl(number, index, GET_LAST_PID)
    who: tuple[Holder, ...] = ()
    if last > 0 and last != task.pid:
        who = holders.of_processes([last], "used it last") if kernel.is_living(last) else (holders.NOBODY,)
    return Found(Kind.SEMAPHORE, f"number {number}", holders=who)


def _last_writer(number: int) -> tuple[Holder, ...]:
    for line in kernel.read("/proc/sysvipc/msg").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 5 and fields[1] == str(number):
            writer = int(fields[5])
            return holders.of_processes([writer], "wrote last") if kernel.is_living(writer) else ()
    return ()
