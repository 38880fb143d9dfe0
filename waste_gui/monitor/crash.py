"""Why an engine is gone that said no last word: cause, words, what to do, and the lines that show it.

All that is known is an argument: how the process ended, the end of its log, what the system looked like
before and after. The rules stand in `_RULES`; the first that says something wins. What is seen comes before
what is read, and both before what can only be inferred, which is said with "probably".
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from waste_gui import known_errors, os_errors
from waste_gui.monitor import formatting
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence
from waste_gui.monitor.last_log import MOST_LINES, LastLog, NotedEnd, at_home, shorten
from waste_gui.stages import EVERY_STAGE

EXIT_FINISHED, EXIT_FAILED, EXIT_STOPPED = 0, 1, 3
LEAST_MEMORY = 0.05
LEAST_SHM_BYTES = 64_000_000
LEAST_DISK_BYTES = 20_000_000
WINDOWS_ERROR = 0xC0000000
GONE = "The {work} process is gone and did not say why. It was killed, or it crashed."

LESS_MEMORY = "Use a smaller batch or fewer loading processes, and close other programs."
AGAIN = "Start it again, or resume it."
READ_LOG = "The last lines of the log say more."
SEND = "Start it again. If it happens again, update the graphics driver and send the details."


@dataclass(frozen=True)
class Crash:
    """`text` says what happened and why, `hint` what to do; `lines` are those of the log that show it, and
    `certain` is whether the cause was seen or read, and not inferred."""

    cause: str
    text: str
    hint: str
    lines: tuple[str, ...] = ()
    certain: bool = True


@dataclass(frozen=True)
class ProcessOutcome:
    """How a process ended; a value that says itself in words.

    `exit_code` is None when it was killed by `signal`, never started, or nobody could see how it ended. On
    Windows either may be a status such as 0xC0000005."""

    exit_code: int | None = None
    signal: int | None = None
    not_started: str = ""
    forced: bool = False  # We killed it, since it did not stop when asked.
    work: str = "training"  # What it was there for.

    @property
    def is_seen(self) -> bool:
        """Whether anybody knows how it ended."""
        return bool(self.exit_code is not None or self.signal is not None or self.not_started)

    def with_status(self, status: int | None) -> ProcessOutcome:
        """As subprocess tells it: a signal is negative, and None tells nothing."""
        if status is None:
            return self
        return replace(self, signal=-status) if status < 0 else replace(self, exit_code=status)

    @property
    def crashed(self) -> bool:
        return self.exit_code not in (EXIT_FINISHED, EXIT_FAILED, EXIT_STOPPED)

    @property
    def words(self) -> str:
        """One sentence, for a process that left without a last message and of which nothing else is known."""
        return explain(self).text


@dataclass(frozen=True)
class _Way:
    """A way to end, whatever the system calls it. `{code}` is its name there, `{where}` the library."""

    cause: str
    text: str
    hint: str


_WAYS = {
    way.cause: way
    for way in (
        _Way(
            "killed",
            "The {work} was killed by the system ({code}). Often the computer ran out of memory.",
            LESS_MEMORY,
        ),
        _Way("segmentation_fault", "The {work} crashed inside {where} (segmentation fault, {code}).", SEND),
        _Way("abort", "The {work} was ended by one of its libraries (abort, {code}).", READ_LOG),
        _Way(
            "bus_error",
            "The {work} lost access to memory it was using (bus error, {code}). Often shared memory or a "
            "disk is full, or a drive went away.",
            "Free space on the disk, use fewer loading processes, and start again.",
        ),
        _Way(
            "illegal_instruction",
            "A library uses instructions that this processor does not have ({code}).",
            "Install builds of PyTorch made for this processor.",
        ),
        _Way("arithmetic", "The {work} crashed in a calculation ({code}).", "Send the details."),
        _Way("ended_from_outside", "The {work} was ended from outside ({code}).", AGAIN),
        _Way("session_closed", "The {work} was ended because its session closed ({code}).", AGAIN),
        _Way("interrupted", "The {work} was interrupted ({code}).", AGAIN),
        _Way("limit", "The {work} used more than its limit allows ({code}).", "Ask who set the limit."),
        _Way("out_of_memory", "The {work} was ended: the computer ran out of memory ({code}).", LESS_MEMORY),
        _Way(
            "stack_overflow",
            "The {work} crashed inside {where}: its stack was too small ({code}).",
            SEND,
        ),
        _Way(
            "damaged_memory",
            "The {work} was ended: {where} damaged the program's memory ({code}).",
            "Start it again. If it happens again, install PyTorch anew and send the details.",
        ),
        _Way(
            "library",
            "The {work} could not start: a library (DLL) is missing or does not fit ({code}).",
            "Install the Microsoft Visual C++ Redistributable, then PyTorch anew.",
        ),
        _Way(
            "timer",
            "The {work} was ended by a timer ({code}) that a library or another program had set, and that "
            "nobody answered.",
            AGAIN,
        ),
        _Way(
            "not_allowed",
            "The {work} was ended: a library asked the system for something that is not allowed here "
            "({code}), as in a container or a sandbox.",
            "Ask who set up the container or the sandbox, or train outside of it.",
        ),
        _Way("trap", "The {work} was ended: a library ran into a check of its own ({code}).", READ_LOG),
        _Way("pipe", "The {work} was ended: the other end of a pipe was closed ({code}).", AGAIN),
        _Way("drive", "The {work} lost a drive that it was reading from ({code}).", "Check the drive."),
    )
}

_SIGNALS = {
    "SIGKILL": "killed",
    "SIGSEGV": "segmentation_fault",
    "SIGABRT": "abort",
    "SIGBUS": "bus_error",
    "SIGILL": "illegal_instruction",
    "SIGFPE": "arithmetic",
    "SIGTERM": "ended_from_outside",
    "SIGHUP": "session_closed",
    "SIGINT": "interrupted",
    **dict.fromkeys(("SIGUSR1", "SIGUSR2", "SIGPWR", "SIGIO", "SIGSTKFLT"), "ended_from_outside"),
    **dict.fromkeys(("SIGALRM", "SIGVTALRM", "SIGPROF"), "timer"),
    "SIGSYS": "not_allowed",
    "SIGTRAP": "trap",
    "SIGPIPE": "pipe",
    "SIGXCPU": "limit",
    "SIGXFSZ": "limit",
}
_WINDOWS = {
    0xC0000005: "segmentation_fault",
    0xC0000006: "drive",
    0xC0000017: "out_of_memory",
    0xC000001D: "illegal_instruction",
    0xC000008E: "arithmetic",
    0xC0000094: "arithmetic",
    0xC00000FD: "stack_overflow",
    0xC000012D: "out_of_memory",
    0xC0000135: "library",
    0xC0000139: "library",
    0xC000013A: "interrupted",
    0xC0000142: "library",
    0xC0000374: "damaged_memory",
    0xC0000409: "abort",
}
"""NTSTATUS (MS-ERREF 2.3.1)."""

_FATAL = {
    "Segmentation fault": "segmentation_fault",
    "Aborted": "abort",
    "Bus error": "bus_error",
    "Illegal instruction": "illegal_instruction",
    "Floating-point exception": "arithmetic",
    "Floating point exception": "arithmetic",
    "access violation": "segmentation_fault",
    "stack overflow": "stack_overflow",
    "int divide by zero": "arithmetic",
}
"""As faulthandler names them."""

SHELLS = range(129, 160)
"""A shell between us and the engine gives a signal as 128 more than its number."""


def explain(
    end: ProcessOutcome,
    log: str = "",
    *,
    before: Sequence[Evidence] = (),
    after: Evidence = NOTHING_KNOWN,
    kernel: str = "",
    stage: str = "",
    home: Path | None = None,
) -> Crash:
    """What became of a process that left without a last message.

    `log` is the last part of what it wrote itself; `before` are the last looks at it while it lived, oldest
    first, about a second apart; `after` is a look once it was gone; `kernel` is the kernel's line on killing
    it; `stage` is the id of the stage it was in."""
    last = LastLog(log, home)
    if last.end is not None and not end.is_seen:
        end = replace(end, exit_code=last.end.status, signal=last.end.signal)
    case = _Case(end, last, tuple(before), after, kernel, stage)
    for rule in _RULES:
        if crash := rule(case):
            lines = tuple(shorten(line) for line in crash.lines)
            return replace(crash, text=at_home(crash.text, home), lines=lines)
    return Crash("gone", GONE.format(work=end.work), case.read_log, case.log.error_lines, certain=False)


@dataclass(frozen=True)
class _Case:
    """What the rules look at."""

    end: ProcessOutcome
    log: LastLog
    before: tuple[Evidence, ...]
    after: Evidence
    kernel: str
    stage: str

    @cached_property
    def way(self) -> _Way | None:
        """None after an exit status of its own, and where nobody saw the end and the log tells none."""
        cause = self._cause
        return _WAYS.get(cause) if cause else None

    @cached_property
    def _cause(self) -> str:
        if self.status >= WINDOWS_ERROR:
            return _WINDOWS.get(self.status, "")
        if self.signal:
            return _SIGNALS.get(signal_name(self.signal), "")
        return "" if self.end.exit_code is not None else _FATAL.get(self.log.fatal, "")

    @property
    def read_log(self) -> str:
        """What to do where nothing else is known: look at the log, if something stands there."""
        return READ_LOG if self.log.error_lines else AGAIN

    @property
    def signal(self) -> int:
        if self.end.signal is not None:
            return self.end.signal
        code = self.end.exit_code or 0
        if code < 0 and code > -65:
            return -code
        return code - 128 if code in SHELLS else 0

    @property
    def status(self) -> int:
        """Of Windows, where it is one."""
        number = self.end.signal if self.end.exit_code is None else self.end.exit_code
        status = (number or 0) & 0xFFFFFFFF
        return status if WINDOWS_ERROR <= status < 0xD0000000 else 0

    @property
    def code(self) -> str:
        if self.status:
            return f"code 0x{self.status:08X}"
        return f"signal {self.signal}" if self.signal else "as its log says"

    @property
    def noted(self) -> NotedEnd | None:
        """What the engine noted of this end."""
        noted = self.log.end
        if noted is None or (noted.signal or 0) != self.signal:
            return None
        return noted if noted.status in (None, self.end.exit_code) or self.signal else None

    @property
    def in_stage(self) -> str:
        """` It was in the stage Scan photos.`"""
        title = next((stage.title for stage in EVERY_STAGE if stage.id == self.stage), "")
        return f" It was in the stage {title}." if title else ""

    @property
    def unseen(self) -> bool:
        """Whether nobody knows how it ended, and the log does not tell."""
        return self.end.exit_code is None and self.end.signal is None and self.way is None

    @property
    def fatal_in_log(self) -> bool:
        """Whether faulthandler's text is of this end, and not of an earlier one in the same log."""
        return self.way is not None and _FATAL.get(self.log.fatal) == self.way.cause

    @property
    def subject(self) -> str:
        return "Training" if self.end.work == "training" else f"The {self.end.work}"

    @property
    def last(self) -> Evidence:
        return self.before[-1] if self.before else NOTHING_KNOWN

    def is_way(self, *causes: str) -> bool:
        return self.way is not None and self.way.cause in causes


def signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return ""


# --- the rules


def _never_started(case: _Case) -> Crash | None:
    if not case.end.not_started:
        return None
    text = f"The {case.end.work} could not be started: {case.end.not_started.rstrip('.')}."
    return Crash("not_started", text, "Check that Python and waste-gui are installed in one place.")


def _by_us(case: _Case) -> Crash | None:
    if not case.end.forced:
        return None
    text = f"The {case.end.work} did not stop when asked and was ended by force."
    return Crash("forced", text, "Nothing that was saved is lost.")


def _killed_for_memory(case: _Case) -> Crash | None:
    """As the kernel says, or its count of such kills."""
    if not (case.unseen or case.is_way("killed")):
        return None
    kills = case.last.machine.kills, case.after.machine.kills
    rose = kills[0] is not None and kills[1] is not None and kills[1] > kills[0]
    if not case.kernel and not rose:
        return None
    of_group = "memory cgroup" in case.kernel.lower() or not case.kernel
    where = "its container or session may use no more" if of_group else "the computer had no more"
    text = f"The system ended the {case.end.work} because memory ran out: {where}{_free(case)}."
    said = case.kernel.partition(", file-rss")[0]
    return Crash("out_of_memory", text, LESS_MEMORY, (said,) if said else ())


def _known_error(case: _Case) -> Crash | None:
    """What a library wrote before it gave up. A kill, or a crash in the middle of something, says no word."""
    speaks = case.way is None or case.is_way("abort", "bus_error", "damaged_memory", "library", "trap")
    known = known_errors.recognise(case.log.near_end) if speaks else None
    if known is None:
        return _error_of_the_system(case) if speaks else None
    lines = case.log.error_lines
    if not any(known.line in line or line in known.line for line in lines):
        lines = (*case.log.clean([known.line]), *lines)[:6]
    return Crash(known.kind, f"{case.subject} stopped: {known.clause}.", known.hint, lines)


