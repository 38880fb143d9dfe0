"""Who opens a file again and again is told by when it does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.monitor.waits.waiting import Processes
from waste_gui.monitor.waits.opened import opened_by
from waste_gui.monitor.waits.polling import WATCH_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")

ASKS = "import sys, time\nprint(flush=True)\nwhile True:\n    {}\n    time.sleep({})"
OPENS = "open(sys.argv[1]).close()"


def asking(processes: Processes, what: str, nap_s: float, path: Path) -> int:
    child = processes.python(ASKS.format(what, nap_s), path, stdout=-1)
    assert child.stdout is not None
    child.stdout.readline()
    return child.pid


def test_each_is_told_its_own_file_and_who_only_naps_is_told_none(
    processes: Processes, tmp_path: Path
) -> None:
    """All nap at about the same pace: a lock of another training is none of this one's."""
    one, other = tmp_path / "one.lock", tmp_path / "other.lock"
    for path in (one, other):
        path.touch()
    asks_one = asking(processes, OPENS, 0.05, one)
    asks_other = asking(processes, OPENS, 0.043, other)
    asks_none = asking(processes, "pass", 0.047, one)
    files = [str(one), str(other)]
    for pid, wrong in ((asks_one, str(other)), (asks_other, str(one))):
        told = [opened_by(pid, pid, files, WATCH_S) for _ in range(8)]
        assert all(wrong not in each for each in told)
        assert any(each == set(files) - {wrong} for each in told)
    told = [opened_by(asks_none, asks_none, files, WATCH_S) for _ in range(8)]
    assert sum(bool(each) for each in told) <= 1  # Their moments may be its own by chance.
