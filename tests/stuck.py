"""Real processes that tell their stacks and then get stuck, each in its own way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ARMED = """
import ctypes, os, sys, threading, time
from pathlib import Path
from waste_gui.engine import stacks
from waste_gui.stack_file import block_signals
block_signals()
stacks.write_stacks_to(Path(sys.argv[1]) / "stacks.txt")
"""

STUCK = {
    "holding the GIL in C": """
def sleep_in_c():
    ctypes.PyDLL(None).sleep(1000)
""",
    "holding the GIL in the kernel": """
def read_in_kernel():
    os.mkfifo(sys.argv[1] + "/pipe")
    pipe = os.open(sys.argv[1] + "/pipe", os.O_RDWR)
    ctypes.PyDLL(None).read(pipe, ctypes.create_string_buffer(1), 1)
""",
    "in a Python loop": """
def spin():
    while True:
        len(str(time))
""",
    "working in C with the GIL": """
def match():
    import re
    re.match("(a+)+$", "a" * 64 + "b")
""",
    "in a thread that holds the GIL": """
def join_a_thread():
    libc = ctypes.PyDLL(None)
    thread = threading.Thread(target=libc.sleep, args=(1000,), name="prefetch-33")
    thread.start()
    thread.join()
""",
    "in a lock": """
def wait_twice():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
""",
    "reading a pipe": """
def read_pipe():
    os.mkfifo(sys.argv[1] + "/pipe")
    os.open(sys.argv[1] + "/pipe", os.O_RDONLY)
""",
}


@contextlib.contextmanager
def stuck(kind: str, folder: Path) -> Iterator[int]:
    """The pid of a process that is stuck, or about to be."""
    last = STUCK[kind].strip().partition("(")[0].removeprefix("def ")
    code = f"{ARMED}{STUCK[kind]}print('ready', flush=True)\n{last}()\n"
    with running(code, str(folder)) as pid:
        yield pid


@contextlib.contextmanager
def running(code: str, folder: str, *arguments: str) -> Iterator[int]:
    """The pid of a Python process that has printed a line; it still lives at the end."""
    script = Path(folder) / "child.py"  # A file, so that the lines of its stack can be looked up.
    script.write_text(code, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), folder, *arguments],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process.pid
        assert process.poll() is None, f"it was ended ({process.returncode})"
    finally:
        process.kill()
        process.communicate()


def eventually(look: Callable[[], T], wanted: Callable[[T], bool], limit_s: float = 20) -> T:
    """The first look that is as wanted; else the last, for the assertion to show."""
    until = time.monotonic() + limit_s
    while not wanted(seen := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return seen
