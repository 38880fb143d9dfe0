"""Folders that went away (an unplugged drive, a lost network): their photos are waited for, not failed.

A photo that is suddenly not there, cannot be read, or does not answer in time may be gone itself, or its
whole folder. A worker is asked which (`missing_folder`), since the question itself may hang. What the pool
knows of absent folders stands in `SourceOutages`; it reads no clock and touches no disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

LOOK_AGAIN_S = 2.0
ANSWER_S = 5.0
"""A folder that cannot be listed in this time does not answer."""

Photo = TypeVar("Photo")


def missing_folder(photo: str) -> tuple[str, str] | None:
    """The topmost folder above a photo, or above what it links to, that is not there, and why; else None.

    A folder that is there but empty counts as absent: so does a pulled drive's mount point look.
    """
    for folder in dict.fromkeys((os.path.dirname(photo), os.path.dirname(os.path.realpath(photo)))):
        why = _why_not_listed(folder)
        if why is None:
            continue
        while (parent := os.path.dirname(folder)) != folder:
            above = _why_not_listed(parent)
            if above is None or above == NO_PERMISSION:
                break
            folder, why = parent, above
        return folder, why
    return None


NO_PERMISSION = "may not be opened"


def _why_not_listed(folder: str) -> str | None:
    try:
        with os.scandir(folder) as entries:
            return None if next(entries, None) is not None else "is empty"
    except (FileNotFoundError, NotADirectoryError):
        return "is not there"
    except PermissionError:
        return NO_PERMISSION
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def drive_of(path: str) -> str:
    """The mount point that a path is below, or its folder; asks nothing of the drive: it may not answer."""
    import psutil  # not on top: workers import this file and shall start fast

    drives = [partition.mountpoint for partition in psutil.disk_partitions(all=True)]
    above = [
        drive
        for drive in drives
        if path.startswith(os.path.join(drive, "")) and os.path.dirname(drive) != drive
    ]
    return max(above, key=len, default=os.path.dirname(path))


@dataclass(slots=True)
class SourceOutage(Generic[Photo]):
    """A folder that is away, a photo in it to look for, and the photos that wait for it."""

    folder: str
    why: str
    example: str
    since: float
    look_at: float
    looking: bool = False
    held: list[Photo] = field(default_factory=list)
    spared: set[str] = field(default_factory=set)
    """Paths of photos that are done without, until it is over."""
    below: set[str] | None = None
    """Paths of the whole dataset that it covers, once that was asked for."""

    def covers(self, path: str) -> bool:
        return path.startswith(os.path.join(self.folder, ""))

    def holds(self, path: str) -> bool:
        """Whether a photo falls under it: the example may be a link to a photo in the folder."""
        return self.covers(path) or self.example == path


class SourceOutages(Generic[Photo]):
    """The folders that are away now."""

    def __init__(self) -> None:
        self._all: dict[str, SourceOutage[Photo]] = {}

    def __iter__(self) -> Iterator[SourceOutage[Photo]]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def of(self, path: str) -> SourceOutage[Photo] | None:
        """An outage that a photo falls under."""
        return next((outage for outage in self if outage.holds(path)), None)

    def begin(self, folder: str, why: str, example: str, now: float) -> tuple[SourceOutage[Photo], bool]:
        """The outage of this folder, and whether it is a new one. Narrower ones become part of it."""
        known = self._all.get(folder)
        if known is not None:
            known.why, known.look_at, known.looking = why, now + LOOK_AGAIN_S, False
            return known, False
        new: SourceOutage[Photo] = SourceOutage(folder, why, example, now, now + LOOK_AGAIN_S)
        for other in [other for other in self._all.values() if new.covers(os.path.join(other.folder, ""))]:
            new.held += other.held
            new.spared |= other.spared
            new.since = min(new.since, other.since)
            del self._all[other.folder]
        self._all[folder] = new
        return new, True

    def end(self, path: str, but: SourceOutage[Photo] | None = None) -> list[SourceOutage[Photo]]:
        """All that a photo falls under, except one, are over: that photo's folder was just seen."""
        over = [outage for outage in self if outage.holds(path) and outage is not but]
        for outage in over:
            del self._all[outage.folder]
        return over

    def spared(self) -> set[str]:
        """All that is done without now."""
        return set().union(*(outage.spared for outage in self))

    def due(self, now: float) -> list[SourceOutage[Photo]]:
        """Those to look for again now."""
        return [outage for outage in self._all.values() if not outage.looking and now >= outage.look_at]
