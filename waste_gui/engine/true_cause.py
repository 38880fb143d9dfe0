"""What an exception means, by its true cause: an error of the system wherever it was raised and however it
was wrapped, a command that failed, a damaged file, a library that ended the program."""

from __future__ import annotations

import json
import pickle
import re
import signal
import subprocess
import zlib
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace

from waste_gui import known_errors, os_errors
from waste_gui.engine.causes import (
    PROGRAM_ERRORS,
    Link,
    address_of,
    chain,
    file_in_hand,
    file_of,
    frames_of,
    is_of_network,
    library_of,
    place_of,
    system_error,
)
from waste_gui.plain_text import plain
from waste_gui.reporting import note

LEFT, INTERRUPTED, COMMAND = "left", "interrupted", "command"
SEND = "Nothing saved is lost. Copy the details and send them to us."
LAST_WORDS, LONGEST = 3, 300
"""Lines of what a command said, and characters of anything that is quoted."""

ANEW = "Bring it back from a copy, or move it away so that it is made anew, and start again."

OVERRULES = (
    os_errors.DISK,
    os_errors.DRIVE,
    known_errors.LIMIT,
    known_errors.OUT_OF_MEMORY,
    known_errors.DISK_FULL,
)
"""Kinds that are a better name than that of an error of our own which was raised from it."""

EXPLAINS = (os_errors.PERMISSION, os_errors.READ_ONLY, os_errors.BUSY)
"""Kinds that say why a file cannot be read; downloading it again would not help."""


@dataclass(frozen=True)
class Cause:
    """`clause` completes "Training stopped: …"; `error` is the exception that it was read from."""

    kind: str
    clause: str
    hint: str
    error: BaseException
    file: str = ""
    place: str = ""


def cause_of(failure: BaseException) -> Cause | None:
    """The deepest of the chain that says something by itself; of what was only being handled, an error of the
    system that nobody raises in ordinary work. Never raises: what a library's exceptions and variables do
    when they are looked at is up to them."""
    try:
        return _cause_of(failure)
    except MemoryError:
        return _of_memory(Link(MemoryError()), [])
    except Exception as error:
        note(f"looking for the cause failed: {type(error).__name__}")
        return None


def _cause_of(failure: BaseException) -> Cause | None:
    links = chain(failure)
    ends_the_program = isinstance(failure, SystemExit)
    for link in reversed(links):
        for judge in _JUDGES:
            found = judge(link, links)
            if found and (not link.implied or ends_the_program or _is_serious(link.error)):
                return replace(found, place=place_of(link.error, links))
    return None


def _is_serious(error: BaseException) -> bool:
    meaning = os_errors.MEANINGS.get(system_error(error))
    return isinstance(error, MemoryError) or bool(meaning and meaning.serious)


# --- one exception


def _of_the_network(link: Link, links: list[Link]) -> Cause | None:
    error = link.error
    kind, text = type(error).__name__, str(error)
    address = address_of(links)
    there = address or "the other computer"
    if kind in ("gaierror", "herror"):
        clause = f"the name {address or 'of the other computer'} could not be found in the network ({text})"
    elif type(error).__module__ == "ssl" or "CERTIFICATE_VERIFY_FAILED" in text:
        clause = f"{there} could not be trusted, or spoke no proper TLS ({_first_line(error)})"
    elif kind == "HTTPError" and (code := getattr(error, "code", None)):
        clause = f"{there} answered with an error ({code} {getattr(error, 'reason', '')})".replace(" )", ")")
    elif isinstance(error, TimeoutError) and is_of_network(error):
        clause = f"{there} did not answer in time"
    elif kind in ("URLError", "RemoteDisconnected", "IncompleteRead", "ConnectionError", "ConnectTimeout"):
        clause = f"the connection to {there} failed ({_first_line(error)})"
    else:
        return None
    hint = "Check the network and its settings (proxy, time of day), and start again."
    return Cause(os_errors.NETWORK, clause, hint, error)


