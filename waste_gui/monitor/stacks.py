"""The stacks of the engine and its workers, asked for from outside: what they write to the run folder, read.

First each process is asked in a way that never harms it, but needs Python in it to run. Of one that does not
answer, faulthandler tells the stack, if it is known to stand still (why: stack_file.py); of others py-spy,
where it is installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psutil

from waste_gui import files, isolation
from waste_gui.owner import Owner, prove, prove_child
from waste_gui.protocol import Frame, ThreadStack, WaitsOn
from waste_gui.rundir import RunDir

LIMIT_S = 4.0
"""Of one reading, however many processes there are."""

ANSWER_S = 2.0
"""For a process in which Python runs; on a busy computer it takes tens of milliseconds."""

PROCESSOR_S = 0.2
"""Python that runs lets its other threads work each 0.005 s."""

DUMP_S, QUIET_S = 0.5, 0.06
"""Until faulthandler begins to write; and after so long without more it has ended."""

PY_SPY_S = 3.0
POLL_S = 0.01

MAX_BYTES = 4 * 2**20
"""A longer file, which only a process that answers nothing else can make, begins anew."""

TID_IN_PTHREAD = (0x2D0, 0xD0)
"""Of x86_64 and of aarch64."""

MOST_NUMBERS, MOST_NAME = 50, 300
"""Of threads, and of a name, in what a program says of a thread."""

Threads = tuple[ThreadStack, ...]

INTRODUCTION = re.compile(r"Process (\d+), (\w+), main thread 0x([0-9a-f]+)$")
BEGIN = re.compile(r"Stacks of process (\d+)$")
END = re.compile(r"End of process (\d+)$")
THREAD = re.compile(r"(?:Current thread|Thread) 0x([0-9a-f]+)(?: \[(.*)\])? \(most recent call first\):$")
ABOUT = re.compile(r"About 0x([0-9a-f]+): (\{.*\})$")
FRAME = re.compile(r'  File (?:"(.*)"|\?\?\?), line (\d+|\?\?\?) in (.*)$')
ESCAPE = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


class _About(msgspec.Struct):
    """What a process says of a thread of its own."""

    native: int = 0
    name: str = ""
    type: str = ""
    threads: tuple[int, ...] = ()
    process: int = 0
    sure: bool = False

    @property
    def waits_on(self) -> WaitsOn | None:
        if not (self.name or self.type or self.threads or self.process):
            return None
        return WaitsOn(
            name=self.name[:MOST_NAME],
            type=self.type[:MOST_NAME],
            threads=self.threads[:MOST_NUMBERS],
            process=self.process,
            sure=self.sure,
        )


@dataclass
class _Known:
    """What the file says of threads that faulthandler gives by number: whose they are, and their names."""

    mains: dict[str, tuple[int, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    about: dict[str, _About] = field(default_factory=dict)


@dataclass
class _Dumped:
    """A thread in a dump, the innermost frame first."""

    ident: str
    pid: int | None
    frames: list[Frame] = field(default_factory=list)


def parse(text: str, pid: int = 0, role: str = "engine", earlier: str = "") -> Threads:
    """The newest stack of each thread in what faulthandler wrote; main threads first.

    Threads of which neither `text` nor the `earlier` text says whose they are belong to `pid`, whose main
    thread is the last in a dump."""
    known = _known(f"{earlier}\n{text}")
    dumped = list(_dumps(text, known))
    strangers = [each for each in dumped if each.pid is None]
    if strangers and pid not in {owner for owner, _ in known.mains.values()}:
        known.mains[strangers[-1].ident] = (pid, role)
    roles = dict(known.mains.values())
    newest: dict[tuple[int, str], ThreadStack] = {}
    for each in dumped:
        owner = pid if each.pid is None else each.pid
        is_main = each.ident in known.mains
        about = known.about.get(each.ident, _About())
        native = about.native or _native(owner, each.ident)
        name = known.names.get(each.ident) or _system_name(owner, native) or f"0x{each.ident.lstrip('0')}"
        newest[owner, each.ident] = ThreadStack(
            pid=owner,
            role=_role(roles.get(owner, role), is_main),
            thread="MainThread" if is_main else name,
            frames=tuple(reversed(each.frames)),
            native=native,
            waits_on=about.waits_on,
        )
    return _main_first(newest.values())


def _native(pid: int, ident: str) -> int:
    """The system's number of a thread that nothing tells, as faulthandler does not: glibc keeps it where its
    own number of the thread leads to. Only one that is a thread of that process is believed; 0 otherwise."""
    for offset in TID_IN_PTHREAD:
        try:
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
                file.seek(int(ident, 16) + offset)
                number = int.from_bytes(file.read(4), sys.byteorder)
        except (OSError, ValueError, OverflowError):
            continue
        if number and os.path.isdir(f"/proc/{pid}/task/{number}"):
            return number
    return 0


def _system_name(pid: int, native: int) -> str:
    """What the system calls a thread, if it was given a name: by default it has the main thread's."""
    names = []
    for number in (native, pid):
        try:
            text = Path(f"/proc/{pid}/task/{number}/comm").read_text(encoding="utf-8", errors="ignore")
        except OSError:
            return ""
        names.append(text.strip())
    return names[0] if names[0] != names[1] else ""


