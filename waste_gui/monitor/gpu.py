"""What the graphics card does, by NVIDIA's management library (NVML); nothing where that is not there."""

from __future__ import annotations

import contextlib
import platform
import sys
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

HEAT, POWER = "heat", "its power supply"
SLOWED_BY = {0x20: HEAT, 0x40: HEAT, 0x80: POWER}
"""NVML's reasons for lower clocks: thermal slowdown by software and hardware, power brake. The power cap is
none of them: most cards work at it all the time."""


@dataclass(frozen=True)
class Gpu:
    """One graphics card at one look; None where the driver does not tell. `utilisation` in percent, memory in
    bytes, `temperature` in °C; `slowed_by` says why its clocks are low, `pids` who computes on it."""

    name: str
    utilisation: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: int | None = None
    slowed_by: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """`35 %, 87 °C, slowed down by heat`."""
        parts = [] if self.utilisation is None else [f"{self.utilisation:.0f} %"]
        parts += [] if self.temperature is None else [f"{self.temperature} °C"]
        parts += [f"slowed down by {' and '.join(self.slowed_by)}"] if self.slowed_by else []
        return ", ".join(parts)


class GpuReader:
    """Asks in a thread of its own, as a driver that hangs never answers; a look gives the last answer."""

    def __init__(self, library: Any = None) -> None:
        """`library` is pynvml, looked for when first asked."""
        self._library = library
        self._there = True
        self._asking: threading.Thread | None = None
        self._asked_at = 0.0
        self._cards: tuple[Gpu, ...] = ()

    def look(self, pids: Collection[int], now: float) -> tuple[Gpu | None, float]:
        """The card on which these processes compute, and for how many seconds the driver has not answered."""
        if self._asking is not None and self._asking.is_alive():
            return _of(self._cards, pids), now - self._asked_at
        if self._there:
            self._asking = threading.Thread(target=self._ask, name="gpu", daemon=True)
            self._asked_at = now
            self._asking.start()
        return _of(self._cards, pids), 0.0

    def _ask(self) -> None:
        if self._library is None:
            self._library = _pynvml()
            self._there = self._library is not None
        if self._library is not None:
            self._cards = tuple(_cards(self._library))


def graphics_card(library: Any = None) -> str:
    """The name of one that can train; empty where none is known of. For a thread, as a driver may hang;
    `library` is pynvml."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple GPU"
    library = library or _pynvml()
    cards = tuple(_cards(library)) if library is not None else ()
    return max(cards, key=lambda card: card.memory_total or 0).name if cards else ""


def _of(cards: tuple[Gpu, ...], pids: Collection[int]) -> Gpu | None:
    """Inside a container the driver tells other process numbers; then only a single card is certain."""
    used = [card for card in cards if not set(pids).isdisjoint(card.pids)]
    return used[0] if used else cards[0] if len(cards) == 1 else None


def _pynvml() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError, OSError):  # No driver, or one that is too old: no card to tell of.
        return None
    return pynvml


def _cards(nvml: Any) -> Iterator[Gpu]:
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError:
        return
    for handle in handles:
        with contextlib.suppress(nvml.NVMLError):
            yield _card(nvml, handle)


def _card(nvml: Any, handle: object) -> Gpu:
    def told(name: str, *arguments: object) -> Any:
        try:
            return getattr(nvml, name)(handle, *arguments)
        except (nvml.NVMLError, AttributeError):  # Not every card tells all of it.
            return None

    rates, memory = told("nvmlDeviceGetUtilizationRates"), told("nvmlDeviceGetMemoryInfo")
    reasons = told("nvmlDeviceGetCurrentClocksThrottleReasons") or 0
    processes = told("nvmlDeviceGetComputeRunningProcesses") or ()
    return Gpu(
        name=str(told("nvmlDeviceGetName") or "graphics card"),
        utilisation=None if rates is None else float(rates.gpu),
        memory_used=None if memory is None else int(memory.used),
        memory_total=None if memory is None else int(memory.total),
        temperature=told("nvmlDeviceGetTemperature", 0),
        slowed_by=tuple(dict.fromkeys(why for bit, why in SLOWED_BY.items() if reasons & bit)),
        pids=tuple(process.pid for process in processes),
    )
