"""One run of the real engine, watched by the real monitor in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from tests.faults.drive import Drive
from tests.photos import make_photos
from waste_gui import protocol
from waste_gui.protocol import AnyMessage, Heartbeat, Progress, Unreadable
from waste_gui.rundir import RunDir

START_S = 240.0
SMALL = ("--model", "resnet18", "--pretrained", "none", "--image-size", "32", "--batch-size", "8")
LONG = ("--epochs", "100000", "--no-small-first")
POLL_S = 0.05

interrupted = threading.Event()
"""Set when the whole command is to end: rides in other threads give up, and clean up after themselves."""


@dataclass(frozen=True)
class Said:
    """What the monitor said, and when it came, by this process's steady clock."""

    at: float
    verdict: str
    cause: str
    text: str
    photo: str | None
    actions: tuple[str, ...]
    evidence: tuple[str, ...] = ()


class TookTooLong(Exception):
    """The run did not come to where its fault could strike."""


class Ride:
    """In a folder of its own. `struck_at` is when the fault struck, by the steady clock."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.folder = scratch, RunDir(scratch / "run")
        self.photos = scratch / "photos"
        self.said: list[Said] = []
        self.struck_at = float("inf")
        self._struck_file = scratch / "struck"
        self._environment = os.environ | {
            "WASTE_GUI_HOME": str(scratch / "home"),
            "WASTE_GUI_FAULT_AT": str(self._struck_file),
            "OMP_NUM_THREADS": "1",
        }
        self.engine: subprocess.Popen[bytes]
        self._children: list[subprocess.Popen[bytes]] = []
        self._closing = contextlib.ExitStack()
        (scratch / "home").mkdir()

    def make_photos(self, per_class: int = 8) -> Path:
        return make_photos(self.photos, per_class=per_class)

    def drive(self, delay_s: float = 0.2, per_class: int = 8) -> Drive:
        """The photos again, on a drive that can be told to be slow, silent or away."""
        there = make_photos(self.scratch / "there", per_class=per_class)
        drive = Drive(self.photos, there, delay_s)
        self._closing.callback(drive.close)
        return drive

    def start(
        self,
        *options: object,
        fault: str | None = None,
        program: Sequence[str] = (),
        workers: int = 2,
        timeout_s: float = 600,
        environment: dict[str, str] | None = None,
        stdout: int = subprocess.DEVNULL,
    ) -> None:
        """The engine, with a fault or without, or another `program` in its place, and its monitor."""
        faulty = ["tests.faults.stalls.faulty_engine", fault] if fault else ["waste_gui.engine"]
        settings = [*SMALL, *LONG, "--workers", workers, "--photo-timeout", timeout_s]
        where = ["--source", self.photos, "--run-dir", self.folder.path]
        self._environment |= environment or {}
        arguments = ["-m", *(program or faulty), "train", *where, *settings, *options, "--format", "json"]
        self.engine = self._child([str(a) for a in arguments], stdout=stdout)
        self.until(self.folder.events.exists, "the run's folder")
        monitor = self._child(
            ["-m", "waste_gui.monitor", str(self.folder.path), "--format", "json"], stdout=subprocess.PIPE
        )
        listener = threading.Thread(target=self._listen, args=(monitor,), daemon=True)
        listener.start()
        self._closing.callback(listener.join, 10)

    def _child(self, arguments: list[str], stdout: int) -> subprocess.Popen[bytes]:
        with open(self.scratch / "stderr.txt", "ab") as stderr:
            child = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=self._environment,
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def _listen(self, monitor: subprocess.Popen[bytes]) -> None:
        assert monitor.stdout is not None
        with monitor.stdout as lines:
            self._take(lines)

    def _take(self, lines: IO[bytes]) -> None:
        for line in lines:
            told = json.loads(line)
            self.said.append(
                Said(
                    time.monotonic(),
                    told["verdict"],
                    told["cause"],
                    told["text"],
                    told["photo"],
                    tuple(told["actions"]),
                    tuple(told["evidence"]),
                )
            )

    # --- looking

    def messages(self) -> Iterator[AnyMessage]:
        for line in self.folder.events.read_bytes().splitlines():
            message = protocol.decode(line)
            if not isinstance(message, Unreadable):
                yield message

    def steps(self) -> int:
        return self.done("train")

    def done(self, stage: str) -> int:
        told = [m for m in self.messages() if isinstance(m, Progress) and m.stage == stage]
        return max((m.done for m in told), default=0)

    def workers(self) -> list[int]:
        beats = [m for m in self.messages() if isinstance(m, Heartbeat)]
        return [worker.pid for worker in beats[-1].workers] if beats else []

    def until(self, true: Callable[[], Any], what: str, timeout_s: float = START_S) -> None:
        end = time.monotonic() + timeout_s
        while not true():
            if interrupted.is_set():
                raise TookTooLong(f"{what} is not waited for any more")
            if time.monotonic() > end:
                raise TookTooLong(f"{what} did not come within {timeout_s:.0f} s")
            time.sleep(POLL_S)

    def until_training(self, steps: int = 12) -> None:
        self.until(lambda: self.steps() >= steps, f"step {steps}")

    def until_held(self, name: str) -> None:
        """A worker is on the photo of this name: that is when the fault struck."""

        def held() -> bool:
            beats = [m for m in self.messages() if isinstance(m, Heartbeat)]
            return any(w.path and Path(w.path).name == name for beat in beats[-1:] for w in beat.workers)

        self.until(held, f"{name} in a worker")
        self.strike()

    def until_struck(self) -> None:
        """The fault says itself when it struck."""
        self.until(lambda: self._struck_file.exists() and self._struck_file.read_text(), "the fault")
        self.struck_at = float(self._struck_file.read_text())

    # --- acting

    def strike(self) -> None:
        self.struck_at = time.monotonic()

    def command(self, **content: str) -> None:
        with open(self.folder.commands, "a", encoding="utf-8") as file:
            file.write(json.dumps(content) + "\n")

    def signal(self, number: signal.Signals, pid: int | None = None) -> None:
        os.kill(self.engine.pid if pid is None else pid, number)

    def end(self) -> None:
        """Whatever was started, by id; also what cannot be asked."""
        for child in self._children:
            with contextlib.suppress(psutil.Error):
                family = psutil.Process(child.pid).children(recursive=True)
                for process in family:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
            child.kill()
        self._closing.close()
        for child in self._children:
            if child.stdout is not None:
                child.stdout.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(10)
