"""The only way to the disk for files that a stranger may have prepared: run folders, settings, caches.

No link is followed, neither at a file nor at a folder inside a run; what is read is an ordinary file of a
size that fits its purpose; what is written is new, or an ordinary file of the person's own that has no second
name. `tests/strangers/test_ways.py` looks that nothing in the package opens files past this module.

`inside` names the folder that the person chose, which itself may be reached through links: every folder
between it and the file must really be there. Without it, that is the file's own folder.

Windows can neither refuse links while opening nor open relative to a folder. There a path is looked at before
it is opened and compared afterwards, so that a folder prepared beforehand is harmless, and only somebody who
exchanges a file in that very moment is not noticed. Owners are not compared there.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

T = TypeVar("T")

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
AS_UMASK = 0o666
SMALL_BYTES = 4 * 2**20
"""Of a file of settings, marks or a lock; the longest that was ever written is a hundredth of it."""
LARGE_BYTES = 512 * 2**20
"""Of a file with a line a photo: ten times what 300,000 photos take."""

_BASIC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_UNFOLLOWED = getattr(os, "O_NOFOLLOW", 0)
_PATIENT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""To open a pipe that has taken the file's place does not wait for its other end."""
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _BASIC
_LINK_ERRORS = {errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP)}


class UnsafeFile(OSError):
    """It is there, and is not opened; `strerror` says why."""

    def __init__(self, why: str, path: Path | str) -> None:
        super().__init__(errno.EPERM, why, str(path))


# --- reading


def open_to_read(path: Path | str, inside: Path | None = None, *, follow: bool = False) -> BinaryIO:
    """An ordinary file, unbuffered. `follow` is for a path that the person named: it may be a link. Raises
    OSError."""
    with _place(path, inside) as (folder, name):
        unfollowed = 0 if follow else _UNFOLLOWED
        descriptor = _open(name, os.O_RDONLY | unfollowed | _PATIENT, folder, path, follow=follow)
    with _closed_on_error(descriptor):
        _check_ordinary(os.fstat(descriptor), path)
        return open(descriptor, "rb", buffering=0)


def read(path: Path | str, most: int, inside: Path | None = None, *, follow: bool = False) -> bytes:
    """All of it. Raises OSError, also where it is larger than `most` bytes."""
    with open_to_read(path, inside, follow=follow) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise UnsafeFile(f"It is larger than {most / 2**20:.0f} MB", path)
        return _read_up_to(file, most)


def read_end(path: Path | str, most: int, inside: Path | None = None) -> tuple[bytes, int]:
    """Its last `most` bytes, and where they begin in it. Raises OSError."""
    with open_to_read(path, inside) as file:
        begin = max(0, file.seek(0, os.SEEK_END) - most)
        file.seek(begin)
        return _read_up_to(file, most), begin


def read_json(path: Path | str, kind: type[T], most: int, inside: Path | None = None) -> T:
    """Raises OSError, or ValueError for what it holds."""
    return decode_json(read(path, most, inside), kind)


def decode_json(content: bytes, kind: type[T]) -> T:
    """What encode_json wrote, or anybody. Raises ValueError, whatever is wrong with it."""
    import msgspec  # not on top: workers import this file and shall start fast

    try:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError:
            if rb"\ud" not in content:
                raise
            return msgspec.convert(json.loads(content), kind)  # msgspec refuses a lone surrogate
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


@contextlib.contextmanager
def nameable(path: Path) -> Iterator[Path]:
    """The same file under a name that is UTF-8, for libraries that take no other. Such names exist on Linux
    only, where /proc names every open folder."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            yield Path(f"/proc/self/fd/{folder}", path.name)
        finally:
            os.close(folder)
    else:
        yield path


def encode_json(value: object, indent: int = 0) -> bytes:
    """Of a struct; a byte of a name that is no UTF-8 is a lone surrogate in Python and `\\udcNN` in JSON, of
    which any reader makes it again: the file itself stays valid UTF-8."""
    import msgspec

    try:
        content = msgspec.json.encode(value)
        return msgspec.json.format(content, indent=indent) if indent else content
    except UnicodeEncodeError:
        plain = _finite(msgspec.to_builtins(value))
        text = json.dumps(plain, ensure_ascii=False, indent=indent or None)
        return text.encode("utf-8", "backslashreplace")


def _finite(value: object) -> object:
    """As msgspec writes them: NaN and infinity are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value


