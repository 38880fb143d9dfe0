"""Processes that wait for each other."""

from __future__ import annotations

import sys

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.children import READS_A_PIPE
from tests.faults.stalls.drawn.kinds.files import LOCK_WAITS, named
from tests.faults.stalls.drawn.kinds.kind import CHILD, GRANDCHILD, NOT_IN_WORKER, OTHER, Kind, Wait
from tests.faults.stalls.drawn.scene import CIRCLE, Scene

if sys.platform != "win32":
    import fcntl


def first(scene: Scene) -> str:
    return f"{scene.path}.mine"


def a_file_each(scene: Scene) -> None:
    scene.path.touch()
    open(first(scene), "w").close()
    scene.objects = [named(scene)]


def program(scene: Scene) -> list[str]:
    """Holds the second and wants the first, as soon as somebody has that."""
    return programs.python(scene, "evaluate", "circle", str(scene.path), first(scene))


def wait_for_the_second(scene: Scene) -> Wait:
    mine, wanted = open(first(scene)), open(scene.path)
    scene.held_by = [*scene.held_by, CIRCLE]

    def wait() -> None:
        fcntl.flock(mine, fcntl.LOCK_EX)
        fcntl.flock(wanted, fcntl.LOCK_EX)

    return wait


def ask_without_an_answer(scene: Scene) -> Wait:
    """The child waits for a line of its input, we for one of its output."""
    import subprocess

    command = [programs.PYTHON, "-c", f"number = {scene.number}\nfor line in open(0): print(number)"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    scene.remember(child.pid)
    scene.objects, scene.held_by = [["re:pipe"]], [[str(child.pid)], CIRCLE]
    assert child.stdout is not None
    return child.stdout.readline


KINDS = (
    Kind(
        "flocks_in_a_circle",
        wait_for_the_second,
        a_file_each,
        program,
        holders=(OTHER, CHILD, GRANDCHILD),
        wchan=LOCK_WAITS,
    ),
    Kind(
        "pipes_in_a_circle",
        ask_without_an_answer,
        holders=(CHILD,),
        places=NOT_IN_WORKER,
        wchan=READS_A_PIPE,
    ),
)
