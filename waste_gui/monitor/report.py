"""The report of a run, to send to a colleague: as text, and as a zip with the run's own records; no photos.

The home folder is written as ~ in every text, as its name is mostly a person's.
"""

from __future__ import annotations

import json
import os
import platform
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import waste_gui
from waste_gui import files
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence, ProcessLook
from waste_gui.monitor.formatting import clock, size, span
from waste_gui.monitor.run import LogLine, Run, Stage, StageState
from waste_gui.monitor.stack_words import in_words, key_frame
from waste_gui.monitor.verdict import Verdict
from waste_gui.plain_text import plain
from waste_gui.protocol import RunFailed, ThreadStack
from waste_gui.run_names import LAST_LAYER
from waste_gui.rundir import RunDir

LAST_LINES = 60
MOST_BYTES = 20 * 2**20
"""Of a longer record only the end is sent."""


class ReportError(Exception):
    """A report that could not be written, in one sentence."""


@dataclass(frozen=True)
class Report:
    """What is told; `now` is on the engine's clock, `folder` the run's."""

    run: Run
    now: float = 0.0
    verdict: Verdict | None = None
    evidence: Evidence = NOTHING_KNOWN
    folder: Path | None = None
    log_tail: str = ""

    def text(self, home: Path | None = None) -> str:
        """All that a colleague would need, for the clipboard."""
        parts = (
            self._what(),
            self._verdict(),
            self._end(),
            self._stages(),
            self._doing(),
            self._machine(),
            self._stacks(),
            self._lines(),
        )
        text = "\n\n".join("\n".join(part) for part in map(list, parts) if part)
        lines = map(plain, text.expandtabs().splitlines())  # It may be read in a terminal.
        return without_home("\n".join(lines), home or Path.home()) + "\n"

    def records(self, home: Path | None = None) -> dict[str, str]:
        """What is known here and stands in no file, by the name it gets in the zip."""
        told = {"at": self.now, "verdict": _plain(self.verdict), **_plain(self.evidence)}
        stacks = [_plain(thread) for thread in threads_of(self.run)]
        versions = "".join(f"{name} {version}\n" for name, version in _versions(self.run))
        texts = {
            "report.txt": self.text(home),
            "versions.txt": versions,
            "evidence_now.json": json.dumps(told, indent=2, default=str) + "\n",
        }
        return {**texts, "stacks.json": json.dumps(stacks, indent=2) + "\n"} if stacks else texts

    def _what(self) -> Iterator[str]:
        run = self.run
        if run.started is not None:
            versions = {"waste-gui": waste_gui.__version__, **run.started.versions}
            yield f"Run {run.started.run} on {run.started.host}, process {run.started.pid}"
            yield f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}"
            length = LAST_LAYER if run.head_only else f"{run.started.epochs or '–'} epochs"
            yield f"Model: {run.started.model or '–'}, {length}"
        else:
            yield f"waste-gui {waste_gui.__version__}: nothing has run"
        if run.device is not None:
            yield f"Device: {run.device.name}"
        if self.folder is not None:
            yield f"Folder: {self.folder}"
        yield f"Computer: {platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores"

    def _verdict(self) -> Iterator[str]:
        if self.verdict is not None:
            yield f"{self.verdict.title} ({self.verdict.cause})"
            if self.verdict.more:
                yield self.verdict.more
            yield from (f"- {fact}" for fact in self.verdict.evidence)

    def _end(self) -> Iterator[str]:
        if isinstance(self.run.last, RunFailed):
            yield from filter(None, (self.run.last.text, self.run.last.hint, self.run.last.traceback))
        if self.run.exit_words:
            yield self.run.exit_words
            if self.run.crash is not None:
                yield from filter(None, (self.run.crash.hint, *self.run.crash.lines))
        if self.log_tail:
            yield "The engine's own log ends with:"
            yield self.log_tail

    def _stages(self) -> Iterator[str]:
        stages = [stage for stage in self.run.stages.values() if stage.state is not StageState.WAITING]
        if stages:
            yield "Stages:"
        for stage in stages:
            yield f"  {stage.title}: {_stage_words(stage, self.now)}"

    def _doing(self) -> Iterator[str]:
        beat = self.run.heartbeat
        if beat is None:
            return
        yield f"Last response {span(self.now - self.run.heard_at)} ago, last progress " + (
            f"{span(self.now - self.run.moved_at)} ago"
        )
        yield f"Main thread: {beat.where or 'working'}; photos asked for: {beat.queued}"
        for worker in beat.workers:
            photo = f" {worker.path}" if worker.path else ""
            yield f"Worker {worker.pid}: {worker.state}{photo} for {worker.since_s:.1f} s"

    def _machine(self) -> Iterator[str]:
        yield from evidence_lines(self.evidence)
        yield from (process_line(process) for process in self.evidence.processes)

    def _stacks(self) -> Iterator[str]:
        for thread in threads_of(self.run):
            words = in_words(thread)
            yield f"{thread.role.capitalize()} {thread.pid}, {thread.thread}{': ' if words else ''}{words}"
            key = key_frame(thread)
            for i, frame in reversed(list(enumerate(thread.frames))):
                mark = ">" if i == key else " "
                yield f"{mark} {frame.file}:{frame.line} in {frame.function}"

    def _lines(self) -> Iterator[str]:
        lines: list[LogLine] = list(self.run.log)[-LAST_LINES:]
        if lines:
            yield "Last lines:"
        yield from (f"  {clock(line.at)} {line.text}" for line in lines)


