"""What the system's error numbers mean: the number, wherever it stands, → kind, words, cure.

A number is in an exception's `errno` or only in its text ("[Errno 5]", "os error 28", "EIO", "Input/output
error"): libraries in C++ and Rust pass on no more. The file, its drive and what was being done are said by
who asks; a drive is looked up in the system's table of mounts, never touched: it may not answer.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from waste_gui.known_errors import DISK_FULL, FREE_DISK, LIMIT, OUT_OF_MEMORY, SMALLER

DISK, DRIVE, READ_ONLY, PERMISSION = "disk", "drive", "read_only", "permission"
MISSING, BUSY, FILE, NETWORK, SYSTEM = "missing_file", "busy", "file", "network", "system"

ANEW = "Start again when it is there."
REPAIR = "Copy what matters from that disk to another, have the disk and its cable checked, and start again."
MOUNT = "Connect or mount the drive again, and start again; or choose a folder on another drive."
ELSEWHERE = "Choose a folder on another disk, and start again."
TRY_LATER = "Check the connection, and start again."
FEWER_FILES = "Use fewer loading processes, or raise the limit (ulimit -n 4096)."


@dataclass(frozen=True)
class Meaning:
    """`clause` completes "Training stopped: …" with `{file}` (or `bare`, where no file is known) and
    `{drive}`. A `serious` one is a cause wherever it stands; any other also comes of ordinary work."""

    kind: str
    clause: str
    hint: str
    bare: str = ""
    serious: bool = True


def _soft(kind: str, clause: str, hint: str, bare: str = "") -> Meaning:
    return Meaning(kind, clause, hint, bare, serious=False)


MEANINGS: dict[str, Meaning] = {
    "EIO": Meaning(DISK, "the disk{drive} failed at {file} (input/output error)", REPAIR),
    "EREMOTEIO": Meaning(DISK, "the device{drive} failed at {file} (remote I/O error)", REPAIR),
    "EUCLEAN": Meaning(
        DISK,
        "the file system{drive} is damaged, at {file}",
        "Write nothing more to that disk, have it repaired (fsck), and start again.",
    ),
    "EBADMSG": Meaning(
        DISK,
        "{file} is damaged: the file system{drive} found a wrong checksum",
        "Have the disk checked (fsck), bring the file back from a copy, and start again.",
    ),
    "ENOMEDIUM": Meaning(DRIVE, "there is no medium in the drive{drive} of {file}", MOUNT),
    "ENODEV": Meaning(DRIVE, "the device{drive} of {file} is gone (no such device)", MOUNT),
    "ENXIO": Meaning(DRIVE, "the device{drive} of {file} is gone (no such device or address)", MOUNT),
    "ESTALE": Meaning(
        DRIVE,
        "the drive{drive} no longer knows {file} (stale file handle, as of a network drive that was lost)",
        "Mount the drive again, and start again.",
    ),
    "ENOTCONN": Meaning(
        DRIVE,
        "the drive{drive} of {file} is no longer connected: the program behind it has ended",
        MOUNT,
        "what it was connected to is no longer connected",
    ),
    "ESHUTDOWN": Meaning(DRIVE, "the drive{drive} of {file} was shut down", MOUNT),
    "EHOSTDOWN": Meaning(
        DRIVE, "the computer that has {file}{drive} is down", MOUNT, "the other computer is down"
    ),
    "EROFS": Meaning(
        READ_ONLY,
        "{file} cannot be written: its disk{drive} is read-only",
        "Choose a folder on another disk. A disk that became read-only by itself has had an error: have it "
        "checked.",
        "the disk{drive} is read-only",
    ),
    "ENOSPC": Meaning(
        DISK_FULL, "the disk{drive} of {file} is full", FREE_DISK, bare="the disk{drive} is full"
    ),
    "EDQUOT": Meaning(
        DISK_FULL,
        "your quota on the disk{drive} of {file} is used up",
        FREE_DISK,
        "your quota on the disk is used up",
    ),
    "EFBIG": Meaning(
        LIMIT,
        "{file} became larger than its disk{drive} or a limit allows (file too large)",
        "Choose a folder on a disk that takes large files (not FAT32), or raise the limit (ulimit -f).",
    ),
    "EMFILE": Meaning(
        LIMIT,
        "the program had as many open files as it may have, and could not open {file}",
        FEWER_FILES,
        "the program had as many open files as it may have",
    ),
    "ENFILE": Meaning(
        LIMIT,
        "all programs together had as many open files as the system allows, and {file} could not be opened",
        "Close other programs, and start again.",
        "all programs together had as many open files as the system allows",
    ),
    "ENOMEM": Meaning(
        OUT_OF_MEMORY,
        "the computer ran out of memory at {file}",
        SMALLER,
        "the computer ran out of memory",
    ),
    "ENOLCK": Meaning(
        SYSTEM, "the drive{drive} cannot lock {file}", ELSEWHERE, "the system had no more file locks"
    ),
    "EDEADLK": Meaning(
        BUSY, "{file} is locked by a program that waits for this one (deadlock avoided)", "Start again."
    ),
    "EACCES": _soft(
        PERMISSION,
        "{file} may not be opened{drive} (permission denied)",
        "Give yourself the right to it (its owner can, by chmod), or choose another, and start again.",
        "something was not permitted (permission denied)",
    ),
    "EPERM": _soft(
        PERMISSION,
        "what was to be done with {file} is not allowed{drive} (operation not permitted)",
        "Ask whoever looks after this computer, or choose another place, and start again.",
        "something was not permitted (operation not permitted)",
    ),
    "ENOENT": _soft(
        MISSING,
        "{file} is not there",
        "Bring it back, or choose another, and start again.",
        "a file is not there (no such file or directory)",
    ),
    "ENOTDIR": _soft(
        MISSING, "a part of the path {file} is no folder", "Look at what stands there, and start again."
    ),
    "EISDIR": _soft(FILE, "{file} is a folder, where a file should be", "Move it away, and start again."),
    "EEXIST": _soft(FILE, "{file} is there already", "Move it away, and start again."),
    "ENOTEMPTY": _soft(FILE, "the folder {file} is not empty", "Look at what stands there, and start again."),
    "ELOOP": _soft(
        FILE, "{file} is a link that leads to itself", "Remove the link, or choose another, and start again."
    ),
    "ENAMETOOLONG": _soft(
        FILE, "the name {file} is too long for its disk{drive}", "Use shorter names, and start again."
    ),
    "EILSEQ": _soft(FILE, "the disk{drive} cannot take the name {file}", "Rename it, and start again."),
    "EXDEV": _soft(FILE, "{file} cannot be moved from one disk to another", ELSEWHERE),
    "EBUSY": Meaning(
        BUSY,
        "{file} is in use by another program or the system{drive} (busy)",
        "End what uses it, and start again.",
        "something is in use by another program (device or resource busy)",
    ),
    "ETXTBSY": Meaning(BUSY, "{file} is being run by another program", "End that program, and start again."),
    "ENOTSUP": _soft(
        SYSTEM,
        "the file system{drive} of {file} does not support what was asked of it",
        ELSEWHERE,
        "the system does not support what was asked of it (operation not supported)",
    ),
    "ENOSYS": _soft(
        SYSTEM,
        "the system does not know what was asked of it for {file}",
        "A newer system may be needed, or a container allows too little.",
        "the system does not know what was asked of it (function not implemented)",
    ),
    "EAGAIN": _soft(
        LIMIT,
        "the system's limit of processes, threads or locks was reached at {file} (resource temporarily "
        "unavailable)",
        "Use fewer loading processes, close other programs, and start again.",
        "the system's limit of processes and threads was reached (resource temporarily unavailable)",
    ),
    "EPIPE": _soft(
        SYSTEM,
        "who was to read {file} is gone (broken pipe)",
        "Start again.",
        "the program at the other end of a pipe is gone (broken pipe)",
    ),
    "EBADF": _soft(
        SYSTEM,
        "{file} was closed while it was still needed (bad file descriptor)",
        "Start again. If it happens again, copy the details and send them to us.",
        "a file was closed while it was still needed (bad file descriptor)",
    ),
    "ECHILD": _soft(SYSTEM, "a process that was waited for is not there", "Start again."),
    "ESRCH": _soft(SYSTEM, "a process that was needed is not there", "Start again."),
    "ENOEXEC": _soft(
        SYSTEM, "{file} is no program for this system", "Install one that was made for it, and start again."
    ),
    "ETIMEDOUT": Meaning(
        DRIVE,
        "the drive{drive} did not answer in time when {file} was needed",
        MOUNT,
        "an answer did not come in time (timed out)",
    ),
    "ECONNREFUSED": Meaning(
        NETWORK, "{file} refused the connection", "Check that its program runs there, and start again."
    ),
    "ECONNRESET": Meaning(NETWORK, "the connection to {file} was cut off by the other end", TRY_LATER),
    "ECONNABORTED": Meaning(NETWORK, "the connection to {file} was given up", TRY_LATER),
    "ENETUNREACH": Meaning(NETWORK, "there is no way to {file} (network unreachable)", TRY_LATER),
    "ENETDOWN": Meaning(NETWORK, "the network to {file} is down", TRY_LATER),
    "ENETRESET": Meaning(NETWORK, "the network cut off the connection to {file}", TRY_LATER),
    "EHOSTUNREACH": Meaning(NETWORK, "there is no way to {file} (no route to host)", TRY_LATER),
    "EADDRINUSE": Meaning(
        NETWORK,
        "the network port of {file} is used by another program",
        "End that program, and start again.",
    ),
    "EADDRNOTAVAIL": Meaning(NETWORK, "this computer has no such network address ({file})", TRY_LATER),
}
"""By name: a number means different things on different systems, and some systems lack some."""

ALSO = {"EOPNOTSUPP": "ENOTSUP", "EWOULDBLOCK": "EAGAIN", "EDEADLOCK": "EDEADLK", "EFSCORRUPTED": "EUCLEAN"}

NETWORKED = ("ETIMEDOUT", "EHOSTDOWN", "ENOTCONN")
"""Of a drive, or of a connection."""

_SAID = {
    "database disk image is malformed": "EUCLEAN",
    "disk I/O error": "EIO",
    "database is locked": "EBUSY",
    "database table is locked": "EBUSY",
    "data error (cyclic redundancy check)": "EIO",
    "database or disk is full": "ENOSPC",
    "not enough space on the disk": "ENOSPC",
    "attempt to write a readonly database": "EROFS",
    "being used by another process": "EBUSY",
    "the device is not ready": "ENODEV",
    "network name is no longer available": "ESTALE",
    "the semaphore timeout period has expired": "ETIMEDOUT",
    "transport endpoint is not connected": "ENOTCONN",
    "structure needs cleaning": "EUCLEAN",
    "stale file handle": "ESTALE",
    "stale nfs file handle": "ESTALE",
    "connection timed out": "ETIMEDOUT",
    "operation timed out": "ETIMEDOUT",
}
"""Words of sqlite, Windows and other systems' C libraries; those of this one are asked from it."""

