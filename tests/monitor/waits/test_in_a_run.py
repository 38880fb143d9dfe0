"""The main thread of a real engine waits for something; the monitor of its folder names it in time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults.stalls.ride import LONG, SMALL
from tests.monitor.waits import waiting
from tests.monitor.waits.test_kernel_waits import FLOCK, HOLDS
from tests.monitor.waits.waiting import Processes, until
from tests.photos import make_photos

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")]

Prepare = Callable[[Processes, Path], int]
"""What stands in the way, and the number of the process that must be named; 0 for none."""


def lock_held(processes: Processes, path: Path) -> int:
    holder = processes.python(HOLDS.format(take=FLOCK), path, stdout=-1)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder.pid


def pipe_with_nobody(processes: Processes, path: Path) -> int:
    os.mkfifo(path)
    return 0


def nothing(processes: Processes, path: Path) -> int:
    return 0


def database_held(processes: Processes, path: Path) -> int:
    script = (
        "import sqlite3, sys, time\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('create table a (b)'); c.execute('begin exclusive'); print(flush=True); time.sleep(1000)"
    )
    holder = processes.python(script, path, stdout=-1)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder.pid


CASES: dict[str, tuple[Prepare, str, tuple[str, ...]]] = {
    "file_lock": (lock_held, "waits_for_file_lock", ("{path}", "script0.py", "waiting_engine.py")),
    "lock_file_asked_for_again_and_again": (lock_held, "lock_file", ("{path}", "script0.py")),
    "empty_pipe": (pipe_with_nobody, "waits_for_fifo", ("{path}", "no process has it open")),
    "child": (nothing, "waits_for_child", ("sleep 1000", "waiting_engine.py")),
    "sleep": (nothing, "waits_for_sleep", ("sleeps", "waiting_engine.py")),
    "thread": (pipe_with_nobody, "waits_for_fifo", ("“fetcher”", "{path}")),
    "database": (database_held, "waits_for_database", ("{path}", "script0.py")),
}


Told = tuple[dict[str, Any], Path, int]
"""What was said, the object, and the holder's number."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Told]]]:
    """All at once: they mostly wait."""
    with contextlib.ExitStack() as closing, ThreadPoolExecutor(len(CASES)) as threads:
        said = {}
        for kind in CASES:
            folder = tmp_path_factory.mktemp(kind)
            processes = closing.enter_context(contextlib.contextmanager(waiting.processes)(folder))
            said[kind] = threads.submit(ask_of_a_run, kind, processes, folder)
        yield said


def ask_of_a_run(kind: str, processes: Processes, folder: Path) -> Told:
    prepare, cause, _ = CASES[kind]
    path = folder / "what it waits for"
    holder = prepare(processes, path)
    (folder / "home").mkdir()
    environment = os.environ | {
        "WASTE_GUI_HOME": str(folder / "home"),
        "WASTE_GUI_FAULT_AT": str(folder / "struck"),
        "OMP_NUM_THREADS": "1",
    }
    run = folder / "run"
    program = (sys.executable, "-m", "tests.monitor.waits.waiting_engine", kind, path)
    photos = make_photos(folder / "photos", per_class=8)
    where = ("train", "--source", photos, "--run-dir", run, "--workers", 2)
    settings = (*where, *SMALL, *LONG, "--format", "json")
    here = Path(__file__).parents[3]
    processes.start(*program, *settings, cwd=here, env=environment, start_new_session=True)
    until((run / "events.jsonl").exists, "the run")
    monitor = processes.start(
        *(sys.executable, "-m", "waste_gui.monitor", run, "--format", "json"),
        cwd=here,
        env=environment,
        stdout=-1,
    )
    return first_said(monitor, cause), path, holder


@pytest.mark.parametrize("kind", CASES)
def test_wait_of_the_main_thread_is_named_with_object_and_holder(
    told: dict[str, Future[Told]], kind: str
) -> None:
    said, path, holder = told[kind].result()
    for word in CASES[kind][2]:
        assert word.format(path=path) in said["text"]
    assert not holder or str(holder) in said["text"]
    assert any(line.startswith("/proc/") for line in said["evidence"])


def first_said(monitor: Any, cause: str) -> dict[str, Any]:
    """The first verdict of that cause; what was said before it, where it does not come."""
    others: list[str] = []
    end = time.monotonic() + 120
    for line in monitor.stdout:
        told: dict[str, Any] = json.loads(line)
        if told["cause"] == cause:
            return told
        others.append(f"{told['cause']}: {told['text']}")
        if time.monotonic() > end or told["verdict"] == "likely_stuck":
            break
    monitor.send_signal(signal.SIGTERM)
    raise AssertionError("\n".join(others))
