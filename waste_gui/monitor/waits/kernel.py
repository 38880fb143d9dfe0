"""What Linux's files say of one thread of any process. Nothing here raises, or opens anything but /proc: what
a thread waits for may be a drive that answers nobody."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from waste_gui.monitor.waits import elsewhere
from waste_gui.monitor.waits.system_calls import name_of

MOST_BYTES = 2**18
MOST_COMMAND = 60
PATH_BYTES = 4096
PATIENCE_S = 0.3

HERE = os.path.isdir("/proc/self/task")
"""Whether there are such files at all; other systems tell processes, and nothing of their waits."""

RUNNING = "running"
PAGE_FAULT = "no call"
"""Asleep and in no call: a page of memory is being fetched, or a stop was obeyed."""


@dataclass(frozen=True)
class Task:
    """A thread. `state` is the kernel's letter (R runs, S sleeps, D waits for a disk, T is stopped, Z has
    ended); `wchan` the kernel's function that it sleeps in; `call` the system call with its `args`, RUNNING
    where it is in none, and empty where that may not be read; `unread` says what that was."""

    pid: int
    tid: int
    state: str
    name: str = ""
    wchan: str = ""
    call: str = ""
    args: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        return self.state in ("T", "t")


def read(path: str, most: int = MOST_BYTES) -> str:
    """What one of the kernel's own files says; nothing where it is gone or forbidden."""
    try:
        with open(path, "rb", buffering=0) as file:
            parts = bytearray()
            while len(parts) < most and (part := file.read(most - len(parts))):
                parts += part
    except (OSError, ValueError):
        return ""
    return parts.decode("utf-8", "backslashreplace")


def read_in_time(path: str, most: int = MOST_BYTES) -> str:
    """What is read of a process's memory may wait for the drive that the process waits for itself: not for
    longer than a moment."""
    pid = path.split("/")[2]
    if read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] != ["D"]:
        return read(path, most)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(read(path, most)), name="beside", daemon=True)
    reader.start()
    reader.join(PATIENCE_S)
    return found[0] if found else ""


def link(path: str) -> str:
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return ""


def task(pid: int, tid: int = 0) -> Task | None:
    """The thread as it stands now; None where there is none, or no Linux."""
    tid = tid or pid
    folder = f"/proc/{pid}/task/{tid}"
    stat = read(f"{folder}/stat")
    if not stat:
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    state = rest.split()[0] if rest.split() else "?"
    wchan = read(f"{folder}/wchan").strip()
    call, args, unread = _call(folder)
    return Task(pid, tid, state, name, wchan if wchan not in ("0", "") else "", call, args, unread)


def _call(folder: str) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    try:
        words = Path(folder, "syscall").read_text().split()
    except PermissionError:
        return "", (), (f"{folder}/syscall may not be read: the system lets no process look into that one",)
    except OSError as error:
        return "", (), (f"{folder}/syscall cannot be read ({error.strerror})",)
    if not words or words[0] in (RUNNING, "-1"):
        return RUNNING if words and words[0] == RUNNING else PAGE_FAULT, (), ()
    with contextlib.suppress(ValueError):
        return name_of(int(words[0])), tuple(int(word, 16) for word in words[1:7]), ()
    return "", (), ()


def threads(pid: int) -> list[int]:
    """Its threads' numbers, the main thread first."""
    try:
        found = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except (OSError, ValueError):
        return []
    return sorted(found, key=lambda tid: (tid != pid, tid))


def children(pid: int) -> list[int]:
    if not HERE:
        return elsewhere.children(pid)
    return [
        int(child)
        for tid in threads(pid)
        for child in read(f"/proc/{pid}/task/{tid}/children").split()
        if child.isdigit()
    ]


def is_living(pid: int) -> bool:
    if not HERE:
        return elsewhere.is_living(pid)
    found = task(pid)
    return found is not None and found.state not in ("Z", "X")


def status(pid: int) -> dict[str, str]:
    lines = read(f"/proc/{pid}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def naps(pid: int, tid: int) -> int:
    """How often the thread has gone to sleep by itself."""
    lines = read(f"/proc/{pid}/task/{tid}/status").splitlines()
    told = next((line for line in lines if line.startswith("voluntary_ctxt_switches")), "")
    count = told.rpartition(":")[2].strip()
    return int(count) if count.isdigit() else 0


def parent(pid: int) -> int:
    text = status(pid).get("PPid", "")
    return int(text) if text.isdigit() else 0


def age_s(pid: int) -> float | None:
    """How long ago the process began."""
    if not HERE or sys.platform == "win32":
        return elsewhere.age_s(pid)
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    up = read("/proc/uptime").split()
    try:
        return max(0.0, float(up[0]) - int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    except (IndexError, ValueError, AttributeError, OSError):
        return None


def command(pid: int) -> str:
    """As a person would type it, in short: "python3 eval.py"; empty where there is no such process."""
    if not HERE:
        return short_command(elsewhere.words(pid) or [""])
    words = [word for word in read_in_time(f"/proc/{pid}/cmdline", 4096).split("\0") if word]
    if not words:
        return read(f"/proc/{pid}/comm").strip()
    return short_command(words)


def short_command(words: list[str]) -> str:
    """Programs and scripts without their folders."""
    program = os.path.basename(words[0]) or words[0]
    rest = [os.path.basename(word) if _is_script(word) else word for word in words[1:]]
    text = " ".join((program, *rest)).replace("\n", " ")
    return text if len(text) <= MOST_COMMAND else text[: MOST_COMMAND - 1] + "…"


def _is_script(word: str) -> bool:
    return bool(re.search(r"^/[^\s]*\.\w{1,4}$", word))


def is_python(pid: int) -> bool:
    return link(f"/proc/{pid}/exe").rpartition("/")[2].startswith("python")


def folder_of(pid: int) -> str:
    """The folder it stands in."""
    return link(f"/proc/{pid}/cwd")


def same_user() -> Iterator[int]:
    """The processes whose descriptors we may look at, the newest first."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    me = os.geteuid() if hasattr(os, "geteuid") else 0
    for pid in sorted(pids, reverse=True):
        with contextlib.suppress(OSError):
            if me == 0 or os.stat(f"/proc/{pid}").st_uid == me:
                yield pid


def memory(pid: int, address: int, size: int) -> bytes:
    """Of another process, where the system allows it."""
    if not address or size <= 0:
        return b""
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
            file.seek(address)
            return file.read(size)
    except (OSError, ValueError, OverflowError):
        return b""


def text_at(pid: int, address: int) -> str:
    """A path that a call was given; what lies beyond the page may not be readable."""
    page = 4096 - address % 4096
    found = memory(pid, address, page)
    if b"\0" not in found and len(found) == page:
        found += memory(pid, address + page, PATH_BYTES - page)
    return os.fsdecode(found.partition(b"\0")[0]) if b"\0" in found else ""


def unix_path(pid: int, address: int, size: int) -> str:
    """Of the Unix socket that a call was given the address of; empty for one of the network."""
    found = memory(pid, address, min(size, 110))
    if len(found) < 3 or int.from_bytes(found[:2], sys.byteorder) != 1:
        return ""
    if found[2] == 0:  # A name that is no file's; Linux lists it so.
        return "@" + os.fsdecode(found[3:])
    return os.fsdecode(found[2:].partition(b"\0")[0])


def timespec(pid: int, address: int) -> float | None:
    found = memory(pid, address, 16)
    if len(found) < 16:
        return None
    seconds, nanoseconds = struct.unpack("qq", found)
    return float(seconds + nanoseconds / 1e9)
