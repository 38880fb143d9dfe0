"""What the computer has left: memory, shared memory, disk; and whether it swaps."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUP = "/sys/fs/cgroup"
PRESSURE = "/proc/pressure/memory"
SHM = "/dev/shm"

NO_LIMIT = "max"


@dataclass(frozen=True)
class Machine:
    """None where the system does not tell.

    `memory_bytes` is what there is, of the computer or of its container whichever is less, and
    `free_memory_bytes` what is available of it. `memory_pressure` is the share of the last ten seconds, in
    percent, in which every process waited for memory (Linux's PSI "full"). `shm_bytes` is the size of
    /dev/shm and `free_shm_bytes` what is free there. `kills` counts the processes that the container's
    limit has killed so far."""

    memory_bytes: int | None = None
    free_memory_bytes: int | None = None
    swapped_bytes: int | None = None
    memory_pressure: float | None = None
    shm_bytes: int | None = None
    free_shm_bytes: int | None = None
    free_disk_bytes: int | None = None
    kills: int | None = None
    cpu_percent: float | None = None  # Of all processors together.
    processors: int | None = None

    @property
    def free_memory(self) -> float | None:
        """The share of memory that is available."""
        if not self.memory_bytes or self.free_memory_bytes is None:
            return None
        return self.free_memory_bytes / self.memory_bytes


def look_at_machine(folder: Path) -> Machine:
    """`folder` is on the disk whose free space counts. Never raises."""
    total, free = _memory()
    shm = _usage(Path(SHM))
    disk = _usage(folder)
    return Machine(
        memory_bytes=total,
        free_memory_bytes=free,
        swapped_bytes=_swapped(),
        memory_pressure=_pressure(),
        shm_bytes=shm[0] if shm else None,
        free_shm_bytes=shm[1] if shm else None,
        free_disk_bytes=disk[1] if disk else None,
        kills=_kills(),
        cpu_percent=psutil.cpu_percent(),
        processors=os.cpu_count(),
    )


def _memory() -> tuple[int | None, int | None]:
    """Total and available bytes, of the computer or of its container whichever has less available."""
    try:
        memory = psutil.virtual_memory()
    except (psutil.Error, OSError):
        return None, None
    total, free = int(memory.total), int(memory.available)
    container = _container_memory()
    if container is not None and container[1] < free:
        return container
    return total, free


def _container_memory() -> tuple[int, int] | None:
    """Limit and what is left of it, as the kernel would give back what it only keeps of files."""
    limit, used = _number("memory.max"), _number("memory.current")
    if limit is None or used is None:
        return None
    kinds = _fields("memory.stat")
    kept = kinds.get("active_file", 0) + kinds.get("inactive_file", 0)
    return limit, max(0, limit - used + kept)


def _kills() -> int | None:
    return _fields("memory.events").get("oom_kill")


def _number(name: str) -> int | None:
    try:
        text = Path(CGROUP, name).read_text(encoding="ascii").strip()
        return None if text == NO_LIMIT else int(text)
    except (OSError, ValueError):
        return None


def _fields(name: str) -> dict[str, int]:
    """The lines `name value` of a container's file."""
    try:
        lines = Path(CGROUP, name).read_text(encoding="ascii").splitlines()
        return {key: int(value) for key, value in (line.split() for line in lines)}
    except (OSError, ValueError):
        return {}


def _swapped() -> int | None:
    try:
        return int(psutil.swap_memory().used)
    except (psutil.Error, OSError, RuntimeError):
        return None


def _pressure() -> float | None:
    """From the line `full avg10=0.00 avg60=…`."""
    try:
        lines = Path(PRESSURE).read_text(encoding="ascii").splitlines()
        full = next(line for line in lines if line.startswith("full "))
        return float(full.split()[1].removeprefix("avg10="))
    except (OSError, ValueError, StopIteration, IndexError):
        return None


def _usage(folder: Path) -> tuple[int, int] | None:
    """Total and free bytes of the disk that holds it."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.total, usage.free
