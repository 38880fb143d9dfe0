"""Rows in a terminal: one a draw, one a kind, and the totals."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from tests.faults.stalls.drawn.run import Row

TARGET, MEDIAN_S, WORST_S = 0.95, 10.0, 30.0


def line(row: Row) -> str:
    what = f"{row.draw.number:5} {str(row.draw):62}"
    if row.failed:
        return f"{what} FAILED: {row.failed.strip().splitlines()[-1]}"
    if row.right:
        return f"{what} right {row.late_s:+6.1f} s"
    assert row.judgement is not None
    return f"{what} WRONG {row.late_s:+6.1f} s  {row.judgement.wrong}: {row.text[:200]}"


def by_kind(rows: Iterable[Row]) -> Iterable[str]:
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row.draw.kind, []).append(row)
    for kind, of_kind in sorted(kinds.items()):
        late = [row.late_s for row in of_kind if not row.failed]
        times = f"median {statistics.median(late):+.1f} s, worst {max(late):+.1f} s" if late else ""
        parts = [
            f"{name} {sum(bool(row.judgement and getattr(row.judgement, field)) for row in of_kind)}"
            for name, field in (("who", "who"), ("object", "objects"), ("holder", "holder"))
        ]
        right = sum(row.right for row in of_kind)
        yield f"{kind:28} {right:3} of {len(of_kind):3}  ({', '.join(parts)})  {times}"


def summary(rows: list[Row]) -> tuple[str, bool]:
    """In words, and whether it is good enough. What could not be made counts as wrong."""
    late = [row.late_s for row in rows if not row.failed] or [float("nan")]
    right, failed = sum(row.right for row in rows), sum(bool(row.failed) for row in rows)
    median, worst = statistics.median(late), max(late)
    words = (
        f"{right} of {len(rows)} named right (who, object, holder), {right / max(1, len(rows)):.0%}; "
        f"{failed} failed; {median:.1f} s (median), {worst:.1f} s (worst) after it could be known"
    )
    return words, right >= TARGET * len(rows) and median <= MEDIAN_S and worst <= WORST_S