_WINDOWS = {
    **dict.fromkeys((2, 3), "ENOENT"),
    **dict.fromkeys((5,), "EACCES"),
    **dict.fromkeys((32, 33), "EBUSY"),
    **dict.fromkeys((39, 112), "ENOSPC"),
    **dict.fromkeys((23, 483, 1117), "EIO"),
    **dict.fromkeys((15, 20, 21, 433, 1167), "ENODEV"),
    **dict.fromkeys((53, 55, 59, 64, 67), "ESTALE"),
    **dict.fromkeys((8, 14, 1450, 1455), "ENOMEM"),
    **dict.fromkeys((206,), "ENAMETOOLONG"),
    **dict.fromkeys((4,), "EMFILE"),
    **dict.fromkeys((19,), "EROFS"),
    **dict.fromkeys((121,), "ETIMEDOUT"),
    **dict.fromkeys((1392, 1393), "EUCLEAN"),
}
"""Its own numbers (winerror.h)."""

_NUMBER = re.compile(r"\[Errno (\d+)\]|\berrno\s*[=:]?\s*(\d+)|\(errno (\d+)\)", re.IGNORECASE)
_RUST = re.compile(r"\(os error (\d+)\)")
_WINDOWS_NUMBER = re.compile(r"\[WinError (\d+)\]")
_NAME = re.compile(r"\bE[A-Z0-9]{2,14}\b")


