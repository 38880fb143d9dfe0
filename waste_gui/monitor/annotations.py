"""What a person has marked on a run: its name, a note, a star, whether it is archived; kept in its folder."""

from __future__ import annotations

import msgspec

from waste_gui import files
from waste_gui.rundir import RunDir


class Annotations(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An empty `name` means the one that the run was started with."""

    name: str = ""
    note: str = ""
    starred: bool = False
    archived: bool = False


def read_annotations(folder: RunDir) -> Annotations:
    """None are set where there is no such file, or one that cannot be read."""
    try:
        return files.read_json(folder.annotations, Annotations, files.SMALL_BYTES)
    except (OSError, ValueError):
        return Annotations()


def write_annotations(folder: RunDir, annotations: Annotations) -> None:
    """The whole file or nothing. Raises OSError."""
    files.write_atomically(folder.annotations, files.encode_json(annotations, indent=2) + b"\n")
