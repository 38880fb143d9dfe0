"""The ends themselves, as a library or the system would bring them about inside the engine."""

from __future__ import annotations

import _thread
import builtins
import concurrent.futures
import contextlib
import ctypes
import gzip
import importlib
import io
import json
import os
import pickle
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.crashes.draws import Draw
from waste_gui.engine.context import Context

Strike = Callable[[], None]


def strike(draw: Draw, context: Context) -> None:
    wait_until_said()
    ends: dict[str, Callable[[Draw], None]] = {
        "error": raise_error,
        "exit": leave,
        "words": give_up,
        "other": go_wrong,
    }
    if draw.family == "signal":
        be_signalled(draw, context)
    end = ends[draw.family]
    PLACES[draw.place](lambda: end(draw), context)
    while True:  # It was only asked to end.
        context.obey()
        time.sleep(0.01)


def wait_until_said() -> None:
    """Messages are written by a thread of their own; and the monitor watches by now."""
    events, watched = Path(os.environ["WASTE_GUI_TEST_EVENTS"]), Path(os.environ["WASTE_GUI_TEST_WATCHED"])
    while not (watched.exists() and events.exists() and "stage_started" in events.read_text("utf-8")):
        time.sleep(0.01)


def in_executor(work: Strike, context: Context) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def in_library(work: Strike, context: Context) -> None:
    """Called back by C."""
    list(map(lambda _: work(), [1]))


PLACES: dict[str, Callable[[Strike, Context], None]] = {
    "main": lambda work, context: work(),
    "engine_thread": lambda work, context: context.in_thread(work),
    "executor": in_executor,
    "library": in_library,
}


# --- errors of the system


def raise_error(draw: Draw) -> None:
    wraps = list(draw.wraps)
    file = draw.file
    if wraps and wraps[0] == "bare":  # As os.read raises it: the file is only in hand.
        wraps.pop(0)
        raise_wrapped(lambda: read_at(Path(file), draw.value), wraps)
    else:
        raise_wrapped(lambda: refuse(file, draw.value), wraps)


def refuse(file: str, number: int) -> None:
    raise OSError(number, os.strerror(number), file)


def read_at(path: Path, number: int) -> None:
    raise OSError(number, os.strerror(number))


def raise_wrapped(work: Strike, wraps: list[str]) -> None:
    if not wraps:
        work()
        return
    inner = wraps[:-1]
    try:
        raise_wrapped(work, inner)
    except BaseException as error:
        wrap(error, wraps[-1])


def wrap(error: BaseException, how: str) -> None:
    number = getattr(error, "errno", None)
    match how:
        case "from":
            raise RuntimeError("the loader failed") from error
        case "from_key_error":
            raise KeyError("features") from error
        case "context":
            raise ValueError("batch of no photos")
        case "group":
            raise BaseExceptionGroup("2 of 8 readers failed", [ValueError("no label"), error])
        case "argument":
            raise RuntimeError("job 3 failed", error) from None
        case "text":
            raise RuntimeError(f"read failed: {error}") from None
        case "rust_text" if number:
            file = getattr(error, "filename", "")
            raise RuntimeError(f"I/O error: {os.strerror(number)} (os error {number}): {file}") from None
        case "rust_text":
            raise RuntimeError(f"pyo3: {error}") from None
        case "ours":
            from waste_gui.engine.errors import WeightsUnavailable

            raise WeightsUnavailable("The weights cannot be read.", "Choose others.") from error
    raise AssertionError(how)


# --- signals


def be_signalled(draw: Draw, context: Context) -> None:
    """By itself, or by another process as soon as it is ready."""
    if draw.sender == "os_kill":
        os.kill(os.getpid(), draw.value)
    elif draw.sender == "raise_signal":
        signal.raise_signal(draw.value)
    elif draw.sender == "c_raise":
        ctypes.CDLL(None).kill(os.getpid(), draw.value)
    else:
        Path(os.environ["WASTE_GUI_TEST_READY"]).touch()
    while True:
        context.obey()
        time.sleep(0.01)


# --- exits


def leave(draw: Draw) -> None:
    status = draw.value
    match draw.kind:
        case "sys_exit":
            sys.exit(status)
        case "sys_exit_text":
            sys.exit("no licence found")
        case "os_exit":
            os._exit(status)
        case "os_exit_thread":
            thread = threading.Thread(target=lambda: os._exit(status))
            thread.start()
            thread.join()
        case "c_exit":
            ctypes.CDLL(None).exit(status)
        case "atexit_c":
            threading.Thread(target=ctypes.CDLL(None).exit, args=(status,)).start()
            time.sleep(60)
        case "c__exit":
            ctypes.CDLL(None)._exit(status)
        case "exec":
            os.execv("/bin/sh", ["sh", "-c", f"exit {status}"])


# --- libraries that give up


def give_up(draw: Draw) -> None:
    """As they do: words on descriptor 2, then the end, in C."""
    os.write(2, draw.text.encode())
    library = ctypes.CDLL(None)
    how, _, status = draw.sender.partition(" ")
    match how:
        case "exit":
            library._exit(int(status))
        case "abort":
            library.abort()
        case "segfault":
            ctypes.string_at(0)
        case "trap":
            library.kill(os.getpid(), signal.SIGTRAP)
        case "kill":
            library.kill(os.getpid(), signal.SIGKILL)


