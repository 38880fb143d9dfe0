"""`python -m tests.strangers [PYTEST OPTIONS]`: every attack, a line each; 1 if one did harm."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


class Lines:
    """In place of pytest's own terminal: what was attacked, and how it ended."""

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}
        self.harmed = 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            name = item.name.removeprefix("test_").replace("_", " ").replace("[", " [")
            self._titles[item.nodeid] = f"{item.path.stem.removeprefix('test_')}: {name}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        title = self._titles.get(report.nodeid, report.nodeid)
        if report.failed:
            self.harmed += 1
            print(f"HARM      {title}\n{report.longreprtext}", flush=True)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            print(f"not made  {title} ({reason.removeprefix('Skipped: ')})", flush=True)
        elif report.when == "call":
            print(f"harmless  {title}", flush=True)


def attack(where: Path, options: Sequence[str]) -> int:
    """Make the attacks of a folder or a file; the exit status."""
    lines = Lines()
    quiet = ["-p", "no:terminal", "-o", "addopts=--strict-markers", str(where)]
    status = pytest.main([*quiet, *options], plugins=[lines])
    return int(status) or int(lines.harmed > 0)


if __name__ == "__main__":
    sys.exit(attack(Path(__file__).parent, sys.argv[1:]))
