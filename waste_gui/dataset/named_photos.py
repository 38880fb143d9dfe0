"""Which photos a person means who names files, folders, lists, and patterns that no shell filled in."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence

from waste_gui import files
from waste_gui.dataset.samples import DatasetError
from waste_gui.dataset.tree import Folder, Pulse, Tree

LISTS = (".txt", ".lst")
"""Files with a path a line, relative to the file's own folder or to where one is; # begins a comment."""


def named_photos(arguments: Sequence[str], tell: Callable[[str], object] = lambda text: None) -> list[str]:
    """Each once, in the order named, single ones that are not there as well: of them is said so later. `tell`
    is told in a sentence of what else is not there; DatasetError if nothing is."""
    found: dict[str, None] = {}
    missing, gone = [], set()
    for argument in arguments:
        before = len(found)
        try:
            photos = list(_photos(argument))
        except OSError as error:
            missing.append(f"{argument} cannot be read ({error.strerror or error}).")
            continue
        found |= dict.fromkeys(photos)
        if photos or len(found) > before:
            continue
        if os.path.lexists(argument) or glob.has_magic(argument):
            missing.append(_nothing(argument))
        else:
            found[argument] = None
            gone.add(argument)
    if found.keys() <= gone:
        missing += map(_nothing, found)
        raise DatasetError(missing[0] if missing else "No photos are named.", "Look at how it is spelled.")
    for text in missing:
        tell(text)
    return list(found)


def _photos(argument: str) -> Iterator[str]:
    if os.path.isdir(argument):
        yield from _below(argument)
    elif os.path.lexists(argument):
        yield from _listed(argument) if argument.lower().endswith(LISTS) else (argument,)
    elif glob.has_magic(argument):
        for path in sorted(glob.glob(os.path.expanduser(argument), recursive=True)):
            yield from _below(path) if os.path.isdir(path) else (path,)


def _below(folder: str) -> Iterator[str]:
    """Without what is no photo, hidden or deleted; raises OSError."""
    tree, top = Tree(Pulse(None)), Folder(folder, "")
    tree.read(top)
    tree.follow_links([top])
    yield from sorted(top.all_photos())


def _listed(path: str) -> Iterator[str]:
    """The photos that a list names, those that are not there as well: of them is said so later."""
    lines = os.fsdecode(files.read(path, files.LARGE_BYTES).removeprefix(b"\xef\xbb\xbf")).splitlines()
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            beside = os.path.join(os.path.dirname(path), line)
            yield beside if os.path.lexists(beside) or not os.path.lexists(line) else line


def _nothing(argument: str) -> str:
    if os.path.isdir(argument):
        return f"There are no photos in {argument}."
    if os.path.lexists(argument):
        return f"The list {argument} names no photos."
    if glob.has_magic(argument):
        return f"There is no file that fits {argument}."
    return f"There is no such file: {argument}."
