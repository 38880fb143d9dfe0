"""The command that injects stalls, with two of them; all are run by hand: `python -m tests.faults.stalls`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.stalls.__main__ import run_case, show, summary
from tests.faults.stalls.cases import CASES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be stopped there by a signal")
def test_stalls_of_the_real_engine_are_named_and_mended() -> None:
    """A deadlock, which only the stack tells from other silences, and a process that was stopped."""
    with ThreadPoolExecutor(2) as threads:
        rows = list(threads.map(run_case, [CASES["lock_taken_twice"], CASES["engine_is_stopped"]]))
    assert [(row.verdict, row.cause, row.recovered, row.failed) for row in rows] == [
        ("likely_stuck", "deadlock", True, ""),
        ("likely_stuck", "paused", True, ""),
    ], "\n".join(map(show, rows))
    assert summary(rows) == 0
