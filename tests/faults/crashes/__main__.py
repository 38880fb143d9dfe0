"""The command: `python -m tests.faults.crashes --random N --seed S [--only FAMILY …] [--at-once N]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.crashes.draws import FAMILIES, draw
from tests.faults.crashes.ride import Row, ride
from tests.photos import make_photos

TARGET = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crashes", description=__doc__)
    parser.add_argument("--random", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(FAMILIES))
    parser.add_argument("--numbers", nargs="*", type=int, help="only these of the draws")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--say", action="store_true", help="each verdict in full")
    options = parser.parse_args()
    draws = draw(options.seed, options.random, options.only)
    wanted = [each for each in draws if not options.numbers or each.number in options.numbers]
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="crash-photos-") as scratch,
        ThreadPoolExecutor(options.at_once) as threads,
    ):
        photos = make_photos(Path(scratch) / "photos", per_class=3)
        for row in threads.map(lambda each: ride(each, photos), wanted):
            rows.append(row)
            print(show(row, options.say), flush=True)
    return summary(rows)


def show(row: Row, say: bool) -> str:
    right = "right" if not row.wrong else f"WRONG: {row.wrong}"
    what = f"{row.draw.number:4} {row.draw.family:8} {row.draw.words:48}"
    line = f"{what} {row.cause:20} {row.seconds:5.1f} s  {right}"
    return f"{line}\n     {row.text}" if say or row.wrong else line


def summary(rows: list[Row]) -> int:
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[f"{row.draw.family} {row.draw.kind}"].append(row)
    print("\nper kind:")
    for kind, of_kind in sorted(kinds.items()):
        print(f"  {kind:32} {sum(not row.wrong for row in of_kind):3} of {len(of_kind):3}")
    right = sum(not row.wrong for row in rows)
    print(f"\n{right} of {len(rows)} ends named right")
    return 0 if rows and right >= TARGET * len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
