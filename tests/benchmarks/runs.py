"""The runs page with the runs of years: how long until it is there, and whether it hitches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal
from tests.benchmarks.many_runs import make_runs
from tests.benchmarks.photos import Bench

SHOWN_S, BLOCK_S, HITCH_S = 1.0, 0.050, 0.016
LIMIT = "the limit"


def runs_page(bench: Bench) -> list[Comparison]:
    """From the click on the page to all runs in it: the first time ever, with the files out of the system's
    memory or in it, and any later time; then sorted by each column and searched."""
    count = 50 if bench.quick else 2000
    home = _home(bench, count)
    rounds: dict[str, list[dict[str, Any]]] = {"from disk": [], "first": [], "later": []}
    for _ in range(bench.rounds):
        for name, measured in rounds.items():
            measured.append(in_child("runs_sides:open_page", home=str(home), before=name))
    what = f"runs page, {count:,} runs: asked for → shown"
    disk, first, later = rounds.values()
    return [
        _shown(f"{what}, the first time, files not in memory", disk),
        _shown(f"{what}, the first time", first),
        _shown(f"{what}, later", later),
        _block("longest block of the window meanwhile", [*disk, *first, *later], "opening", BLOCK_S),
        _block("… while it is sorted by each column", later, "sorting", HITCH_S),
        _block("… while it is searched and filtered", later, "searching", HITCH_S),
        _block("… while all runs are chosen", later, "choosing", HITCH_S),
    ]


def _home(bench: Bench, count: int) -> Path:
    home = bench.scratch / f"home_{count}"
    if not home.exists():
        (home / "runs").mkdir(parents=True)
        make_runs(home / "runs", count)
    return home


def _shown(what: str, rounds: Sequence[dict[str, Any]]) -> Comparison:
    seconds = [each["seconds"] for each in rounds]
    newest = 1000 * max(each["newest"] for each in rounds)
    note = f"the newest of them after at most {newest:.0f} ms"
    return Comparison(what, LIMIT, seconds, [SHOWN_S] * len(rounds), Goal("at most", 1), note=note)


def _block(what: str, rounds: Sequence[dict[str, Any]], name: str, limit_s: float) -> Comparison:
    """The longest of each round, and how much of it was our own work."""
    blocks = [each[name]["block"] for each in rounds]
    own = 1000 * max(each[name]["work"] for each in rounds)
    note = f"at most {own:.1f} ms on the processor; the rest is others that run on it"
    return Comparison(what, LIMIT, blocks, [limit_s] * len(rounds), Goal("at most", 1), note=note)