def _error_of_the_system(case: _Case) -> Crash | None:
    """By its number or its words in the last lines; of those that also come of ordinary work, where the log
    ends with it."""
    lines = case.log.near_end.splitlines()
    for line in reversed(lines):
        name = os_errors.name_in(line[: known_errors.LINE_CHARS])
        meaning = os_errors.MEANINGS.get(name)
        if meaning is None or not (meaning.serious or line == lines[-1]):
            continue
        kind, clause, hint = os_errors.said(name, os_errors.file_in(line))
        shown = case.log.error_lines
        shown = shown if any(each in line for each in shown) else (*case.log.clean([line]), *shown)
        return Crash(kind, f"{case.subject} stopped: {clause}.", hint, shown[:MOST_LINES])
    return None


def _probably_memory(case: _Case) -> Crash | None:
    """Killed while little was left, or while what was left vanished quickly."""
    free = case.last.free_memory
    if free is None or not (case.unseen or case.is_way("killed")):
        return None
    if free < LEAST_MEMORY:
        why = _free(case)
    elif steep := _vanished(case.before):
        why = f" (free memory had fallen from {steep[0]} to {steep[1]})"
    else:
        return None
    how = f"was killed by the system ({case.code})" if case.way else "process is gone without a word"
    text = f"The {case.end.work} {how}, probably because memory ran out{why}."
    return Crash("out_of_memory", text, LESS_MEMORY, certain=False)


