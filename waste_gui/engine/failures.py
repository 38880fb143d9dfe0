"""An exception as the run's last message: one sentence, what to do, and the traceback for the details."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import traceback
from pathlib import Path

import psutil

from waste_gui import known_errors
from waste_gui.config import RunConfig
from waste_gui.engine.errors import DiskFull, EngineError, LibraryFailure, LoadingBroken, OutOfMemory
from waste_gui.known_errors import Known
from waste_gui.protocol import RunFailed
from waste_gui.rundir import RunDir

SHM = "/dev/shm"
UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def failed(
    failure: BaseException, config: RunConfig, command: str, folder: RunDir | None = None
) -> RunFailed:
    details = "".join(traceback.format_exception(failure))
    known = as_engine_error(failure, config, command, folder)
    if known is not None:
        return RunFailed(kind=known.kind, text=known.text, hint=known.hint, traceback=details)
    what = f"{type(failure).__name__}: {first_line(failure)}"
    return RunFailed(
        kind="bug",
        text=f"{subject(command)} stopped because of an error in the program: {what}",
        hint="Nothing saved is lost. Copy the details and send them to us.",
        traceback=details,
    )


def subject(command: str) -> str:
    return {"train": "Training", "check": "The check", "preview": "The preview"}.get(command, "The program")


def first_line(failure: BaseException) -> str:
    return (str(failure).strip().splitlines() or [""])[0][:300]


def as_engine_error(
    failure: BaseException, config: RunConfig, command: str, folder: RunDir | None = None
) -> EngineError | None:
    """What is known of an error: its own words, those for memory and disk, or what its library means."""
    if isinstance(failure, EngineError):
        return failure
    pool = sys.modules.get("waste_gui.dataset.pool")  # Nothing is imported where memory may be gone.
    if pool is not None and isinstance(failure, pool.PoolError):
        return LoadingBroken(failure.text, failure.hint)
    known = known_errors.recognise(said_by(failure))
    kind = known.kind if known else ""
    if isinstance(failure, MemoryError) or kind == known_errors.OUT_OF_MEMORY:
        return out_of_memory(str(failure), known, config, command)
    full = isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or kind == known_errors.DISK_FULL:
        return disk_full(failure, folder)
    if known:
        return LibraryFailure(kind, f"{subject(command)} stopped: {known.clause}.", known.hint)
    if isinstance(failure, ImportError):
        text = f"{subject(command)} stopped: a library cannot be imported ({first_line(failure)})."
        return LibraryFailure(known_errors.INSTALLATION, text, known_errors.INSTALL_ANEW)
    return None


def said_by(failure: BaseException) -> str:
    """Type and text, below those of the error that it was raised from."""
    own = f"{type(failure).__module__}.{type(failure).__name__}: {failure}".removeprefix("builtins.")
    return f"{said_by(failure.__cause__)}\n{own}" if failure.__cause__ else own


def is_out_of_memory(failure: BaseException) -> bool:
    """Of the graphics card or the computer."""
    known = known_errors.recognise(said_by(failure))
    return isinstance(failure, MemoryError) or bool(known and known.kind == known_errors.OUT_OF_MEMORY)


def no_room(failure: BaseException, photos: int, doing: str, *, card: bool) -> OutOfMemory:
    """Where no smaller batch is left to try."""
    what = "the graphics card" if card else "the computer"
    many = "one photo" if photos == 1 else f"{photos} photos"
    text = f"{doing.capitalize()} stopped: {what} ran out of memory with {many} at a time."
    said = str(failure)
    amount = gpu_amount(said) if card else computer_amount(said)
    text += f" That {amount}." if amount else ""
    other = ", or the device cpu" if card else ""
    hint = f"Choose a smaller image size or a smaller model{other}, and close other programs."
    return OutOfMemory(text, hint + address_limit())


def out_of_memory(said: str, known: Known | None, config: RunConfig, command: str) -> OutOfMemory:
    """`Batch size 64 needs more than 9.1 GB, 6.1 GB was free.`"""
    clause = known.clause if known and known.kind == known_errors.OUT_OF_MEMORY else ""
    text = f"{subject(command)} stopped: {clause or 'the computer ran out of memory'}."
    amount = gpu_amount(said) if "graphics card" in clause else computer_amount(said)
    if command != "train":
        return OutOfMemory(text, "Close other programs, and start again.")
    if amount:
        text += f" Batch size {config.batch_size} {amount}."
    smaller = f"batch size {config.batch_size // 2}" if config.batch_size > 1 else "a smaller model"
    hint = f"Start again with {smaller} or a smaller image size, and close other programs."
    return OutOfMemory(text, hint + address_limit())


def gpu_amount(said: str) -> str:
    """From torch's own numbers: what this process had, what it asked for, what was left."""
    asked, free = (
        _amount(r"Tried to allocate (\S+ \wiB)", said),
        _amount(r"of which (\S+ \wiB) is free", said),
    )
    held = _amount(r"this process has (\S+ \wiB) memory in use", said) or 0.0
    if asked is None or free is None:
        return ""
    return f"needs more than {size(held + asked)}, {size(held + free)} was free"


def computer_amount(said: str) -> str:
    asked = re.search(r"tried to allocate (\d+) bytes", said)
    number = float(asked[1]) if asked else _amount(r"Unable to allocate (\S+ \wiB)", said)
    if number is None:
        return ""
    return f"needs {size(number)} more, {size(psutil.virtual_memory().available)} was free"


def _amount(pattern: str, said: str) -> float | None:
    found = re.search(pattern, said)
    if found is None:
        return None
    number, unit = found[1].split()
    try:
        return float(number) * UNITS[unit]
    except (ValueError, KeyError):
        return None


def address_limit() -> str:
    """Where somebody set a limit to what this program may use, smaller than what the computer has."""
    if sys.platform == "win32":
        return ""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit in (resource.RLIM_INFINITY, -1) or limit > psutil.virtual_memory().total:
        return ""
    return f" This program may use {size(limit)} (ulimit -v)."


def disk_full(failure: BaseException, run: RunDir | None) -> EngineError:
    """With what is free on the disk of the file that could not be written, or of the run."""
    name = getattr(failure, "filename", None)
    file = os.fsdecode(name) if isinstance(name, str | bytes) else ""
    if file.startswith(SHM):
        text = f"The shared memory of this computer is full{_free(Path(SHM))}."
        return LibraryFailure(known_errors.SHARED_MEMORY, text, known_errors.FEWER)
    folder = Path(file).parent if file else run.path if run else Path()
    return DiskFull(f"The disk of {file or folder} is full{_free(folder)}.", known_errors.FREE_DISK)


def _free(folder: Path) -> str:
    try:
        return f": {size(shutil.disk_usage(folder).free)} are free"
    except OSError:
        return ""


def size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
