"""Which messages came before, by their numbers; a number that is not true hides no more than itself."""

from __future__ import annotations

from dataclasses import dataclass

MOST_MISSED = 10_000_000
"""A leap over more than those was never made by losing messages."""


@dataclass
class Numbering:
    """`next` is the number expected; `missed` how many never came."""

    next: int = 0
    missed: int = 0
    _before_leap: tuple[int, int] | None = None  # Both, until a message follows on the one that leapt.

    def takes(self, seq: int) -> bool:
        """Whether this one is new. One that was leapt over just now shows that the leap was none."""
        if self._before_leap is not None and self._before_leap[0] <= seq < self.next - 1:
            self.next, self.missed = self._before_leap
        expected = self.next
        if seq < expected or seq - expected > MOST_MISSED:
            return False
        if seq == expected:
            self._before_leap = None
        elif self._before_leap is None:
            self._before_leap = expected, self.missed
        self.missed += seq - expected
        self.next = seq + 1
        return True

    def pass_over(self, count: int) -> None:
        """So many came, numbered without a gap."""
        self.next += count
        self._before_leap = None
