"""A drawn fault without an engine: a plain process gets stuck in the same way, and is looked at."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import psutil

from tests.faults.drive import _in_own_namespace
from tests.faults.stalls.drawn import programs, stuck
from tests.faults.stalls.drawn.draws import Draw
from tests.faults.stalls.drawn.kinds import KINDS, drives
from tests.faults.stalls.drawn.run import clean_up, set_up
from tests.faults.stalls.drawn.scene import Facts, Scene

PATIENCE_S = 30.0
LOOKS = 5
PAUSE_S = 0.05


Seen = tuple[Facts, set[str], set[str]]


def look(draw: Draw) -> Seen:
    """In a namespace of its own, where it has a drive."""
    if not KINDS[draw.kind].needs_drive:
        return _look(draw)
    seen: list[Seen] = []
    _in_own_namespace(lambda: seen.append(_look(draw)))
    return seen[0]


def _look(draw: Draw) -> Seen:
    """What is right to say of it, the states of the stuck process, and the kernel's functions that
    it was seen in. Raises RuntimeError if it does not get stuck."""
    with tempfile.TemporaryDirectory(prefix="alone-") as scratch:
        of = Scene(folder=Path(scratch), **asdict(replace(draw, place="child")))
        process: subprocess.Popen[bytes] | None = None
        try:
            set_up(of)
            with open(of.folder / "stderr.txt", "wb") as stderr:
                process = subprocess.Popen(stuck.command(of), stderr=stderr, env=programs.environment())
            _await_strike(of, process)
            return of.facts(), *_seen(of.facts().pid)
        finally:
            drives.close(of)
            if process is not None:
                process.kill()
                process.wait()
            clean_up(of)


def _await_strike(of: Scene, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not (of.folder / "struck").exists():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError((of.folder / "stderr.txt").read_text() or "it did not strike")
        time.sleep(PAUSE_S)


def _seen(pid: int) -> tuple[set[str], set[str]]:
    """Over a few looks, once it has had the time to fall asleep."""
    process, states, waits = psutil.Process(pid), set[str](), set[str]()
    for _ in range(LOOKS):
        time.sleep(PAUSE_S)
        states.add(process.status())
        waits.add(Path(f"/proc/{pid}/wchan").read_text())
    return states, waits


def main() -> None:
    """`python -m tests.faults.stalls.drawn.alone [KIND …]`: a line for each kind and holder."""
    for number, kind in enumerate(KINDS.values()):
        for holder in kind.holders:
            if sys.argv[1:] and kind.name not in sys.argv[1:]:
                continue
            draw = Draw(kind.name, holder, "child", "train", f"some name {number}.bin", number)
            try:
                facts, states, waits = look(draw)
                print(
                    f"{kind.name:28} {holder:10} {states} {waits} {facts.objects} {facts.holder}", flush=True
                )
            except (RuntimeError, OSError, psutil.Error) as error:
                print(f"{kind.name:28} {holder:10} FAILED {error}", flush=True)


if __name__ == "__main__":
    main()
