"""What the main thread of a program waits for that tells its stacks: by them and by the kernel together."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.monitor.waits.waiting import LIMIT_S, Processes, until
from waste_gui import owner
from waste_gui.monitor.stacks import StackReader
from waste_gui.monitor.waits import kernel, words
from waste_gui.monitor.waits.link import Chain, Kind
from waste_gui.monitor.waits.run_waits import waits_of_run
from waste_gui.rundir import RunDir

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")


@dataclass(frozen=True)
class Case:
    """`kinds` are the first links'; `words` are in the sentence."""

    code: str
    kinds: tuple[Kind, ...]
    words: tuple[str, ...]


THREAD = "threading.Thread(target={target}, name='fetcher', daemon=True).start(); time.sleep(0.3)\n"
HOLD = """
def hold():
    with guard:
        time.sleep(1000)
"""
CASES = {
    "sleep": Case("def wait(): time.sleep(1000)\nwait()", (Kind.SLEEP,), ("sleeps", "wait")),
    "lock of another thread": Case(
        f"guard = threading.Lock()\n{HOLD}{THREAD.format(target='hold')}guard.acquire()",
        (Kind.LOCK, Kind.SLEEP),
        ("guard", "fetcher"),
    ),
    "lock in an attribute": Case(
        "class Store:\n    def __init__(self): self.guard = threading.Lock()\n"
        "    def hold(self):\n        with self.guard: time.sleep(1000)\n"
        "    def read(self):\n        with self.guard: pass\n"
        f"store = Store()\n{THREAD.format(target='store.hold')}store.read()",
        (Kind.LOCK, Kind.SLEEP),
        ("self.guard", "fetcher", "read"),
    ),
    "lock taken twice": Case(
        "guard = threading.Lock()\nguard.acquire()\nguard.acquire()",
        (Kind.LOCK,),
        ("guard", "nobody will release it"),
    ),
    "lock by its method": Case(
        "def ready():\n    guard = threading.Lock()\n    def hold():\n        with guard: time.sleep(1000)\n"
        "    threading.Thread(target=hold, name='fetcher', daemon=True).start(); time.sleep(0.3)\n"
        "    return guard.acquire\nwait = ready()\nwait()",
        (Kind.LOCK, Kind.SLEEP),
        ("fetcher",),
    ),
    "lock that two others have": Case(
        f"guard = threading.Lock()\n{HOLD}"
        "def look():\n    guard.locked(); time.sleep(1000)\n"
        "threading.Thread(target=look, name='looker', daemon=True).start()\n"
        f"{THREAD.format(target='hold')}guard.acquire()",
        (Kind.LOCK, Kind.SLEEP),
        ("fetcher", "looker"),
    ),
    "reentrant lock": Case(
        f"guard = threading.RLock()\n{HOLD}{THREAD.format(target='hold')}guard.acquire()",
        (Kind.LOCK, Kind.SLEEP),
        ("guard", "fetcher", "holds"),
    ),
    "two locks in another order": Case(
        "a, b = threading.RLock(), threading.RLock()\n"
        "def other():\n    with b:\n        time.sleep(0.5)\n        a.acquire()\n"
        "def first():\n    with a:\n        b.acquire()\n"
        "threading.Thread(target=other, name='fetcher', daemon=True).start(); time.sleep(0.2)\nfirst()",
        (Kind.LOCK, Kind.LOCK),
        ("deadlock", "fetcher"),
    ),
    "join": Case(
        "def fetch(): sys.stdin.read()\n"
        "t = threading.Thread(target=fetch, name='fetcher'); t.start(); t.join()",
        (Kind.THREAD, Kind.PIPE_READ),
        ("“fetcher” to end", "its input"),
    ),
    "queue": Case(
        "photos = queue.Queue()\ndef produce():\n    time.sleep(1000); photos.put(1)\n"
        f"{THREAD.format(target='produce')}photos.get()",
        (Kind.QUEUE, Kind.SLEEP),
        ("photos", "fetcher"),
    ),
    "simple queue": Case("photos = queue.SimpleQueue()\nphotos.get()", (Kind.QUEUE,), ("photos",)),
    "full queue": Case(
        "photos = queue.Queue(1)\nphotos.put(1)\nphotos.put(1)", (Kind.FULL_QUEUE,), ("photos", "full")
    ),
    "queue.join": Case("photos = queue.Queue()\nphotos.put(1)\nphotos.join()", (Kind.QUEUE,), ("photos",)),
    "event": Case("ready = threading.Event()\nready.wait()", (Kind.EVENT,), ("ready", "event")),
    "event with a limit": Case(
        "ready = threading.Event()\nwhile not ready.wait(1): pass", (Kind.EVENT,), ("ready",)
    ),
    "condition": Case(
        "changed = threading.Condition()\nwith changed: changed.wait()", (Kind.CONDITION,), ("changed",)
    ),
    "semaphore": Case(
        "slots = threading.Semaphore(0)\nslots.acquire()", (Kind.SEMAPHORE,), ("slots", "semaphore")
    ),
    "barrier": Case("gate = threading.Barrier(2)\ngate.wait()", (Kind.BARRIER,), ("gate", "barrier")),
    "future": Case(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(2, 'fetcher')\nresult = pool.submit(time.sleep, 1000)\nresult.result()",
        (Kind.RESULT, Kind.SLEEP),
        ("fetcher_0", "result"),
    ),
    "child": Case(
        "subprocess.run(['sleep', '1000'])", (Kind.CHILD, Kind.SLEEP), ("sleep 1000", "it started")
    ),
    "child with a limit": Case(
        "subprocess.Popen(['sleep', '1000']).wait(900)", (Kind.CHILD, Kind.SLEEP), ("sleep 1000",)
    ),
    "child that is listened to": Case(
        "subprocess.run(['sleep', '1000'], capture_output=True)", (Kind.CHILD, Kind.SLEEP), ("sleep 1000",)
    ),
    "child that is listened to by lines": Case(
        "p = subprocess.Popen(['sleep', '1000'], stdout=-1)\np.stdout.readline()",
        (Kind.PIPE_READ, Kind.SLEEP),
        ("sleep 1000",),
    ),
    "os.system": Case("os.system('sleep 1000; true')", (Kind.CHILD,), ("sleep 1000",)),
    "process": Case(
        "import multiprocessing\ndef work(): time.sleep(1000)\n"
        "p = multiprocessing.get_context('fork').Process(target=work); p.start(); p.join()",
        (Kind.CHILD, Kind.SLEEP),
        ("it started",),
    ),
    "queue of processes": Case(
        "import multiprocessing\nfork = multiprocessing.get_context('fork')\nq = fork.Queue()\n"
        "def work(): time.sleep(1000)\nfork.Process(target=work).start()\nq.get()",
        (Kind.QUEUE,),
        ("queue",),
    ),
    "lock of processes": Case(
        "import multiprocessing\nfork = multiprocessing.get_context('fork')\nguard = fork.Lock()\n"
        "def work():\n    with guard: time.sleep(1000)\n"
        "fork.Process(target=work).start(); time.sleep(0.5)\nguard.acquire()",
        (Kind.LOCK,),
        ("lock",),
    ),
    "pool of processes": Case(
        "import multiprocessing\nfork = multiprocessing.get_context('fork')\n"
        "fork.Pool(2).map(time.sleep, [1000, 1000])",
        (Kind.POOL,),
        ("pool",),
    ),
    "pool of futures": Case(
        "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing\n"
        "p = ProcessPoolExecutor(1, multiprocessing.get_context('fork'))\n"
        "p.submit(time.sleep, 1000).result()",
        (Kind.RESULT,),
        ("result",),
    ),
    "asyncio": Case("import asyncio\nasyncio.run(asyncio.sleep(1000))", (Kind.SEVERAL,), ("timer",)),
    "file that never comes": Case(
        "def wait_for(path):\n    while not os.path.exists(path): time.sleep(0.5)\n"
        "wait_for('/tmp/no such file at all')",
        (Kind.FILE,),
        ("/tmp/no such file at all to come", "wait_for"),
    ),
    "file that never goes": Case(
        "def wait_for(path):\n    while os.path.exists(path): time.sleep(0.5)\n"
        "open('x.lock', 'w').write('4194305')\nwait_for(os.path.abspath('x.lock'))",
        (Kind.FILE_LOCK,),
        ("x.lock", "nobody is there", "wait_for"),
    ),
    "soft lock of another": Case(
        "from filelock import SoftFileLock\nopen('y.lock', 'w').close()\n"
        "SoftFileLock(os.path.abspath('y.lock')).acquire()",
        (Kind.FILE_LOCK,),
        ("y.lock", "crashed left it behind"),
    ),
    "signal": Case("import signal\nsignal.pause()", (Kind.SIGNAL,), ("signal",)),
    "sigwait": Case("import signal\nsignal.sigwait([signal.SIGHUP])", (Kind.SIGNAL,), ("signal",)),
    "input": Case("input()", (Kind.PIPE_READ,), ("its input",)),
    "accept": Case(
        "s = socket.create_server(('127.0.0.1', 0)); s.accept()", (Kind.LISTENING,), ("127.0.0.1:",)
    ),
}
HEAD = "import os, queue, socket, subprocess, sys, threading, time\n"


