"""The command: `python -m tests.faults.stalls [NAME …] [--at-once N] [--healthy] [--random N --seed S]`."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.drive import _in_own_namespace
from tests.faults.stalls.cases import CASES, Case, why_not
from tests.faults.stalls.ride import Ride, Said, TookTooLong

PATIENCE_S = 60.0
"""How long a verdict is waited for, from when it could be known."""

RECOVERY_S = 60.0
SETTLED_S = 3.0
"""A verdict may become more precise for so long."""

TARGET, MEDIAN_S = 0.95, 10.0

HEAD = (
    f"{'fault':32} {'verdict':12} {'cause':20} {'named':6} {'after':>8} {'late':>8}  {'action':32} recovered"
)


@dataclass
class Row:
    """What came of one case; seconds from the fault to the first verdict, and from when it could be known."""

    name: str
    verdict: str = "none"
    cause: str = "–"
    right: bool = False
    after_s: float = float("nan")
    late_s: float = float("nan")
    action: str = ""
    recovered: bool | None = None
    text: str = ""
    failed: str = ""


def told(said: Said) -> bool:
    """A verdict that alarms, or the end of a run."""
    return said.verdict in ("likely_stuck", "ended")


def run_case(case: Case) -> Row:
    row = Row(case.name, action=case.action)
    with tempfile.TemporaryDirectory(prefix="stall-", ignore_cleanup_errors=True) as scratch:
        ride = Ride(Path(scratch))
        try:
            _judge(case, ride, row)
        except TookTooLong as late:
            row.failed = str(late)
        except Exception:
            row.failed = traceback.format_exc()
        finally:
            ride.end()
    return row


def _judge(case: Case, ride: Ride, row: Row) -> None:
    act = case.run(ride)
    next(act)
    known_at = ride.struck_at + case.known_after_s

    def alarms() -> list[Said]:
        return [said for said in ride.said if said.at > ride.struck_at and told(said)]

    ride.until(alarms, "a verdict", known_at - time.monotonic() + PATIENCE_S)
    time.sleep(SETTLED_S)
    first, last = alarms()[0], alarms()[-1]
    row.verdict, row.cause, row.text = last.verdict, last.cause, last.text
    row.right = last.cause in case.causes
    row.after_s, row.late_s = first.at - ride.struck_at, first.at - known_at
    if case.result == "crashed":
        return
    steps, acted_at = ride.steps(), time.monotonic()
    with contextlib.suppress(StopIteration):
        next(act)
    row.recovered = _recovers(case, ride, steps, acted_at)


def _recovers(case: Case, ride: Ride, steps: int, acted_at: float) -> bool:
    """It makes steps again and nobody calls it stuck any more; or it ends."""

    def recovered() -> bool:
        if case.result == "ends":
            return ride.engine.poll() is not None
        calm = [said for said in ride.said if said.at > acted_at][-1:]
        return ride.steps() > steps and bool(calm) and not told(calm[0])

    try:
        ride.until(recovered, "recovery", RECOVERY_S)
    except TookTooLong:
        return False
    return True


def show(row: Row) -> str:
    if row.failed:
        return f"{row.name:32} FAILED: {row.failed.strip().splitlines()[-1]}"
    right = "right" if row.right else "WRONG"
    recovered = {None: "–", True: "yes", False: "NO"}[row.recovered]
    return (
        f"{row.name:32} {row.verdict:12} {row.cause:20} {right:6} {row.after_s:6.1f} s {row.late_s:+6.1f} s  "
        f"{row.action or '–':32} {recovered}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.stalls", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--random", type=int, metavar="N", help="so many drawn faults")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--healthy", action="store_true", help="slow and healthy runs instead")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="the messages of healthy runs")
    options = parser.parse_args()
    if options.random:
        from tests.faults.stalls.drawn.command import main as drawn

        return drawn(options.random, options.seed, options.at_once, options.names, options.json)
    if options.healthy:
        from tests.faults.stalls.healthy import main as healthy

        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
        return healthy(options.names, options.at_once, options.keep)
    wanted = [CASES[name] for name in options.names or CASES]
    for case in [case for case in wanted if why_not(case)]:
        print(f"{case.name:32} not here: {why_not(case)}")
        wanted.remove(case)
    print(HEAD)
    rows: list[Row] = []
    with ThreadPoolExecutor(options.at_once) as threads:
        for row in threads.map(_in_namespace, wanted):
            rows.append(row)
            print(show(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return summary(rows)


def _in_namespace(case: Case) -> Row:
    """With mounts that nobody else sees, where that can be."""
    if why_not(case) or not case.needs_drive:
        return run_case(case)
    rows: list[Row] = []
    _in_own_namespace(lambda: rows.append(run_case(case)))
    return rows[0]


def summary(rows: list[Row]) -> int:
    right = sum(row.right for row in rows)
    late = [row.late_s for row in rows if not row.failed]
    tried = [row for row in rows if row.recovered is not None]
    median = statistics.median(late) if late else float("nan")
    print(
        f"\n{right} of {len(rows)} causes named right; the verdict came {median:.1f} s (median) after it "
        f"could be known; {sum(bool(row.recovered) for row in tried)} of {len(tried)} actions worked"
    )
    good = rows and right >= TARGET * len(rows) and median <= MEDIAN_S and all(r.recovered for r in tried)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
