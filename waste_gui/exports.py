"""A run for other programs: its metrics as CSV and as TensorBoard event files, while it runs and afterwards.

`metrics.csv`, `epochs.csv` and the folder `tensorboard` hold nothing that is not in the events: they may be
deleted, and `waste-engine export` makes them anew. A run that was resumed has events of each start
(`events-1.jsonl`, …, `events.jsonl`); the steps that a later start did again count only there.
"""

from __future__ import annotations

import io
import math
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import util
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from waste_gui import files, protocol, tables
from waste_gui.protocol import EpochFinished, Metric, RunStarted
from waste_gui.reporting import Reporter, note
from waste_gui.rundir import SLICE_BYTES, RunDir, lines_of

METRICS_FILE, EPOCHS_FILE, TENSORBOARD_FOLDER = "metrics.csv", "epochs.csv", "tensorboard"
COLUMNS = {
    METRICS_FILE: (
        "epoch",
        "step",
        "at_s",
        "loss",
        "accuracy",
        "lr",
        "images_per_s",
        "wait_s",
        "copy_s",
        "compute_s",
    ),
    EPOCHS_FILE: ("epoch", "step", "train_loss", "val_loss", "val_accuracy", "elapsed_s", "best"),
}
TARGETS = ("csv", "tensorboard")
WRITE_EVERY_S = 2.0
CLOSE_S = 3.0
"""How long the end of a run waits for a disk that does not answer."""
PIECE = 5_000
"""Rows in memory at once, about 3 MB of them."""

MOST_WAITING = 100_000
"""Rows kept for a disk that takes none: about three hours of them."""

MARKS = (b'"type":"metric"', b'"type":"epoch_finished"')
"""Only lines with one of them are decoded; inside a text the quotes would be escaped."""

Told = Metric | EpochFinished