def is_ordinary(path: Path | str) -> bool:
    """Whether a file is there that would be opened to be read: no link, no folder, no pipe."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _read_up_to(file: BinaryIO, most: int) -> bytes:
    """An unbuffered read may give less than is there."""
    parts: list[bytes] = []
    while most > 0 and (part := file.read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


# --- writing


def open_to_append(
    path: Path | str, inside: Path | None = None, mode: int = AS_UMASK, *, readable: bool = False
) -> int:
    """A descriptor: what is written goes to the end of a file of the person's own; made where there is none.
    Raises OSError."""
    flags = (os.O_RDWR if readable else os.O_WRONLY) | os.O_APPEND | _UNFOLLOWED | _PATIENT
    with _place(path, inside) as (folder, name):
        with contextlib.suppress(FileNotFoundError):
            return _open_own(name, flags, folder, path)
        try:
            return _open(name, flags | os.O_CREAT | os.O_EXCL, folder, path, mode)
        except FileExistsError:  # Another process has made it since.
            return _open_own(name, flags, folder, path)


def append(path: Path | str, data: bytes, inside: Path | None = None, mode: int = AS_UMASK) -> None:
    """In one write, so that two processes do not mix theirs. Raises OSError."""
    descriptor = open_to_append(path, inside, mode)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def empty(path: Path | str, inside: Path | None = None) -> None:
    """Take away what it holds. Raises OSError."""
    descriptor = open_to_append(path, inside)
    try:
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def create(path: Path | str, inside: Path | None = None, mode: int = AS_UMASK) -> BinaryIO:
    """A new file, unbuffered. Raises FileExistsError where anything has this name, else OSError."""
    with _place(path, inside) as (folder, name):
        descriptor = _open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _UNFOLLOWED, folder, path, mode)
    return open(descriptor, "wb", buffering=0)


def write_atomically(path: Path, content: bytes, inside: Path | None = None, mode: int = AS_UMASK) -> None:
    """The whole content or nothing: a new file beside it, fsync, rename. A link of this name is replaced,
    never what it leads to. Raises OSError."""
    with replacing(path, inside, mode) as file:
        write_whole(file, content)


def write_whole(file: BinaryIO, content: bytes) -> None:
    """An unbuffered write may take less than all."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) or 0 :]


@contextlib.contextmanager
def replacing(path: Path, inside: Path | None = None, mode: int = AS_UMASK) -> Iterator[BinaryIO]:
    """A new file that takes the name of `path` once it is written and safe on the disk; after an error
    nothing has changed."""
    temporary = beside(path)
    try:
        with create(temporary, inside, mode) as file:
            yield file
            os.fsync(file.fileno())
        rename(temporary, path, inside)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            remove(temporary, inside)
        raise


def beside(path: Path) -> Path:
    """A name that nobody could have guessed, for a file that will take the place of `path`."""
    return path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.tmp")


def rename(old: Path, new: Path, inside: Path | None = None) -> None:
    """In the same folder; what had the new name is replaced. Raises OSError."""
    with _place(old, inside) as (folder, name):
        if folder is None:
            os.replace(name, new)
        else:
            os.replace(name, new.name, src_dir_fd=folder, dst_dir_fd=folder)


def remove(path: Path, inside: Path | None = None) -> None:
    """The file, or the link itself. Raises OSError."""
    with _place(path, inside) as (folder, name):
        os.unlink(name, dir_fd=folder)


