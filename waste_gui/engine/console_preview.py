"""A preview as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from waste_gui.bounds import Interval
from waste_gui.protocol import Previewed, Wanted

MOST = 10
"""Lines of each kind."""


def preview_in_words(told: Previewed) -> Iterator[str]:
    """What to expect, what would help, and what to look at."""
    expected = f"{told.accuracy:.1%} of its validation photos ({between(told.interval)})"
    yield f"Training would be right on {expected}."
    if told.with_twice is not None:
        yield f"With twice the photos: {between(told.with_twice)}."
    for each in told.per_class:
        right = "too few photos to say" if each.accuracy is None else f"{each.accuracy:.0%} right"
        yield f"  {each.label} ({each.photos} photos): {right}"
    yield from listed(
        "Would be confused", [f"{c.photos} × {c.label} taken for {c.taken_for}" for c in told.confused]
    )
    yield from listed(
        "What more photos would bring",
        [f"{w.photos} more of {w.label}: {points(w)}" for w in told.wanted],
    )
    yield from listed(
        "Without a source's own photos",
        [f"{s.source} ({s.photos} photos): {share(s.accuracy)}" for s in told.sources],
    )
    yield from listed("Labels to look at", [f"{s.path}: {s.label}, or {s.suggested}?" for s in told.suspects])
    yield from listed("Like no other photos", [f"{o.path} ({o.label})" for o in told.outliers])
    yield from listed(
        "The same in training and validation", [f"{train} and {val}" for train, val in told.twins]
    )


def between(interval: Interval) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}, nine times of ten"


def points(wanted: Wanted) -> str:
    if not wanted.helps:
        return "nothing that could be told"
    low, high = wanted.gain
    return f"{100 * low:+.1f} to {100 * high:+.1f} points"


def share(accuracy: float | None) -> str:
    return "the others cannot teach that" if accuracy is None else f"{accuracy:.0%} right"


def listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"{title}:"
    yield from (f"  {line}" for line in lines[:MOST])
    if len(lines) > MOST:
        yield f"  … and {len(lines) - MOST} more"