class ExportError(Exception):
    """Nothing was exported: one sentence, and what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


def tensorboard_missing() -> ExportError | None:
    """Why no event files can be written, if they cannot."""
    if util.find_spec("tensorboard") is not None:
        return None
    return ExportError(
        "TensorBoard event files were asked for, and TensorBoard is not installed.",
        "Install it with: python -m pip install 'waste-gui[tensorboard]'",
    )


# --- what the events say


@dataclass(frozen=True)
class Start:
    """One start of a run: its events, the Unix time when its clock was at zero, and the step from which on a
    later start did all again."""

    events: Path
    zero: float
    until: float = math.inf

    def told(self) -> Iterator[Told]:
        return (message for message in told_in(self.events) if message.step < self.until)

    def before(self, first: Told) -> Start:
        """Without what a later start, which began with `first`, did again."""
        return replace(self, until=min(self.until, _done_again(first)))


def starts_of(folder: RunDir) -> list[Start]:
    """The starts of a run, the first one first."""
    found: list[Start] = []
    until = math.inf
    for events in reversed([*folder.earlier_events(), folder.events]):
        found.append(Start(events, _zero(events), until))
        until = min(until, next(map(_done_again, told_in(events)), until))
    return found[::-1]


def _done_again(first: Told) -> int:
    """The step that a start began with. One that only had to validate begins after the step it tells of."""
    return first.step if isinstance(first, Metric) else first.step + 1


def told_in(events: Path) -> Iterator[Told]:
    """The metrics and epochs of one file; a line that a crash cut off is none."""
    for line in lines_of(events):
        if any(mark in line for mark in MARKS):
            message = protocol.decode(line)
            if isinstance(message, Metric | EpochFinished):
                yield message


def _zero(events: Path) -> float:
    """From its first line; of a file without one, nobody asks."""
    try:
        with files.open_to_read(events) as file:
            message = protocol.decode(file.read(SLICE_BYTES).partition(b"\n")[0])
    except OSError:
        return 0.0
    return message.started_at - message.at if isinstance(message, RunStarted) else 0.0


# --- the kinds of file


class ExportFormat(Protocol):
    """Files of one kind, as bytes: how they begin before the first message, and what messages add."""

    def begin(self, folder: RunDir, first: Told, earlier: Sequence[Start]) -> Iterator[dict[Path, bytes]]:
        """Piece by piece."""
        ...

    def more(self, messages: Sequence[Told], zero: float) -> dict[Path, bytes]: ...


class Tables:
    """`metrics.csv` and `epochs.csv`. What is not a number or not known is empty."""

    def begin(self, folder: RunDir, first: Told, earlier: Sequence[Start]) -> Iterator[dict[Path, bytes]]:
        self._folder = folder.path
        yield self._encoded({name: [names] for name, names in COLUMNS.items()})
        for start in earlier:
            for messages in in_pieces(start.before(first).told()):
                yield self.more(messages, start.zero)

    def more(self, messages: Sequence[Told], zero: float) -> dict[Path, bytes]:
        rows: dict[str, list[Sequence[object]]] = {name: [] for name in COLUMNS}
        for message in messages:
            name, row = _row(message)
            rows[name].append(row)
        return self._encoded(rows)

    def _encoded(self, rows: Mapping[str, Sequence[Sequence[object]]]) -> dict[Path, bytes]:
        return {self._folder / name: _csv(lines) for name, lines in rows.items()}


def _row(message: Told) -> tuple[str, Sequence[object]]:
    """The table that it belongs to, and its line there."""
    match message:
        case Metric(values=values, timing=timing):
            return METRICS_FILE, (
                message.epoch,
                message.step,
                message.at,
                values.get("loss"),
                values.get("accuracy"),
                values.get("lr"),
                message.images_per_s,
                timing.wait_s,
                timing.copy_s,
                timing.compute_s,
            )
        case EpochFinished():
            return EPOCHS_FILE, (
                message.epoch,
                message.step,
                message.train_loss,
                message.val_loss,
                message.val_accuracy,
                message.elapsed_s,
                message.best,
            )


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    return tables.encoded(rows, "\n")


class EventFile:
    """One TensorBoard event file in the run's folder `tensorboard`; each start of a run has its own."""

    def __init__(self) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event: Any = event_pb2.Event
        self._session: Any = event_pb2.SessionLog
        self._summary: Any = summary_pb2.Summary
        self._writer: Any = RecordWriter

    def begin(self, folder: RunDir, first: Told, earlier: Sequence[Start]) -> Iterator[dict[Path, bytes]]:
        """TensorBoard forgets what an earlier start did of the steps that come again."""
        name = f"events.out.tfevents.{int(time.time()):010}.{socket.gethostname()}.{os.getpid()}.0"
        self._path = folder.path / TENSORBOARD_FOLDER / name
        now = time.time()
        events = [self._event(wall_time=now, file_version="brain.Event:2")]
        if earlier:
            again = self._session(status=self._session.START)
            events.append(self._event(wall_time=now, step=first.step, session_log=again))
        yield self._encoded(events)

    def more(self, messages: Sequence[Told], zero: float) -> dict[Path, bytes]:
        return self._encoded([self._scalars(message, zero) for message in messages])

    def _scalars(self, message: Told, zero: float) -> Any:
        """What is no number is shown as that."""
        values = [
            self._summary.Value(tag=tag, simple_value=math.nan if value is None else value)
            for tag, value in _scalars(message).items()
        ]
        return self._event(
            wall_time=zero + message.at, step=message.step, summary=self._summary(value=values)
        )

    def _encoded(self, events: Sequence[Any]) -> dict[Path, bytes]:
        content = io.BytesIO()
        writer = self._writer(content)
        for event in events:
            writer.write(event.SerializeToString())
        return {self._path: content.getvalue()}


def _scalars(message: Told) -> dict[str, float | None]:
    match message:
        case Metric(timing=timing):
            return {
                **{f"train/{name}": value for name, value in message.values.items()},
                "speed/images_per_s": message.images_per_s,
                "speed/wait_s": timing.wait_s,
                "speed/copy_s": timing.copy_s,
                "speed/compute_s": timing.compute_s,
            }
        case EpochFinished():
            return {
                "epoch/train_loss": message.train_loss,
                "epoch/val_loss": message.val_loss,
                "epoch/val_accuracy": message.val_accuracy,
                "epoch/elapsed_s": message.elapsed_s,
            }


KINDS: dict[str, Callable[[], ExportFormat]] = {"csv": Tables, "tensorboard": EventFile}


# --- afterwards


def export(folder: RunDir, target: str) -> list[Path]:
    """Make the files anew from the events; which they are. Raises ExportError."""
    if target not in TARGETS:
        raise ExportError(f"A run cannot be exported to '{target}'.", "Choose csv or tensorboard.")
    missing = tensorboard_missing() if target == "tensorboard" else None
    if missing is not None:
        raise missing
    if not folder.events.exists():
        raise ExportError(f"The folder {folder.path} holds no run.", "Choose the folder of an earlier run.")
    if folder.owner() is not None:
        raise ExportError(
            f"The training in {folder.path} still runs, and writes its tables itself.",
            "Export it when it has ended.",
        )
    try:
        return _export(folder, target)
    except OSError as error:
        why = error.strerror or str(error)
        raise ExportError(f"The run in {folder.path} cannot be exported ({why}).", "Look at it.") from error


