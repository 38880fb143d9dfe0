"""The folders below the sources as they are on the disk: photos, what is no photo, what links lead to."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from waste_gui import files
from waste_gui.dataset import folder_names

PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .heic .heif .hif .avif .jp2 .j2k .jpf "
    ".ppm .pgm .pbm .pnm".split()
)

_HIDDEN = frozenset({"thumbs.db", "desktop.ini"})

MAX_DEPTH = 40
"""Folders below each other; deeper ones are passed over."""

MAGIC_BYTES = 16
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")
"""How photos begin that have no suffix."""

Progress = Callable[[int, str], None]
"""Called with the photos found so far and the folder being read; may raise, to stop."""

Identity = tuple[int, int]
"""Of a folder: its device and inode."""


@dataclass(slots=True)
class Folder:
    """`others` counts the files that are no photos, by suffix; `closed` says that it may not be read."""

    path: str
    name: str
    depth: int = 0
    photos: list[str] = field(default_factory=list)
    children: list[Folder] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    closed: bool = False

    def filled(self) -> list[Folder]:
        """The sub-folders with photos in or below them, by name."""
        return sorted((c for c in self.children if c.holds_photos()), key=lambda c: c.name)

    def holds_photos(self) -> bool:
        return bool(self.photos) or any(child.holds_photos() for child in self.children)

    def all_photos(self) -> Iterator[str]:
        yield from self.photos
        for child in self.children:
            yield from child.all_photos()

    def all_folders(self) -> Iterator[Folder]:
        yield self
        for child in self.children:
            yield from child.all_folders()

    def all_others(self) -> Counter[str]:
        found = Counter(self.others)
        for child in self.children:
            found += child.all_others()
        return found


class Pulse:
    """Reports progress at most ten times a second."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._next = progress, 0.0
        self.found = 0

    def __call__(self, folder: str) -> None:
        if self._progress is not None and time.monotonic() >= self._next:
            self._progress(self.found, folder)
            self._next = time.monotonic() + 0.1


