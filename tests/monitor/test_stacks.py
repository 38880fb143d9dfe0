"""Stacks from outside: of processes stuck in several ways; and what faulthandler writes, read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stuck import eventually, running, stuck
from waste_gui.monitor import stacks
from waste_gui.monitor.stack_words import in_words, key_frame
from waste_gui.monitor.stacks import StackReader, parse, parse_py_spy
from waste_gui.owner import child
from waste_gui.protocol import ThreadStack

needs_signals = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="Linux tells who catches a signal"
)
needs_py_spy = pytest.mark.skipif(stacks.py_spy() is None, reason="py-spy is not installed")

TWO_PROCESSES = r"""Process 100, engine, main thread 0x00007f0000000b80
Process 200, worker, main thread 0x00007e0000000b80
Thread 0x00007f00000016c0 (most recent call first):
  File "/lib/threading.py", line 327 in wait
  File "/app/beat.py", line 9 in _run

Thread 0x00007f0000000b80 (most recent call first):
  File "/app/main.py", line 5 in old
  File "/app/main.py", line 1 in <module>
Thread 0x00007e0000000b80 (most recent call first):
  File "/app/worker.py", line 7 in serve
Timeout (0:00:10)!
Thread 0x00007f0000000b80 (most recent call first):
  File "/app/main.py", line 6 in new
  File "/app/main.py", line 1 in <module>
"""

ODD_NAMES = r"""Current thread 0x00007fe46e89ab80 (most recent call first):
  File "/tmp/a "b", line 3 in c/\xe4\udcff\x0a\u65e5\U0001f600.py", line 2 in \xfcn\xefcode
  File "<stdin>", line ??? in <module>
  File ???, line 4 in ???
  ...
"""


def main_thread(threads: tuple[ThreadStack, ...], pid: int) -> ThreadStack:
    return next(thread for thread in threads if thread.pid == pid and thread.thread == "MainThread")


def words_of(reader: StackReader, pid: int) -> str:
    threads = reader.read(stands_still=True)
    return in_words(main_thread(threads, pid)) if threads else ""


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("holding the GIL in C", "in sleep_in_c (child.py, line "),
        ("holding the GIL in the kernel", "reading a file"),
        ("in a Python loop", "in spin (child.py, line"),
        ("in a lock", "waiting for a lock"),
        ("reading a pipe", "reading a file"),
    ],
)
def test_main_thread_of_a_stuck_process_is_told(tmp_path: Path, kind: str, words: str) -> None:
    with stuck(kind, tmp_path) as pid:
        reader = StackReader(tmp_path, child(pid))
        said = eventually(lambda: words_of(reader, pid), lambda said: said.startswith(words))
        main = main_thread(reader.read(stands_still=True), pid)
    assert said.startswith(words)
    assert main.role == "main"
    assert main.frames[0].function == "<module>"


@needs_signals
def test_thread_that_answers_is_left_out(tmp_path: Path) -> None:
    with stuck("holding the GIL in C", tmp_path) as pid:
        threads = StackReader(tmp_path, child(pid)).read(stands_still=True)
    assert threads and not [
        thread for thread in threads if any("_answer" in frame.function for frame in thread.frames)
    ]


@pytest.mark.slow
@needs_signals
def test_engine_whose_heart_beats_is_asked_in_the_safe_way_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stacks read while Python runs could crash it; also if it does not answer for once."""
    monkeypatch.setattr(stacks, "py_spy", lambda: None)
    with stuck("holding the GIL in C", tmp_path) as pid:
        reader = StackReader(tmp_path, child(pid))
        assert eventually(lambda: words_of(reader, pid), lambda said: "sleep_in_c" in said)
        assert reader.read() == ()