def name_of(number: int | None) -> str:
    """`EIO`; empty for what this system does not know."""
    name = errno.errorcode.get(number or 0, "")
    return ALSO.get(name, name)


def name_in(text: str) -> str:
    """The name of the last error number that a text tells of, by number, name or words; else empty."""
    for pattern, numbers in ((_WINDOWS_NUMBER, _WINDOWS.get), (_RUST, _rust_name), (_NUMBER, name_of)):
        for match in reversed(list(pattern.finditer(text))):
            number = int(next(filter(None, match.groups()))[:6])
            if name := numbers(number):
                return name
    for word in reversed(_NAME.findall(text)):
        if ALSO.get(word, word) in MEANINGS:
            return str(ALSO.get(word, word))
    words = _words().findall(text)
    return _by_words()[words[-1].lower()] if words else ""


def _rust_name(number: int) -> str:
    """Rust gives the system's own number."""
    return _WINDOWS.get(number, "") if sys.platform == "win32" else name_of(number)


@cache
def _by_words() -> dict[str, str]:
    own = {os.strerror(getattr(errno, name)).lower(): name for name in MEANINGS if hasattr(errno, name)}
    return {**_SAID, **own} | {"disk quota exceeded": "EDQUOT", "no space left on device": "ENOSPC"}


