"""What the kernel's log says of a process that is gone, where it may be read without further rights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable

from waste_gui import isolation

KMSG = "/dev/kmsg"
RECENT_S = 600.0
LIMIT_S = 2.0
MOST_LINES = 20_000

_ENTRY = re.compile(r"^\d+,\d+,(?P<us>\d+),[^;]*;(?P<text>.*)")
_PRINTED = re.compile(r"^\[\s*(?P<s>\d+\.\d+)\]\s*(?:\S+ kernel: )?(?P<text>.*)")


def killed_for_memory(pid: int) -> str:
    """The kernel's own line that it killed this process since memory ran out; empty if it says none.

    Takes at most `LIMIT_S`, and may be asked from any thread."""
    if sys.platform != "linux" or not pid:
        return ""
    return line_of(pid, _entries() or _journal(), time.monotonic())


def line_of(pid: int, entries: Iterable[tuple[float, str]], now: float) -> str:
    """The last of the recent lines that tell of it; `entries` are (seconds since the start, text)."""
    killed = re.compile(rf"\bkilled process {pid}\b", re.IGNORECASE)
    found = [text for at, text in entries if now - at < RECENT_S and killed.search(text)]
    return found[-1] if found else ""


def _entries() -> list[tuple[float, str]]:
    """All that the kernel still has in memory; nothing where that is for administrators alone."""
    found: list[tuple[float, str]] = []
    try:
        log = os.open(KMSG, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return found
    until = time.monotonic() + LIMIT_S
    try:
        while len(found) < MOST_LINES and time.monotonic() < until:
            try:
                entry = os.read(log, 8192).decode("utf-8", "replace")
            except BrokenPipeError:  # This entry was overwritten while it was read: the next one follows.
                continue
            if match := _ENTRY.match(entry):
                found.append((int(match["us"]) / 1e6, match["text"]))
    except OSError:  # No more entries.
        pass
    finally:
        os.close(log)
    return found


def _journal() -> list[tuple[float, str]]:
    """The same from the journal, which some users may read who may not ask the kernel."""
    program = isolation.which("journalctl")
    if program is None:
        return []
    command = (program, "--dmesg", "--quiet", "--no-pager", "--output=short-monotonic", "--lines=2000")
    try:
        said = subprocess.run(command, capture_output=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return list(printed_entries(said.stdout.decode("utf-8", "replace")))


def printed_entries(text: str) -> Iterable[tuple[float, str]]:
    """From lines such as `[ 1999.603880] host kernel: Out of memory: Killed process 6825 (python) …`."""
    for line in text.splitlines():
        if match := _PRINTED.match(line):
            yield float(match["s"]), match["text"]
