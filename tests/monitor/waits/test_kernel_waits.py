"""What the kernel tells of real processes that wait."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from tests.monitor.waits.waiting import Processes, chain_of, kinds_of
from waste_gui.monitor.waits import kernel, words
from waste_gui.monitor.waits.link import Kind

HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
{take}
print(flush=True)
time.sleep(1000)
"""
FLOCK = "fcntl.flock(file, fcntl.LOCK_EX)"
POSIX = "fcntl.lockf(file, fcntl.LOCK_EX)"
OFD = "import struct\nfcntl.fcntl(file, 38, struct.pack('hhqqihi', fcntl.F_WRLCK, 0, 0, 0, 0, 0, 0))"


@pytest.mark.parametrize("take", [FLOCK, POSIX, OFD], ids=["flock", "posix", "open file"])
def test_lock_on_a_file_is_named_with_its_holder(processes: Processes, tmp_path: Path, take: str) -> None:
    path = tmp_path / "weights.lock"
    holder = processes.python(HOLDS.format(take=take), path, stdout=-1)
    assert holder.stdout is not None
    holder.stdout.readline()
    waiter = processes.python(HOLDS.format(take=take), path)
    chain = chain_of(waiter.pid, Kind.FILE_LOCK, Kind.SLEEP)
    assert chain.first.name == str(path)
    assert [each.pid for each in chain.first.holders] == [holder.pid]
    assert kinds_of(chain) == [Kind.FILE_LOCK, Kind.SLEEP]
    text = words.in_words(chain)
    assert f"script0.py weights.lock ({holder.pid}) holds" in text and "finish, or end it." in text


TWICE = """
import fcntl, struct, sys, threading, time
files = [open(sys.argv[1], "w"), open(sys.argv[1], "w")]
taken = threading.Event()

def take(file):
    if sys.argv[2] == "flock":
        fcntl.flock(file, fcntl.LOCK_EX)
    else:
        fcntl.fcntl(file, 38, struct.pack("hhqqihi", fcntl.F_WRLCK, 0, 0, 0, 0, 0, 0))

def keep():
    take(files[0])
    taken.set()
    time.sleep(1000)

if sys.argv[3] == "another":
    threading.Thread(target=keep, daemon=True).start()
    taken.wait()
else:
    take(files[0])
take(files[1])
"""


@pytest.mark.parametrize("lock", ["flock", "open file"])
@pytest.mark.parametrize("thread", ["another", "the same"])
def test_lock_that_the_process_itself_holds_is_a_circle_only_without_another_thread(
    processes: Processes, tmp_path: Path, lock: str, thread: str
) -> None:
    waiter = processes.python(TWICE, tmp_path / "weights.lock", lock, thread)
    chain = chain_of(waiter.pid, Kind.FILE_LOCK)
    text = words.in_words(chain)
    if thread == "another":
        assert chain.circle is None and "which it itself has locked: one of its threads" in text
        assert "deadlock" not in text and "finish" not in text
    else:
        assert chain.circle == 0 and "deadlock" in text


def test_lock_whose_taker_has_ended_is_held_by_who_has_the_open_file(
    processes: Processes, tmp_path: Path
) -> None:
    path = tmp_path / "inherited.lock"
    taker = processes.start("sh", "-c", f"exec 9>{path}; flock 9; sleep 1000 & echo $!", stdout=-1)
    assert taker.stdout is not None
    child = int(taker.stdout.readline())
    taker.wait(10)
    waiter = processes.start("flock", path, "true")
    try:
        chain = chain_of(waiter.pid, Kind.FILE_LOCK)
        assert [each.pid for each in chain.first.holders] == [child]
    finally:
        os.kill(child, signal.SIGKILL)


