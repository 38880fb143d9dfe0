"""What the operating system says of the engine's processes, each second; cheap, and never raises."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from waste_gui.monitor.gpu import Gpu, GpuReader
from waste_gui.monitor.machine import Machine, look_at_machine

Role = Literal["engine", "worker", "other"]

WORKER_MODULE = "waste_gui.dataset.worker"

DRIVE_WAITS = (
    *("request_wait_answer", "fuse", "nfs", "rpc", "cifs", "smb", "folio_wait", "wait_on_page"),
    *("io_schedule", "blk_", "jbd2", "ext4", "xfs", "btrfs", "percpu_rwsem_wait"),
)
PIPE_WAITS = ("wait_for_partner", "pipe_", "anon_pipe_", "fifo_")
"""How the names of Linux's functions begin in which a process waits for these."""

SLEPT_S = 2.0
"""The clock that counts sleep and the one that does not drift apart by microseconds otherwise."""


@dataclass(frozen=True)
class ProcessLook:
    """One process at one look; None where the system does not tell, or does not know a rate yet.

    `state` as psutil names it; `waits_for` is the kernel function it sleeps in (Linux's wchan); `cpu_percent`
    counts 100 per core; `io_bytes_per_s` is read plus written, cached files included; `memory_bytes` is what
    it has in memory itself."""

    pid: int
    role: Role
    state: str
    waits_for: str | None = None
    cpu_percent: float | None = None
    io_bytes_per_s: float | None = None
    memory_bytes: int | None = None
    threads: int | None = None

    @property
    def waits_for_drive(self) -> bool:
        """For a disk, a network folder or a file system of the user's own."""
        return self.state == psutil.STATUS_DISK_SLEEP or _is_one_of(self.waits_for, DRIVE_WAITS)

    @property
    def waits_for_pipe(self) -> bool:
        """For the other end of a pipe, to write into it or to be written to."""
        return _is_one_of(self.waits_for, PIPE_WAITS)


@dataclass(frozen=True)
class Evidence:
    """Sums over the engine's process tree since the last look; None where the system does not tell.

    `cpu_percent` counts 100 per core; `io_bytes_per_s` is read plus written; `states` are the processes'
    states as psutil names them; `alive` is whether the engine's process is there; `free_memory` is the
    share of memory that is available, of the computer or of the container whichever is less; `slept_s` is
    how long the computer slept since the look before; `gpu` is the graphics card that the processes use, and
    `gpu_silent_s` how long its driver has not answered. `elsewhere` is the computer on which they run, where
    that is not this one: then nothing is known of them. `unproven` is the engine's number where nothing
    proves that it is one that this person started: then no signal is sent to it."""

    alive: bool = True
    cpu_percent: float | None = None
    io_bytes_per_s: float | None = None
    states: tuple[str, ...] = ()
    free_disk_bytes: int | None = None
    free_memory: float | None = None
    processes: tuple[ProcessLook, ...] = ()
    machine: Machine = Machine()
    slept_s: float = 0.0
    gpu: Gpu | None = None
    gpu_silent_s: float = 0.0
    elsewhere: str = ""
    unproven: int = 0

    @property
    def engine(self) -> ProcessLook | None:
        return next((process for process in self.processes if process.role == "engine"), None)

    @property
    def workers(self) -> tuple[ProcessLook, ...]:
        return tuple(process for process in self.processes if process.role == "worker")

    def process(self, pid: int) -> ProcessLook | None:
        return next((process for process in self.processes if process.pid == pid), None)


NOTHING_KNOWN = Evidence()


@dataclass(frozen=True)
class _Counters:
    """Of one process since it began."""

    role: Role
    state: str
    cpu_s: float
    io_bytes: int | None
    waits_for: str | None
    memory_bytes: int
    threads: int


