"""Programs that are none of ours, each stuck in a way of its own: `python -m waste_gui.monitor --pid PID`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.monitor.waits.waiting import LIMIT_S, Processes, until
from waste_gui.monitor import __main__ as monitor
from waste_gui.monitor.waits import kernel

Capture = pytest.CaptureFixture[str]


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def told(pid: int, capsys: Capture, *words: str) -> str:
    """What is said of its main thread, once these words are in it."""
    end, text = time.monotonic() + LIMIT_S, ""
    while time.monotonic() < end:
        assert monitor.main(["--pid", str(pid), "--format", "json"]) == 0
        text = str(json.loads(capsys.readouterr().out.splitlines()[0])["text"])
        if all(word in text for word in words):
            return text
        time.sleep(0.1)
    raise AssertionError(text)


@contextmanager
def silent_server() -> Iterator[int]:
    """Accepts, and says nothing. Gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


def child_named(pid: int, name: str) -> int:
    """Of a process or of its children, once it is there."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        todo = [pid]
        while todo:
            each = todo.pop()
            if kernel.command(each).startswith(name):
                return each
            todo += kernel.children(each)
        time.sleep(0.02)
    raise AssertionError(f"no {name}")


def test_tar_that_writes_into_a_full_pipe(processes: Processes, tmp_path: Path, capsys: Capture) -> None:
    tar = needs("tar")
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    read, write = os.pipe()
    reader = processes.start("sleep", 1000, stdin=read)
    writer = processes.start(tar, "cf", "-", "big", stdout=write)
    os.close(read)
    os.close(write)
    told(
        writer.pid, capsys, f"tar cf - big ({writer.pid})", "full", f"sleep 1000 ({reader.pid})", "its output"
    )


def test_tar_that_reads_a_named_pipe(processes: Processes, tmp_path: Path, capsys: Capture) -> None:
    tar = needs("tar")
    os.mkfifo(tmp_path / "archive.tar")
    reader = processes.start(tar, "xf", "archive.tar")
    told(reader.pid, capsys, f"{tmp_path}/archive.tar", "no process has it open")


def test_ssh_to_a_silent_server(processes: Processes, capsys: Capture) -> None:
    ssh = needs("ssh")
    with silent_server() as port:
        client = processes.start(ssh, "-p", port, "-o", "StrictHostKeyChecking=no", "127.0.0.1", "true")
        told(client.pid, capsys, "an answer from", f"127.0.0.1:{port}", f"({os.getpid()})")


def test_pip_at_a_silent_index(processes: Processes, capsys: Capture) -> None:
    with silent_server() as port:
        index = ("--index-url", f"http://127.0.0.1:{port}/simple", "--no-cache-dir", "--timeout", "600")
        client = processes.start(sys.executable, "-m", "pip", "download", *index, "no-such-thing-at-all")
        told(client.pid, capsys, "an answer from", f"127.0.0.1:{port}", f"({os.getpid()})")


def test_git_that_waits_for_an_editor(processes: Processes, tmp_path: Path, capsys: Capture) -> None:
    git = needs("git")
    name = ("-c", "user.name=n", "-c", "user.email=e")
    subprocess.run([git, "init", "-q", tmp_path / "repository"], check=True)
    there = {"cwd": tmp_path / "repository", "env": os.environ | {"GIT_EDITOR": "sleep 1000; true"}}
    commit = processes.start(git, *name, "commit", "--allow-empty", **there)
    text = told(commit.pid, capsys, f"commit --allow-empty ({commit.pid})", "it started", "sleep 1000")
    assert f"({child_named(commit.pid, 'sleep')})" in text


def test_make_that_waits_for_its_jobs(processes: Processes, tmp_path: Path, capsys: Capture) -> None:
    make = needs("make")
    (tmp_path / "Makefile").write_text("all: a b\na b:\n\tsleep 1000\n")
    build = processes.start(make, "-j", 2)
    told(build.pid, capsys, f"make -j 2 ({build.pid})", "sleep 1000", "it started")


def test_shell_that_reads_a_named_pipe(processes: Processes, tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "orders")
    writer = processes.start("sh", "-c", "exec 3<>orders; exec sleep 1000")
    time.sleep(0.2)
    shell = processes.start("sh", "-c", "read line < orders; true")
    told(shell.pid, capsys, f"the named pipe {tmp_path}/orders", f"sleep 1000 ({writer.pid})")


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_sqlite_at_a_locked_database(
    processes: Processes, tmp_path: Path, capsys: Capture, journal: str
) -> None:
    program = needs("sqlite3")
    path = tmp_path / "labels.db"
    subprocess.run(
        [program, path, f"pragma journal_mode={journal}; create table a (b)"], check=True, stdout=-3
    )
    holder = processes.start(program, path, stdin=-1)
    assert holder.stdin is not None
    holder.stdin.write(b"begin immediate; insert into a values (1);\n")
    holder.stdin.flush()
    time.sleep(0.3)
    waiter = processes.start(program, "-cmd", ".timeout 100000", path, "insert into a values (2)")
    told(waiter.pid, capsys, f"the database {path}", f"({holder.pid})", "its input")


def test_server_that_accepts(processes: Processes, capsys: Capture) -> None:
    script = "import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.accept()"
    told(processes.python(script).pid, capsys, "somebody to connect to 127.0.0.1:")


def test_idle_workers_of_a_pool(processes: Processes, capsys: Capture) -> None:
    script = (
        "import multiprocessing, time\npool = multiprocessing.get_context('fork').Pool(2)\n"
        "print(flush=True)\ntime.sleep(1000)"
    )
    program = processes.python(script, stdout=-1)
    assert program.stdout is not None
    program.stdout.readline()
    workers = kernel.children(program.pid)

    def both_idle() -> bool:
        texts = [told(worker, capsys) for worker in workers]
        reads = any("come out of a pipe" in text and f"({program.pid})" in text for text in texts)
        return reads and any("a lock or semaphore shared with other processes" in text for text in texts)

    until(both_idle, "idle workers")


def test_stopped_job(processes: Processes, capsys: Capture) -> None:
    job = processes.start("sleep", 1000)
    job.send_signal(signal.SIGSTOP)
    told(job.pid, capsys, "is stopped", f"kill -CONT {job.pid}")


def test_shell_that_waits_for_a_stopped_job(processes: Processes, capsys: Capture) -> None:
    shell = processes.start("sh", "-c", "sleep 1000; true")
    job = child_named(shell.pid, "sleep")
    os.kill(job, signal.SIGSTOP)
    told(shell.pid, capsys, f"kill -CONT {job}")


def test_no_such_process_is_said_so(capsys: Capture) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    assert monitor.main(["--pid", str(ended.pid)]) == monitor.NO_RUN
    assert "There is no process" in capsys.readouterr().err


def test_name_of_a_program_moves_no_cursor(processes: Processes, capsys: Capture) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07"
    process = processes.start("sh", "-c", "sleep 1000; true", evil)
    assert monitor.main(["--pid", str(process.pid), "--format", "text"]) == 0
    assert "\x1b" not in capsys.readouterr().out
