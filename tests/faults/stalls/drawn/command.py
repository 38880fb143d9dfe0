"""`python -m tests.faults.stalls --random N --seed S`."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.faults.stalls.drawn import report
from tests.faults.stalls.drawn.draws import Draw, draws
from tests.faults.stalls.drawn.run import Row, run
from tests.faults.stalls.ride import interrupted


def run_unless_interrupted(draw: Draw) -> Row | None:
    """What was cut short says nothing."""
    row = None if interrupted.is_set() else run(draw)
    return None if row is not None and row.failed and interrupted.is_set() else row


def main(count: int, seed: int, at_once: int, kinds: list[str], keep: Path | None) -> int:
    rows: list[Row] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: interrupted.set())
    with ThreadPoolExecutor(at_once) as threads:
        drawn = draws(seed, count, tuple(kinds))
        for done in as_completed([threads.submit(run_unless_interrupted, draw) for draw in drawn]):
            if (row := done.result()) is None:
                continue
            rows.append(row)
            print(report.line(row), flush=True)
            if keep:
                keep.write_text(json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False))
    print()
    print("\n".join(report.by_kind(rows)))
    words, good = report.summary(rows)
    print(f"\nseed {seed}: {words}")
    return 0 if good else 1
