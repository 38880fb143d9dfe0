"""What a Python stack alone says, as on systems whose kernel tells nothing of a wait."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from waste_gui import wait_facts
from waste_gui.monitor.waits import elsewhere, frames, kernel, words
from waste_gui.monitor.waits.chain import resolve
from waste_gui.monitor.waits.link import Kind
from waste_gui.protocol import Frame, ThreadStack, WaitsOn

NOBODYS_PID = 2**30
LIBRARY, SITE = "/usr/lib/python3.11", "/usr/lib/python3.11/site-packages"
PROGRAM = Frame(file="/home/me/project/utils.py", line=41, function="Loader.fetch")


def stack(*inner: tuple[str, str], waits_on: WaitsOn | None = None) -> ThreadStack:
    """On top of a line of the program; the last is the innermost."""
    above = tuple(Frame(file=file, line=7, function=function) for file, function in inner)
    everything = (Frame(file="/home/me/project/train.py", line=3, function="<module>"), PROGRAM, *above)
    return ThreadStack(
        pid=NOBODYS_PID, role="main", thread="MainThread", frames=everything, waits_on=waits_on
    )


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (
            [
                (f"{LIBRARY}/threading.py", "Thread.join"),
                (f"{LIBRARY}/threading.py", "Thread._wait_for_tstate_lock"),
            ],
            Kind.THREAD,
        ),
        ([(f"{LIBRARY}/threading.py", "join")], Kind.THREAD),
        (
            [(f"{LIBRARY}/threading.py", "Event.wait"), (f"{LIBRARY}/threading.py", "Condition.wait")],
            Kind.EVENT,
        ),
        ([(f"{LIBRARY}/threading.py", "Condition.wait")], Kind.CONDITION),
        (
            [(f"{LIBRARY}/threading.py", "Semaphore.acquire"), (f"{LIBRARY}/threading.py", "Condition.wait")],
            Kind.SEMAPHORE,
        ),
        (
            [(f"{LIBRARY}/threading.py", "Barrier.wait"), (f"{LIBRARY}/threading.py", "Condition.wait")],
            Kind.BARRIER,
        ),
        ([(f"{LIBRARY}/queue.py", "Queue.get"), (f"{LIBRARY}/threading.py", "Condition.wait")], Kind.QUEUE),
        (
            [(f"{LIBRARY}/queue.py", "Queue.put"), (f"{LIBRARY}/threading.py", "Condition.wait")],
            Kind.FULL_QUEUE,
        ),
        ([(f"{LIBRARY}/subprocess.py", "run"), (f"{LIBRARY}/selectors.py", "select")], Kind.CHILD),
        (
            [
                (f"{LIBRARY}/multiprocessing/process.py", "BaseProcess.join"),
                (f"{LIBRARY}/multiprocessing/popen_fork.py", "Popen.poll"),
            ],
            Kind.CHILD,
        ),
        (
            [(f"{LIBRARY}/multiprocessing/pool.py", "Pool.map"), (f"{LIBRARY}/threading.py", "Event.wait")],
            Kind.POOL,
        ),
        ([(f"{LIBRARY}/multiprocessing/connection.py", "Connection.recv")], Kind.PIPE_READ),
        (
            [
                (f"{LIBRARY}/concurrent/futures/_base.py", "Future.result"),
                (f"{LIBRARY}/threading.py", "Condition.wait"),
            ],
            Kind.RESULT,
        ),
        (
            [
                (f"{LIBRARY}/asyncio/base_events.py", "run_forever"),
                (f"{LIBRARY}/selectors.py", "EpollSelector.select"),
            ],
            Kind.SEVERAL,
        ),
        (
            [
                (f"{SITE}/requests/api.py", "get"),
                (f"{LIBRARY}/http/client.py", "begin"),
                (f"{LIBRARY}/socket.py", "readinto"),
            ],
            Kind.SOCKET_READ,
        ),
        ([(f"{LIBRARY}/socket.py", "socket.accept")], Kind.LISTENING),
        ([(f"{SITE}/filelock/_api.py", "BaseFileLock.acquire")], Kind.FILE_LOCK),
        ([(r"C:\Python311\Lib\threading.py", "Thread.join")], Kind.THREAD),
        ([(f"{LIBRARY}/getpass.py", "unix_getpass")], Kind.INPUT),
    ],
)
def test_library_on_top_says_what_is_waited_for(inner: list[tuple[str, str]], kind: Kind) -> None:
    chain = resolve(NOBODYS_PID, stacks=[stack(*inner)], roles={NOBODYS_PID: "engine"})
    assert chain.first.kind is kind
    text = words.in_words(chain)
    assert text.startswith("The training ") and "utils.py, line 41 (fetch)" in text


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("fcntl.flock(file, fcntl.LOCK_EX)", Kind.FILE_LOCK),
        ("time.sleep(3600)", Kind.SLEEP),
        ("answer = input('Which? ')", Kind.INPUT),
        ("os.waitpid(pid, 0)", Kind.CHILD),
        ("cursor.execute('insert into a values (1)')", Kind.DATABASE),
        ("server.accept()", Kind.LISTENING),
        ("data = connection.recv(4096)", Kind.SOCKET_READ),
        ("connection.connect(address)", Kind.CONNECTION),
        ("signal.sigwait([signal.SIGUSR1])", Kind.SIGNAL),
        ("with self._lock:", Kind.LOCK),
        ("ready = select.select([a], [], [])", Kind.SEVERAL),
        ("os.read(pipe, 1)", Kind.PIPE_READ),
    ],
)
def test_line_of_a_call_in_c_says_what_is_waited_for(tmp_path: Path, line: str, kind: Kind) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"{line}\n")
    frame = Frame(file=str(program), line=1, function="fetch")
    told = ThreadStack(pid=NOBODYS_PID, role="main", thread="MainThread", frames=(frame,))
    said = frames.said_by(told)
    assert said is not None and said.kind is kind


def test_child_is_named_where_no_kernel_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "HERE", False)
    monkeypatch.setattr(kernel, "task", lambda pid, tid=0: None)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        known = WaitsOn(name="python -c input()", type="Popen", process=child.pid, sure=True)
        waiting = stack((f"{LIBRARY}/subprocess.py", "Popen.wait"), waits_on=known)
        chain = resolve(NOBODYS_PID, stacks=[waiting], roles={NOBODYS_PID: "engine"})
        assert chain.first.holder is not None and chain.first.holder.pid == child.pid
        assert f"-c input() ({child.pid}), which it started, to end" in words.in_words(chain)
        assert child.pid in elsewhere.children(os.getpid())
    finally:
        child.kill()
        child.communicate()


def test_thread_without_a_stack_is_said_to_have_none() -> None:
    chain = resolve(NOBODYS_PID, roles={NOBODYS_PID: "engine"})
    assert not chain.known and any("tells nothing" in line for line in chain.tried)


def test_facts_of_ones_own_threads_are_told() -> None:
    guard, ready = threading.Lock(), threading.Event()

    def hold() -> None:
        with guard:
            ready.set()
            time.sleep(0.5)

    def want() -> None:
        with guard:
            pass

    holder = threading.Thread(target=hold, name="holder")
    holder.start()
    ready.wait()
    waiter = threading.Thread(target=want, name="waiter")
    waiter.start()
    fact = wait_facts.Fact()
    while waiter.is_alive() and not fact.threads:
        fact = wait_facts.of_threads(sys._current_frames()).get(waiter.ident or 0, fact)
    holder.join()
    waiter.join()
    assert (fact.name, fact.type) == ("guard", "lock") and holder.native_id in fact.threads
