"""Pipes that stay empty, or full; named ones that nobody opens."""

from __future__ import annotations

import os

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.files import named
from tests.faults.stalls.drawn.kinds.kind import (
    CHILD,
    GRANDCHILD,
    ITSELF,
    NOBODY,
    NOT_IN_WORKER,
    OTHER,
    STOPPED,
    Kind,
    Wait,
)
from tests.faults.stalls.drawn.scene import ITSELF as IN_WORDS
from tests.faults.stalls.drawn.scene import NOBODY as NOBODY_IN_WORDS
from tests.faults.stalls.drawn.scene import Scene

A_PIPE = [["re:pipe"]]


def other_end(scene: Scene, end: int, mine: int) -> None:
    """With a child, with a child's child, or with this process itself."""
    scene.objects = A_PIPE
    if scene.holder == ITSELF:
        scene.held_by = [[*IN_WORDS, *NOBODY_IN_WORDS]]
        return
    command = programs.python(scene, "resize", "nothing")
    programs.start_holder(scene, command, scene.holder, [end])
    os.close(end)


def read_pipe(scene: Scene) -> Wait:
    reading, writing = os.pipe()
    other_end(scene, writing, reading)
    return lambda: os.read(reading, 1)


def write_pipe(scene: Scene) -> Wait:
    reading, writing = os.pipe()
    other_end(scene, reading, writing)
    return lambda: os.write(writing, bytes(1_000_000))


def read_stdin(scene: Scene) -> Wait:
    """As a program that asks something, and nobody is there."""
    reading, writing = os.pipe()
    other_end(scene, writing, reading)
    os.dup2(reading, 0)
    scene.objects = [["re:pipe|standard input|stdin"]]
    return lambda: open(0).readline()


def read_terminal(scene: Scene) -> Wait:
    """As a program that asks something, and the person sees no question."""
    _, terminal = os.openpty()
    os.dup2(terminal, 0)
    name = os.ttyname(terminal)
    scene.objects = [["re:terminal", name]]
    return lambda: open(0).readline()


def a_fifo(scene: Scene) -> None:
    os.mkfifo(scene.path)
    scene.objects = [named(scene)]
    if scene.holder == NOBODY:
        scene.held_by = [NOBODY_IN_WORDS]


def open_to_read(scene: Scene) -> Wait:
    return lambda: open(scene.path, "rb")


def open_to_write(scene: Scene) -> Wait:
    return lambda: open(scene.path, "wb")


def read_fifo(scene: Scene) -> Wait:
    """Somebody has it open to write, and writes nothing."""
    if scene.holder == ITSELF:
        scene.held_by = [[*IN_WORDS, *NOBODY_IN_WORDS]]
        both = os.open(scene.path, os.O_RDWR)
        return lambda: os.read(both, 100)
    file = open(scene.path, "rb", buffering=0)
    return lambda: file.read(100)


def fifo_program(scene: Scene) -> list[str]:
    return programs.python(scene, "capture", "write_fifo", str(scene.path))


ENDS = (CHILD, GRANDCHILD, ITSELF)
KINDS = (
    Kind("read_pipe", read_pipe, holders=ENDS, wchan=("anon_pipe_read", "pipe_read")),
    Kind("write_pipe", write_pipe, holders=ENDS, wchan=("anon_pipe_write", "pipe_write")),
    Kind(
        "read_stdin",
        read_stdin,
        holders=ENDS,
        places=NOT_IN_WORKER,
        wchan=("anon_pipe_read", "pipe_read"),
    ),
    Kind("read_terminal", read_terminal, places=NOT_IN_WORKER, wchan=("wait_woken", "n_tty_read")),
    Kind("open_fifo_to_read", open_to_read, a_fifo, wchan=("wait_for_partner",)),
    Kind("open_fifo_to_write", open_to_write, a_fifo, wchan=("wait_for_partner",)),
    Kind(
        "read_fifo",
        read_fifo,
        a_fifo,
        fifo_program,
        holders=(OTHER, STOPPED, CHILD, GRANDCHILD, ITSELF),
        wchan=("pipe_read", "fifo", "anon_pipe_read"),
    ),
)
