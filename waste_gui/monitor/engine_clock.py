"""EngineClock: the engine's seconds, told by this computer's clocks and by what the engine says."""

from __future__ import annotations

import time
from collections.abc import Callable

LATE_S = 3.0
"""A message is read within a second of its writing."""


class EngineClock:
    """0 until anything is known of the engine's time. `steady` and `unix` are this computer's clocks."""

    def __init__(
        self, steady: Callable[[], float] = time.monotonic, unix: Callable[[], float] = time.time
    ) -> None:
        self.steady, self.unix = steady, unix
        self._zero: float | None = None  # The engine's clock at zero, by the steady clock.

    def launch(self) -> None:
        """Its process was started now: as good as its first message, until that comes."""
        self._zero = self.steady()

    def set(self, started_at: float) -> None:
        """Its first line was at this Unix time."""
        self._zero = self.steady() - (self.unix() - started_at)

    def heard(self, at: float, *, fresh: bool) -> None:
        """A message of this time was read in a file; `fresh` if it was just written. None comes from the
        future, and a fresh one is not late: two computers' clocks differ, are set, and computers sleep."""
        ahead = at - self.now()
        if self._zero is None or ahead > 0 or (fresh and ahead < -LATE_S):
            self._zero = self.steady() - at

    def heard_at_once(self, at: float, *, first: bool) -> None:
        """A message of this time came through a pipe: the least delay seen tells best when it was zero."""
        zero = self.steady() - at
        self._zero = zero if first or self._zero is None else min(self._zero, zero)

    def now(self) -> float:
        return 0.0 if self._zero is None else max(0.0, self.steady() - self._zero)

    @property
    def zero_unix(self) -> float:
        """The Unix time of its zero; 0 where nothing is known."""
        return 0.0 if self._zero is None else self.unix() - self.now()