def _export(folder: RunDir, target: str) -> list[Path]:
    kind, starts = KINDS[target](), starts_of(folder)
    first = next((message for start in starts for message in start.told()), None)
    if first is None:
        raise ExportError("This run took no step, so there is nothing to export.", "Choose another run.")
    pieces = (kind.more(messages, start.zero) for start in starts for messages in in_pieces(start.told()))
    return _replace(folder, target, chain(kind.begin(folder, first, ()), pieces))


def in_pieces(told: Iterable[Told]) -> Iterator[Sequence[Told]]:
    """So many that a run of any length takes little memory."""
    rest = iter(told)
    while piece := list(islice(rest, PIECE)):
        yield piece


def _replace(folder: RunDir, target: str, pieces: Iterable[Mapping[Path, bytes]]) -> list[Path]:
    """The old files go only once the new ones are whole."""
    old: list[Path] = []
    if target == "tensorboard":
        files.make_folder(folder.path / TENSORBOARD_FOLDER, folder.path)
        old = list((folder.path / TENSORBOARD_FOLDER).glob("events.out.tfevents.*"))
    new: dict[Path, BinaryIO] = {}
    with ExitStack() as opened:
        for piece in pieces:
            for path, data in piece.items():
                if path not in new:
                    new[path] = opened.enter_context(files.replacing(path, folder.path))
                files.write_whole(new[path], data)
    for path in old:
        if path not in new:
            files.remove(path, folder.path)
    return list(new)


# --- while it runs


class Live:
    """Writes what is reported, in batches and in a thread of its own: no step waits for it, and a full disk
    only delays it."""

    def __init__(self, report: Reporter, folder: RunDir, *, tensorboard: bool = False) -> None:
        targets = TARGETS if tensorboard else ("csv",)
        self._files = [_Files(folder, target, time.time() - report.now()) for target in targets]
        self._waiting: deque[Told] = deque()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer of the tables", daemon=True)
        report.add_listener(self._hear)
        self._thread.start()

    def close(self) -> None:
        """Write what is left, as far as the disk answers."""
        self._ended.set()
        self._thread.join(CLOSE_S)

    def _hear(self, message: object) -> None:
        if isinstance(message, Metric | EpochFinished):
            self._waiting.append(message)

    def _run(self) -> None:
        while not self._ended.wait(WRITE_EVERY_S):
            self._write()
        self._write()

    def _write(self) -> None:
        messages = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for each in self._files:
            each.write(messages)


class _Files:
    """The files of one kind, and what is still to be written into them."""

    def __init__(self, folder: RunDir, target: str, zero: float) -> None:
        self._folder, self._target, self._zero = folder, target, zero
        self._kind: ExportFormat | None = None
        self._sizes: dict[Path, int] = {}
        self._unwritten: deque[Told] = deque(maxlen=MOST_WAITING)
        self._failed = False

    def write(self, messages: Sequence[Told]) -> None:
        """What cannot be written now is tried again with the next."""
        self._unwritten.extend(messages)
        if not self._unwritten:
            return
        try:
            self._try_to_write()
        except OSError as error:
            if not self._failed:
                note(f"exporting to {self._target}: {error}; tried again")
            self._failed = True
        else:
            self._failed = False
            self._unwritten.clear()

    def _try_to_write(self) -> None:
        begin: Iterable[dict[Path, bytes]] = ()
        kind, sizes = self._kind, self._sizes.copy()
        if kind is None:
            kind = KINDS[self._target]()
            begin = kind.begin(self._folder, self._unwritten[0], starts_of(self._folder)[:-1])
        for piece in chain(begin, (kind.more(each, self._zero) for each in in_pieces(self._unwritten))):
            for path, data in piece.items():
                sizes[path] = append(path, sizes.get(path, 0), data, self._folder.path)
        self._kind, self._sizes = kind, sizes


def append(path: Path, size: int, data: bytes, inside: Path | None = None) -> int:
    """Write `data` after the first `size` bytes, which a write that failed may have left more of; the new
    size."""
    if inside is not None and path.parent != inside:
        files.make_folder(path.parent, inside)
    with open(files.open_to_append(path, inside), "ab", buffering=0) as file:
        file.truncate(min(size, os.fstat(file.fileno()).st_size))
        files.write_whole(file, data)
        return os.fstat(file.fileno()).st_size
