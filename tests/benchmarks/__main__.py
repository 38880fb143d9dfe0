"""The command: measure the rows asked for, print the table, write the JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import machine, table
from tests.benchmarks.child import ChildFailed
from tests.benchmarks.decode import decode
from tests.benchmarks.embedding import forward, last_layer, start_to_done
from tests.benchmarks.figures import Comparison, RowResult
from tests.benchmarks.first_batch import first_batch
from tests.benchmarks.loading import epoch_2, resized_cache
from tests.benchmarks.photos import Bench, open_bench
from tests.benchmarks.preview import preview
from tests.benchmarks.runs import runs_page
from tests.benchmarks.scan import scan
from tests.benchmarks.timeline import timeline
from tests.benchmarks.training_step import training_step
from tests.benchmarks.window import (
    window_memory,
    window_messages,
    window_plot,
    window_reopen,
    window_start,
)

Row = Callable[[Bench], list[Comparison]]

ROWS: dict[str, Row] = {
    row.__name__: row
    for row in (
        first_batch,
        decode,
        epoch_2,
        resized_cache,
        training_step,
        forward,
        last_layer,
        preview,
        start_to_done,
        scan,
        timeline,
        window_messages,
        window_plot,
        window_reopen,
        window_memory,
        window_start,
        runs_page,
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    facts = machine.facts()
    with tempfile.TemporaryDirectory(prefix="waste-gui-benchmarks-") as scratch:
        rounds = options.rounds or (1 if options.quick else 5)
        bench = open_bench(options.photos, Path(scratch), rounds, options.quick)
        results = [measure(name, bench) for name in options.rows or ROWS]
    sys.stdout.write((table.as_markdown if options.markdown else table.as_text)(results))
    if options.json:
        settings = {"photos": str(options.photos or "drawn"), "rounds": rounds, "quick": options.quick}
        options.json.write_text(table.as_json(results, facts, settings), encoding="utf-8")
    return 1 if any(result.failed for result in results) else 0


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    command.add_argument("rows", nargs="*", metavar="ROW", choices=[*ROWS, []], help=", ".join(ROWS))
    command.add_argument("--photos", type=Path, metavar="DIR", help="one sub-folder a class; else drawn ones")
    command.add_argument("--rounds", type=int, metavar="N", help="how often to measure (5)")
    command.add_argument("--quick", action="store_true", help="small and once: to see that it runs")
    command.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    command.add_argument("--markdown", action="store_true", help="print the README's table")
    return command


def measure(name: str, bench: Bench) -> RowResult:
    """A row, or what went wrong in it."""
    began = time.monotonic()
    try:
        return RowResult(name, ROWS[name](bench))
    except ChildFailed as error:
        sys.stderr.write(f"{name}: {error}\n")
        return RowResult(name, [], str(error))
    finally:
        sys.stderr.write(f"{name}: measured in {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
