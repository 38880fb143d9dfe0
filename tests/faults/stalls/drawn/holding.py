"""A process that holds something: takes it, says so in a line, and sleeps.

`python SCRIPT WHAT ARGUMENT …`, where SCRIPT is a file of a drawn name that calls `main`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from tests.faults.stalls.drawn.scene import SLEEPS_S

kept: list[object] = []
"""What must stay open."""


def flock(path: str) -> None:
    import fcntl

    kept.append(file := open(path, "a"))
    fcntl.flock(file, fcntl.LOCK_EX)


def lockf(path: str) -> None:
    import fcntl

    kept.append(file := open(path, "a"))
    fcntl.lockf(file, fcntl.LOCK_EX)


def database(path: str) -> None:
    import sqlite3

    kept.append(connection := sqlite3.connect(path, isolation_level=None))
    connection.execute("BEGIN EXCLUSIVE")


def look(path: str) -> None:
    """Has it open, and nothing more."""
    kept.append(open(path))


def write_fifo(path: str) -> None:
    """Open to write, once somebody reads; it does not wait for that."""
    kept.append(os.open(path, os.O_RDWR))


def nothing() -> None:
    pass


HOW: dict[str, Callable[..., None]] = {
    function.__name__: function for function in (flock, lockf, database, look, write_fifo, nothing)
}


def main() -> None:
    HOW[sys.argv[1]](*sys.argv[2:])
    print(os.getpid(), flush=True)
    time.sleep(SLEEPS_S)
