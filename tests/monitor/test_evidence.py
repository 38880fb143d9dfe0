"""Evidence: of real processes, which come and go."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from waste_gui.monitor import evidence
from waste_gui.monitor.evidence import Observer

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """A Python child that runs a line and then waits for its stdin to close; it has said a line first."""
    children: list[subprocess.Popen[bytes]] = []

    def run(code: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        children.append(child)
        assert child.stdout is not None
        child.stdout.readline()
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


WAITS = "import sys; print(flush=True); sys.stdin.read()"
BURNS = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n" + WAITS
WITH_CHILD = (
    f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {WAITS!r}]); sys.stdin.read()"
)


def test_first_look_knows_no_rates(start: Start, tmp_path: Path) -> None:
    seen = Observer(start(WAITS).pid, tmp_path).look(0.0)
    assert seen.alive and seen.cpu_percent is None and seen.io_bytes_per_s is None
    assert seen.states and seen.free_disk_bytes and seen.free_memory


def test_rates_are_counted_between_two_looks(start: Start, tmp_path: Path) -> None:
    observer = Observer(os.getpid(), tmp_path)
    observer.look(0.0)
    child = start(BURNS)  # It began after the last look: all its time is new.
    seen = observer.look(1.0)
    assert seen.cpu_percent is not None and seen.cpu_percent >= 25
    child.kill()
    child.wait()
    seen = observer.look(2.0)
    assert seen.cpu_percent is not None and seen.cpu_percent < 25


def test_workers_below_the_engine_are_seen(start: Start, tmp_path: Path) -> None:
    seen = Observer(start(WITH_CHILD).pid, tmp_path).look(0.0)
    assert len(seen.states) == 2


@pytest.mark.skipif(not hasattr(psutil.Process, "io_counters"), reason="the system does not count bytes")
def test_cached_reads_count_as_bytes_that_move(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1_000_000)
    observer = Observer(os.getpid(), tmp_path)
    observer.look(0.0)
    path.read_bytes()
    seen = observer.look(1.0)
    assert seen.io_bytes_per_s is not None and seen.io_bytes_per_s >= 1_000_000


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system has no zombies")
def test_process_that_ended_is_not_alive_also_before_it_is_reaped(start: Start, tmp_path: Path) -> None:
    child = start(WAITS)
    observer = Observer(child.pid, tmp_path)
    assert observer.look(0.0).alive
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # Ended, and still a zombie.
    assert not observer.look(1.0).alive
    child.wait()
    assert not observer.look(2.0).alive


def test_no_such_process_and_no_such_folder(tmp_path: Path) -> None:
    seen = Observer(2**22 + 7, tmp_path / "gone").look(0.0)
    assert not seen.alive and seen.states == () and seen.free_disk_bytes is None


def test_what_is_forbidden_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise psutil.AccessDenied(os.getpid())

    monkeypatch.setattr(psutil.Process, "io_counters", forbidden, raising=False)
    observer = Observer(os.getpid(), tmp_path)
    observer.look(0.0)
    seen = observer.look(1.0)
    assert seen.alive and seen.io_bytes_per_s is None and seen.cpu_percent is not None


def test_children_are_found_also_where_the_system_has_no_list_of_them(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "_pids_below", lambda pid: None)
    assert len(Observer(start(WITH_CHILD).pid, tmp_path).look(0.0).states) == 2
