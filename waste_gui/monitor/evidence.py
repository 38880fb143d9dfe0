"""What the operating system says of the engine's processes; the only module here that looks at the system."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Evidence:
    """Sums over the engine's process tree since the last look; None where the system does not tell.

    `cpu_percent` counts 100 per core; `io_bytes_per_s` is read plus written; `states` are the processes'
    states as psutil names them; `alive` is whether the engine's process is there; `free_memory` is the
    share of the computer's memory that is available."""

    alive: bool = True
    cpu_percent: float | None = None
    io_bytes_per_s: float | None = None
    states: tuple[str, ...] = ()
    free_disk_bytes: int | None = None
    free_memory: float | None = None


NOTHING_KNOWN = Evidence()


@dataclass(frozen=True)
class _Counters:
    """Of one process since it began."""

    cpu_s: float
    io_bytes: int | None
    state: str


class Observer:
    """Looks at one engine and its workers again and again. Never raises for what vanished or is forbidden."""

    def __init__(self, pid: int, folder: Path) -> None:
        """`folder` is on the disk whose free space counts."""
        self._folder = folder
        self._before: dict[tuple[int, float], _Counters] = {}
        self._looked_at: float | None = None
        self._engine: psutil.Process | None
        try:
            self._engine = psutil.Process(pid)
        except psutil.Error:
            self._engine = None

    def look(self, now: float) -> Evidence:
        """`now` is in seconds on any steady clock. The first look knows no rates yet."""
        counters = dict(self._count())
        cpu_s, io_bytes = 0.0, 0
        io_known = False
        for process, count in counters.items():
            before = self._before.get(process)
            cpu_s += count.cpu_s - (before.cpu_s if before else 0.0)
            if count.io_bytes is not None:
                io_known = True
                io_bytes += count.io_bytes - ((before.io_bytes or 0) if before else 0)
        passed = now - self._looked_at if self._looked_at is not None else 0.0
        self._before, self._looked_at = counters, now
        rates = passed > 0 and bool(counters)
        return Evidence(
            alive=self._alive(),
            cpu_percent=max(0.0, 100 * cpu_s / passed) if rates else None,
            io_bytes_per_s=max(0.0, io_bytes / passed) if rates and io_known else None,
            states=tuple(count.state for count in counters.values()),
            free_disk_bytes=self._free_disk(),
            free_memory=_free_memory(),
        )

    def _alive(self) -> bool:
        """By pid and start time: a later process of the same number is another one."""
        try:
            return (
                self._engine is not None
                and self._engine.is_running()
                and self._engine.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.AccessDenied:
            return True
        except psutil.Error:
            return False

    def _count(self) -> Iterator[tuple[tuple[int, float], _Counters]]:
        for process in self._tree():
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    key = (process.pid, process.create_time())
                    yield key, _Counters(times.user + times.system, _io_bytes(process), process.status())
            except psutil.Error:
                continue

    def _tree(self) -> Iterator[psutil.Process]:
        """The engine and all below it."""
        if self._engine is None:
            return
        yield self._engine
        pids = _pids_below(self._engine.pid)
        if pids is None:
            with contextlib.suppress(psutil.Error):
                yield from self._engine.children(recursive=True)
            return
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                yield psutil.Process(pid)

    def _free_disk(self) -> int | None:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return None


def _pids_below(pid: int) -> list[int] | None:
    """From Linux's own lists of children, as psutil reads every process of the computer; None elsewhere."""
    if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):
        return None
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{parent}/task/{thread}/children") as file:
                    todo += (children := [int(child) for child in file.read().split()])
                    found += children
    return found


def _io_bytes(process: psutil.Process) -> int | None:
    """Read plus written, cached files included where the system counts those."""
    try:
        io = process.io_counters()
    except (psutil.Error, AttributeError, NotImplementedError):  # macOS has no such counters.
        return None
    if hasattr(io, "read_chars"):
        return int(io.read_chars + io.write_chars)
    return int(io.read_bytes + io.write_bytes)


def _free_memory() -> float | None:
    try:
        memory = psutil.virtual_memory()
    except (psutil.Error, OSError):
        return None
    return memory.available / memory.total if memory.total else None
