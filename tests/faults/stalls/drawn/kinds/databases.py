"""A database that somebody else has locked."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.files import named
from tests.faults.stalls.drawn.kinds.kind import ITSELF, PROCESSES, THREAD, Kind, Wait
from tests.faults.stalls.drawn.scene import Scene

PATIENT_S = 100_000


def a_database(scene: Scene) -> None:
    with contextlib.closing(sqlite3.connect(scene.path)) as connection:
        if scene.number % 3 == 0:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE labels (photo TEXT, label TEXT)")
    scene.objects = [named(scene)]


HAS_SHELL = shutil.which("sqlite3") is not None


def program(scene: Scene) -> list[str]:
    """In Python, or its own shell, in which somebody left a transaction open."""
    if scene.number % 2 and HAS_SHELL:
        typed = 'echo "BEGIN EXCLUSIVE;"; echo ".shell echo \\$PPID"'
        asleep = " ".join(programs.sleep(scene))
        return ["sh", "-c", f'{{ {typed}; exec {asleep}; }} | sqlite3 "$0"', str(scene.path)]
    return programs.python(scene, "annotate", "database", str(scene.path))


def take(scene: Scene) -> object:
    connection = sqlite3.connect(scene.path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def write(scene: Scene) -> Wait:
    connection = sqlite3.connect(scene.path, timeout=PATIENT_S)
    return lambda: connection.execute("INSERT INTO labels VALUES ('a', 'b')")


KINDS = (
    Kind(
        "sqlite", write, a_database, program, take, holders=(*PROCESSES, THREAD, ITSELF), wchan=("hrtimer",)
    ),
)