def _known(text: str) -> _Known:
    known = _Known()
    for line in text.splitlines():
        if match := INTRODUCTION.match(line):
            known.mains[match[3]] = (int(match[1]), match[2])
        elif match := ABOUT.match(line):
            with contextlib.suppress(msgspec.MsgspecError):
                known.about[match[1]] = msgspec.json.decode(match[2], type=_About)
        elif (match := THREAD.match(line)) and match[2]:
            known.names[match[1]] = _unescaped(match[2])
    return known


def _dumps(text: str, known: _Known) -> Iterator[_Dumped]:
    """The threads in the order written. faulthandler ends with a process's main thread, and does not say
    whose the others are."""
    waiting: list[_Dumped] = []
    current: _Dumped | None = None
    speaker: int | None = None
    for line in text.splitlines():
        if match := THREAD.match(line):
            current = _Dumped(match[1], speaker)
            waiting.append(current)
            if match[1] in known.mains:
                for each in waiting:
                    each.pid = known.mains[match[1]][0]
                yield from waiting
                waiting = []
        elif (match := FRAME.match(line)) and current:
            current.frames.append(_frame(match))
        else:
            current = None
            if match := BEGIN.match(line):
                speaker = int(match[1])
            elif END.match(line):
                yield from waiting
                speaker, waiting = None, []
    yield from waiting


def _frame(match: re.Match[str]) -> Frame:
    file, line, function = match.groups()
    return Frame(
        file=_unescaped(file or "???"), line=int(line) if line.isdigit() else 0, function=_unescaped(function)
    )


def _unescaped(text: str) -> str:
    """Bytes that are no UTF-8 in a file's name become question marks, as messages cannot carry them."""
    plain = ESCAPE.sub(lambda match: chr(int(match[1] or match[2] or match[3], 16)), text)
    return plain.encode("utf-8", "replace").decode("utf-8")


def _role(process_role: str, is_main: bool) -> str:
    return "main" if process_role == "engine" and is_main else process_role


def _main_first(threads: Iterable[ThreadStack]) -> Threads:
    return tuple(sorted(threads, key=lambda thread: thread.thread != "MainThread"))


