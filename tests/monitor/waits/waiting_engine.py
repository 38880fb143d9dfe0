"""The engine whose main thread begins to wait in training: `python -m tests.monitor.waits.waiting_engine KIND
PATH train …`. Each kind waits for something at PATH, or for nothing with a name."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.stalls import faulty_engine
from waste_gui.engine import __main__ as engine

PATH = ""


def file_lock() -> None:
    import fcntl

    with open(PATH, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def lock_file_asked_for_again_and_again() -> None:
    from filelock import FileLock

    FileLock(PATH).acquire()


def empty_pipe() -> None:
    Path(PATH).read_bytes()


def child() -> None:
    subprocess.run(["sleep", "1000"])


def sleep() -> None:
    time.sleep(1000)


def thread() -> None:
    other = threading.Thread(target=empty_pipe, name="fetcher")
    other.start()
    other.join()


def database() -> None:
    import sqlite3

    sqlite3.connect(PATH, timeout=1000).execute("insert into a values (1)")


KINDS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        file_lock,
        lock_file_asked_for_again_and_again,
        empty_pipe,
        child,
        sleep,
        thread,
        database,
    )
}


def main() -> None:
    global PATH
    kind, PATH, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    faulty_engine.strike_in_training(KINDS[kind])
    os._exit(engine.run(arguments))


if __name__ == "__main__":
    main()