# --- other errors, as they really come about


def go_wrong(draw: Draw) -> None:
    folder = Path(os.environ["WASTE_GUI_HOME"])
    raise_wrapped(lambda: OTHERS[draw.kind](folder), list(draw.wraps))


def read_json(folder: Path) -> None:
    path = folder / "index.json"
    path.write_text('{"a": ')
    with open(path) as file:
        json.load(file)


def read_pickle(folder: Path) -> None:
    path = folder / "a.pkl"
    path.write_bytes(b"\x80\x04rubbish")
    with open(path, "rb") as file:
        pickle.load(file)


def read_zip(folder: Path) -> None:
    (folder / "a.zip").write_bytes(b"PK no archive")
    zipfile.ZipFile(folder / "a.zip")


def read_text(folder: Path) -> None:
    path = folder / "names.txt"
    path.write_bytes(b"\xff\xfe\x00")
    path.read_text("utf-8")


def read_gzip(folder: Path) -> None:
    path = folder / "a.gz"
    path.write_bytes(gzip.compress(bytes(1000))[:-9])
    with gzip.open(path) as file:
        file.read()


def read_database(folder: Path) -> None:
    path = folder / "a.db"
    path.write_bytes(b"no database" * 200)
    sqlite3.connect(path).execute("select * from photos")


def locked_database(folder: Path) -> None:
    path = folder / "busy.db"
    other = sqlite3.connect(path)
    other.execute("begin exclusive")
    connection = sqlite3.connect(path, timeout=0.1)
    connection.execute("create table a (b)")


def read_photo(folder: Path) -> None:
    from PIL import Image

    path = folder / "cut.jpg"
    Image.new("RGB", (64, 64), (200, 10, 10)).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    Image.open(path).load()


def dig(folder: Path) -> None:
    dig(folder)


def handled(folder: Path) -> None:
    try:
        (folder / "optional.txt").read_text()
    except FileNotFoundError:
        int([])  # type: ignore[call-overload]


def open_too_many(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    kept: list[Any] = []
    while True:
        kept.append(open(folder / f"{len(kept)}.txt", "w"))


def write_too_much(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    with open(folder / "large.bin", "wb", buffering=0) as file:
        while True:
            file.write(bytes(2**18))


def compute_too_long(folder: Path) -> None:
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + 1, used + 3))
    while True:
        pass


def take_too_much(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
    kept = []
    while True:
        kept.append(bytes(2**28))


OTHERS: dict[str, Callable[[Path], Any]] = {
    "command failed": lambda folder: subprocess.run(
        ["sh", "-c", "echo no nvcc here >&2; exit 3"], check=True, capture_output=True
    ),
    "command killed": lambda folder: subprocess.check_output(["sh", "-c", "kill -9 $$"]),
    "command missing": lambda folder: subprocess.run(["no-such-program-7", "-v"]),
    "command slow": lambda folder: subprocess.run(["sleep", "30"], timeout=0.1),
    "refused": lambda folder: urllib.request.urlopen("http://localhost:9/weights.pt", timeout=5),
    "no such host": lambda folder: urllib.request.urlopen("https://weights.invalid/a.pt", timeout=5),
    "json": read_json,
    "zip": read_zip,
    "pickle": read_pickle,
    "utf-8": read_text,
    "gzip": read_gzip,
    "sqlite": read_database,
    "sqlite locked": locked_database,
    "photo": read_photo,
    "no module": lambda folder: importlib.import_module("open_clap"),
    "no name": lambda folder: exec("from json import no_such_name"),
    "interrupt": lambda folder: _thread.interrupt_main(),
    "recursion": dig,
    "bug": lambda folder: dict[str, int]()["features"],
    "handled": handled,
    "open files": open_too_many,
    "file size": write_too_much,
    "processor time": compute_too_long,
    "address space": take_too_much,
}


# --- a disk that fails


CALLS = (
    "open",
    "scandir",
    "listdir",
    "pread",
    "preadv",
    "read",
    "write",
    "pwrite",
    "writev",
    "fsync",
    "replace",
)


def break_disk(draw: Draw) -> None:
    """Python's calls fail on a file whose path has this text; those of libraries in C do not."""
    for module, name in (*((os, name) for name in CALLS if hasattr(os, name)), (builtins, "open")):
        setattr(module, name, failing(getattr(module, name), draw))
    io.open = builtins.open


def failing(call: Callable[..., Any], draw: Draw) -> Callable[..., Any]:
    def called(file: Any = ".", *rest: Any, **named: Any) -> Any:
        path = path_of(file)
        if draw.text in path and "/events" not in path and "engine.log" not in path:
            what = (path,) if draw.wraps[1] == "named" and not isinstance(file, int) else ()
            raise OSError(draw.value, os.strerror(draw.value), *what)
        return call(file, *rest, **named)

    return called


def path_of(file: Any) -> str:
    if isinstance(file, int):
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/self/fd/{file}")
        return ""
    return os.fsdecode(file) if isinstance(file, str | bytes | os.PathLike) else ""