@pytest.mark.slow
@needs_signals
def test_worker_that_works_in_c_is_asked_without_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A regular expression that does not come to an end never lets another thread work."""
    monkeypatch.setattr(stacks, "py_spy", lambda: None)
    with stuck("working in C with the GIL", tmp_path) as pid:
        reader = StackReader(tmp_path, child(os.getpid()))

        def functions() -> list[str]:
            threads = [thread for thread in reader.read([pid]) if thread.pid == pid]
            return [frame.function for thread in threads for frame in thread.frames]

        assert "match" in eventually(functions, lambda seen: "match" in seen)


@needs_signals
def test_thread_that_holds_python_is_told_by_its_name(tmp_path: Path) -> None:
    with stuck("in a thread that holds the GIL", tmp_path) as pid:
        reader = StackReader(tmp_path, child(pid))

        def names() -> list[str]:
            return [thread.thread for thread in reader.read(stands_still=True)]

        assert "prefetch-33" in eventually(names, lambda seen: "prefetch-33" in seen)


@needs_signals
def test_process_that_does_not_catch_the_signals_is_not_signalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "py_spy", lambda: None)
    (tmp_path / "stacks.txt").touch()
    code = "import time; print('ready', flush=True); time.sleep(1000)"
    with running(code, str(tmp_path)) as pid:  # At its end it asserts that the process lives.
        assert StackReader(tmp_path, child(pid)).read(workers=[pid]) == ()


@needs_signals
def test_stopped_process_is_asked_in_the_safe_way_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "py_spy", lambda: None)
    with stuck("in a Python loop", tmp_path) as pid:
        os.kill(pid, signal.SIGSTOP)
        assert StackReader(tmp_path, child(pid)).read() == ()
        os.kill(pid, signal.SIGCONT)
        reader = StackReader(tmp_path, child(pid))
        assert eventually(lambda: words_of(reader, pid), lambda said: "in spin" in said)


@needs_signals
def test_worker_tells_its_stack_in_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "stacks.txt").touch()
    process = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "waste_gui.dataset.worker",
            str(os.getpid()),
            _shared_buffer(tmp_path),
            "0",
            "64",
            "8",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"WASTE_GUI_STACKS": str(tmp_path / "stacks.txt")},
    )
    with process:
        reader = StackReader(tmp_path, child(os.getpid()))

        def worker() -> str:
            threads = [thread for thread in reader.read([process.pid]) if thread.pid == process.pid]
            return f"{threads[0].role} {in_words(threads[0])}" if threads else ""

        idle = "worker waiting to be given a photo"
        assert eventually(worker, lambda said: said == idle) == idle
        process.kill()


def _shared_buffer(folder: Path) -> str:
    (folder / "arena").write_bytes(bytes(4096))
    return str(folder / "arena")


@pytest.mark.slow
@needs_signals
def test_file_that_grew_too_long_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "MAX_BYTES", 1000)
    with stuck("holding the GIL in C", tmp_path) as pid:
        reader = StackReader(tmp_path, child(pid))
        eventually(lambda: words_of(reader, pid), lambda said: "sleep_in_c" in said)
        with open(tmp_path / "stacks.txt", "ab") as file:
            file.write(b"x" * 1000)
        assert "sleep_in_c" in words_of(reader, pid)
    assert (tmp_path / "stacks.txt").stat().st_size < 5000


@needs_py_spy
def test_py_spy_is_asked_if_nothing_else_tells(tmp_path: Path) -> None:
    code = "import time\ndef nap(): time.sleep(1000)\nprint('ready', flush=True)\nnap()"
    with running(code, str(tmp_path)) as pid:
        reader = StackReader(tmp_path, child(pid))
        assert (
            eventually(lambda: words_of(reader, pid), lambda said: said.startswith("in nap"))
            == "in nap (child.py, line 2)"
        )


def test_nothing_is_told_of_a_process_that_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert StackReader(tmp_path, child(process.pid)).read() == ()


def test_newest_stack_of_each_thread_of_each_process_is_taken() -> None:
    threads = parse(TWO_PROCESSES)
    assert [(t.pid, t.role, t.thread, t.frames[-1].function) for t in threads] == [
        (100, "main", "MainThread", "new"),
        (200, "worker", "MainThread", "serve"),
        (100, "engine", "0x7f00000016c0", "wait"),
    ]
    assert [frame.function for frame in threads[0].frames] == ["<module>", "new"]


def test_odd_names_are_read() -> None:
    (thread,) = parse(ODD_NAMES, pid=7)
    assert (thread.pid, thread.thread) == (7, "MainThread")
    assert [(frame.file, frame.line, frame.function) for frame in thread.frames] == [
        ("???", 4, "???"),
        ("<stdin>", 0, "<module>"),
        ('/tmp/a "b", line 3 in c/ä?\n日😀.py', 2, "ünïcode"),
    ]


def test_dump_that_was_cut_off_gives_what_it_has() -> None:
    cut = TWO_PROCESSES[: TWO_PROCESSES.index("line 327") + 6]
    assert [(thread.pid, thread.frames) for thread in parse(cut, pid=100)] == [(100, ())]


def test_thread_without_python_frames_has_an_empty_stack() -> None:
    (thread,) = parse(
        "Thread 0x00007f0000000b80 [odd] name] (most recent call first):\n  <no Python frame>\n"
    )
    assert thread.frames == ()
    assert (key_frame(thread), in_words(thread)) == (-1, "")


def test_garbage_from_py_spy_gives_nothing() -> None:
    assert parse_py_spy(b"Error: Failed to find python version from target process", "engine") == ()
