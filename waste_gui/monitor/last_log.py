"""The last part of an engine's log: the error in it, without the noise, and the stack of a fatal one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from waste_gui import files
from waste_gui.code_place import short
from waste_gui.monitor.last_words import last_words
from waste_gui.reporting import OWN_LINE

MOST_LINES = 6
REACH = 15
"""An error further above the end than this many lines did not end the process."""

LINE_CHARS = 240
NOTES = ("waste_gui/engine/exits.py", "waste_gui/engine/signals.py")
WORKER = "waste_gui/dataset/worker.py"

_OUR_LINE = re.compile(
    rf"^(?:{re.escape(OWN_LINE)}|writer of the (?:window's pipe|events file): ).*\n", re.MULTILINE
)
"""Also as it was written before it had a beginning of its own."""

_WARNING = re.compile(r"^\S.*:\d+: \w*Warning: .*\n(?:[ \t]+\S.*\n)?", re.MULTILINE)
"""As Python writes them: where, what, and the line of the program that it is about."""

_FATAL = re.compile(r"^(?:Fatal Python error|Windows fatal exception): (?P<what>.+)$", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?:Fatal Python error|Windows fatal exception): .*\n"
    r"(?:[ \t]*\n|(?:Current thread|Thread) .*\n|  .*\n|Extension modules: .*\n)*",
    re.MULTILINE,
)
_CURRENT = re.compile(r"^Current thread .*most recent call first\):$", re.MULTILINE)
_FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+),? in (?P<function>.+)$')
_TRACEBACK = "Traceback (most recent call last):"
_NOISE = re.compile(
    r"^\s*$|^\s*[\^~]+\s*$|Warning: |^\s*warn(ings\.warn)?\(|\d%\||^Extension modules: |^Thread 0x|"
    r"^During handling of the above|^The above exception was|^Exception raised from |^frame #\d+: |"
    r"CUDA kernel errors might be|^For debugging consider|^Compile with `TORCH_USE|^Current thread"
)


_END = re.compile(
    rf"^{re.escape(OWN_LINE)}end: "
    r"(?:exit status (?P<status>\d+)|signal (?P<signal>\d+)|(?P<other>became .*?))"
    r"(?P<how>(?: (?:by|since|from) .*?)?)(?: at (?P<places>\S+, line \d+, in .*))?$",
    re.MULTILINE,
)
"""As `engine/exits.py` writes it."""

_ASKED = re.compile(
    rf"^{re.escape(OWN_LINE)}asked to end: signal (?P<signal>\d+) ?(?P<who>.*)$", re.MULTILINE
)
_END_IN_C = re.compile(rf"^{re.escape(OWN_LINE)}end: exit\(\) of C .*: (?P<name>[^:\n]+)$", re.MULTILINE)
_UNKNOWN_SIGNAL = re.compile(r"Unknown signal (\d+)")
_GNU_SIGNALS = (
    "Hangup|Interrupt|Quit|Illegal instruction|Trace/breakpoint trap|Aborted|Bus error|"
    "Floating point exception|Killed|User defined signal 1|Segmentation fault|User defined signal 2|"
    "Broken pipe|Alarm clock|Terminated|Stack fault|Child exited|Continued|Stopped (signal)|Stopped|"
    "Stopped (tty input)|Stopped (tty output)|Urgent I/O condition|CPU time limit exceeded|"
    "File size limit exceeded|Virtual timer expired|Profiling timer expired|Window changed|I/O possible|"
    "Power failure|Bad system call"
).split("|")
"""What GNU's library calls the signals from 1 on."""


@dataclass(frozen=True)
class NotedEnd:
    """What the engine noted of its own end, as it came: `how` ("by os._exit", "from pid 7452 …"), and where
    in Python, the innermost first."""

    status: int | None = None
    signal: int | None = None
    how: str = ""
    places: tuple[str, ...] = ()


TAIL_BYTES = 8192


@dataclass(frozen=True)
class Place:
    """A line of Python: `file` begins with its package, `module` is the package alone."""

    module: str
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, in {self.function}"


