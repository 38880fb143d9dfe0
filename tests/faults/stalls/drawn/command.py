"""`python -m tests.faults.stalls --random N --seed S`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.faults.stalls.drawn import report
from tests.faults.stalls.drawn.draws import draws
from tests.faults.stalls.drawn.run import Row, run


def main(count: int, seed: int, at_once: int, kinds: list[str], keep: Path | None) -> int:
    rows: list[Row] = []
    with ThreadPoolExecutor(at_once) as threads:
        for done in as_completed([threads.submit(run, draw) for draw in draws(seed, count, tuple(kinds))]):
            rows.append(done.result())
            print(report.line(rows[-1]), flush=True)
            if keep:
                keep.write_text(json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False))
    print()
    print("\n".join(report.by_kind(rows)))
    words, good = report.summary(rows)
    print(f"\nseed {seed}: {words}")
    return 0 if good else 1