def test_empty_pipe_leads_to_who_could_write_into_it(processes: Processes) -> None:
    read, write = os.pipe()
    reader = processes.start("cat", stdin=read)
    writer = processes.start("sleep", 1000, stdout=write)
    os.close(read)
    os.close(write)
    chain = chain_of(reader.pid, Kind.PIPE_READ, Kind.SLEEP)
    assert [each.pid for each in chain.first.holders] == [writer.pid]
    assert "its input" in words.in_words(chain)


def test_pipe_that_only_its_reader_has_open_is_said_so(processes: Processes) -> None:
    script = "import os\nr, w = os.pipe()\nos.read(r, 1)\n"
    chain = chain_of(processes.python(script).pid, Kind.PIPE_READ)
    assert chain.first.holder is not None and chain.first.holder.nobody
    assert "only it itself has the other end" in words.in_words(chain)


def test_full_pipe_leads_to_who_does_not_read(processes: Processes) -> None:
    read, write = os.pipe()
    sleeper = processes.start("sleep", 1000, stdin=read)
    writer = processes.start("yes", stdout=write)
    os.close(read)
    os.close(write)
    chain = chain_of(writer.pid, Kind.PIPE_WRITE)
    assert [each.pid for each in chain.first.holders] == [sleeper.pid]


@pytest.mark.parametrize("mode", ["r", "w"])
def test_named_pipe_that_nobody_opens_is_named(processes: Processes, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a fifo"
    os.mkfifo(path)
    chain = chain_of(processes.python(f"import sys\nopen(sys.argv[1], {mode!r})", path).pid, Kind.FIFO_OPEN)
    assert chain.first.name == str(path)
    assert chain.first.holder is not None and chain.first.holder.nobody


def test_chain_goes_from_child_to_child(processes: Processes) -> None:
    script = "import subprocess, sys\nsubprocess.run(['sh', '-c', 'sleep 1000; true'])"
    chain = chain_of(processes.python(script).pid, Kind.CHILD, Kind.CHILD, Kind.SLEEP)
    assert len(chain.links) == 3


def test_what_a_child_of_ones_own_waits_for_is_told_behind_a_pipe(processes: Processes) -> None:
    """Its output is waited for, and it waits for its own child, which has the pipe, too."""
    inner = "import socket; socket.create_server(('127.0.0.1', 0)).accept()"
    middle = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}])"
    script = f"import subprocess, sys\nsubprocess.check_output([sys.executable, '-c', {middle!r}])"
    outer = processes.python(script)
    chain = chain_of(outer.pid, Kind.PIPE_READ, Kind.CHILD, Kind.LISTENING)
    text = words.in_words(chain)
    assert chain.first.holder is not None and chain.first.holder.pid == chain.links[1].pid
    assert "something to come out of a pipe" in text and "which it started, to end" in text
    assert f"({chain.last.pid}) waits for somebody to connect to 127.0.0.1:" in text


