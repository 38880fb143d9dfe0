"""What an exception came from, through everything that was wrapped around it, and where: the chain of causes,
the line of Python, the file or the address that it was about."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from waste_gui import os_errors
from waste_gui.code_place import short

MOST = 200
"""Of exceptions in one chain, and of characters of a name."""
FRAMES = 5
"""A file is looked for in so many of the innermost functions."""

_NETWORK = re.compile(
    r"[\\/](socket|ssl|socketserver|smtplib|ftplib)\.py$|[\\/](http|urllib|asyncio|requests|urllib3|httpx|"
    r"httpcore|aiohttp|huggingface_hub|xmlrpc)[\\/]"
)
_STANDARD = re.compile(
    r"waste_gui[\\/]engine[\\/](exits|signals)\.py$|[\\/]python3\.\d+t?[\\/](?!site-packages|dist-packages)|[\\/]Lib[\\/](?!site-pack)|^<"
)
_INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]")
_FILE_NAMES = re.compile(
    r"path|file|name|^(f|fp|fh|fd|src|dst|source|target|dest\w*)$|descriptor|folder|dir", re.I
)
_FOLDER_NAMES = re.compile(r"folder|dir|root|home|base|parent", re.I)
_HOST = re.compile(r"host='([^']+)'|https?://([^/\s'\"]+)|Host: (\S+)")


@dataclass(frozen=True)
class Link:
    """One exception of a chain. `implied` says that it was only being handled when the next was raised: that
    one need not come of it."""

    error: BaseException
    implied: bool = False


def chain(failure: BaseException) -> list[Link]:
    """The exception and all that it came from, the true cause last: what it was raised from, what it carries
    (groups, arguments, reasons), and what was being handled."""
    found: list[Link] = []
    seen: set[int] = set()
    waiting = [Link(failure)]
    while waiting and len(found) < MOST:
        link = waiting.pop(0)
        if id(link.error) in seen:
            continue
        seen.add(id(link.error))
        found.append(link)
        waiting += [Link(each, link.implied) for each in _carried(link.error)]
        if link.error.__context__ is not None:
            translated = link.error.__suppress_context__ and link.error.__cause__ is None  # `from None`
            waiting.append(Link(link.error.__context__, implied=link.implied or not translated))
    return found


def _carried(error: BaseException) -> Iterator[BaseException]:
    members = getattr(error, "exceptions", ())  # Of an ExceptionGroup, which Python 3.10 does not have.
    reasons = [getattr(error, name, None) for name in ("reason", "error", "original_exception", "last_error")]
    carried = (
        error.__cause__,
        *(members if isinstance(members, tuple | list) else ()),
        *reasons,
        *error.args,
    )
    yield from (each for each in carried if isinstance(each, BaseException))


def frames_of(error: BaseException) -> list[tuple[FrameType, int]]:
    """Where it was raised, the innermost first: frame and line."""
    return [*traceback.walk_tb(error.__traceback__)][::-1]


def place_of(error: BaseException, around: list[Link]) -> str:
    """`torch/hub.py, line 41`: the innermost line that is not of Python's own library, of the error or else
    of those that were raised from it."""
    errors = [error, *(link.error for link in reversed(around) if not link.implied)]
    frames = [each for one in errors for each in frames_of(one)]
    for frame, line in (*(f for f in frames if not _STANDARD.search(f[0].f_code.co_filename)), *frames):
        return f"{short(frame.f_code.co_filename)[1]}, line {line}"
    return ""


def library_of(error: BaseException) -> str:
    """The installed package in which it was raised; empty where that is this program."""
    for frame, _ in frames_of(error):
        file = frame.f_code.co_filename
        if not _STANDARD.search(file):
            package = short(file)[1].partition("/")[0].removesuffix(".py")
            return package if _INSTALLED.search(file) and package != "waste_gui" else ""
    return ""


def is_of_network(error: BaseException) -> bool:
    return any(_NETWORK.search(frame.f_code.co_filename) for frame, _ in frames_of(error)[:12])


# --- the file


def file_of(error: BaseException) -> str:
    """The file that it names, or that was in hand where it was raised; else empty."""
    for name in (getattr(error, "filename", None), getattr(error, "filename2", None)):
        if isinstance(name, int):
            return _of_descriptor(name)
        if isinstance(name, str | bytes | os.PathLike):
            return _clean(os.fsdecode(name))
    named = os_errors.file_in(str(error)) if not _is_our_bug(error) else ""
    return named or file_in_hand(error)


_READS = {"open", "read", "read_text", "read_bytes", "load", "loadtxt", "connect", "ZipFile", "memmap"}


def file_in_hand(error: BaseException, *, reading: bool = False) -> str:
    """From the variables of the innermost functions: an open file, a descriptor, a path. `reading` says that
    a path only counts in a function that reads files."""
    for frame, _ in frames_of(error)[:FRAMES]:
        if _of_interpreter(frame):
            continue
        for values in _variables(frame):
            paths = (_path,) if not reading or _READS & set(frame.f_code.co_names) else ()
            for find in (_open_file, _descriptor, *paths):
                found = [(name, file) for name, value in values.items() if (file := find(name, value))]
                if found:
                    return _clean(max(enumerate(found), key=lambda each: _likely(each[0], *each[1]))[1][1])
    return ""


def _likely(place: int, name: str, file: str) -> tuple[bool, bool, int]:
    """A file rather than a folder, and of two the one that was made later."""
    return not _FOLDER_NAMES.search(name), bool(os.path.splitext(file)[1]), place


def _of_interpreter(frame: FrameType) -> bool:
    """Of imports, threads and context managers: what they have in hand are not the files in question."""
    return bool(re.search(r"importlib|threading\.py$|contextlib\.py$|runpy\.py$", frame.f_code.co_filename))


def _variables(frame: FrameType) -> Iterator[dict[str, object]]:
    """Those of the function, then those of its object."""
    own = dict(frame.f_locals)
    yield own
    of_object = getattr(own.get("self"), "__dict__", None)
    if isinstance(of_object, dict):
        yield {str(name): value for name, value in of_object.items()}


def _open_file(name: str, value: object) -> str:
    if not isinstance(value, io.IOBase) or isinstance(value, io.BytesIO | io.StringIO):
        return ""
    file = getattr(value, "name", "")
    return _of_descriptor(file) if isinstance(file, int) else file if isinstance(file, str) else ""


def _descriptor(name: str, value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool) or value < 3:
        return ""
    return _of_descriptor(value) if re.search(r"^fd$|fileno|descriptor|^fh$|_fd$", name, re.I) else ""


def _path(name: str, value: object) -> str:
    if isinstance(value, os.PathLike) or (isinstance(value, str) and _FILE_NAMES.search(name)):
        text = os.fspath(value)
        if isinstance(text, str) and re.search(r"[\\/]", text) and len(text) < 4096 and "\n" not in text:
            return text
    return ""


def _of_descriptor(number: int) -> str:
    """Without touching the file."""
    with contextlib.suppress(OSError):
        if sys.platform == "linux" and number >= 0:
            found = os.readlink(f"/proc/self/fd/{number}")
            return "" if found.startswith(("pipe:", "socket:", "anon_inode:")) else found
    return ""


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:1000]


# --- the other end of a connection


def address_of(links: list[Link]) -> str:
    """The host that an error of the network is about: in a text of the chain, or in hand there."""
    for link in links:
        request = getattr(link.error, "request", None)
        texts = (str(link.error), str(getattr(link.error, "url", "")), str(getattr(request, "url", "")))
        for text in texts:
            if match := _HOST.search(text):
                return _clean(next(filter(None, match.groups())))
    for link in links:
        for frame, _ in frames_of(link.error):
            if found := next(filter(None, (_host(*each) for each in frame.f_locals.items())), ""):
                return _clean(found)
    return ""


def _host(name: str, value: object) -> str:
    if name in ("address", "addr", "sa", "sockaddr") and isinstance(value, tuple) and len(value) >= 2:
        return f"{value[0]}:{value[1]}" if isinstance(value[0], str) else ""
    if name in ("host", "hostname", "url", "fullurl", "server") and isinstance(value, str):
        match = _HOST.search(value)
        return next(filter(None, match.groups())) if match else value[:MOST]
    return ""


PROGRAM_ERRORS = (KeyError, TypeError, AttributeError, NameError, AssertionError, IndexError)
"""Types whose texts quote a program, never the system."""


def _is_our_bug(error: BaseException) -> bool:
    return isinstance(error, PROGRAM_ERRORS)


def system_error(error: BaseException) -> str:
    """The name of the system's error number that it carries or speaks of (`EIO`); else empty."""
    from_library = type(error).__module__ in ("ssl",) or type(error).__name__ in ("gaierror", "herror")
    if isinstance(error, OSError) and isinstance(error.errno, int) and not from_library:
        return os_errors.name_of(error.errno) or f"errno {error.errno}"
    return "" if _is_our_bug(error) or from_library else os_errors.name_in(str(error)[:4000])
