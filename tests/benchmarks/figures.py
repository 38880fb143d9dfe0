"""What a row gives: seconds of ours and of the other, round by round, their ratio and the goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Goal:
    """`at least` so many times as fast as the other, or `at most` so many times as long."""

    bound: Literal["at least", "at most"]
    ratio: float

    def reached_by(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.bound == "at least" else ratio <= self.ratio


@dataclass(frozen=True)
class Rate:
    """What to show instead of seconds: so many of these in the time measured."""

    count: int
    of: str


@dataclass(frozen=True)
class Comparison:
    """A line of the table. `ours_s[i]` and `other_s[i]` were measured one after the other."""

    what: str
    other: str
    ours_s: list[float]
    other_s: list[float]
    goal: Goal | None = None
    rate: Rate | None = None
    note: str = ""
    unit: Literal["s", "MB"] = "s"  # Of `ours_s` and `other_s`, should they be no seconds.

    def ratios(self) -> list[float]:
        """Round by round: times as long where the goal is `at most`, else times as fast."""
        pairs = zip(self.ours_s, self.other_s, strict=True)
        if self.goal is not None and self.goal.bound == "at most":
            return [ours / other for ours, other in pairs]
        return [other / ours for ours, other in pairs]

    def ratio(self) -> float:
        return median(self.ratios())

    def reached(self) -> bool | None:
        """None where there is no goal."""
        return None if self.goal is None else self.goal.reached_by(self.ratio())


@dataclass(frozen=True)
class RowResult:
    """A row's lines, or what failed."""

    row: str
    comparisons: list[Comparison]
    failed: str = ""


def interleave(rounds: int, sides: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Each side once a round (A B A B …), so that a slow minute of the machine meets all of them."""
    measured: dict[str, list[T]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            measured[name].append(measure())
    return measured
