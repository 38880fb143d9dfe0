"""Signals from outside: who sent them is known, and programs that the engine starts inherit nothing of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sigwaitinfo")

WAITS = """
import sys, threading
from waste_gui.engine import exits, signals
exits.note_ends()
signals.ENGINE.start()
done = threading.Event()
signals.ENGINE.obey(lambda who: (print(who, flush=True), done.set()))
print("ready", flush=True)
{more}
done.wait()
exits.leave(0)
"""
KILLS = "import os, sys, time\nos.kill(int(sys.argv[1]), int(sys.argv[2]))\nsys.stdin.read()\n"


@pytest.fixture
def killer(tmp_path: Path) -> Path:
    path = tmp_path / "cleanup.py"
    path.write_text(KILLS)
    return path


def started(more: str = "") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS.format(more=more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def waiting() -> Iterator[subprocess.Popen[str]]:
    process = started()
    yield process
    process.kill()
    process.communicate()


def send(killer: Path, pid: int, number: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(killer), str(pid), str(number)], stdin=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_asks_for_the_end_is_named(waiting: subprocess.Popen[str], killer: Path, number: int) -> None:
    with send(killer, waiting.pid, number) as other:
        assert waiting.stdout is not None
        said = waiting.stdout.readline()
        assert waiting.wait(30) == 0
        other.communicate()
    assert said.startswith(f"{signal.Signals(number).name} from ")
    assert f"{killer} {waiting.pid} {number:d} (process {other.pid}) of " in said


def test_who_ends_it_is_noted_before_it_ends(waiting: subprocess.Popen[str], killer: Path) -> None:
    with send(killer, waiting.pid, signal.SIGQUIT) as other:
        assert waiting.wait(30) == -signal.SIGQUIT
        other.communicate()
    assert waiting.stderr is not None
    assert f"[waste-gui] end: signal 3 from {Path(sys.executable).name} {killer}" in waiting.stderr.read()


def test_second_signal_ends_it_at_once(killer: Path) -> None:
    process = started("signals.ENGINE.obey(lambda who: print(who, flush=True))\nprint('obeys', flush=True)")
    assert process.stdout is not None and process.stdout.readline() == "obeys\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline().startswith("SIGTERM from ")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130 and "exit status 130 since a second SIGTERM came from " in told


STARTS = {
    "subprocess": "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True)",
    "fork": "import os, time\npid = os.fork()\nif pid == 0:\n    time.sleep(60)\n    os._exit(0)\n"
    "print(pid, flush=True)",
    "posix_spawn": "import os; print(os.posix_spawnp('sleep', ['sleep', '60'], os.environ), flush=True)",
    "multiprocessing": "import multiprocessing, time\nc = multiprocessing.get_context('forkserver')\n"
    "p = c.Process(target=time.sleep, args=(60,))\np.start(); print(p.pid, flush=True)",
}


def _blocks(pid: int, number: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line for line in lines if line.startswith("SigBlk"))
    return bool(int(mask.split()[1], 16) & 1 << number - 1)


@pytest.mark.parametrize("how", list(STARTS))
def test_programs_that_it_starts_can_be_ended(how: str) -> None:
    process = started(STARTS[how])
    try:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        deadline = time.monotonic() + 10
        while _blocks(child, signal.SIGTERM) and time.monotonic() < deadline:
            time.sleep(0.01)  # One that was forked has just begun.
        assert not _blocks(child, signal.SIGTERM)
        os.kill(child, signal.SIGTERM)
    finally:
        process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        process.communicate()


def test_exit_that_c_asks_for_is_noted_with_its_status() -> None:
    process = started("import ctypes; ctypes.CDLL(None).exit(7)")
    _, told = process.communicate(timeout=30)
    assert process.returncode == 7 and told.endswith(": Bus error\n")
