"""What a program can say itself of a thread's wait, and nobody from outside: what the lock or queue is called
in it, which thread it joins, which other one has to do with it, which lock file it asks for.

Read from the variables of frames: an object is told by its identity, nothing of a program's is called. Needs
the GIL, as everything that reads frames.
"""

from __future__ import annotations

import contextlib
import dis
import os
import queue
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import BuiltinMethodType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

MOST_THREADS = 8
MOST_FRAMES, MOST_NAMES, MOST_NAME = 60, 300, 300

PLUMBING = re.compile(
    r"/(threading|queue|selectors|subprocess)\.py$|/(concurrent/futures|multiprocessing|asyncio)/\w+\.py$|"
    r"/filelock/|/portalocker/|/file_baton\.py$|/fasteners/"
)
LOCK_PATHS = ("lock_file", "filename", "lock_file_path", "path")
"""How the libraries that lock files call theirs: filelock, portalocker, torch's FileBaton, fasteners."""

RAW_LOCKS: tuple[type, ...] = (type(threading.Lock()), type(threading.RLock()))
WAITABLE = (
    *(threading.Condition, threading.Event, threading.Semaphore, threading.Barrier, threading.Thread),
    *(queue.Queue, queue.SimpleQueue),
)
NOT_LOOKED_INTO = (type, ModuleType, FunctionType, MethodType)
BASE = ("run", "_bootstrap", "_bootstrap_inner", "_worker")
"""Where a thread begins: what it waits for is above."""

OWNER = re.compile(r"owner=(\d+)")


@dataclass(frozen=True)
class Fact:
    """`name` is what the program calls the object, `type` its class; `threads` are the system's numbers of
    those that can end it, `process` a child's; nothing where that is not known. `sure` says that it is that
    one for certain, and not some that merely have the same object."""

    name: str = ""
    type: str = ""
    threads: tuple[int, ...] = ()
    process: int = 0
    sure: bool = False

    @property
    def says_anything(self) -> bool:
        return bool(self.name or self.type or self.threads or self.process)


def of_threads(tops: Mapping[int, FrameType]) -> dict[int, Fact]:
    """By the threads' idents."""
    waits = {ident: _waited_for(top) for ident, top in tops.items()}
    facts: dict[int, Fact] = {}
    for ident, top in tops.items():
        with contextlib.suppress(Exception):  # Whatever strange objects do when they are looked at.
            facts[ident] = _fact(ident, top, tops, waits)
    return facts


def _fact(ident: int, top: FrameType, tops: Mapping[int, FrameType], waits: Mapping[int, Any]) -> Fact:
    if (found := _by_library(top)) is not None:
        return found
    waited = waits[ident]
    if waited is None:
        return Fact(_path_in(top), "path") if _path_in(top) else Fact()
    natives = {thread.ident: thread.native_id or 0 for thread in threading.enumerate()}
    kind = type(waited).__name__
    if isinstance(waited, threading.Thread):
        return Fact(waited.name[:MOST_NAME], kind, (waited.native_id or 0,), sure=True)
    name = _name_in(_callers(top), waited)
    if known := _owner_of(waited) or _worker_on(waited, tops):
        return Fact(name, kind, (natives.get(known, 0),), sure=True)
    others = sorted(
        (waits[other] is not None, natives.get(other, 0))
        for other, other_top in tops.items()
        if other != ident and waits[other] is not waited and _refers(other_top, waited)
    )
    return Fact(name, kind, tuple(native for _, native in others)[:MOST_THREADS])


# --- which object


def _waited_for(top: FrameType) -> Any:
    """The outermost of the libraries' own objects in which it waits; a lock, which has no frame of its own,
    by being the one that is taken of all that the innermost function speaks of."""
    found = None
    for frame in _frames(top):
        if not PLUMBING.search(_file(frame)) or frame.f_code.co_name in BASE:
            break
        this = frame.f_locals.get("self")
        if isinstance(this, WAITABLE) or type(this).__name__ == "Future":
            found = this
    if found is not None or PLUMBING.search(_file(top)):
        return found
    taken = [value for _, value in _values(top, _names_in_its_call(top) or None) if _is_taken(value)]
    return taken[0] if taken and all(each is taken[0] for each in taken) else None


def _names_in_its_call(frame: FrameType) -> set[str]:
    """What the expression speaks of in which the function stands: `self.guard` of `with self.guard: …`."""
    steps = [step for step in dis.get_instructions(frame.f_code) if step.offset <= frame.f_lasti]
    span = _span(steps[-1]) if steps else None
    return {
        str(step.argval)
        for step in steps
        if step.opname.startswith("LOAD_") and isinstance(step.argval, str) and _within(_span(step), span)
    }


