"""Numbers as people read them; times and sizes are in `monitor.words`."""

from __future__ import annotations

import time

NARROW = "\u202f"
"""A narrow space that does not break: between thousands, and before the per cent sign."""


def time_of_day(unix_s: float) -> str:
    return time.strftime("%H:%M", time.localtime(unix_s))


def percent(fraction: float) -> str:
    """`91.4 %`."""
    return f"{100 * fraction:.1f}{NARROW}%"


def count(number: int) -> str:
    """`12 450`."""
    return f"{number:,}".replace(",", NARROW)


def many(number: int, one: str, more: str = "") -> str:
    """`1 photo`, `12 photos`."""
    return f"{count(number)} {one if number == 1 else more or one + 's'}"
