"""A photo by what it is, wherever it lies: its size and a checksum of its first and last bytes.

Cameras and editors write dates and sizes at the beginning, and the data of the picture at the end: two
different photos of one size differ there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from waste_gui import files

END_BYTES = 16 * 1024
"""Of each end. A small file is read whole."""


class Identity(NamedTuple):
    size: int
    ends: bytes
    """16 bytes."""


def identity_of(path: str) -> Identity | None:
    """None where the file cannot be read. Opens it: for a few photos, not for a hundred thousand."""
    try:
        with files.open_to_read(path, follow=True) as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.blake2b(file.read(END_BYTES), digest_size=16)
            if size > END_BYTES:
                file.seek(max(END_BYTES, size - END_BYTES))
                digest.update(file.read(END_BYTES))
    except (OSError, ValueError):
        return None
    return Identity(size, digest.digest())


def found_again(lost: Iterable[tuple[str, Identity]], paths: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of photos that are known by an earlier path, those among `paths`: earlier path, path now. A photo is
    looked for by its file's name first, which a renamed folder or another mount leaves as it is."""
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(os.path.basename(path), []).append(path)
    for earlier, identity in lost:
        for path in by_name.get(os.path.basename(earlier), ()):
            if _size(path) == identity.size and identity_of(path) == identity and moved(earlier, path):
                yield earlier, path


def moved(earlier: str, path: str) -> bool:
    """Whether the file at a path is the one from an earlier one, and no copy beside it."""
    try:
        return not os.path.lexists(earlier) or os.path.samefile(earlier, path)
    except OSError:
        return True


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return -1
