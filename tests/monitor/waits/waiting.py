"""Real processes that wait, each ended at the end of its test."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from waste_gui.monitor.waits.chain import resolve
from waste_gui.monitor.waits.link import Chain, Kind

LIMIT_S = 30.0


class Processes:
    """Starts what a test needs; all of it and what that started is gone afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[Any]] = []

    def start(self, *command: object, **options: Any) -> subprocess.Popen[Any]:
        quiet: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "cwd": self.folder,
        }
        process: subprocess.Popen[Any] = subprocess.Popen(list(map(str, command)), **(quiet | options))
        self._started.append(process)
        return process

    def python(self, code: str, *arguments: object, **options: Any) -> subprocess.Popen[Any]:
        """A script of that code, which has come to its end when it prints a line."""
        script = self.folder / f"script{len(self._started)}.py"
        script.write_text(code)
        return self.start(sys.executable, script, *arguments, **options)

    def end(self) -> None:
        for process in self._started:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        child.kill()
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait(10)


def until(true: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + LIMIT_S
    while not (value := true()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)
    return value


def chain_of(pid: int, *kinds: Kind, tid: int = 0) -> Chain:
    """Once its first links are of these kinds."""
    seen: list[Chain] = []

    def is_there() -> bool:
        seen[:] = [resolve(pid, tid)]
        return tuple(kinds_of(seen[0]))[: len(kinds)] == kinds

    end = time.monotonic() + LIMIT_S
    while not is_there():
        assert time.monotonic() < end, f"it is {seen[0]}"
        time.sleep(0.02)
    return seen[0]


def kinds_of(chain: Chain) -> Sequence[Kind]:
    return [link.kind for link in chain.links]


def processes(folder: Path) -> Iterator[Processes]:
    started = Processes(folder)
    yield started
    started.end()
