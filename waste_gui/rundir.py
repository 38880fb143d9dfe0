"""A run's folder: where runs live, its names, the lock, files that grow, the list of runs."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from waste_gui import files, os_errors
from waste_gui.known_errors import LIMIT
from waste_gui.owner import OTHER_HOST_S, Owner, lock_of_this_process, read_owner, silence_of
from waste_gui.protocol import LineBuffer, NotSavedCause

APP_NAME = "waste-gui"
SLICE_BYTES = 2**20
GUARD_S = 20.0
"""Taking a folder takes milliseconds; on a network drive that hangs, it is an error after this."""

BEFORE_A_RUN = frozenset(
    "request.json engine.log lock .lock-guard checkpoints results stacks.txt evidence.jsonl commands.jsonl "
    "lost+found .DS_Store Thumbs.db desktop.ini".split()
)
"""What may stand in a folder in which a run begins: of its window, and of the system."""

HOME_VARIABLE = "WASTE_GUI_HOME"
"""Set it to keep runs, history and settings in another folder (tests do)."""


class RunFolderError(Exception):
    """A run folder that cannot be used: one sentence, what to do, and the cause for programs."""

    def __init__(self, text: str, hint: str, cause: NotSavedCause = NotSavedCause.NOT_WRITABLE) -> None:
        super().__init__(text)
        self.text, self.hint, self.cause = text, hint, cause


def data_dir() -> Path:
    """Where this user's runs and history are kept, by the system's own custom."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).absolute() if home else Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


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
    def request(self) -> Path:
        return self.path / "request.json"

    @property
    def split(self) -> Path:
        return self.path / "split.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    def earlier_events(self) -> list[Path]:
        """Those of its earlier starts, if it was resumed, the oldest first."""
        try:
            return [self.path / name for name in earlier_events(os.listdir(self.path))]
        except OSError:
            return []

    def put_events_aside(self) -> None:
        """Each start has events of its own, from number 0. Raises OSError."""
        if files.is_ordinary(self.events):
            last = max(map(_number_of_start, os.listdir(self.path)), default=0)
            files.rename(self.events, self.path / f"events-{last + 1}.jsonl")

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
    def annotations(self) -> Path:
        return self.path / "marks.json"

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
            make_run_folder(self.path)
            files.make_folder(self.checkpoints, self.path)
            files.make_folder(self.results, self.path)
            trial = files.beside(self.path / "writable")
            files.create(trial).close()
            files.remove(trial)
        except OSError as error:
            raise cannot_be_written(self.path, error) from None

    def refuse_others(self) -> None:
        """RunFolderError where the folder holds anything but what stands there before a run begins: nothing
        of somebody's own is overwritten."""
        try:
            names = set(os.listdir(self.path))
            names -= BEFORE_A_RUN if _is_request(self.request) else BEFORE_A_RUN - {self.request.name}
            for folder in (self.checkpoints, self.results):
                if os.path.lexists(folder) and (folder.is_symlink() or any(folder.iterdir())):
                    names.add(folder.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot_be_written(self.path, error) from None
        if names:
            raise RunFolderError(
                f"The folder {self.path} already holds other things, such as '{min(names)}'.",
                "Choose an empty folder, or one that is not there yet.",
            )

    @property
    def holds_run(self) -> bool:
        """Whether a run of ours was begun in it: its settings, and what it told or learned."""
        told = [self.events, *self.earlier_events()]
        saved = [self.checkpoints / f"{name}.safetensors" for name in ("last", "previous", "best")]
        return files.is_ordinary(self.config) and any(map(files.is_ordinary, (*told, *saved)))

    def renew(self) -> None:
        """Make it once more where somebody removed or moved it while its engine runs; RunFolderError where
        its whole drive is gone, too."""
        if not self.path.parent.is_dir():
            raise RunFolderError(
                f"The run folder {self.path} is gone, and so is the folder it was in.",
                "Bring the drive back: what could not be saved is saved then.",
                NotSavedCause.FOLDER_GONE,
            )
        self.create()
        self.acquire()

    def acquire(self) -> None:
        """Take the folder for this process; RunFolderError if a living engine owns it."""
        try:
            with _one_at_a_time(self.path / ".lock-guard"):
                owner = self.owner()
                if owner is not None and not (owner.here and owner.pid == os.getpid()):
                    where = "" if owner.here else f" on {owner.host}"
                    raise RunFolderError(
                        f"A training (process {owner.pid}{where}) already runs in {self.path}.",
                        "Wait for it or stop it, or choose another run folder.",
                    )
                files.write_atomically(self.lock, lock_of_this_process(self.path, data_dir()))
        except OSError as error:
            raise cannot_be_written(self.path, error) from None

    def release(self) -> None:
        with contextlib.suppress(OSError):
            files.remove(self.lock)

    def holder(self) -> Owner | None:
        """Who the lock names, as far as it may live. One on another computer may have been silent for long.
        Reads the disk."""
        return read_owner(self.lock, self.events, data_dir(), time.time())

    @property
    def is_locked(self) -> bool:
        """Whether there is a lock, whatever it says."""
        return os.path.lexists(self.lock)

    @property
    def silent_s(self) -> float:
        """Seconds since its events told something, by the file's time."""
        return silence_of(self.events, time.time())

    def owner(self) -> Owner | None:
        """The living engine that owns the folder: host, pid and the process's start match. One on another
        computer is seen by what it tells alone: it lives while a heartbeat comes each second."""
        holder = self.holder()
        return holder if holder is not None and (holder.here or holder.silent_s < OTHER_HOST_S) else None


def _is_request(path: Path) -> bool:
    """What a window asks of an engine, and no file of another program."""
    try:
        return "config" in files.read_json(path, dict[str, object], files.SMALL_BYTES)
    except (OSError, ValueError):
        return False


def earlier_events(names: Iterable[str]) -> list[str]:
    """Those of the names in a run's folder that hold the events of its earlier starts, the oldest first."""
    return sorted(filter(_number_of_start, names), key=_number_of_start)


def _number_of_start(name: str) -> int:
    """From 1, by the name of its events; 0 for any other file."""
    found = re.fullmatch(r"events-(\d+)\.jsonl", name)
    return int(found[1]) if found else 0


def cannot_be_written(folder: Path, error: OSError, file: Path | None = None) -> RunFolderError:
    """A full disk is told from one that may not be written. `file` is what was written, where the error names
    none."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFolderError(
            f"The disk of the run folder {folder} is full.",
            "Free some space, or choose another run folder.",
            NotSavedCause.DISK_FULL,
        )
    if error.filename is None:
        error.filename = str(file or folder)
    kind, clause, hint = os_errors.said(os_errors.name_of(error.errno), str(error.filename))
    if kind in (os_errors.DISK, os_errors.DRIVE, LIMIT, os_errors.READ_ONLY):
        return RunFolderError(f"The run folder {folder} cannot be written: {clause}.", hint)
    return RunFolderError(
        f"The run folder {folder} cannot be written ({error.strerror}).",
        "Choose another run folder, or make this one writable.",
    )


@contextlib.contextmanager
def _one_at_a_time(guard: Path) -> Iterator[None]:
    """Two that want a folder at the same moment come one after the other, where the file system can lock."""
    from filelock import FileLock, Timeout  # A window can be shown without.

    os.close(files.open_to_append(guard))  # No link, which the library might follow.
    lock = FileLock(guard, timeout=GUARD_S)
    try:
        lock.acquire()
    except NotImplementedError:  # It cannot.
        yield
        return
    except Timeout:
        raise OSError(errno.EBUSY, "another training takes it at this moment") from None
    try:
        yield
    finally:
        lock.release()


class GrowingFile:
    """The lines of a file that others append to. It need not exist yet."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._lines = LineBuffer()

    def read(self, limit: int = SLICE_BYTES) -> list[bytes] | None:
        """The lines completed since, of at most `limit` bytes; None when nothing came."""
        try:
            with files.open_to_read(self._path) as file:
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
        return files.is_ordinary(self._path)


def lines_of(path: Path) -> Iterator[bytes]:
    """Of a file that may be of any size and hold anything; none where there is none. Raises OSError."""
    try:
        file = files.open_to_read(path)
    except FileNotFoundError:
        return
    lines = LineBuffer()
    with file:
        while chunk := file.read(SLICE_BYTES):
            yield from lines.feed(chunk)
    yield from lines.flush()


def make_run_folder(path: Path) -> None:
    """For this person alone among their own runs; elsewhere as their umask says, as a shared drive may be
    meant. Raises OSError."""
    if runs_dir() in path.parents:
        files.make_private_folder(path)
    else:
        path.mkdir(parents=True, exist_ok=True)


def list_runs(folder: Path | None = None) -> Iterator[RunDir]:
    """The runs in a folder (by default the user's own), the newest name first."""
    folder = runs_dir() if folder is None else folder
    try:
        names = sorted((e.name for e in os.scandir(folder) if e.is_dir()), reverse=True)
    except OSError:
        return
    for name in names:
        run = RunDir(folder / name)
        if files.is_ordinary(run.config):
            yield run