@dataclass(frozen=True)
class LastLog:
    """What the end of a log tells; `home` is written as ~."""

    text: str
    home: Path | None = None

    @cached_property
    def own(self) -> str:
        """Without what this program writes itself, without Python's warnings, and without the fatal errors of
        the processes that read photos: those are replaced, and no end."""
        text = _WARNING.sub("", _OUR_LINE.sub("", self.text + "\n"))
        return _BLOCK.sub(lambda m: "" if WORKER in m[0].replace("\\", "/") else m[0], text)

    @cached_property
    def fatal(self) -> str:
        """`Segmentation fault` and the like, as faulthandler wrote it last; empty if it wrote nothing."""
        found = _FATAL.findall(self.own)
        return found[-1].strip() if found else ""

    @cached_property
    def frames(self) -> tuple[Place, ...]:
        """Where the thread that failed was in Python, the innermost first."""
        found = list(_CURRENT.finditer(self.own)) if self.fatal else []
        return self._frames_from(found[-1].end()) if found else ()

    @cached_property
    def end(self) -> NotedEnd | None:
        """None where nothing was noted, as with every end that comes of itself or by force."""
        in_python, in_c = [*_END.finditer(self.text)], [*_END_IN_C.finditer(self.text)]
        if in_python and (not in_c or in_python[-1].start() > in_c[-1].start()):
            found = in_python[-1]
            numbers = [int(found[name][:6]) if found[name] else None for name in ("status", "signal")]
            how = (found["other"] or found["how"] or "").strip()
            places = tuple(filter(None, (found["places"] or "").split(" < ")))
            return NotedEnd(numbers[0], numbers[1], at_home(how, self.home), places)
        return NotedEnd(_number_of(in_c[-1]["name"].strip()), how="by exit() of C") if in_c else None

    @cached_property
    def asked(self) -> tuple[int, str] | None:
        """The last signal that asked it to end, and who sent it ("from …"), as the engine noted it."""
        found = [*_ASKED.finditer(self.text)]
        if not found:
            return None
        return int(found[-1]["signal"][:3]), at_home(found[-1]["who"].strip(), self.home)

    @cached_property
    def before_fatal(self) -> str:
        """What was written before the stacks of the last fatal error."""
        found = list(_FATAL.finditer(self.own))
        return self.own[: found[-1].start()] if found else self.own

    @cached_property
    def near_end(self) -> str:
        """Where the reason stands, if the log tells one: the last traceback, else the last lines."""
        lines = [line for line in self.before_fatal.splitlines() if not _NOISE.search(line)]
        starts = [i for i, line in enumerate(lines) if line.startswith(_TRACEBACK)]
        return "\n".join(lines[starts[-1] :] if starts else lines[-REACH:])

    @cached_property
    def last_words(self) -> str:
        """What a library says of its own end, near the end of the log; else empty."""
        fatal = [line for line in self.own.splitlines() if line.startswith("Fatal Python error: ")][-1:]
        lines = [line for line in self.before_fatal.splitlines() if not _NOISE.search(line)][-REACH:]
        return at_home(shorten(last_words("\n".join((*lines, *fatal)))), self.home)

    @cached_property
    def last_exception(self) -> str:
        """`ValueError: …`, if the log ends with a traceback."""
        return self.error_lines[-1] if _TRACEBACK in self.near_end and self.error_lines else ""

    @cached_property
    def error_lines(self) -> tuple[str, ...]:
        """Where it was raised and what it said, or the last lines that are no noise."""
        lines = self.near_end.splitlines()
        if not lines or not lines[0].startswith(_TRACEBACK):
            return self.clean(lines[-3:])
        frames = [i for i, line in enumerate(lines) if _FRAME.match(line)]
        said = [line for line in lines[1:] if not line.startswith(" ")]
        where = lines[frames[-1] : frames[-1] + 2] if frames else []
        return self.clean([line for line in where if line not in said] + said[: MOST_LINES - 2])

    @cached_property
    def fatal_lines(self) -> tuple[str, ...]:
        """What faulthandler wrote, up to the first line of the project; before it what the library said."""
        said = self.clean([line for line in self.near_end.splitlines()[-2:] if _ends_it(line)])
        ours = next((i for i, frame in enumerate(self.frames) if frame.module == "waste_gui"), 2)
        frames = self.frames[: min(2, ours)] + self.frames[ours : ours + 1]
        return (*said, f"Fatal Python error: {self.fatal}", *map(str, frames))[:MOST_LINES]

    def _frames_from(self, start: int) -> tuple[Place, ...]:
        found = []
        for line in self.own[start:].lstrip("\r\n").splitlines():
            frame = _FRAME.match(line)
            if frame is None:
                break
            module, file = short(frame["file"])
            if file in NOTES:  # It only stands between who asked for the end and the system.
                continue
            found.append(Place(module, file, int(frame["line"]), frame["function"]))
        return tuple(found)

    def clean(self, lines: list[str]) -> tuple[str, ...]:
        """As they are shown: short, with short paths."""
        return tuple(self._clean_line(line) for line in lines if line.strip())

    def _clean_line(self, line: str) -> str:
        frame = _FRAME.match(line)
        if frame:
            return str(Place("", short(frame["file"])[1], int(frame["line"]), frame["function"]))
        return shorten(at_home(line.strip(), self.home))


def read_tail(log: Path, begin: int = 0, most: int = TAIL_BYTES) -> str:
    """The last lines of the engine's log, as far as they were written after `begin`: a library that gives up
    says so there."""
    try:
        tail, at = files.read_end(log, most)
        return tail[max(0, begin - at) :].decode("utf-8", "backslashreplace").strip()
    except OSError:
        return ""


def at_home(text: str, home: Path | None) -> str:
    """With ~ for the home folder."""
    if home is None or len(home.parts) < 2:
        return text
    return re.sub(rf"{re.escape(str(home))}(?=[\\/'\"\s:]|$)", "~", text)


def shorten(text: str) -> str:
    """The middle of a long line is left out."""
    half = (LINE_CHARS - 1) // 2
    return text if len(text) <= LINE_CHARS else f"{text[:half]}…{text[-half:]}"


def _number_of(signal_name: str) -> int | None:
    """The number that GNU's library gave this name."""
    if unknown := _UNKNOWN_SIGNAL.fullmatch(signal_name):
        return int(unknown[1][:6]) & 0xFF
    return _GNU_SIGNALS.index(signal_name) + 1 if signal_name in _GNU_SIGNALS else None


def _ends_it(line: str) -> bool:
    """Whether a library speaks of its own end."""
    return bool(re.search(r"error|terminate|what\(\)|assert|corrupt|invalid|abort|fail|stack", line, re.I))