def first_chain(processes: Processes, tmp_path: Path, case: Case) -> Chain:
    """Once it is what it is to be, or what it stays."""
    script = tmp_path / "program.py"
    script.write_text(HEAD + case.code)
    here = Path(__file__).parents[3]
    program = ("-m", "tests.monitor.waits.answering", RunDir(tmp_path).stacks, script)
    process = processes.start(
        sys.executable, *program, stdin=-1, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(here)}
    )
    reader, end = StackReader(tmp_path, owner.child(process.pid)), time.monotonic() + LIMIT_S
    seen: list[tuple[Kind, ...]] = []
    while time.monotonic() < end:
        assert process.poll() is None
        stacks = reader.read()
        if any(frame.file == str(script) for stack in stacks for frame in stack.frames):
            chain = waits_of_run(process.pid, {process.pid: "engine"}, stacks)[0]
            kinds = tuple(link.kind for link in chain.links)
            seen.append(kinds)
            if kinds[: len(case.kinds)] == case.kinds or len(seen) > 15:
                return chain
        time.sleep(0.25)
    raise AssertionError(f"seen: {seen}")


@pytest.mark.parametrize("name", CASES)
def test_wait_of_a_program_is_named(processes: Processes, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    chain = first_chain(processes, tmp_path, case)
    text = words.in_words(chain)
    print(text)
    assert tuple(link.kind for link in chain.links)[: len(case.kinds)] == case.kinds
    assert all(word in text for word in case.words)
    assert "program.py" in text


def reads_a_pipe(pid: int) -> bool:
    tasks = [kernel.task(pid, tid) for tid in kernel.threads(pid)]
    return any("pipe_read" in task.wchan for task in tasks if task is not None)


def test_thread_that_reads_and_keeps_python_from_running_is_found(
    processes: Processes, tmp_path: Path
) -> None:
    """Nothing of Python answers then: faulthandler tells the stacks, and no numbers of threads."""
    script = tmp_path / "program.py"
    script.write_text(
        HEAD + "import ctypes\nr, w = os.pipe()\n"
        "def fetch():\n    time.sleep(0.5); ctypes.PyDLL(None).read(r, ctypes.create_string_buffer(9), 9)\n"
        "t = threading.Thread(target=fetch, name='fetcher'); t.start(); t.join()"
    )
    here = Path(__file__).parents[3]
    program = ("-m", "tests.monitor.waits.answering", RunDir(tmp_path).stacks, script)
    environment = os.environ | {"PYTHONPATH": str(here)}
    process = processes.start(sys.executable, *program, cwd=tmp_path, env=environment)
    until(lambda: reads_a_pipe(process.pid), "the read")  # To ask Python that runs so could crash it.
    reader, end = StackReader(tmp_path, owner.child(process.pid)), time.monotonic() + LIMIT_S
    kinds: list[Kind] = []
    while kinds != [Kind.THREAD, Kind.PIPE_READ] and time.monotonic() < end:
        stacks = reader.read(stands_still=True)
        chain = waits_of_run(process.pid, {process.pid: "engine"}, stacks)[0]
        kinds = [link.kind for link in chain.links]
    assert kinds == [Kind.THREAD, Kind.PIPE_READ]


def test_nap_of_a_program_with_children_is_what_its_stack_says(processes: Processes, tmp_path: Path) -> None:
    """The engine always has children: to ask for something now and then is not to wait for these."""
    held = (
        "from filelock import FileLock\n"
        "subprocess.Popen(['cat'], stdin=-1)\n"
        "subprocess.Popen(['flock', 'z.lock', 'sleep', '1000'])\n"
        "time.sleep(0.5)\nFileLock(os.path.abspath('z.lock')).acquire()"
    )
    chain = first_chain(processes, tmp_path, Case(held, (Kind.FILE_LOCK, Kind.CHILD), ()))
    assert chain.first.kind is Kind.FILE_LOCK and chain.first.name.endswith("/z.lock")
    assert chain.first.holder is not None and chain.first.holder.command.startswith("flock")


def test_nap_alone_is_no_wait_for_a_child(processes: Processes, tmp_path: Path) -> None:
    naps = "subprocess.Popen(['cat'], stdin=-1)\nwhile True: time.sleep(0.05)"
    chain = first_chain(processes, tmp_path, Case(naps, (Kind.SLEEP,), ()))
    assert chain.first.kind is Kind.SLEEP and chain.circle is None