def test_silent_server_of_this_computer_is_named(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"import socket\nsocket.create_connection(('127.0.0.1', {port})).recv(1)"
        chain = chain_of(processes.python(script).pid, Kind.SOCKET_READ)
        assert chain.first.name == f"127.0.0.1:{port}"
        assert [each.pid for each in chain.first.holders] == [os.getpid()]


def test_other_end_of_a_unix_socket_is_named(processes: Processes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        script = "import socket, sys\nsocket.socket(fileno=int(sys.argv[1])).recv(1)"
        reader = processes.python(script, theirs.fileno(), pass_fds=[theirs.fileno()])
        theirs.close()
        chain = chain_of(reader.pid, Kind.SOCKET_READ)
        assert [each.pid for each in chain.first.holders] == [os.getpid()]


def test_local_server_that_accepts_nobody_is_named(processes: Processes, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "viewer.sock"))
        server.listen(0)
        script = (
            "import socket, sys\nkept = []\nwhile True:\n"
            "    kept.append(socket.socket(socket.AF_UNIX))\n    kept[-1].connect(sys.argv[1])"
        )
        chain = chain_of(processes.python(script, tmp_path / "viewer.sock").pid, Kind.CONNECTION)
        assert chain.first.name == str(tmp_path / "viewer.sock")
        assert [each.pid for each in chain.first.holders] == [os.getpid()]


@pytest.mark.parametrize(
    "wait",
    [
        "select.select([r], [], [])",
        "p = select.poll(); p.register(r, select.POLLIN); p.poll()",
        "p = select.epoll(); p.register(r, select.EPOLLIN); p.poll()",
    ],
    ids=["select", "poll", "epoll"],
)
def test_descriptor_that_is_asked_for_is_found(processes: Processes, wait: str) -> None:
    read, write = os.pipe()
    script = f"import select, sys\nr = int(sys.argv[1])\n{wait}"
    reader = processes.python(script, read, pass_fds=[read])
    os.close(read)
    try:
        chain = chain_of(reader.pid, Kind.PIPE_READ)
        assert [each.pid for each in chain.first.holders] == [os.getpid()]
    finally:
        os.close(write)


def test_two_that_wait_for_each_other_are_a_circle(processes: Processes) -> None:
    script = """
import os
r1, w1 = os.pipe(); r2, w2 = os.pipe()
if os.fork():
    os.close(w1); os.close(r2); os.read(r1, 1)
else:
    os.close(w2); os.close(r1); os.read(r2, 1)
"""
    chain = chain_of(processes.python(script).pid, Kind.PIPE_READ)
    while chain.circle is None:
        chain = chain_of(chain.first.pid, Kind.PIPE_READ)
    assert chain.circle == 0 and "deadlock" in words.in_words(chain)


def test_stopped_process_is_said_to_be_stopped(processes: Processes) -> None:
    sleeper = processes.start("sleep", 1000)
    sleeper.send_signal(signal.SIGSTOP)
    assert f"kill -CONT {sleeper.pid}" in words.in_words(chain_of(sleeper.pid, Kind.STOPPED))


def test_thread_of_a_c_library_that_is_joined_is_named(processes: Processes) -> None:
    script = """
import ctypes, threading
libc = ctypes.CDLL(None)
thread = ctypes.c_ulong()
sleep = ctypes.cast(libc.pause, ctypes.c_void_p)
libc.pthread_create(ctypes.byref(thread), None, sleep, None)
libc.pthread_join(thread, None)
"""
    assert len(chain_of(processes.python(script).pid, Kind.THREAD, Kind.SIGNAL).links) == 2


def test_lock_of_a_c_library_names_the_thread_that_has_it(processes: Processes) -> None:
    script = """
import ctypes, threading, time
libc = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)
def hold():
    libc.pthread_mutex_lock(mutex)
    time.sleep(1000)
threading.Thread(target=hold, daemon=True).start()
time.sleep(0.3)
libc.pthread_mutex_lock(mutex)
"""
    process = processes.python(script)
    chain = chain_of(process.pid, Kind.LOCK, Kind.SLEEP)
    assert chain.first.holder is not None and chain.first.holder.tid in kernel.threads(process.pid)[1:]


def test_own_thread_can_be_asked_about() -> None:
    ready, go = threading.Event(), threading.Event()
    read, write = os.pipe()
    tids: list[int] = []

    def wait() -> None:
        tids.append(threading.get_native_id())
        ready.set()
        os.read(read, 1)
        go.set()

    threading.Thread(target=wait, daemon=True).start()
    ready.wait()
    chain = chain_of(os.getpid(), Kind.PIPE_READ, tid=tids[0])
    assert chain.first.tid == tids[0]
    os.write(write, b"x")
    assert go.wait(10)


def test_process_that_is_gone_is_no_error(processes: Processes) -> None:
    process = processes.start(sys.executable, "-c", "")
    process.wait(10)
    from waste_gui.monitor.waits.chain import resolve

    assert not resolve(process.pid).known
