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


def share_words(share: float) -> str:
    """`93 %`, between 0 and 100."""
    return f"{100 * min(1.0, max(0.0, share)):.0f}{NARROW}%"


def count(number: int) -> str:
    """`12 450`."""
    return f"{number:,}".replace(",", NARROW)


def many(number: int, one: str, more: str = "") -> str:
    """`1 photo`, `12 photos`."""
    return f"{count(number)} {one if number == 1 else more or one + 's'}"