class StackReader:
    """Reads the stacks of one run's processes again and again. Blocks: for a background thread."""

    def __init__(self, folder: Path, owner: Owner) -> None:
        """Nothing is asked of an engine that is not proven ours, nor of a process that is not below it."""
        self._path, self._owner, self._engine = RunDir(folder).stacks, owner, owner.pid
        self._py_spies: list[subprocess.Popen[bytes]] = []

    def read(self, workers: Sequence[int] = (), *, stands_still: bool = False) -> Threads:
        """The stacks of the engine and then of these workers, of each process the main thread first.

        `stands_still` says that Python in the engine is known not to run, by a heart that stopped: only then
        it is asked in the way that could crash a Python that runs. For at most some four seconds, if the
        drive of the run folder answers. Processes that do not tell theirs are left out."""
        deadline = time.monotonic() + LIMIT_S
        pids = (self._engine, *workers)
        worked_s = {pid: _processor_s(pid) for pid in workers}
        found = self._ask(pids)

        def runs_no_python(pid: int) -> bool:
            """A worker that sleeps; or one that had time enough to answer, and works in C without a pause."""
            works = pid in worked_s and _processor_s(pid) - worked_s[pid] >= PROCESSOR_S
            return stands_still or pid != self._engine and (works or _sleeps(pid))

        ways: tuple[Callable[[int], Threads], ...] = (
            lambda pid: self._dump(pid) if runs_no_python(pid) else (),
            lambda pid: self._spy(pid, deadline),
        )
        for way in ways:
            for pid in pids:
                if not found.get(pid) and time.monotonic() < deadline:
                    found[pid] = way(pid)
        return tuple(thread for pid in pids for thread in found.get(pid, ()) if not _is_ours(thread))

    def _ask(self, pids: Sequence[int]) -> dict[int, Threads]:
        """The answers of those in which Python runs."""
        if sys.platform == "win32":
            return {}
        begin = self._size()
        asked = [pid for pid in pids if self._send(pid, signal.SIGUSR2)]
        until = time.monotonic() + ANSWER_S
        text, ended = "", set[int]()
        while not ended.issuperset(asked) and time.monotonic() < until:
            time.sleep(POLL_S)
            text = self._text(begin)
            ended = {int(match[1]) for match in map(END.match, text.splitlines()) if match}
        threads = parse(text)
        return {pid: tuple(thread for thread in threads if thread.pid == pid) for pid in ended}

    def _proven(self, pid: int) -> psutil.Process | None:
        return prove(self._owner) if pid == self._engine else prove_child(self._owner, pid)

    def _send(self, pid: int, number: signal.Signals) -> bool:
        """Whether it was sent: only to a process that catches it, as it would end any other."""
        caught = _status(pid).get("SigCgt", "0")
        if not int(caught, 16) >> (number - 1) & 1:
            return False
        try:
            process = self._proven(pid)
            if process is not None:
                process.send_signal(number)
        except psutil.Error:
            return False
        return process is not None

    def _dump(self, pid: int) -> Threads:
        """What faulthandler tells of a process in which Python stands still."""
        if sys.platform == "win32" or _is_stopped(pid):  # It would answer as it goes on, while Python runs.
            return ()
        if self._size() > MAX_BYTES:
            with contextlib.suppress(OSError):
                files.empty(self._path)
        earlier = self._text()
        begin = self._size()
        if not self._send(pid, signal.SIGUSR1):
            return ()
        sent = grew = time.monotonic()
        size = begin
        while time.monotonic() - sent < DUMP_S if size == begin else time.monotonic() - grew < QUIET_S:
            time.sleep(POLL_S)
            if self._size() != size:
                size, grew = self._size(), time.monotonic()
        threads = parse(self._text(begin), pid, self._role(pid), earlier)
        return tuple(thread for thread in threads if thread.pid == pid)

    def _spy(self, pid: int, deadline: float) -> Threads:
        """What py-spy reads in the process's memory."""
        program = py_spy()
        if program is None or self._proven(pid) is None:
            return ()
        self._py_spies = [process for process in self._py_spies if process.poll() is None]
        try:
            process = subprocess.Popen(
                [program, "dump", "--nonblocking", "--json", "--pid", str(pid)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=isolation.safe_folder(),
            )
        except OSError:
            return ()
        try:
            output, _ = process.communicate(timeout=max(0.1, min(PY_SPY_S, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            process.kill()
            self._py_spies.append(process)  # Not waited for: it may hang in the kernel.
            return ()
        return parse_py_spy(output, self._role(pid))

    def _role(self, pid: int) -> str:
        return "engine" if pid == self._engine else "worker"

    def _size(self) -> int:
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0

    def _text(self, begin: int = 0) -> str:
        """What was written from there on; all, if the file has begun anew."""
        try:
            with files.open_to_read(self._path) as file:
                if begin <= os.fstat(file.fileno()).st_size:
                    file.seek(begin)
                return file.read(2 * MAX_BYTES).decode("ascii", "replace")
        except OSError:
            return ""


def py_spy() -> str | None:
    """Where it is installed, if it is."""
    return isolation.which("py-spy", str(Path(sys.executable).parent))


def py_spy_stacks(pid: int) -> Threads:
    """Those of any process with Python in it; nothing where py-spy is missing, or may not look."""
    program = py_spy()
    if program is None:
        return ()
    command = [program, "dump", "--nonblocking", "--json", "--pid", str(pid)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PY_SPY_S,
            cwd=isolation.safe_folder(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_py_spy(done.stdout, "")


def parse_py_spy(output: bytes, role: str) -> Threads:
    """The threads in what `py-spy dump --json` printed."""
    try:
        threads: list[dict[str, Any]] = json.loads(output)
    except ValueError:
        return ()
    return _main_first(_spied(thread, role) for thread in threads)


def _spied(thread: dict[str, Any], role: str) -> ThreadStack:
    is_main = thread["os_thread_id"] == thread["pid"] or thread["thread_name"] == "MainThread"
    frames = reversed(thread["frames"])
    return ThreadStack(
        pid=thread["pid"],
        role=_role(role, is_main),
        thread="MainThread" if is_main else thread["thread_name"] or f"0x{thread['thread_id']:x}",
        frames=tuple(Frame(file=f["filename"], line=f["line"], function=f["name"]) for f in frames),
        native=thread["os_thread_id"] or 0,
    )


def _is_ours(thread: ThreadStack) -> bool:
    """Whether it is the thread that answers us."""
    return any(f.file.endswith("stack_file.py") and f.function.endswith("_answer") for f in thread.frames)


def _processor_s(pid: int) -> float:
    """How long it has worked; 0 once it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def _sleeps(pid: int) -> bool:
    return _status(pid).get("State", "")[:1] in ("S", "D")


def _is_stopped(pid: int) -> bool:
    return _status(pid).get("State", "")[:1] in ("T", "t")


def _status(pid: int) -> dict[str, str]:
    """What Linux says of a process; nothing elsewhere, or once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
