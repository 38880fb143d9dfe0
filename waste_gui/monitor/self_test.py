"""Can this computer train? Looked at from Python to the clock, each with what to do.

In the window at the first start, and as `waste-gui --self-test` in a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from waste_gui import files
from waste_gui.monitor.formatting import size
from waste_gui.monitor.installation import (
    Check,
    CheckState,
    installed_pyside,
    pyside_check,
    python_check,
    qt_check,
    torch_checks,
)
from waste_gui.monitor.machine import Machine, look_at_machine
from waste_gui.plain_text import plain

GB, MB = 10**9, 10**6

LEAST_MEMORY, GOOD_MEMORY = 2 * GB, 6 * GB
LEAST_SHM = 256 * MB
"""Containers begin with 64 MB; several graphics cards want more to exchange data."""

LEAST_DISK, GOOD_DISK = 2 * GB, 20 * GB
GOOD_SPEED = 20 * MB
"""Bytes a second: below it, saving a checkpoint of a large model takes longer than half a minute."""

CHUNK, CHUNKS, WRITE_LIMIT_S = 4 * MB, 8, 10.0
TRIAL = ".self-test"

SLOW_DISK = "Saving will take long. Is it a network drive, or is the disk busy?"

CLOCKS_APART_S = 60.0
OLDEST = time.mktime((2025, 1, 1, 0, 0, 0, 0, 0, -1))
"""Before this program was written."""

MARKS: dict[CheckState, str] = {"ok": "✓ ok", "warn": "! look", "fail": "✗ fails"}

NAMES = (
    "Python",
    "PySide6",
    "Window (Qt)",
    "PyTorch",
    "Graphics card",
    *(("Shared memory",) if sys.platform == "linux" else ()),
    "Memory",
    "Data folder",
    "Disk space",
    "Write speed",
    "Clock",
)
"""In the order in which `checks` tells them."""


def checks(folder: Path) -> Iterator[Check]:
    """One after the other, as they are known; `folder` is where runs are kept. Some take seconds."""
    yield python_check()
    yield pyside_check(installed_pyside())
    yield qt_check()
    yield from torch_checks()
    writable = folder_check(folder)
    machine = look_at_machine(folder)
    if sys.platform == "linux":
        yield shm_check(machine)
    yield memory_check(machine)
    yield writable
    yield disk_check(machine)
    yield speed_check(folder)
    yield clock_check(folder, time.time())


def shm_check(machine: Machine) -> Check:
    name, free = "Shared memory", machine.free_shm_bytes
    advice = "In a container add: docker run --shm-size=2g. Else close other programs."
    if free is None or machine.shm_bytes is None:
        return Check(name, "warn", "There is no /dev/shm; several graphics cards cannot share data.", advice)
    seen = f"{size(free)} of {size(machine.shm_bytes)} free"
    return Check(name, "warn", seen, advice) if free < LEAST_SHM else Check(name, "ok", seen)


def memory_check(machine: Machine) -> Check:
    name, total, free = "Memory", machine.memory_bytes, machine.free_memory_bytes
    if total is None or free is None:
        return Check(name, "ok", "the system does not tell")
    seen = f"{size(free)} of {size(total)} free"
    if free < LEAST_MEMORY:
        state: CheckState = "fail" if total < LEAST_MEMORY else "warn"
        return Check(name, state, seen, "Close other programs; training needs about 2 GB at the least.")
    if total < GOOD_MEMORY:
        return Check(name, "warn", seen, "Choose a small model (resnet18), small batches and small images.")
    return Check(name, "ok", seen)


def folder_check(folder: Path) -> Check:
    """Whether a run's files can be written there, under another name first, as runs do it."""
    trial = files.beside(folder / TRIAL)
    try:
        files.make_private_folder(folder)
        files.write_atomically(trial, b"waste-gui")
        read = files.read(trial, files.SMALL_BYTES)
        files.remove(trial)
    except OSError as error:
        seen = f"{folder} cannot be written ({error.strerror or error})."
        return Check(
            "Data folder", "fail", seen, "Free some space there, or ask for the right to write there."
        )
    if read != b"waste-gui":
        return Check("Data folder", "fail", f"{folder} gives back other than was written.", "Check its disk.")
    return Check("Data folder", "ok", str(folder))


def disk_check(machine: Machine) -> Check:
    name, free = "Disk space", machine.free_disk_bytes
    if free is None:
        return Check(name, "warn", "the disk does not tell how much is free", "Look whether it is connected.")
    seen = f"{size(free)} free"
    if free < GOOD_DISK:
        state: CheckState = "fail" if free < LEAST_DISK else "warn"
        return Check(name, state, seen, "Free some space. Runs and the photo cache are kept there.")
    return Check(name, "ok", seen)


def speed_check(folder: Path) -> Check:
    name = "Write speed"
    try:
        speed = write_speed(folder)
    except OSError as error:
        return Check(
            name, "fail", f"Nothing can be written ({error.strerror or error}).", "See the data folder."
        )
    seen = f"{size(speed)} in a second"
    if speed < GOOD_SPEED:
        return Check(name, "warn", seen, SLOW_DISK)
    return Check(name, "ok", seen)


def write_speed(folder: Path, limit_s: float = WRITE_LIMIT_S) -> float:
    """Bytes a second that really reach the disk; a slow one is not asked for all of it."""
    chunk, trial, written = os.urandom(CHUNK), files.beside(folder / TRIAL), 0
    began = time.perf_counter()
    try:
        with files.create(trial) as file:
            for _ in range(CHUNKS):
                file.write(chunk)
                os.fsync(file.fileno())
                written += CHUNK
                if time.perf_counter() - began > limit_s:
                    break
        return written / max(1e-6, time.perf_counter() - began)
    finally:
        with suppress(OSError):
            files.remove(trial)


def clock_check(folder: Path, now: float) -> Check:
    """A clock that is off puts runs in the wrong order; another one on a network drive, too."""
    name, advice = "Clock", "Set the computer's clock, or let it be set by the network."
    seen = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    if now < OLDEST:
        return Check(name, "warn", f"It says {seen}.", advice)
    trial = files.beside(folder / TRIAL)
    try:
        with files.create(trial) as file:
            apart = os.fstat(file.fileno()).st_mtime - now
        files.remove(trial)
    except OSError:
        return Check(name, "ok", seen)  # That nothing can be written was said before.
    if abs(apart) > CLOCKS_APART_S:
        return Check(name, "warn", f"{seen}; the clock of the disk is {abs(apart):.0f} s apart.", advice)
    return Check(name, "ok", seen)


def summary(found: Iterable[Check]) -> str:
    """The one sentence above the lines."""
    states = [check.state for check in found]
    fails, looks = states.count("fail"), states.count("warn")
    if fails:
        return f"{fails} of {len(states)} must be mended before a training can run well."
    if looks:
        return f"Training can run. {looks} of {len(states)} {'is' if looks == 1 else 'are'} worth a look."
    return "All is well: training can run."


def as_line(check: Check) -> str:
    line = plain(f"{MARKS[check.state]:8} {check.name:14} {check.seen}")
    return f"{line}\n{'':23} → {plain(check.advice)}" if check.advice else line


def as_text(found: Iterable[Check]) -> str:
    """To be copied and sent."""
    return "\n".join(map(as_line, found))


def in_terminal(folder: Path) -> int:
    """Print the lines as they come; 1 if one fails."""
    found = []
    for check in checks(folder):
        found.append(check)
        print(as_line(check), flush=True)
    print(f"\n{summary(found)}", flush=True)
    return int(any(check.state == "fail" for check in found))
