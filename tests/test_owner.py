"""Whose a run's folder is: locks of strangers are believed in nothing, and nobody but ours is signalled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from waste_gui import owner as owners
from waste_gui.owner import Owner, child, continue_tree, identity, kill_tree, prove, prove_child, terminate
from waste_gui.rundir import RunDir, RunFolderError, data_dir

HERE = socket.gethostname()
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")

VICTIM = """
import os, signal
def on_signal(number, frame):
    os.write(1, b"%d\\n" % number)  # A print may be interrupted inside another.
for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGHUP):
    signal.signal(number, on_signal)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""
ENGINE = """
import sys
from pathlib import Path
from waste_gui.rundir import RunDir
RunDir(Path(sys.argv[1])).acquire()
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def living(code: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real process, ready; it lives at the end, if it was not to be ended."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "run")
    run.create()
    run.events.touch()
    return run


def true_words(pid: int, **other: object) -> str:
    """A lock that is right in everything that a stranger can know of a process."""
    started = psutil.Process(pid).create_time()
    return json.dumps({"pid": pid, "started": started, "host": HERE, "identity": identity(pid)} | other)


def stolen(folder: RunDir, pid: int) -> str:
    """With the proof of another process, in another folder of the person's own."""
    other = RunDir(folder.path.parent / "other")
    other.create()
    other.acquire()
    return true_words(pid, proof=json.loads(other.lock.read_bytes())["proof"])


LOCKS: dict[str, Callable[[RunDir, int], str]] = {
    "all that can be known": lambda folder, pid: true_words(pid),
    "an empty proof": lambda folder, pid: true_words(pid, proof=""),
    "a made-up proof": lambda folder, pid: true_words(pid, proof="0" * 64),
    "a stolen proof": stolen,
    "another host": lambda folder, pid: true_words(pid, host="elsewhere"),
    "another boot": lambda folder, pid: true_words(pid, identity=f"a-b-c pid:[1] {pid}"),
    "no host, no identity": lambda folder, pid: true_words(pid, host=None, identity=None),
}


@posix
@pytest.mark.parametrize("lock", LOCKS)
def test_process_that_a_strangers_lock_names_gets_no_signal(lock: str, folder: RunDir) -> None:
    with living(VICTIM) as victim:
        folder.lock.write_text(LOCKS[lock](folder, victim.pid))
        holder = folder.holder()
        assert holder is None or not holder.ours
        assert prove(holder) is None and prove_child(holder, victim.pid) is None
        for send in (terminate, kill_tree, continue_tree):
            send(holder)
        assert holder is None or holder.here is (lock not in ("another host", "another boot"))
        os.kill(victim.pid, signal.SIGHUP)  # What came before it stands before it.
        assert victim.stdout is not None and int(victim.stdout.readline()) == signal.SIGHUP


@posix
@pytest.mark.parametrize("end", [terminate, kill_tree])
def test_engine_that_took_the_folder_is_ours_and_can_be_ended(
    end: Callable[[Owner | None], None], folder: RunDir
) -> None:
    with living(ENGINE, str(folder.path)) as engine:
        owner = folder.owner()
        assert owner is not None and (owner.pid, owner.here, owner.ours) == (engine.pid, True, True)
        moved = folder.path.rename(folder.path.with_name("moved"))
        holder = RunDir(moved).holder()
        assert holder is not None and holder.ours
        end(holder)
        assert engine.wait(10) < 0
        end(owner)  # Its number may be anybody's by now.
        assert prove(owner) is None and RunDir(moved).owner() is None


def test_folder_that_is_moved_while_its_lock_is_read_proves_nobody_and_raises_nothing(folder: RunDir) -> None:
    """A folder that comes and goes, as a drive does, between the lock's text and its proof."""
    folder.acquire()
    moved = folder.path.with_name("moved")
    until, done = time.monotonic() + 10, threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            folder.path.rename(moved)
            moved.rename(folder.path)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        proven: set[bool] = set()
        while proven != {True, False} and time.monotonic() < until:
            who = owners.read_owner(folder.lock, folder.events, data_dir(), time.time())
            proven |= {who.ours} if who else set()
    finally:
        done.set()
        thread.join()
    assert proven == {True, False}


def test_copy_of_a_running_runs_folder_is_not_ours(folder: RunDir, tmp_path: Path) -> None:
    folder.acquire()
    copy = RunDir(tmp_path / "copy")
    copy.create()
    copy.lock.write_bytes(folder.lock.read_bytes())
    holder = copy.holder()
    assert holder is not None and holder.here and not holder.ours


