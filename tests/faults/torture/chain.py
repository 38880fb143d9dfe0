"""A run that is killed again and again, and goes on each time: one round is one kill."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import psutil
from safetensors.torch import load_file

from waste_gui import protocol
from waste_gui import request as requests
from waste_gui.config import RunConfig
from waste_gui.engine import checkpoint
from waste_gui.protocol import LAST_MESSAGES, RunFinished, Unreadable
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

Victim = Literal["engine", "workers", "window"]
VICTIMS: tuple[Victim, ...] = ("engine", "engine", "workers", "window")
END_S = 180.0
GONE_S = 10.0


MUCH_TO_LOSE = RunConfig(
    model="mobilenet_v3_small",
    pretrained="none",
    image_size=32,
    batch_size=4,
    epochs=8,
    workers=2,
    ema_decay=0.9,
    accumulate=3,
    balance="sampler",
    save_minutes=0.002,
)
"""With dropout, an average, and updates over several batches: all that has a state to lose."""


class Broken(Exception):
    """What must not be: a sentence."""


@dataclass
class Chain:
    """One run in `scratch`, from its start to its end, with kills at moments that `chance` draws."""

    scratch: Path
    photos: Path
    chance: random.Random
    settings: RunConfig
    run_s: float = 0.0  # What a run takes from its start to its end: kills come somewhere in it.

    def __post_init__(self) -> None:
        self.folder = RunDir(self.scratch / "run")
        self.environment = os.environ | {"OMP_NUM_THREADS": "1", "WASTE_GUI_HOME": str(self.scratch / "home")}

    def play(self, after_round: Callable[[Victim], None]) -> None:
        """Kill and resume until the run has finished."""
        while not self._finished():
            victim = self.chance.choice(VICTIMS)
            started = self.start(through_window=victim == "window" or self.chance.random() < 0.2)
            try:
                self._strike(started, victim)
            finally:
                _end(started)
                self._end_engine()
            self._check_files()
            after_round(victim)

    def _end_engine(self) -> None:
        """Of a round that went wrong."""
        owner = self.folder.owner()
        for process in _family(owner.pid if owner else 0):
            with contextlib.suppress(psutil.Error):
                process.kill()

    # --- a round

    def start(self, through_window: bool) -> subprocess.Popen[bytes]:
        resume = str(self.folder.path) if self.folder.config.exists() else None
        config = msgspec.structs.replace(self.settings, source=(str(self.photos),))
        file = self.scratch / "request.json"
        file.write_bytes(
            requests.dump(RunRequest(config=config, run_dir=str(self.folder.path), resume=resume))
        )
        program = (
            ["tests.faults.torture.window", "start", str(self.folder.path), str(file)]
            if through_window
            else ["waste_gui.engine", "train", str(file), "--format", "json"]
        )
        return self._child(program)

    def _child(self, program: list[str]) -> subprocess.Popen[bytes]:
        with open(self.scratch / "stderr.txt", "ab") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", *program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if program[0].endswith("window") else subprocess.DEVNULL,
                stderr=stderr,
                env=self.environment,
                start_new_session=True,
            )

    def _strike(self, started: subprocess.Popen[bytes], victim: Victim) -> None:
        wait_until = time.monotonic() + self.chance.uniform(0.2, self.run_s)
        while time.monotonic() < wait_until and started.poll() is None:
            time.sleep(0.02)
        family = _family(started.pid)
        engine = self.folder.owner()
        if victim == "workers":
            for process in _family(engine.pid)[1:] if engine else []:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        elif victim == "window":
            started.kill()
            self._attach()
        else:
            with contextlib.suppress(psutil.Error):
                psutil.Process(engine.pid if engine else started.pid).kill()
        self._until(lambda: self.folder.owner() is None and started.poll() is not None, "the run's end")
        self._until(lambda: not [p for p in family if _lives(p)], "the end of all its processes", GONE_S)

    def _attach(self) -> None:
        """Another window shows the run to its end, and has seen each message once."""
        if not self.folder.events.exists():
            return
        window = self._child(["tests.faults.torture.window", "attach", str(self.folder.path)])
        try:
            out, _ = window.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            raise Broken("A window that attached did not come to the run's end.") from None
        finally:
            _end(window)
        seen = json.loads(out)
        lines = self.folder.events.read_bytes().count(b"\n")
        if seen["missed"] or seen["messages"] + seen["unreadable"] < lines or seen["messages"] > lines:
            raise Broken(f"The window saw {seen}, and the file has {lines} lines.")

    def _until(self, true: Callable[[], bool], what: str, seconds: float = END_S) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise Broken(f"{what} did not come within {seconds:.0f} s")
            time.sleep(0.05)

    # --- what is left

    def _finished(self) -> bool:
        if not self.folder.events.exists():
            return False
        lines = self.folder.events.read_bytes().splitlines()
        return bool(lines) and isinstance(protocol.decode(lines[-1]), RunFinished)

    def _check_files(self) -> None:
        """All that is there can be read; of a killed engine's events the last line may be half."""
        if not self.folder.path.exists():
            return
        for file in (self.folder.config, self.folder.split, *self.folder.checkpoints.glob("*.json")):
            if file.exists():
                json.loads(file.read_bytes())
        for file in self.folder.path.rglob("*.csv"):
            with open(file, encoding="utf-8", newline="") as rows:
                list(csv.reader(rows))
        for file in self.folder.checkpoints.glob("*.safetensors"):
            checkpoint.load(file)
        for file in self.folder.path.glob("events*.jsonl"):
            _check_events(file)


def _check_events(file: Path) -> None:
    messages = [protocol.decode(line) for line in file.read_bytes().splitlines()]
    if messages and isinstance(messages[-1], Unreadable):
        messages.pop()
    broken = [m for m in messages if isinstance(m, Unreadable)]
    numbers = [m.seq for m in messages if not isinstance(m, Unreadable)]
    if broken or numbers != list(range(len(numbers))):
        raise Broken(f"{file.name}: {len(broken)} lines are broken, numbers {numbers[:3]}…{numbers[-3:]}")
    if any(isinstance(m, LAST_MESSAGES) for m in messages[:-1]):
        raise Broken(f"{file.name}: something was said after the last message")


def _family(pid: int) -> list[psutil.Process]:
    """None for 0."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _end(started: subprocess.Popen[bytes]) -> None:
    for process in _family(started.pid):
        with contextlib.suppress(psutil.Error):
            process.kill()
    started.wait()
    if started.stdout is not None:
        started.stdout.close()


def same_weights(one: RunDir, other: RunDir) -> None:
    """Broken, if a tensor of the last or the best checkpoint differs, or a result."""
    for name in ("last", "best"):
        first, second = (load_file(f.checkpoints / f"{name}.safetensors") for f in (one, other))
        differ = [key for key in first if key not in second or not first[key].equal(second[key])]
        if differ or first.keys() != second.keys():
            raise Broken(f"{name}: {len(differ)} of {len(first)} tensors differ, {differ[:2]}")
    for name in ("predictions.csv", "confusion.csv", "per_class.csv"):
        if (one.results / name).read_bytes() != (other.results / name).read_bytes():
            raise Broken(f"{name} differs")
