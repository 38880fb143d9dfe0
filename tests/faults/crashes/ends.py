"""The ends themselves, as a library or the system would bring them about inside the engine."""

from __future__ import annotations

import builtins
import concurrent.futures
import contextlib
import ctypes
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.crashes.draws import Draw
from waste_gui.engine.context import Context

Strike = Callable[[], None]


def strike(draw: Draw, context: Context) -> None:
    wait_until_said()
    ends: dict[str, Callable[[Draw], None]] = {"error": raise_error, "exit": leave, "words": give_up}
    if draw.family == "signal":
        be_signalled(draw, context)
    end = ends[draw.family]
    PLACES[draw.place](lambda: end(draw), context)


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
