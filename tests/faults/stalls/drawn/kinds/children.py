"""Waiting for a child that does not end."""

from __future__ import annotations

import os
import subprocess

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.files import named
from tests.faults.stalls.drawn.kinds.kind import CHILD, NOT_IN_WORKER, STOPPED, Kind, Wait
from tests.faults.stalls.drawn.scene import NOBODY as NOBODY_IN_WORDS
from tests.faults.stalls.drawn.scene import Scene


def start_child(scene: Scene, **options: object) -> subprocess.Popen[bytes]:
    """Asleep, or stopped; the system's `sleep` or a program in Python."""
    script = scene.script("convert")
    script.write_text("import time\ntime.sleep(900)\n")
    command = programs.sleep(scene) if scene.number % 2 else [programs.PYTHON, str(script)]
    child = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    scene.remember(child.pid)
    if scene.holder == STOPPED:
        programs.stop(child.pid)
    scene.objects = scene.held_by = [[str(child.pid), *programs.signs(command)]]
    assert isinstance(child, subprocess.Popen)
    return child


def wait(scene: Scene) -> Wait:
    return start_child(scene).wait


def communicate(scene: Scene) -> Wait:
    return start_child(scene, stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate


def read_output(scene: Scene) -> Wait:
    child = start_child(scene, stdout=subprocess.PIPE)
    assert child.stdout is not None
    return child.stdout.read


def waitpid(scene: Scene) -> Wait:
    pid = start_child(scene).pid
    return lambda: os.waitpid(pid, 0)


def wait_with_limit(scene: Scene) -> Wait:
    """Looks again and again, with pauses that grow to a twentieth of a second."""
    child = start_child(scene)
    return lambda: child.wait(100_000)


def shell_command(scene: Scene) -> Wait:
    """A shell that waits in turn."""
    asleep = " ".join(programs.sleep(scene))
    shell = subprocess.Popen(f"{asleep}; echo done", shell=True)
    scene.remember(shell.pid)
    scene.objects, scene.held_by = [[str(shell.pid), asleep]], [[asleep]]
    return shell.wait


def a_fifo(scene: Scene) -> None:
    os.mkfifo(scene.path)


def output_of_cat(scene: Scene) -> Wait:
    """It waits for a named pipe that nobody opens."""
    cat = subprocess.Popen(["cat", str(scene.path)], stdout=subprocess.PIPE)
    scene.remember(cat.pid)
    scene.objects, scene.held_by = [named(scene)], [[str(cat.pid)], NOBODY_IN_WORDS]
    assert cat.stdout is not None
    return cat.stdout.read


READS_A_PIPE = ("anon_pipe_read", "pipe_read")
OF = (CHILD, STOPPED)
KINDS = (
    Kind("wait_for_child", wait, holders=OF, places=NOT_IN_WORKER, wchan=("do_wait",)),
    Kind(
        "communicate",
        communicate,
        holders=OF,
        places=NOT_IN_WORKER,
        wchan=("poll_schedule_timeout", "do_poll", "do_sys_poll"),
    ),
    Kind(
        "read_output_of_child",
        read_output,
        holders=OF,
        places=NOT_IN_WORKER,
        wchan=READS_A_PIPE,
    ),
    Kind("waitpid", waitpid, holders=OF, places=NOT_IN_WORKER, wchan=("do_wait",)),
    Kind("shell_command", shell_command, holders=(CHILD,), places=NOT_IN_WORKER, wchan=("do_wait",)),
    Kind("output_of_cat", output_of_cat, a_fifo, holders=(CHILD,), places=NOT_IN_WORKER, wchan=READS_A_PIPE),
    Kind("wait_for_child_with_limit", wait_with_limit, holders=OF, places=NOT_IN_WORKER, wchan=("hrtimer",)),
)
