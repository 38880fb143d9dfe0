"""Folders into the system's trash and back; where there is none, into one of our own. Nothing is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile

from waste_gui import files
from waste_gui.rundir import data_dir

FOLDER_NAME = "trash"
"""In `rundir.data_dir()`, where the system has no trash for this drive."""


@dataclass(frozen=True)
class Discarded:
    """Where a folder was and where it lies now; `own` says that the system had no trash for it."""

    origin: Path
    place: Path
    own: bool


def discard(folder: Path) -> Discarded:
    """Raises OSError; the folder is then where it was."""
    place = move_to_trash(folder)
    if place is not None:
        return Discarded(folder, place, own=False)
    own = _free(data_dir() / FOLDER_NAME / folder.name)
    files.make_private_folder(own.parent)
    shutil.move(folder, own)
    return Discarded(folder, own, own=True)


def move_to_trash(folder: Path) -> Path | None:
    """Where it lies in the system's trash; None where the system has none for this drive."""
    file = QFile(str(folder))
    return Path(file.fileName()) if file.moveToTrash() and file.fileName() else None


def _free(path: Path) -> Path:
    free, n = path, 2
    while free.exists():
        free, n = path.with_name(f"{path.name}_{n}"), n + 1
    return free


def bring_back(discarded: Discarded) -> None:
    """Raises OSError: it is in the trash no longer, or another folder has taken its place."""
    if discarded.origin.exists():
        raise FileExistsError(f"{discarded.origin} is there already.")
    if not discarded.place.exists():
        raise FileNotFoundError(f"{discarded.place.name} is in the trash no longer.")
    discarded.origin.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(discarded.place, discarded.origin)
    with contextlib.suppress(OSError):
        files.remove(_info_of(discarded.place))


def _info_of(place: Path) -> Path:
    """What a trash of freedesktop.org notes beside each thing in it."""
    return place.parent.parent / "info" / f"{os.path.basename(place)}.trashinfo"
