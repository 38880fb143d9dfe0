"""An exception as the run's last message: one sentence, what to do, and the traceback for the details."""

from __future__ import annotations

import re
import shutil
import sys
import traceback
from pathlib import Path

import psutil

from waste_gui import known_errors, os_errors
from waste_gui.config import RunConfig
from waste_gui.engine.causes import chain, library_of, place_of
from waste_gui.engine.errors import (
    DiskFull,
    EngineError,
    LibraryFailure,
    LoadingBroken,
    OutOfMemory,
    WeightsUnavailable,
    WrongCheckpoint,
)
from waste_gui.engine.true_cause import EXPLAINS, OVERRULES, SEND, Cause, cause_of
from waste_gui.protocol import RunFailed
from waste_gui.rundir import RunDir

SHM = "/dev/shm"
UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def failed(
    failure: BaseException, config: RunConfig, command: str, folder: RunDir | None = None, stage: str = ""
) -> RunFailed:
    """`stage` is the title of the one in which it was raised, where that is known."""
    details = "".join(traceback.format_exception(failure))
    known = as_engine_error(failure, config, command, folder, stage)
    if known is not None:
        return RunFailed(kind=known.kind, text=known.text, hint=known.hint, traceback=details)
    cause = cause_of(failure)
    what = cause.clause if cause else f"{type(failure).__name__}: {first_line(failure)}"
    library = library_of(failure)
    whose = f"the library {library}" if library else "the program"
    where = _where(place_of(failure, chain(failure)), stage)
    return RunFailed(
        kind="bug",
        text=f"{subject(command)} stopped because of an error in {whose}: {what}{where}",
        hint=SEND,
        traceback=details,
    )


def subject(command: str) -> str:
    return {"train": "Training", "check": "The check", "preview": "The preview"}.get(command, "The program")


def first_line(failure: BaseException) -> str:
    try:
        return (str(failure).strip().splitlines() or [""])[0][:300]
    except Exception as error:  # A text is made by whoever wrote the exception.
        return f"(its text cannot be made: {type(error).__name__})"


def as_engine_error(
    failure: BaseException,
    config: RunConfig,
    command: str,
    folder: RunDir | None = None,
    stage: str = "",
) -> EngineError | None:
    """What is known of an error: its own words, those for memory and disk, or what its true cause means."""
    cause = cause_of(failure)
    if isinstance(failure, EngineError):
        return _more_than_told(failure, cause)
    pool = sys.modules.get("waste_gui.dataset.pool")  # Nothing is imported where memory may be gone.
    if pool is not None and isinstance(failure, pool.PoolError):
        return _broken_loading(failure.text, failure.hint)
    if cause is None or cause.kind == "bug":
        return None
    if cause.kind == known_errors.OUT_OF_MEMORY:
        return out_of_memory(str(cause.error), cause.clause, config, command)
    if cause.kind == known_errors.DISK_FULL:
        return disk_full(cause.file, folder)
    text = f"{subject(command)} stopped: {cause.clause}{_where(cause.place, stage)}"
    return LibraryFailure(cause.kind, text, cause.hint)


def _broken_loading(text: str, hint: str) -> EngineError:
    """Its reason is only in its text; of a limit or a disk another hint helps than of a broken program."""
    name = os_errors.name_in(text)
    kind, clause, better = os_errors.said(name) if name else ("", "", "")
    if kind in (*OVERRULES, os_errors.PERMISSION):
        return LoadingBroken(text, better)
    return LoadingBroken(text, hint)


def _more_than_told(failure: EngineError, cause: Cause | None) -> EngineError:
    """An error of ours says by itself what failed, but of a disk that fails or a limit it knows only the
    text."""
    if cause is None or failure.kind in OVERRULES:
        return failure
    reason = cause.clause.rpartition(" (")[2]
    told = cause.clause in failure.text or reason.endswith(")") and f"({reason}" in failure.text
    text = failure.text if told else f"{failure.text.rstrip('.')}: {cause.clause}."
    if cause.kind in OVERRULES:
        return LibraryFailure(cause.kind, text, cause.hint)
    if cause.kind in EXPLAINS and isinstance(failure, WeightsUnavailable | WrongCheckpoint):
        return LibraryFailure(failure.kind, text, cause.hint)
    return failure


def _where(place: str, stage: str) -> str:
    """`. In the stage Scan photos, at waste_gui/dataset/scan.py, line 41.`"""
    parts = [f"in the stage {stage}" if stage else "", f"at {place}" if place else ""]
    told = ", ".join(filter(None, parts))
    return f". {told[0].upper()}{told[1:]}." if told else "."


def is_out_of_memory(failure: BaseException) -> bool:
    """Of the graphics card or the computer."""
    cause = cause_of(failure)
    return cause is not None and cause.kind == known_errors.OUT_OF_MEMORY


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


def out_of_memory(said: str, clause: str, config: RunConfig, command: str) -> OutOfMemory:
    """`Batch size 64 needs more than 9.1 GB, 6.1 GB was free.`"""
    text = f"{subject(command)} stopped: {clause}."
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


def disk_full(file: str, run: RunDir | None) -> EngineError:
    """With what is free on the disk of the file that could not be written, or of the run."""
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