Span = tuple[tuple[int, int], tuple[int, int]]


def _span(step: dis.Instruction) -> Span | None:
    """From line and column to line and column."""
    at = step.positions
    if at is None or at.lineno is None or at.col_offset is None:
        return None
    return (at.lineno, at.col_offset), (at.end_lineno or at.lineno, at.end_col_offset or at.col_offset)


def _within(inner: Span | None, outer: Span | None) -> bool:
    return inner is not None and outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1]


def _is_taken(value: Any) -> bool:
    if isinstance(value, queue.SimpleQueue):
        return value.empty()
    return isinstance(value, RAW_LOCKS) and "unlocked" not in repr(value)


def _owner_of(lock: Any) -> int:
    """Of an RLock, which says it; a Condition is one, or has one."""
    match = OWNER.search(repr(lock)) if isinstance(lock, RAW_LOCKS) else None
    return int(match[1]) if match else 0


def _worker_on(future: Any, tops: Mapping[int, FrameType]) -> int:
    """The thread of a pool that works on that very result."""
    if type(future).__name__ != "Future":
        return 0
    for ident, top in tops.items():
        for frame in _frames(top):
            this = frame.f_locals.get("self") if frame.f_code.co_name == "run" else None
            if type(this).__name__ == "_WorkItem" and getattr(this, "future", None) is future:
                return ident
    return 0


def _by_library(top: FrameType) -> Fact | None:
    """Of libraries that know more: the lock file, the child."""
    for frame in _frames(top):
        file = _file(frame)
        if not PLUMBING.search(file):
            return None
        this = frame.f_locals.get("self")
        if "lock" in file or file.endswith("file_baton.py"):
            paths = [getattr(this, name, None) for name in LOCK_PATHS]
            path = next((p for p in paths if isinstance(p, str | PurePath)), None)
            if path is not None:
                return Fact(str(path)[:MOST_NAME], type(this).__name__, sure=True)
        if type(this).__name__ == "Popen" and isinstance(pid := getattr(this, "pid", None), int):
            return Fact(_command(getattr(this, "args", "")), "Popen", process=pid, sure=True)
    return None


def _command(arguments: Any) -> str:
    words = [arguments] if isinstance(arguments, str | PurePath) else list(arguments)[:8]
    return " ".join(map(str, words))[:MOST_NAME]


def _path_in(top: FrameType) -> str:
    """The one path among the variables of the innermost function: it may wait for that file to come or go."""
    values = (value for name, value in _values(top) if "." not in name)
    paths = {str(value) for value in values if isinstance(value, str | PurePath) and _is_path(str(value))}
    return paths.pop()[:MOST_NAME] if len(paths) == 1 else ""


def _is_path(text: str) -> bool:
    return len(text) < MOST_NAME and os.path.isabs(text) and text.isprintable()


# --- what a function speaks of


def _frames(top: FrameType) -> Iterator[FrameType]:
    frame: FrameType | None = top
    for _ in range(MOST_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _callers(top: FrameType) -> Iterator[FrameType]:
    return (frame for frame in _frames(top) if not PLUMBING.search(_file(frame)))


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename.replace(chr(92), "/")


def _values(frame: FrameType, names: set[str] | None = None) -> Iterator[tuple[str, Any]]:
    """The variables, attributes and globals that its code names, or these of them; each with what it is
    called."""
    code = frame.f_code
    named = {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}
    wanted = [name for name in named if names is None or name in names][:MOST_NAMES]
    for name in wanted:
        for scope in (frame.f_locals, frame.f_globals):
            if name not in scope:
                continue
            value = scope[name]
            yield name, value
            if isinstance(value, BuiltinMethodType) and not isinstance(value.__self__, ModuleType):
                yield name, value.__self__  # `wait = lock.acquire`
            inner = None if isinstance(value, NOT_LOOKED_INTO) else getattr(value, "__dict__", None)
            if isinstance(inner, dict):
                yield from ((f"{name}.{key}", inner[key]) for key in wanted if key in inner)
            break


def _refers(top: FrameType, waited: Any) -> bool:
    return any(value is waited for frame in _callers(top) for _, value in _values(frame))


def _name_in(callers: Iterator[FrameType], waited: Any) -> str:
    for frame in callers:
        for name, value in _values(frame):
            if value is waited:
                return name[:MOST_NAME]
    return ""
