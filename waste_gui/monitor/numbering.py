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
    _leapt_from: int | None = None  # What was expected before the newest message, if that leapt.

    def takes(self, seq: int) -> bool:
        """Whether this one is new. If it has the number that was expected before the last leap, then the
        leap was none."""
        leapt_from, expected = self._leapt_from, self.next
        if seq == leapt_from:
            self.missed -= expected - 1 - leapt_from
        elif seq < expected or seq - expected > MOST_MISSED:
            return False
        else:
            self.missed += seq - expected
        self.next = seq + 1
        self._leapt_from = expected if seq > expected else None
        return True

    def pass_over(self, count: int) -> None:
        """So many came, numbered without a gap."""
        self.next += count
        self._leapt_from = None
