"""`labels.csv`: which class a person gave each photo of a folder; the photos stay where they are."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

from waste_gui import files
from waste_gui.dataset.samples import DatasetError

NAME = "labels.csv"
HEADER = ["path", "label"]
MOST_BYTES = 256 << 20


def read_labels(path: Path) -> dict[str, str]:
    """The class of each photo, by its full path and in the file's order; empty where there is no file yet.

    Raises DatasetError for a file that is not ours: writing it again would lose what else is in it."""
    try:
        content = files.read(path, MOST_BYTES, follow=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(
            f"{path} cannot be read: {reason}.", "Choose another place for the labels."
        ) from error
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _foreign(path) from error
    rows = [row for row in rows if row]
    if rows and (rows[0] != HEADER or any(len(row) != len(HEADER) for row in rows)):
        raise _foreign(path)
    return {_full(path.parent, name): label for name, label in rows[1:]}


def write_labels(path: Path, labels: Mapping[str, str]) -> None:
    """All of them or nothing, safe on the disk when it returns. Raises OSError."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows((_relative(path.parent, photo), label) for photo, label in labels.items())
    files.write_atomically(path, text.getvalue().encode())


def can_be_named(photo: str) -> bool:
    """Whether UTF-8 can hold its path."""
    try:
        photo.encode()
    except UnicodeEncodeError:
        return False
    return True


def _foreign(path: Path) -> DatasetError:
    return DatasetError(
        f"{path} is not a table of paths and labels.", "Rename it, or choose another place for the labels."
    )


def _relative(folder: Path, photo: str) -> str:
    """With `/`, as every system reads it. On another drive of Windows there is no way but the full path."""
    try:
        name = os.path.relpath(photo, folder)
    except ValueError:
        name = photo
    if os.sep != "/":
        name = name.replace(os.sep, "/")
    # A spreadsheet would calculate a name that begins like this.
    return f"./{name}" if name[:1] in "=+-@" else name


def _full(folder: Path, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))