def _of_a_command(link: Link, links: list[Link]) -> Cause | None:
    error = link.error
    hint = "Run that command in a terminal: it says what it lacks. Then start again."
    match error:
        case subprocess.CalledProcessError():
            kept = [said for name, said in vars(error).items() if name not in ("cmd", "returncode")]
            said = next(filter(None, map(_last_words, reversed(kept))), "")
            words = f": {said}" if said else ""
            clause = f"the command {_command(error.cmd)} failed ({status_words(error.returncode)}){words}"
        case subprocess.TimeoutExpired():
            clause = f"the command {_command(error.cmd)} did not end within {error.timeout:g} seconds"
        case BrokenExecutor():
            clause = f"a helping process of {library_of(error) or 'the program'} was killed or crashed"
            hint = "Often memory ran out: close other programs, and start again."
        case FileNotFoundError() if _is_starting_a_program(error):
            clause = f"the program {file_of(error) or 'that was to be run'} is not there"
            hint = "Install it, or put its folder on the PATH, and start again."
        case _:
            return None
    return Cause(COMMAND, clause, hint, error)


def _is_starting_a_program(error: BaseException) -> bool:
    return any(frame.f_code.co_name == "_execute_child" for frame, _ in frames_of(error)[:2])


def status_words(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"


def _command(command: object) -> str:
    parts = command if isinstance(command, list | tuple) else [command]
    return plain(" ".join(map(_text, parts)))[:LONGEST]


def _last_words(said: object) -> str:
    lines = [line.strip() for line in _text(said).splitlines() if line.strip()] if said else []
    return plain(" / ".join(lines[-LAST_WORDS:]))[-LONGEST:]


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _as_known(link: Link, links: list[Link]) -> Cause | None:
    """What libraries say, in the table of their words."""
    error = link.error
    own = f"{type(error).__module__}.{type(error).__name__}: {error}".removeprefix("builtins.")
    known = known_errors.recognise(own)
    if known is None:
        return None
    file = file_of(error)
    at = f", at {file}" if file and known.kind in (known_errors.LIMIT, known_errors.DISK_FULL) else ""
    return Cause(known.kind, f"{known.clause}{at}", known.hint, error, file)


def _of_the_system(link: Link, links: list[Link]) -> Cause | None:
    """By its number, or by the number or the words in the text of a library."""
    name = system_error(link.error)
    if not name or isinstance(link.error, StopIteration):
        return None
    network = is_of_network(link.error)
    meaning = os_errors.MEANINGS.get(name)
    about = (
        address_of(links)
        if network or (meaning and meaning.kind == os_errors.NETWORK)
        else _file(link, links)
    )
    kind, clause, hint = os_errors.said(name, about, network=network)
    return Cause(kind, clause, hint, link.error, about)


def _file(link: Link, links: list[Link]) -> str:
    """That of the error, else that which one around it names."""
    return file_of(link.error) or next(filter(None, (file_of(each.error) for each in links)), "")


_CUT_OFF = re.compile(
    r"truncated|PytorchStreamReader failed|failed finding central directory|broken data stream|corrupt|"
    r"not a (zip file|database|gzipped file|valid \w+ file)|cannot identify image|decoder error|"
    r"unexpected end of (file|data|stream)|bad magic number|checksum|CRC check failed|malformed",
    re.IGNORECASE,
)
"""As many libraries say in exceptions of no type of their own."""

_DAMAGED: tuple[tuple[type[BaseException] | str, str], ...] = (
    (json.JSONDecodeError, "is damaged, or is no JSON"),
    ("DecodeError", "is damaged, or holds something else"),
    ("TOMLDecodeError", "is damaged, or is no TOML"),
    (UnicodeDecodeError, "is damaged, or is no text in UTF-8"),
    (pickle.UnpicklingError, "is damaged, or is no pickle"),
    ("BadZipFile", "is damaged, or is no ZIP archive"),
    ("LZMAError", "is damaged: it cannot be unpacked"),
    (zlib.error, "is damaged: it cannot be unpacked"),
    ("BadGzipFile", "is damaged: it cannot be unpacked"),
    ("ReadError", "is damaged, or is no archive"),
    (EOFError, "ends too early: it was cut off"),
    ("SafetensorError", "is damaged, or holds no weights"),
    ("UnidentifiedImageError", "is no picture that can be read"),
)


def _of_a_damaged_file(link: Link, links: list[Link]) -> Cause | None:
    """Only where a file is known that it was read from: anything else is the program's own text."""
    names = {each.__name__ for each in type(link.error).__mro__}
    for kind, why in _DAMAGED:
        if (kind in names) if isinstance(kind, str) else isinstance(link.error, kind):
            file = file_in_hand(link.error, reading=True) or os_errors.file_in(str(link.error))
            if not file:
                return None
            clause = f"the file {file} {why} ({_first_line(link.error)})"
            return Cause(os_errors.FILE, clause, ANEW, link.error, file)
    if not isinstance(link.error, PROGRAM_ERRORS) and _CUT_OFF.search(str(link.error)):
        file = file_of(link.error)
        clause = f"the file {file} is damaged ({_first_line(link.error)})"
        return Cause(os_errors.FILE, clause, ANEW, link.error, file) if file else None
    return None


def _of_no_number(link: Link, links: list[Link]) -> Cause | None:
    """Errors of files and of waiting that come without the system's number."""
    error = link.error
    if not isinstance(error, OSError) or isinstance(error.errno, int):
        return None
    file = file_of(error)
    if isinstance(error, TimeoutError):
        at = f" ({file})" if file else ""
        clause = f"what was waited for did not come in time{at}: {_first_line(error)}"
        if lock := getattr(error, "lock_file", ""):
            clause = f"the lock {plain(str(lock))} is held by another program, or was left by one"
            return Cause(
                os_errors.BUSY, clause, "End that program, or remove the lock. Then start again.", error
            )
        return Cause(os_errors.SYSTEM, clause, "Start again.", error, file)
    at = f"the file {file}" if file else "a file"
    clause = f"{at} could not be read or written ({_first_line(error)})"
    return Cause(os_errors.FILE, clause, ANEW, error, file)


def _of_a_version(link: Link, links: list[Link]) -> Cause | None:
    """A library that misses something in another one was made for another version of it."""
    error = link.error
    found = re.match(r"(?:partially initialized )?module '([\w.]+)' has no attribute '(\w+)'", str(error))
    library = library_of(error)
    if not isinstance(error, AttributeError) or found is None or not library:
        return None
    clause = f"the libraries {library} and {found[1].partition('.')[0]} do not fit each other ({found[0]})"
    return Cause(known_errors.INSTALLATION, clause, known_errors.INSTALL_ANEW, error)


def _of_memory(link: Link, links: list[Link]) -> Cause | None:
    if not isinstance(link.error, MemoryError):
        return None
    return Cause(
        known_errors.OUT_OF_MEMORY, "the computer ran out of memory", known_errors.SMALLER, link.error
    )


def _of_an_end(link: Link, links: list[Link]) -> Cause | None:
    """Somebody's `sys.exit`, which is no way to end somebody else's program."""
    error = link.error
    who = library_of(error)
    who = f"the library {who}" if who else "a part of the program"
    if isinstance(error, SystemExit):
        told = isinstance(error.code, str)
        status = 1 if told else 0 if error.code is None else error.code
        words = f', saying "{plain(str(error.code))[:LONGEST]}"' if told else ""
        clause = f"{who} ended it by itself with exit status {status}{words} (sys.exit)"
        return Cause(LEFT, clause, "Start again. If it happens again, copy the details.", error)
    if isinstance(error, KeyboardInterrupt):
        return Cause(INTERRUPTED, f"{who} interrupted it, as Ctrl+C does", "Start again.", error)
    return None


def _of_an_import(link: Link, links: list[Link]) -> Cause | None:
    error = link.error
    if not isinstance(error, ImportError):
        return None
    name = f" {error.name}" if error.name else ""
    clause = f"the library{name} cannot be imported ({_first_line(error)})"
    return Cause(known_errors.INSTALLATION, clause, known_errors.INSTALL_ANEW, error)


def _of_recursion(link: Link, links: list[Link]) -> Cause | None:
    if not isinstance(link.error, RecursionError):
        return None
    codes = [frame.f_code for frame, _ in frames_of(link.error)]
    most = max(set(codes), key=codes.count).co_name if codes else "a function"
    return Cause("bug", f"{most} calls itself without end (RecursionError)", SEND, link.error)


def _first_line(error: BaseException) -> str:
    return plain((str(error).strip().splitlines() or [type(error).__name__])[0])[:LONGEST].rstrip(".")


_JUDGES: tuple[Callable[[Link, list[Link]], Cause | None], ...] = (
    _of_memory,
    _of_the_network,
    _of_a_command,
    _as_known,
    _of_the_system,
    _of_a_damaged_file,
    _of_no_number,
    _of_an_import,
    _of_a_version,
    _of_recursion,
    _of_an_end,
)
