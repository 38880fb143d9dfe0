"""Results as a table in the terminal, as the README's table, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from tests.benchmarks.figures import Comparison, Goal, Rate, RowResult

HEADS = ("what", "ours", "compared with", "ratio (lowest–highest)", "to reach", "reached")


def as_text(results: Sequence[RowResult]) -> str:
    """Columns for a terminal, the notes below."""
    lines, notes = _lines(results)
    widths = [max(len(line[i]) for line in (HEADS, *lines)) for i in range(len(HEADS))]
    rule = ["─" * width for width in widths]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (HEADS, rule, *lines)
    ]
    return "\n".join([*padded, "", *notes]).rstrip() + "\n"


def as_markdown(results: Sequence[RowResult]) -> str:
    """The table and notes for the README."""
    lines, notes = _lines(results)
    rows = [HEADS, ["---"] * len(HEADS), *lines]
    table = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*table, "", *(f"- {note}" for note in notes)]).rstrip() + "\n"


def as_json(results: Sequence[RowResult], machine: dict[str, Any], settings: dict[str, Any]) -> str:
    """Everything measured, each round by itself."""
    rows = [
        {
            "row": result.row,
            "failed": result.failed,
            "comparisons": [_comparison(comparison) for comparison in result.comparisons],
        }
        for result in results
    ]
    content = {"machine": machine, "settings": settings, "rows": rows}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _comparison(comparison: Comparison) -> dict[str, Any]:
    ratios = {"ratio": comparison.ratio(), "ratios": comparison.ratios(), "reached": comparison.reached()}
    return asdict(comparison) | ratios


def _lines(results: Sequence[RowResult]) -> tuple[list[list[str]], list[str]]:
    lines, notes = [], []
    for result in results:
        if result.failed:
            lines.append([result.row, "–", "–", "failed", "", "not measured"])
        for comparison in result.comparisons:
            lines.append(_line(comparison))
            if comparison.note:
                notes.append(f"{comparison.what}: {comparison.note}")
    return lines, notes


def _line(comparison: Comparison) -> list[str]:
    ours, other = (_amount(median(s), comparison) for s in (comparison.ours_s, comparison.other_s))
    reached = {None: "", True: "yes", False: "no"}[comparison.reached()]
    goal = goal_in_words(comparison.goal)
    return [comparison.what, ours, f"{comparison.other}: {other}", _ratio(comparison), goal, reached]


def _ratio(comparison: Comparison) -> str:
    """`5.3× as fast (5.1–5.5)`"""
    ratios = comparison.ratios()
    longer = comparison.goal is not None and comparison.goal.bound == "at most"
    words = "as much" if comparison.unit == "MB" else "as long" if longer else "as fast"
    return f"{comparison.ratio():.3g}× {words} ({min(ratios):.3g}–{max(ratios):.3g})"


def goal_in_words(goal: Goal | None) -> str:
    """`≥ 8×`, or nothing."""
    if goal is None:
        return ""
    return f"{'≥' if goal.bound == 'at least' else '≤'} {goal.ratio:g}×"


def _amount(value: float, comparison: Comparison) -> str:
    return f"{value:.0f} MB" if comparison.unit == "MB" else amount(value, comparison.rate)


def amount(seconds: float, rate: Rate | None) -> str:
    """`41 ms`, or `512 photos/s`."""
    if rate is not None:
        per_s = rate.count / seconds
        return f"{per_s:,.0f} {rate.of}/s" if per_s >= 100 else f"{per_s:.3g} {rate.of}/s"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