class Observer:
    """Looks at one engine and its workers again and again. Never raises for what vanished or is forbidden."""

    def __init__(self, pid: int, folder: Path) -> None:
        """`folder` is on the disk whose free space counts."""
        self.pid = pid
        self._folder = folder
        self._before: dict[tuple[int, float], _Counters] = {}
        self._looked_at: float | None = None
        self._sleep_s: float | None = None
        self._gpus = GpuReader()
        self._engine: psutil.Process | None
        try:
            self._engine = psutil.Process(pid)
        except psutil.Error:
            self._engine = None

    def look(self, now: float) -> Evidence:
        """`now` is in seconds on any steady clock. The first look knows no rates yet."""
        counters = dict(self._count())
        passed = now - self._looked_at if self._looked_at is not None else 0.0
        processes = tuple(
            _look_of(key[0], count, self._before.get(key), passed) for key, count in counters.items()
        )
        self._before, self._looked_at = counters, now
        machine = look_at_machine(self._folder)
        rates = passed > 0 and bool(counters)
        gpu, gpu_silent_s = self._gpus.look([process.pid for process in processes], now)
        io_known = [each.io_bytes_per_s for each in processes if each.io_bytes_per_s is not None]
        return Evidence(
            alive=self._alive(),
            cpu_percent=sum(each.cpu_percent or 0.0 for each in processes) if rates else None,
            io_bytes_per_s=sum(io_known) if rates and io_known else None,
            states=tuple(each.state for each in processes),
            free_disk_bytes=machine.free_disk_bytes,
            free_memory=machine.free_memory,
            processes=processes,
            machine=machine,
            slept_s=self._slept(),
            gpu=gpu,
            gpu_silent_s=gpu_silent_s,
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
                    before = self._before.get(key)
                    yield (
                        key,
                        _Counters(
                            role=before.role if before else self._role(process),
                            state=process.status(),
                            cpu_s=times.user + times.system,
                            io_bytes=_io_bytes(process),
                            waits_for=_waits_for(process.pid),
                            memory_bytes=process.memory_info().rss,
                            threads=process.num_threads(),
                        ),
                    )
            except psutil.Error:
                continue

    def _role(self, process: psutil.Process) -> Role:
        if self._engine is not None and process.pid == self._engine.pid:
            return "engine"
        with contextlib.suppress(psutil.Error):
            return "worker" if WORKER_MODULE in process.cmdline() else "other"
        return "other"

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

    def _slept(self) -> float:
        """Seconds since the look before in which the computer slept; 0 where the system does not tell."""
        sleep_s = sleep_clock()
        before, self._sleep_s = self._sleep_s, sleep_s
        if sleep_s is None or before is None or sleep_s - before < SLEPT_S:
            return 0.0
        return sleep_s - before


def _is_one_of(name: str | None, beginnings: tuple[str, ...]) -> bool:
    return name is not None and name.lstrip("_").startswith(beginnings)


def sleep_clock() -> float | None:
    """How long the computer has slept since it was started, in seconds; None where no clock tells."""
    if sys.platform != "linux":  # No other system has both clocks in Python.
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def _look_of(pid: int, count: _Counters, before: _Counters | None, passed_s: float) -> ProcessLook:
    """A process that began after the look before did all its work since then."""
    cpu = io = None
    if passed_s > 0:
        cpu = max(0.0, 100 * (count.cpu_s - (before.cpu_s if before else 0.0)) / passed_s)
        if count.io_bytes is not None:
            io = max(0.0, (count.io_bytes - ((before.io_bytes or 0) if before else 0)) / passed_s)
    return ProcessLook(
        pid=pid,
        role=count.role,
        state=count.state,
        waits_for=count.waits_for,
        cpu_percent=cpu,
        io_bytes_per_s=io,
        memory_bytes=count.memory_bytes,
        threads=count.threads,
    )


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


def _waits_for(pid: int) -> str | None:
    """The kernel function in which its main thread sleeps; None where none is told (it runs, or no Linux)."""
    try:
        name = Path(f"/proc/{pid}/wchan").read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return name if name not in ("", "0") else None


def _io_bytes(process: psutil.Process) -> int | None:
    """Read plus written, cached files included where the system counts those."""
    if sys.platform == "darwin":  # It has no such counters.
        return None
    try:
        io = process.io_counters()
    except (psutil.Error, NotImplementedError):
        return None
    if sys.platform == "linux":
        return int(io.read_chars + io.write_chars)
    return int(io.read_bytes + io.write_bytes)
