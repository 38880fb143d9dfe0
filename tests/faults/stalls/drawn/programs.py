"""Processes that take part: whoever holds the object, and who merely stands by."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults.stalls.drawn.scene import SLEEPS_S, Scene

PYTHON = sys.executable
ROOT = str(Path(__file__).parents[4])

_started: list[subprocess.Popen[bytes]] = []


def python(scene: Scene, what: str, how: str, *arguments: str) -> list[str]:
    """A Python program of a drawn name that holds something (`holding.py`)."""
    script = scene.script(what)
    script.write_text("from tests.faults.stalls.drawn import holding\n\nholding.main()\n")
    return [PYTHON, str(script), how, *arguments]


def environment() -> dict[str, str]:
    """In which our programs find us."""
    return os.environ | {"PYTHONPATH": ROOT}


def start(scene: Scene, command: Sequence[str], descriptors: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """It lives until the scene is cleaned up, or for a quarter of an hour."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=tuple(descriptors),
        env=environment(),
    )
    scene.remember(process.pid)
    _started.append(process)
    return process


def start_holder(scene: Scene, command: list[str], how: str, descriptors: Sequence[int] = ()) -> None:
    """Until it has said that it holds; from then on the scene knows who does."""
    if how == "grandchild":
        command = ["sh", "-c", '"$@" & wait', "sh", *command]
    process = start(scene, command, descriptors)
    assert process.stdout is not None
    line = process.stdout.readline().split()
    if not line:
        raise RuntimeError(f"{command} ended with {process.wait()}")
    pid = int(line[0]) if line[0].isdigit() else process.pid
    scene.remember(pid)
    if how == "stopped":
        stop(pid)
    scene.values |= {"holder": pid, "told": [word.decode() for word in line[1:]]}
    with open(scene.folder / "told.txt", "ab") as file:  # For whoever cleans up.
        file.write(b" ".join(line[1:]) + b"\n")
    scene.held_by = [[str(pid), *signs(command)]]


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def signs(command: list[str]) -> list[str]:
    """Of its command line what no other has: its script, or how long it sleeps."""
    if any("sqlite3" in word for word in command):
        return ["sqlite3"]
    scripts = [word.rpartition("/")[2] for word in command if word.endswith(".py")]
    return scripts or re.findall(r"sleep \d+", " ".join(command))


def sleep(scene: Scene) -> list[str]:
    """The system's own, told from others by its number."""
    return ["sleep", str(SLEEPS_S + scene.number)]


def reap() -> None:
    """What this process started and has ended."""
    for process in list(_started):
        if process.poll() is not None:
            _started.remove(process)
            if process.stdout is not None:
                process.stdout.close()
