"""Finding the photos of a large dataset."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.benchmarks import ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, interleave
from tests.benchmarks.photos import Bench

FOLDERS = 30


def scan(bench: Bench) -> list[Comparison]:
    """Against listing every path with os.walk."""
    files = 3_000 if bench.quick else 100_000
    folder = bench.scratch / "scan"
    make_files(folder, files)
    seconds = in_child("scan:time_scans", folder=str(folder), files=files, rounds=bench.rounds)
    return [
        Comparison(
            f"scanning {files:,} files in {FOLDERS} folders",
            "os.walk and a list",
            seconds["ours"],
            seconds["walk"],
            Goal("at most", 1.5),
        )
    ]


def make_files(folder: Path, files: int) -> None:
    """Empty files: a scan opens none."""
    for number in range(FOLDERS):
        (folder / f"class_{number:02}").mkdir(parents=True)
    for number in range(files):
        (folder / f"class_{number % FOLDERS:02}" / f"IMG_{number:06}.jpg").touch()


def time_scans(folder: str, files: int, rounds: int) -> dict[str, list[float]]:
    """Seconds, after one of each that is not counted."""
    sides = {"ours": lambda: ours.scan(folder), "walk": lambda: len(walk(folder))}

    def seconds_of(side: str) -> float:
        began = time.perf_counter()
        found = sides[side]()
        assert found == files
        return time.perf_counter() - began

    measured = interleave(
        rounds + 1, {"ours": lambda: seconds_of("ours"), "walk": lambda: seconds_of("walk")}
    )
    return {side: seconds[1:] for side, seconds in measured.items()}


def walk(folder: str) -> list[str]:
    """Every file's path."""
    return [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