def test_key_is_the_persons_own(folder: RunDir) -> None:
    folder.acquire()
    key = data_dir() / owners.KEY_NAME
    assert len(key.read_bytes()) == owners.KEY_BYTES
    if sys.platform != "win32":
        assert key.stat().st_mode & 0o777 == 0o600
    key.write_bytes(os.urandom(owners.KEY_BYTES))
    holder = folder.holder()
    assert holder is not None and holder.here and not holder.ours


def test_two_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from waste_gui.owner import _key;"
        "print(_key(Path(sys.argv[1]), make=True).hex())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "home")], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == [owners.KEY_NAME]


@posix
def test_child_is_only_signalled_below_an_engine_of_ours() -> None:
    with living(VICTIM) as victim:
        me, own = child(os.getpid()), child(victim.pid)
        assert prove_child(me, victim.pid) is not None
        assert prove_child(own, os.getpid()) is None and prove_child(own, victim.pid) is None
    assert prove_child(me, victim.pid) is None


@pytest.mark.parametrize(
    "content",
    [
        '{"pid":-1,"started":0}',
        '{"pid":0,"started":0}',
        '{"pid":1,"started":Infinity}',
        '{"pid":1,"started":1e999}',
        f'{{"pid":{"9" * 400},"started":1}}',
        f'{{"pid":1,"started":{"9" * 400}}}',
        '{"pid":4294967296,"started":1}',
        '{"pid":true,"started":1}',
        '{"pid":1.5,"started":1}',
        "[" * 100_000,
        '{"pid":1,"started":1,"x":' + "[" * 3000,
        "\x00" * 64,
        '{"pid":1,"started":1,"host":{}}',
        json.dumps({"pid": 1, "started": 1, "host": "h" * 2000}),
        '{"pid":1,"started":1,"host":"h","identity":7}',
        " " * 5_000_000,
    ],
)
def test_lock_that_is_nonsense_names_nobody_and_can_be_taken(content: str, folder: RunDir) -> None:
    folder.lock.write_text(content)
    assert folder.holder() is None and folder.owner() is None
    folder.acquire()
    assert (mine := folder.owner()) is not None and mine.ours


@posix
@pytest.mark.parametrize("kind", ["fifo", "zero", "link", "folder", "socket"])
def test_lock_that_is_no_ordinary_file_names_nobody_at_once(
    kind: str, folder: RunDir, tmp_path: Path
) -> None:
    match kind:
        case "fifo":
            os.mkfifo(folder.lock)
        case "zero":
            folder.lock.symlink_to("/dev/zero")
        case "link":
            (tmp_path / "lock").write_text(true_words(os.getpid()))
            folder.lock.symlink_to(tmp_path / "lock")
        case "folder":
            folder.lock.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as here:
                here.bind(str(folder.lock))
    began = time.monotonic()
    assert folder.holder() is None
    assert time.monotonic() - began < 5


def test_run_of_another_computer_holds_its_folder_while_it_tells_something(folder: RunDir) -> None:
    folder.lock.write_text(true_words(os.getpid(), host="elsewhere"))
    owner = folder.owner()
    assert owner is not None and (owner.host, owner.here, owner.ours) == ("elsewhere", False, False)
    with pytest.raises(RunFolderError, match=f"process {os.getpid()} on elsewhere"):
        folder.acquire()
    long_ago = time.time() - 2 * owners.OTHER_HOST_S
    os.utime(folder.events, (long_ago, long_ago))
    assert folder.owner() is None
    holder = folder.holder()
    assert holder is not None and holder.silent_s > owners.OTHER_HOST_S
    folder.acquire()


def test_lock_of_this_name_but_another_system_is_elsewhere_while_it_tells_something(folder: RunDir) -> None:
    """Another container or computer of the same name; or this one before it was started anew."""
    if sys.platform != "linux":
        pytest.skip("where an identity names the start of the computer")
    folder.lock.write_text(true_words(os.getpid(), identity="0-0 pid:[1] 7"))
    holder = folder.holder()
    assert holder is not None and not holder.here
    os.utime(folder.events, (1, 1))
    assert folder.holder() is None


def test_name_of_another_computer_is_plain_text(folder: RunDir) -> None:
    folder.lock.write_text(json.dumps({"pid": 7, "started": 1.0, "host": "a\x1b[2J\n\u202eb"}))
    owner = folder.owner()
    assert owner is not None and owner.host == "a?[2J??b"