def _free(case: _Case) -> str:
    """` (0.4 GB of 16 GB was free just before)`, where it was looked at."""
    machine = case.last.machine
    if machine.free_memory_bytes is None or not machine.memory_bytes:
        return ""
    free, total = formatting.size(machine.free_memory_bytes), formatting.size(machine.memory_bytes)
    return f" ({free} of {total} was free just before)"


def _vanished(before: Sequence[Evidence]) -> tuple[str, str] | None:
    """From what to what free memory fell, if at that pace none was left within two more seconds."""
    machines = [look.machine for look in before]
    free = [m.free_memory_bytes for m in machines if m.free_memory_bytes is not None]
    total = machines[-1].memory_bytes if machines else None
    if len(free) < 2 or not total:
        return None
    fell = free[-2] - free[-1]
    if fell < LEAST_MEMORY * total or free[-1] - 2 * fell > LEAST_MEMORY * total:
        return None
    return formatting.size(max(free)), formatting.size(free[-1])


def _probably_full(case: _Case) -> Crash | None:
    """Shared memory or the disk, where it lost memory or nobody saw how it ended."""
    if not (case.unseen or case.is_way("bus_error")):
        return None
    seen = case.after if case.after.machine.free_disk_bytes is not None else case.last
    shm, disk = case.last.machine.free_shm_bytes, seen.machine.free_disk_bytes
    how = (
        f"stopped ({case.way.cause.replace('_', ' ')}, {case.code})" if case.way else "stopped without a word"
    )
    if shm is not None and shm < LEAST_SHM_BYTES and case.way:
        text = (
            f"{case.subject} {how}, probably because the shared memory (/dev/shm) is full: "
            f"{formatting.size(shm)} was free just before."
        )
        return Crash("shared_memory_full", text, known_errors.FEWER, _lines(case), certain=False)
    if disk is not None and disk < LEAST_DISK_BYTES:
        text = (
            f"{case.subject} {how}, probably because the disk of the run folder is full: "
            f"{formatting.size(disk)} "
            "is free."
        )
        return Crash("disk_full", text, known_errors.FREE_DISK, _lines(case), certain=False)
    return None


def _killed_by_somebody(case: _Case) -> Crash | None:
    """Killed, and memory was looked at and not short."""
    free = case.last.machine.free_memory_bytes
    if free is None or not case.is_way("killed"):
        return None
    text = (
        f"The {case.end.work} was killed by the system ({case.code}). Memory was not short "
        f"({formatting.size(free)} free), so probably somebody or another program ended it."
    )
    return Crash("ended_from_outside", text + _asked_before(case), AGAIN, certain=False)


def _asked_before(case: _Case) -> str:
    """Who kills in earnest asks first, and waits a while."""
    if case.log.asked is None:
        return ""
    number, who = case.log.asked
    return f" It had been asked to end before ({signal_name(number) or f'signal {number}'} {who})."


def _asked_and_gone(case: _Case) -> Crash | None:
    """Nobody saw its end, but who asked for it is known."""
    if not case.unseen or case.log.asked is None:
        return None
    text = f"The {case.end.work} process is gone and said no last word.{_asked_before(case)}"
    return Crash("ended_from_outside", text, AGAIN, case.log.error_lines, certain=False)


