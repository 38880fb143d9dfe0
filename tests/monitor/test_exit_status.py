"""How a process ended that somebody else started, and what is said where its engine noted who ended it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.exit_status import ExitWatch
from waste_gui.monitor.last_log import LastLog
from waste_gui.reporting import OWN_LINE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc and pidfd")

WAITS = "import os, signal, sys\nsys.stdin.read()\n"


def child(end: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WAITS + end], stdin=subprocess.PIPE)


def let_end(process: subprocess.Popen[bytes]) -> None:
    """Without asking for its status."""
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


ENDS = [
    ("os._exit(7)", 7),
    ("os._exit(0)", 0),
    ("os.kill(os.getpid(), signal.SIGKILL)", -9),
    ("os.abort()", -6),
]


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_status_is_known_until_the_parent_asks(end: str, status: int) -> None:
    began = time.time()
    process = child(end)
    watch = ExitWatch(process.pid, began + 1)
    assert watch.look() is None
    let_end(process)
    assert watch.look() == status
    assert ExitWatch(process.pid, began + 1).look() == status  # Of one who comes late, too.
    process.wait()
    watch.close()


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_status_is_known_after_the_parent_has_asked(end: str, status: int) -> None:
    process = child(end)
    watch = ExitWatch(process.pid, time.time())
    let_end(process)
    process.wait()
    told = watch.look()
    if told is None:
        pytest.skip("kept from Linux 6.15 on")
    assert told == status
    watch.close()


def test_later_process_of_the_same_number_is_another_one() -> None:
    process = child("os._exit(7)")
    watch = ExitWatch(process.pid, time.time() - 60)
    let_end(process)
    assert watch.look() is None
    process.wait()


def test_noted_end_is_told_where_nobody_saw_it() -> None:
    log = f"{OWN_LINE}end: exit status 7 by os._exit at foo/bar.py, line 3, in leave < a.py, line 9, in run\n"
    crash = explain(ProcessOutcome(), log, stage="scan")
    assert crash.text == (
        "The training ended without a last word (exit status 7): foo/bar.py, line 3 ended it by itself, by "
        "os._exit. It was in the stage Scan photos."
    )
    assert crash.cause == "left" and crash.certain
    assert crash.lines == ("foo/bar.py, line 3, in leave", "a.py, line 9, in run")
    assert explain(ProcessOutcome(signal=9), log).cause == "killed"  # What was seen counts.


def test_early_end_without_an_error_is_told_as_one() -> None:
    text = explain(ProcessOutcome(exit_code=0)).text
    assert text.startswith("The training ended too early, as if it were done (exit status 0)")


def test_exit_of_c_is_read_from_the_name_that_the_c_library_gives_its_status() -> None:
    for status, name in (
        (0, "Unknown signal 0"),
        (7, "Bus error"),
        (11, "Segmentation fault"),
        (15, "Terminated"),
    ):
        noted = LastLog(f"{OWN_LINE}end: exit() of C was called, with the status: {name}\n").end
        assert noted is not None and noted.status == status


def test_who_asked_before_a_kill_is_told() -> None:
    asked = f"{OWN_LINE}asked to end: signal 15 from slurmstepd (process 7) of root, as Slurm does\n"
    for end in (ProcessOutcome(signal=9), ProcessOutcome()):
        text = explain(end, asked).text
        assert "It had been asked to end before (SIGTERM from slurmstepd (process 7) of root" in text
