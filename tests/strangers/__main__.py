"""`python -m tests.strangers [PYTEST OPTIONS]`: every attack, a line each; 1 if one did harm. Those of the
network come by `python -m tests.strangers.network`: they are traced, and take minutes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

AT_ONCE = ("-n", "2")


class Lines:
    """In place of pytest's own terminal: what was attacked, how it ended, and after how long."""

    def __init__(self) -> None:
        self.made = self.harmed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        title = _title(report.nodeid)
        if report.failed:
            self.harmed += 1
            print(f"HARM      {title}\n{report.longreprtext}", flush=True)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            print(f"not made  {title} ({reason.removeprefix('Skipped: ')})", flush=True)
        elif report.when == "call":
            self.made += 1
            print(f"harmless  {title} ({report.duration:.1f} s)", flush=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.harmed += 1
            print(f"HARM      {report.nodeid}\n{report.longreprtext}", flush=True)


def _title(node: str) -> str:
    """`tests/strangers/test_home.py::test_the_window_opens[file]` as `home: the window opens [file]`."""
    file, _, test = node.partition("::")
    name, bracket, case = test.partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{Path(file).stem.removeprefix('test_')}: {words}{f' [{case}' if bracket else ''}"


def attack(where: Sequence[Path], options: Sequence[str]) -> int:
    """Make the attacks of some files; the exit status."""
    lines = Lines()
    quiet = ["-p", "no:terminal", "-o", "addopts=--strict-markers", *map(str, where)]
    status = pytest.main([*quiet, *options], plugins=[lines])
    print(f"{lines.made} attacks were harmless, {lines.harmed} did harm", flush=True)
    return int(status) or int(lines.harmed > 0)


if __name__ == "__main__":
    here = Path(__file__).parent
    files = [path for path in sorted(here.glob("test_*.py")) if path.name != "test_network.py"]
    sys.exit(attack(files, [*AT_ONCE, *sys.argv[1:]]))