@dataclass(slots=True)
class Tree:
    """What has been read so far; links wait until every real folder has been, so that these come first.

    `again` are the links, each with the folder that it lies in, that lead to what was found already."""

    pulse: Pulse
    skipped: Counter[str] = field(default_factory=Counter)
    seen: dict[Identity, Folder] = field(default_factory=dict)
    again: list[tuple[Folder, str, str]] = field(default_factory=list)
    _linked_folders: list[tuple[Folder, str, str]] = field(default_factory=list)
    _linked_photos: list[tuple[Folder, str]] = field(default_factory=list)

    def read(self, top: Folder) -> None:
        """Raises OSError where `top` is a source that cannot be read."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if folder.depth > MAX_DEPTH:
                self.skipped["folders nested too deep"] += 1
                continue
            try:
                status = os.stat(folder.path)
                if (status.st_dev, status.st_ino) in self.seen:
                    self.skipped["folders reached twice"] += 1
                    continue
                self.seen[status.st_dev, status.st_ino] = folder
                self._read(folder)
            except OSError:
                if folder is top and not folder.name:
                    raise
                folder.closed = True
                self.skipped["folders that cannot be opened"] += 1
            folder.children.sort(key=lambda child: child.name)
            waiting.extend(reversed(folder.children))

    def _read(self, folder: Folder) -> None:
        """The entries of one folder. Written for speed: this loop runs once a file."""
        photos, skipped, pulse = folder.photos, self.skipped, self.pulse
        pulse(folder.path)
        empty = True
        with os.scandir(folder.path) as entries:
            for entry in entries:
                empty = False
                name = entry.name
                if name[0] == "." or name.lower() in _HIDDEN:
                    skipped[_why_hidden(entry)] += 1
                elif _suffix(name) in PHOTO_SUFFIXES and entry.is_file(follow_symlinks=False):
                    photos.append(entry.path)
                    if not len(photos) % 1024:
                        pulse.found += 1024
                        pulse(folder.path)
                else:
                    self._other(folder, entry)
        pulse.found += len(photos) % 1024
        photos.sort()
        if empty:
            skipped["empty folders"] += 1

    def _other(self, folder: Folder, entry: os.DirEntry[str]) -> None:
        """What is neither hidden nor simply a photo."""
        suffix = _suffix(entry.name)
        if _is_folder(entry):
            if why := _why_passed_over(entry.name):
                self.skipped[why] += 1
            elif entry.is_symlink():
                self._linked_folders.append((folder, entry.path, entry.name))
            else:
                folder.children.append(Folder(entry.path, entry.name, folder.depth + 1))
        elif suffix in PHOTO_SUFFIXES or not suffix and _begins_like_a_photo(entry):
            if not _is_file(entry):
                self.skipped["not ordinary files"] += 1
            elif entry.is_symlink():
                self._linked_photos.append((folder, entry.path))
            else:
                folder.photos.append(entry.path)
        else:
            folder.others[suffix] += 1
            self.skipped["not photos"] += 1

    def follow_links(self, roots: Sequence[Folder]) -> None:
        """Linked folders and photos, each unless what it points at has been found already."""
        while self._linked_folders:
            self._linked_folders.sort(key=lambda link: link[1], reverse=True)
            parent, path, name = self._linked_folders.pop()
            folder = Folder(path, name, parent.depth + 1)
            twice = self.skipped["folders reached twice"]
            self.read(folder)
            if self.skipped["folders reached twice"] > twice and not folder.holds_photos():
                self.again.append((parent, path, name))
            parent.children.append(folder)
        if self._linked_photos:
            self._follow_linked_photos(roots)

    def _follow_linked_photos(self, roots: Sequence[Folder]) -> None:
        found = set(real_photos(roots))
        for parent, path in sorted(self._linked_photos, key=lambda link: link[1]):
            target = os.path.realpath(path)
            if target in found:
                self.skipped["photos reached twice"] += 1
                self.again.append((parent, path, ""))
            else:
                found.add(target)
                parent.photos.append(path)
                self.pulse.found += 1
            self.pulse(parent.path)


def real_photos(roots: Sequence[Folder]) -> dict[str, Folder]:
    """Where each photo lies in truth, and the folder that it was found in."""
    found = {}
    for folder in (folder for root in roots for folder in root.all_folders()):
        real = os.path.realpath(folder.path)
        for path in folder.photos:
            found[os.path.join(real, os.path.basename(path))] = folder
    return found


def give_to_links(roots: Sequence[Folder], tree: Tree) -> None:
    """What was found both by itself and by a link belongs to where the link stands from now on."""
    owners = real_photos(roots)
    for parent, path, name in tree.again:
        if name:
            real_folder = _folder_at(path, tree)
            if real_folder is not None and not _lies_in(path, real_folder):
                parent.children.append(_moved(real_folder, path, name, parent.depth + 1))
                tree.skipped["folders reached twice"] -= 1
        elif (owner := owners.get(target := os.path.realpath(path))) is not None:
            left = [each for each in owner.photos if os.path.basename(each) != os.path.basename(target)]
            if len(left) < len(owner.photos):
                owner.photos[:] = left
                parent.photos.append(path)
                tree.skipped["photos reached twice"] -= 1
    for folder in (folder for root in roots for folder in root.all_folders()):
        folder.photos.sort()
        folder.children.sort(key=lambda child: child.name)


def _folder_at(path: str, tree: Tree) -> Folder | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return tree.seen.get((status.st_dev, status.st_ino))


def _lies_in(path: str, folder: Folder) -> bool:
    """A link that leads to a folder above itself."""
    return os.path.realpath(os.path.dirname(path)).startswith(os.path.realpath(folder.path))


def _moved(folder: Folder, path: str, name: str, depth: int) -> Folder:
    """The folder as reached by another path; its photos are there and no longer where they were."""
    photos = [os.path.join(path, os.path.basename(each)) for each in folder.photos]
    children = [_moved(each, os.path.join(path, each.name), each.name, depth + 1) for each in folder.children]
    folder.photos = []
    return Folder(path, name, depth, photos, children, folder.others, folder.closed)


def _suffix(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _why_hidden(entry: os.DirEntry[str]) -> str:
    if not _is_folder(entry):
        return "hidden files"
    return _why_passed_over(entry.name) or "hidden folders"


def _why_passed_over(name: str) -> str:
    """Of a folder; empty where it is read like any other."""
    if name.lower() in folder_names.CHECKPOINTS:
        return "checkpoint folders"
    if folder_names.is_of_system(name):
        return "folders of the system, or of deleted photos"
    return ""


def _begins_like_a_photo(entry: os.DirEntry[str]) -> bool:
    """Of a file without a suffix: by its first bytes."""
    try:
        if not entry.is_file():
            return False
        with files.open_to_read(entry.path, follow=True) as file:
            head = file.read(MAGIC_BYTES)
    except OSError:
        return False
    return head.startswith(MAGIC) or head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
