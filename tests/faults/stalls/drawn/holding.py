"""A process that holds something: takes it, says so in a line, and sleeps.

`python SCRIPT WHAT ARGUMENT …`, where SCRIPT is a file of a drawn name that calls `main`. The line has the
process's number, and whatever else must be known to get at what it holds.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable

from tests.faults.stalls.drawn.scene import SLEEPS_S

kept: list[object] = []
"""What must stay open."""


def say(*words: object) -> None:
    print(os.getpid(), *words, flush=True)


def nothing() -> None:
    """What it was given stays open, and that is all."""
    say()


# --- files


def flock(path: str) -> None:
    import fcntl

    kept.append(file := open(path, "a"))
    fcntl.flock(file, fcntl.LOCK_EX)
    say()


def lockf(path: str) -> None:
    import fcntl

    kept.append(file := open(path, "a"))
    fcntl.lockf(file, fcntl.LOCK_EX)
    say()


def ofd_lock(path: str) -> None:
    import fcntl
    import struct

    kept.append(file := open(path, "r+"))
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))
    say()


def circle(path: str, wanted: str) -> None:
    """Wants a second lock as soon as somebody else has that."""
    import fcntl

    flock(path)
    kept.append(file := open(wanted))
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            break
        fcntl.flock(file, fcntl.LOCK_UN)
        time.sleep(0.02)
    fcntl.flock(file, fcntl.LOCK_EX)


def database(path: str) -> None:
    import sqlite3

    kept.append(connection := sqlite3.connect(path, isolation_level=None))
    connection.execute("BEGIN EXCLUSIVE")
    say()


def look(path: str) -> None:
    """Has it open, and nothing more."""
    kept.append(open(path))
    say()


def write_fifo(path: str) -> None:
    """Open to write; it does not wait for a reader."""
    kept.append(os.open(path, os.O_RDWR))
    say()


# --- sockets


def serve() -> None:
    """Takes every connection, and neither reads nor says anything."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        say(listener.getsockname()[1])
        while True:
            kept.append(listener.accept())


def listen() -> None:
    """Takes none."""
    import socket

    kept.append(listener := socket.create_server(("127.0.0.1", 0), backlog=0))
    say(listener.getsockname()[1])


def serve_locally(path: str) -> None:
    """As `serve`; a path that begins with @ is no file."""
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.replace("@", "\0") if path.startswith("@") else path)
        listener.listen()
        say()
        while True:
            kept.append(listener.accept())


def mailbox(path: str) -> None:
    """For datagrams, which it does not read."""
    import socket

    kept.append(box := socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    box.bind(path)
    say()


# --- objects of the system


def named_semaphore(name: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sem_open.restype = ctypes.c_void_p
    semaphore = ctypes.c_void_p(libc.sem_open(name.encode(), os.O_CREAT, 0o600, 1))
    libc.sem_wait(semaphore)
    say()


def system_semaphore() -> None:
    import struct

    libc = ctypes.CDLL(None, use_errno=True)
    semaphore = libc.semget(0, 1, 0o600)
    for change in (1, -1):  # Free, then taken.
        libc.semop(semaphore, struct.pack("Hhh", 0, change, 0), 1)
    say(semaphore)


def message_queue() -> None:
    say(ctypes.CDLL(None, use_errno=True).msgget(0, 0o600))


FILES = (flock, lockf, ofd_lock, circle, database, look, write_fifo)
HOW: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (
        *(nothing, *FILES),
        *(serve, listen, serve_locally, mailbox),
        *(named_semaphore, system_semaphore, message_queue),
    )
}


def main() -> None:
    HOW[sys.argv[1]](*sys.argv[2:])
    time.sleep(SLEEPS_S)
