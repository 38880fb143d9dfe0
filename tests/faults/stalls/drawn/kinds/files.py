"""Locks on files."""

from __future__ import annotations

import os
import struct
import sys

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.kind import ITSELF, PROCESSES, THREAD, Kind, Wait
from tests.faults.stalls.drawn.scene import Named, Scene

if sys.platform != "win32":
    import fcntl

LOCK_WAITS = ("locks_lock_inode_wait", "flock_lock_inode_wait", "fcntl_setlk")
WHOLE_FILE = struct.pack("hhqqi", 1, 0, 0, 0, 0)
"""A `struct flock` that asks for all of the file, to write."""


def named(scene: Scene) -> Named:
    """A file, by its path or by its own name."""
    return [str(scene.path), scene.path.name]


def a_file(scene: Scene) -> None:
    scene.path.touch()
    scene.objects = [named(scene)]
    if scene.number % 3 == 0:
        stand_by(scene)


def stand_by(scene: Scene) -> None:
    """Somebody has it open, too, and no lock on it."""
    process = programs.start(scene, programs.python(scene, "viewer", "look", str(scene.path)))
    assert process.stdout is not None
    process.stdout.readline()
    scene.strangers = [str(process.pid), scene.script("viewer").name]


def flock_program(scene: Scene) -> list[str]:
    """In Python; with the program of that name; or in a shell, where who took the lock has ended, and the
    program that inherited the descriptor keeps it."""
    path, asleep = str(scene.path), f"exec {' '.join(programs.sleep(scene))}"
    match scene.number % 3:
        case 0:
            return programs.python(scene, "evaluate", "flock", path)
        case 1:
            return ["flock", path, "sh", "-c", f"echo $PPID; {asleep}"]
    return ["sh", "-c", f'exec 9>>"$0"; flock 9; echo $$; {asleep}', path]


def take_flock(scene: Scene) -> object:
    file = open(scene.path, "a")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def flock(scene: Scene) -> Wait:
    file = open(scene.path, "a")
    return lambda: fcntl.flock(file, fcntl.LOCK_EX)


def lockf(scene: Scene) -> Wait:
    file = open(scene.path, "a")
    return lambda: fcntl.lockf(file, fcntl.LOCK_EX)


def ofd_lock(scene: Scene) -> Wait:
    file = os.open(scene.path, os.O_RDWR)
    return lambda: fcntl.fcntl(file, fcntl.F_OFD_SETLKW, WHOLE_FILE)


def take_ofd(scene: Scene) -> object:
    file = open(scene.path, "r+")
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, WHOLE_FILE)
    return file


def file_lock(scene: Scene) -> Wait:
    from filelock import FileLock

    return FileLock(scene.path).acquire


def lockf_program(scene: Scene) -> list[str]:
    """Of the process, or of the open file."""
    how = "ofd_lock" if scene.number % 2 else "lockf"
    return programs.python(scene, "evaluate", how, str(scene.path))


KINDS = (
    Kind(
        "flock",
        flock,
        a_file,
        flock_program,
        take_flock,
        holders=(*PROCESSES, THREAD, ITSELF),
        wchan=LOCK_WAITS,
    ),
    Kind("posix_lock", lockf, a_file, lockf_program, holders=PROCESSES, wchan=LOCK_WAITS),
    Kind(
        "ofd_lock",
        ofd_lock,
        a_file,
        lockf_program,
        take_ofd,
        holders=(*PROCESSES, THREAD, ITSELF),
        wchan=LOCK_WAITS,
    ),
    Kind(
        "filelock",
        file_lock,
        a_file,
        flock_program,
        holders=PROCESSES,
        wchan=("hrtimer",),
    ),
)
