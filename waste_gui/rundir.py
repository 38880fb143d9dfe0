"""A run's folder: where runs live, its names, atomic writes, the lock, files that grow, the list of runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil

from waste_gui.protocol import LineBuffer

APP_NAME = "waste-gui"
SLICE_BYTES = 2**20
HOME_VARIABLE = "WASTE_GUI_HOME"
"""Set it to keep runs, history and settings in another folder (tests do)."""


class RunFolderError(Exception):
    """A run folder that cannot be used: one sentence, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


def data_dir() -> Path:
    """Where this user's runs and history are kept, by the system's own custom."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


def runs_dir() -> Path:
    return data_dir() / "runs"


def new_run_dir(name: str, now: float | None = None) -> Path:
    """A path for a new run among the user's runs, not there yet: `2026-11-23_14-01-52_name`."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(time.time() if now is None else now))
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60]
    base = runs_dir() / (f"{stamp}_{safe}" if safe else stamp)
    path, n = base, 2
    while path.exists():
        path, n = base.with_name(f"{base.name}_{n}"), n + 1
    return path


@dataclass(frozen=True)
class RunDir:
    """The names in one run's folder."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def split(self) -> Path:
        return self.path / "split.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def commands(self) -> Path:
        return self.path / "commands.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "engine.log"

    @property
    def stacks(self) -> Path:
        return self.path / "stacks.txt"

    @property
    def evidence(self) -> Path:
        return self.path / "evidence.jsonl"

    @property
    def failures(self) -> Path:
        return self.path / "failures.csv"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def results(self) -> Path:
        return self.path / "results"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def create(self) -> None:
        """Make the folder and try that it can be written; RunFolderError otherwise."""
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.results.mkdir(exist_ok=True)
            write_atomically(self.path / ".writable", b"")
            (self.path / ".writable").unlink()
        except OSError as error:
            raise RunFolderError(
                f"The run folder {self.path} cannot be written ({error.strerror}).",
                "Choose another run folder, or make this one writable.",
            ) from None

    def acquire(self) -> None:
        """Take the folder for this process; RunFolderError if a living engine owns it."""
        owner = self.owner()
        if owner is not None and owner != os.getpid():
            raise RunFolderError(
                f"A training (process {owner}) already runs in {self.path}.",
                "Wait for it or stop it, or choose another run folder.",
            )
        me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
        write_atomically(self.lock, json.dumps(me).encode())

    def release(self) -> None:
        with contextlib.suppress(OSError):
            self.lock.unlink()

    def owner(self) -> int | None:
        """The pid of the living engine that owns the folder: pid and start time must both match."""
        try:
            lock = json.loads(self.lock.read_bytes())
            process = psutil.Process(lock["pid"])
            started = process.create_time()
            if process.status() == psutil.STATUS_ZOMBIE:  # It has ended; only its parent has not looked yet.
                return None
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            return None
        return int(lock["pid"]) if abs(started - lock["started"]) < 1 else None


def write_atomically(path: Path, content: bytes) -> None:
    """The whole content or nothing: a temporary file beside it, fsync, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


class GrowingFile:
    """The lines of a file that others append to. It need not exist yet."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._lines = LineBuffer()

    def read(self, limit: int = SLICE_BYTES) -> list[bytes] | None:
        """The lines completed since, of at most `limit` bytes; None when nothing came."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                chunk = file.read(limit)
        except OSError:
            return None
        if not chunk:
            return None
        self._offset += len(chunk)
        return self._lines.feed(chunk)

    @property
    def exists(self) -> bool:
        return self._path.exists()


def list_runs(folder: Path | None = None) -> Iterator[RunDir]:
    """The runs in a folder (by default the user's own), the newest name first."""
    folder = runs_dir() if folder is None else folder
    try:
        names = sorted((e.name for e in os.scandir(folder) if e.is_dir()), reverse=True)
    except OSError:
        return
    for name in names:
        run = RunDir(folder / name)
        if run.config.exists():
            yield run