def sync(path: Path, inside: Path | None = None) -> None:
    """To the disk, a file that a library wrote. Raises OSError."""
    descriptor = open_to_append(path, inside)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """So that a rename in it is there after a power cut. Windows knows no such thing."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # Not every network folder can.
        descriptor = os.open(folder, os.O_RDONLY | _BASIC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- folders


def make_folder(path: Path, inside: Path | None = None, mode: int = 0o777) -> None:
    """Its own folder must be there; nothing happens where it is there already, itself and no link. Raises
    OSError."""
    with _place(path, inside) as (folder, name):
        try:
            os.mkdir(name, mode, dir_fd=folder)
        except FileExistsError:
            _check_folder(os.stat(name, dir_fd=folder, follow_symlinks=False), path)


def make_private_folder(path: Path) -> None:
    """And those above it, for this person alone as far as they are new. One that is there is left as it is:
    who made it decided who may look into it. Raises OSError."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, PRIVATE_FOLDER)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


# --- what makes it safe


@contextlib.contextmanager
def _place(path: Path | str, inside: Path | None) -> Iterator[tuple[int | None, str]]:
    """The folder to open `path` in, as a descriptor, and its name there; without one, where there is no
    folder to look at or the system can't, the whole path."""
    if inside is None:
        yield None, str(path)
        return
    *folders, name = Path(path).relative_to(inside).parts
    if sys.platform == "win32":
        for depth in range(1, len(folders) + 1):
            _check_folder(os.lstat(inside.joinpath(*folders[:depth])), path)
        yield None, str(path)
        return
    with contextlib.ExitStack() as opened:
        folder = os.open(inside, _FOLDER)
        opened.callback(os.close, folder)
        for each in folders:
            _check_folder(os.stat(each, dir_fd=folder, follow_symlinks=False), inside / each)
            folder = _open(each, _FOLDER | _UNFOLLOWED, folder, inside / each)
            opened.callback(os.close, folder)
        yield folder, name


def _open(
    name: str, flags: int, folder: int | None, path: Path | str, mode: int = 0, *, follow: bool = False
) -> int:
    looked_at = _look_before_opening(name, path, follow) if sys.platform == "win32" else None
    try:
        descriptor = os.open(name, flags | _BASIC, mode, dir_fd=folder)
    except OSError as error:
        if error.errno in _LINK_ERRORS and not follow:
            raise UnsafeFile("It is a link", path) from None
        raise
    if looked_at is not None:
        with _closed_on_error(descriptor):
            if not os.path.samestat(looked_at, os.fstat(descriptor)):
                raise UnsafeFile("Another file has just taken its place", path)
    return descriptor


def _look_before_opening(name: str, path: Path | str, follow: bool) -> os.stat_result | None:
    try:
        seen = os.stat(name, follow_symlinks=follow)
    except FileNotFoundError:
        return None
    if _leads_elsewhere(seen):
        raise UnsafeFile("It is a link", path)
    return seen


def _leads_elsewhere(seen: os.stat_result) -> bool:
    """A link, or a junction of Windows."""
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return stat.S_ISLNK(seen.st_mode) or (
        junction is not None and getattr(seen, "st_reparse_tag", 0) == junction
    )


def _open_own(name: str, flags: int, folder: int | None, path: Path | str) -> int:
    descriptor = _open(name, flags, folder, path)
    with _closed_on_error(descriptor):
        found = os.fstat(descriptor)
        _check_ordinary(found, path)
        if found.st_nlink > 1:
            raise UnsafeFile("It has a second name elsewhere (a hard link)", path)
        if sys.platform != "win32" and found.st_uid != os.geteuid():
            if found.st_uid != _owner_of_new_files(folder, path):
                raise UnsafeFile("It belongs to somebody else", path)
    return descriptor


def _check_ordinary(found: os.stat_result, path: Path | str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnsafeFile("It is no ordinary file", path)


def _check_folder(found: os.stat_result, path: Path | str) -> None:
    if _leads_elsewhere(found):
        raise UnsafeFile("It is a link", path)
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeFile("It is no folder", path)


def _owner_of_new_files(folder: int | None, path: Path | str) -> int:
    """Network drives and those of Windows may give one owner to all files, also to those that we make."""
    trial = beside(Path(path))
    name = str(trial) if folder is None else trial.name
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BASIC, PRIVATE_FILE, dir_fd=folder)
    try:
        return os.fstat(descriptor).st_uid
    finally:
        os.close(descriptor)
        os.unlink(name, dir_fd=folder)


@contextlib.contextmanager
def _closed_on_error(descriptor: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(descriptor)
        raise
