"""The command runs and its table and JSON are complete; how fast anything is, is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.child import ROOT
from tests.benchmarks.figures import Comparison, Goal, Rate, RowResult
from tests.benchmarks.table import as_markdown, as_text
from tests.photos import make_photos

RESULT = RowResult(
    "loading",
    [
        Comparison(
            "loading", "theirs", [1.0, 2.0, 1.0], [8.0, 8.0, 8.0], Goal("at least", 8), Rate(80, "photos")
        ),
        Comparison("scanning", "a list", [0.3], [0.2], Goal("at most", 1.2), note="on a small tree"),
    ],
)


def test_table_shows_the_median_ratio_its_spread_and_whether_the_goal_is_reached() -> None:
    lines = as_text([RESULT]).splitlines()
    assert lines[2].split("  ")[0] == "loading"
    assert "80 photos/s" in lines[2] and "theirs: 10 photos/s" in lines[2]
    assert "8× as fast (4–8)" in lines[2] and lines[2].endswith("≥ 8×      yes")
    assert "1.5× as long (1.5–1.5)" in lines[3] and lines[3].endswith("≤ 1.2×    no")
    assert lines[-1] == "scanning: on a small tree"


def test_failed_row_stands_in_the_table_as_failed() -> None:
    assert "| scan | – | – | failed |  | not measured |" in as_markdown(
        [RowResult("scan", [], failed="no disk")]
    )


@pytest.mark.slow
def test_command_measures_the_rows_named_on_the_photos_given(tmp_path: Path) -> None:
    photos, file = make_photos(tmp_path / "photos"), tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.benchmarks", "scan", "decode", "--quick"]
    done = subprocess.run(
        [*command, "--photos", str(photos), "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "scanning 3,000 files in 30 folders" in done.stdout
    assert "decode one large photo to 224" in done.stdout
    content = json.loads(file.read_text())
    assert content["machine"]["cores"] >= 1 and content["machine"]["versions"]["torch"]
    assert content["settings"] == {"photos": str(photos), "rounds": 1, "quick": True}
    assert [row["row"] for row in content["rows"]] == ["scan", "decode"]
    for row in content["rows"]:
        for comparison in row["comparisons"]:
            assert len(comparison["ours_s"]) == len(comparison["other_s"]) == len(comparison["ratios"]) == 1