def threads_of(run: Run) -> tuple[ThreadStack, ...]:
    """The newest stacks, as they were told or read from outside."""
    return run.stacks.threads if run.stacks else ()


def evidence_lines(evidence: Evidence) -> list[str]:
    """What the system says of processes and computer, in words; what it does not tell is left out."""
    machine = evidence.machine
    facts: list[tuple[str, str | None]] = [
        ("Processor", None if evidence.cpu_percent is None else f"{evidence.cpu_percent:.0f} % of one core"),
        ("Reading and writing", _rate(evidence.io_bytes_per_s)),
        ("GPU", evidence.gpu.words if evidence.gpu else None),
        ("Memory free", _of(machine.free_memory_bytes, machine.memory_bytes)),
        ("Shared memory free", _of(machine.free_shm_bytes, machine.shm_bytes)),
        ("Disk free", None if evidence.free_disk_bytes is None else size(evidence.free_disk_bytes)),
        ("Swapped out", size(machine.swapped_bytes) if machine.swapped_bytes else None),
        ("Slept", span(evidence.slept_s) if evidence.slept_s else None),
    ]
    return [f"{name}: {value}" for name, value in facts if value is not None]


def process_line(process: ProcessLook) -> str:
    """`Worker 4311: disk-sleep in request_wait_answer, 0 % of a core, 27 MB`."""
    where = f" in {process.waits_for}" if process.waits_for else ""
    parts = [f"{process.role.capitalize()} {process.pid}: {process.state}{where}"]
    if process.cpu_percent is not None:
        parts.append(f"{process.cpu_percent:.0f} % of a core")
    if process.io_bytes_per_s is not None:
        parts.append(f"{size(process.io_bytes_per_s)}/s")
    if process.memory_bytes is not None:
        parts.append(size(process.memory_bytes))
    return ", ".join(parts)


def _rate(bytes_per_s: float | None) -> str | None:
    return None if bytes_per_s is None else f"{size(bytes_per_s)}/s"


def _of(free: int | None, total: int | None) -> str | None:
    if free is None:
        return None
    return f"{size(free)} of {size(total)}" if total else size(free)


def _stage_words(stage: Stage, now: float) -> str:
    done = f", {stage.done} of {stage.total} {stage.unit}".rstrip() if stage.total else ""
    if stage.elapsed_s is not None:
        return f"{stage.state.value}, {stage.elapsed_s:.1f} s. {stage.summary}".rstrip(". ")
    took = f", {span(now - stage.started_at)}" if stage.started_at is not None else ""
    return f"{stage.state.value}{took}{done}"


def without_home(text: str, home: Path) -> str:
    """With ~ for the home folder, also where its backslashes are doubled, as in JSON."""
    if len(home.parts) < 2:
        return text
    names = {str(home), json.dumps(str(home))[1:-1], json.dumps(str(home), ensure_ascii=False)[1:-1]}
    longest_first = sorted(names, key=len, reverse=True)
    return re.sub(rf"(?:{'|'.join(map(re.escape, longest_first))})(?![\w.-])", "~", text)


def save(records: Mapping[str, str], folder: Path | None, path: Path, home: Path | None = None) -> Path:
    """Write the zip with a report's records and those of the run's folder, whole or not at all; ReportError
    says in a sentence why not. It may wait for a disk."""
    home = home or Path.home()
    try:
        with files.replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in (*records.items(), *_records_in(folder)):
                archive.writestr(name, without_home(text, home))
    except OSError as error:
        raise ReportError(f"The report cannot be written to {path} ({error.strerror or error}).") from error
    return path


def _records_in(folder: Path | None) -> Iterator[tuple[str, str]]:
    """Names and ends of the run's own files."""
    if folder is None:
        return
    run = RunDir(folder)
    for record in (run.config, run.events, run.log, run.failures, run.commands, run.stacks):
        yield from _end_of(record)
    yield from _end_of(folder / "evidence.jsonl")


def _end_of(record: Path) -> Iterator[tuple[str, str]]:
    """Its name and its last whole lines; nothing where there is none, a word where it cannot be read."""
    try:
        content, begin = files.read_end(record, MOST_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{record.name}.missing.txt", f"{record} cannot be read ({error.strerror}).\n"
        return
    if begin:
        content = content.partition(b"\n")[2]
    yield record.name, content.decode("utf-8", "backslashreplace")


def _versions(run: Run) -> Iterator[tuple[str, str]]:
    yield "waste-gui", waste_gui.__version__
    yield "Python", platform.python_version()
    yield "system", platform.platform()
    if run.started is not None:
        yield from run.started.versions.items()


def _plain(value: object) -> dict[str, object]:
    """A dataclass or a message as names and values."""
    if is_dataclass(value):
        return {field.name: _plain_value(getattr(value, field.name)) for field in fields(value)}
    names = getattr(value, "__struct_fields__", ())
    return {name: _plain_value(getattr(value, name)) for name in names}


def _plain_value(value: object) -> object:
    if is_dataclass(value) or hasattr(value, "__struct_fields__"):
        return _plain(value)
    if isinstance(value, tuple | list):
        return [_plain_value(each) for each in value]
    return value