def _as_the_system_says(case: _Case) -> Crash | None:
    if case.way is None:
        return None
    where = "a library"
    if case.fatal_in_log and case.log.frames:
        frame = case.log.frames[0]
        called = "a library called from " if frame.module == "waste_gui" else ""
        where = f"{called}{frame.file}, line {frame.line}"
    text = case.way.text.format(work=case.end.work, code=case.code, where=where) + _last_words(case)
    text += _sent(case)
    if case.is_way("killed", "limit"):
        text += _asked_before(case)
    hint = case.way.hint
    alone = case.stage == "import" and not case.log.last_words
    if alone and case.is_way("segmentation_fault", "abort", "illegal_instruction"):
        hint = f"It happened while PyTorch started. {known_errors.INSTALL_ANEW}"
    return Crash(case.way.cause, text, hint, _lines(case))


def _last_words(case: _Case) -> str:
    """Who was ended from outside did not speak of it."""
    from_outside = case.is_way("killed", "ended_from_outside", "session_closed", "interrupted", "limit")
    if from_outside or not case.log.last_words:
        return ""
    return f" Its last words: {case.log.last_words}."


def _sent(case: _Case) -> str:
    """By whom, where the engine noted it."""
    if case.noted is None or not case.noted.how:
        return ""
    at = f", at {case.noted.places[0]}" if case.noted.places else ""
    return f" The signal was sent {case.noted.how}{at}."


def _lines(case: _Case) -> tuple[str, ...]:
    """Who was ended from outside wrote nothing about it."""
    if case.fatal_in_log:
        return case.log.fatal_lines
    return () if case.is_way("ended_from_outside", "session_closed", "interrupted") else case.log.error_lines


def _became_another(case: _Case) -> Crash | None:
    """What the other program's end says is not of this run."""
    noted = case.noted
    if noted is None or not noted.how.startswith("became"):
        return None
    status = f" (exit status {case.end.exit_code})" if case.end.exit_code is not None else ""
    what = noted.how.removeprefix("became ")
    text = f"The {case.end.work} ended without a last word{status}: {_called_by(noted)} made it {what}."
    return Crash(
        "left", text + case.in_stage, case.read_log, (*noted.places, *case.log.error_lines)[:MOST_LINES]
    )


def _by_a_number(case: _Case) -> Crash | None:
    """An exit status of its own, or a signal without words here."""
    work, lines = case.end.work, case.log.error_lines
    if case.status:
        text = f"The {work} was ended by Windows ({case.code})."
        return Crash("ended", text, case.read_log, lines, certain=False)
    if case.signal:
        name = f" ({named})" if (named := signal_name(case.signal)) else ""
        text = f"The {work} was ended by {case.code}{name}.{_sent(case)}"
        return Crash("signal", text, case.read_log, lines, certain=False)
    if case.end.exit_code is None:
        return None
    status = f"exit status {case.end.exit_code}"
    if case.end.exit_code and case.log.last_exception:
        text = (
            f"The {work} ended with an error that it could not report ({status}): {case.log.last_exception}"
        )
        return Crash("error", text, "Copy the details and send them to us.", lines)
    return _left(case, status)


_STATUSES = {
    2: "as a program does that is called with wrong options",
    126: "as a shell does where a program may not be run",
    127: "as a shell does where a program is not there",
}


def _left(case: _Case, status: str) -> Crash:
    """By itself, whoever in it asked for that."""
    noted, number = case.noted, case.end.exit_code
    how = "ended too early, as if it were done" if number == 0 else "ended without a last word"
    why = f", {_STATUSES[number]}" if number in _STATUSES else ""
    who = "a library, or another part of the program, ended it by itself"
    if noted is not None and noted.how:
        who = f"{_called_by(noted)} ended it by itself, {noted.how}"
    text = f"The {case.end.work} {how} ({status}){why}: {who}.{_last_words(case)}{case.in_stage}"
    lines = (*(noted.places if noted else ()), *case.log.error_lines)[:MOST_LINES]
    return Crash("left", text, case.read_log, lines, certain=noted is not None)


def _called_by(noted: NotedEnd) -> str:
    """`foo/bar.py, line 30`"""
    return noted.places[0].partition(", in ")[0] if noted.places else "a library"


_RULES = (
    _never_started,
    _by_us,
    _became_another,
    _killed_for_memory,
    _known_error,
    _probably_memory,
    _probably_full,
    _killed_by_somebody,
    _as_the_system_says,
    _by_a_number,
    _asked_and_gone,
)
