"""How long something took each time: all times counted, the newest kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from waste_gui.monitor.previous_attempts import KEPT_TIMES


@dataclass
class Times:
    """Iterated are the newest; `count` and `total_s` are of all."""

    count: int = 0
    total_s: float = 0.0
    _newest: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_TIMES))

    def append(self, seconds: float) -> None:
        self.count += 1
        self.total_s += seconds
        self._newest.append(seconds)

    def __len__(self) -> int:
        return len(self._newest)

    def __iter__(self) -> Iterator[float]:
        return iter(self._newest)

    @property
    def last_s(self) -> float:
        return self._newest[-1] if self._newest else 0.0

    @property
    def median_s(self) -> float:
        """Of at least one."""
        return median(self._newest)
