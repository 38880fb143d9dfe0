"""Where the system lets nobody read in which call a thread stands (Yama, another person's process): by the
kernel's function in which it sleeps, and by what it has open."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.monitor.waits.test_kernel_waits import FLOCK, HOLDS
from tests.monitor.waits.waiting import Processes, until
from waste_gui.monitor.waits import kernel
from waste_gui.monitor.waits.calls import waited_for
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.link import Kind
from waste_gui.monitor.waits.objects import Found

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")


def without_the_call(pid: int) -> Found:
    task = kernel.task(pid)
    assert task is not None
    return waited_for(replace(task, call="", args=(), unread=("may not be read",)), Computer((pid,)))


def when_it_is(pid: int, kind: Kind) -> Found:
    seen: list[Found] = []

    def is_there() -> bool:
        seen[:] = [without_the_call(pid)]
        return seen[0].kind is kind

    until(is_there, kind.value)
    return seen[0]


def test_lock_is_found_among_all_locks(processes: Processes, tmp_path: Path) -> None:
    path = tmp_path / "weights.lock"
    holder = processes.python(HOLDS.format(take=FLOCK), path, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    found = when_it_is(processes.python(HOLDS.format(take=FLOCK), path).pid, Kind.FILE_LOCK)
    assert (found.name, [each.pid for each in found.holders]) == (str(path), [holder.pid])
    assert "may not be read" in found.evidence


def test_only_pipe_is_the_one(processes: Processes) -> None:
    read, write = os.pipe()
    reader = processes.start("cat", stdin=read)
    os.close(read)
    found = when_it_is(reader.pid, Kind.PIPE_READ)
    assert [each.pid for each in found.holders] == [os.getpid()]
    os.close(write)


def test_only_socket_is_the_one(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket\nsocket.create_connection(('127.0.0.1', {port})).recv(1)"
        found = when_it_is(processes.python(script).pid, Kind.SOCKET_READ)
        assert found.name == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (("sleep", "1000"), Kind.SLEEP),
        (("sh", "-c", "sleep 1000; true"), Kind.CHILD),
        ((sys.executable, "-c", "import threading as t; l = t.Lock(); l.acquire(); l.acquire()"), Kind.LOCK),
        ((sys.executable, "-c", "import signal; signal.pause()"), Kind.SIGNAL),
        ((sys.executable, "-c", "import select; select.select([0], [], [])"), Kind.SEVERAL),
    ],
)
def test_kernel_function_tells_the_kind(processes: Processes, command: tuple[str, ...], kind: Kind) -> None:
    when_it_is(processes.start(*command, stdin=subprocess.PIPE).pid, kind)
