"""What the operating system says of the engine's processes; the only module here that looks at the system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """Sums over the engine's process tree since the last look; None where the system does not tell.

    `cpu_percent` counts 100 per core; `io_bytes_per_s` is read plus written; `states` are the processes'
    states as psutil names them; `alive` is whether the engine's process is there."""

    alive: bool = True
    cpu_percent: float | None = None
    io_bytes_per_s: float | None = None
    states: tuple[str, ...] = ()
    free_disk_bytes: int | None = None


NOTHING_KNOWN = Evidence()