@cache
def _words() -> re.Pattern[str]:
    longest_first = sorted(_by_words(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def strerror_of(name: str) -> str:
    number = getattr(errno, name, None)
    return os.strerror(number) if number else name


# --- where


_QUOTED = re.compile(r"'([^'\n]{1,1000})'|\"([^\"\n]{1,1000})\"|`([^`'\n]{1,1000})[`']")
_PATH = re.compile(r"(?<![\w:/\\.])((?:[A-Za-z]:)?[/\\][^\s:'\"(),;|<>]{2,1000})")


_SPACED = re.compile(r"(?: (?![/\\])[^\s:'\"]+){1,6}\.\w{1,12}(?=[)\]]?\s*$)", re.MULTILINE)
"""The rest of a name with spaces, at the end of a line."""


def _unquoted(text: str) -> Iterator[str]:
    for match in _PATH.finditer(text):
        rest = None if re.search(r"\.\w{1,12}$", match[1]) else _SPACED.match(text, match.end())
        yield match[1] + (rest[0] if rest else "")


def file_in(text: str) -> str:
    """A path that a text names, quoted or not; else empty."""
    quoted = [next(filter(None, groups)) for groups in _QUOTED.findall(text) if any(groups)]
    for each in (*quoted, *_unquoted(text)):
        if each.lower() in _by_words():
            continue
        if re.search(r"[/\\]", each) or re.search(r"\w\.\w{1,12}$", each):
            return str(each).rstrip(".")
    return ""


MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Mount:
    """Where a file's drive is hung in, what it is, and of which type."""

    point: str
    source: str
    type: str

    @property
    def words(self) -> str:
        """`/dev/sdb1, ext4, at /data`."""
        source = "" if self.source in ("none", self.type) else f"{self.source}, "
        return f"{source}{self.type}, at {self.point}"


def mount_of(path: str) -> Mount | None:
    """From the table of mounts alone; None where there is no such table."""
    if not path or sys.platform != "linux":
        return None
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: Mount | None = None
    wanted = os.path.join(os.path.abspath(path), "")
    for line in lines:  # The last one of a place hides those before it.
        mount = _mount(line)
        if mount and wanted.startswith(os.path.join(mount.point, "")):
            found = mount if found is None or len(mount.point) >= len(found.point) else found
    return found


def _mount(line: str) -> Mount | None:
    """From `36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw`."""
    before, _, after = line.partition(" - ")
    left, right = before.split(" "), after.split(" ")
    if len(left) < 5 or len(right) < 2:
        return None
    return Mount(_unescaped(left[4]), _unescaped(right[1]), right[0])


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def said(name: str, file: str = "", *, network: bool = False) -> tuple[str, str, str]:
    """Kind, clause and hint of the error of this name, met at a file (or, on the network, an address)."""
    meaning = MEANINGS.get(name)
    if meaning is None:
        at = f" at {file}" if file else ""
        clause = f"the system refused what was asked of it{at} ({strerror_of(name).lower()})"
        return SYSTEM, clause, "Start again. If it happens again, copy the details and send them to us."
    if network and name in NETWORKED:
        return (
            NETWORK,
            f"{file or 'the other computer'} did not answer ({strerror_of(name).lower()})",
            TRY_LATER,
        )
    mount = None if meaning.kind == NETWORK else mount_of(file)
    drive = f" ({mount.words})" if mount and mount.point != "/" or mount and meaning.serious else ""
    template = meaning.clause if file or not meaning.bare else meaning.bare
    unknown = "the other computer" if meaning.kind == NETWORK else "a file"
    clause = template.format(file=file or unknown, drive=drive)
    return meaning.kind, clause if file in clause else f"{clause}, at {file}", meaning.hint
