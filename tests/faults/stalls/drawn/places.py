"""In the engine: the main thread, a thread that it waits for, a child or a child's child gets stuck."""

from __future__ import annotations

import os
import subprocess
import threading

from tests.faults.stalls.drawn import stuck
from tests.faults.stalls.drawn.scene import Scene


def get_stuck(of: Scene) -> None:
    match of.place:
        case "main":
            stuck.get_stuck(of)
        case "thread":
            thread = threading.Thread(target=stuck.get_stuck, args=(of,), name=of.thread_name, daemon=True)
            thread.start()
            thread.join()
        case "child" | "grandchild":
            wait_for_child(of)


def wait_for_child(of: Scene) -> None:
    """In the ways of the standard library, by the scene's number."""
    command = stuck.command(of)
    match of.number % 4:
        case 0:
            subprocess.run(command)
        case 1:
            subprocess.Popen(command).wait()
        case 2:
            subprocess.check_output(command)
        case _:
            os.waitpid(subprocess.Popen(command).pid, 0)
