"""Every message between engine and window: types, encode, decode, and lines out of chunks of bytes.

One JSON object a line, UTF-8. Messages go from the engine to its stdout and `events.jsonl`; commands come
to it on stdin and through `commands.jsonl`. `python -m waste_gui.protocol --schema` prints the JSON schema.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Literal

import msgspec

PROTOCOL_VERSION = 1
"""Rises when a reader of the old one would misread the new one."""

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is no message of ours: it is cut here and shown in the log."""

FailureKind = Literal[
    "damaged", "truncated", "timed_out", "too_large", "not_an_image", "unreadable", "vanished"
]

FindingKind = Literal[
    "damaged", "leak", "two_labels", "duplicate", "near_duplicate", "tiny", "huge", "odd_shape"
]


class StageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as announced in `run_started`; times in seconds, `expected_s` is (low, high)."""

    id: str
    title: str
    expected_s: tuple[float, float] | None
    stuck_after_s: float


class WorkerState(msgspec.Struct, frozen=True, kw_only=True):
    """What one data worker does: `state` is starting, reading or idle; `since_s` is how long it has."""

    pid: int
    state: str
    path: str | None
    since_s: float


class GpuState(msgspec.Struct, frozen=True, kw_only=True):
    """Utilisation in percent, memory in bytes."""

    utilisation: float | None
    memory_used: int
    memory_total: int


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a step spent waiting for data, copying it to the device, and computing."""

    wait_s: float
    copy_s: float
    compute_s: float


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a stack."""

    file: str
    line: int
    function: str


class ThreadStack(msgspec.Struct, frozen=True, kw_only=True):
    """A thread's stack, the innermost frame last."""

    pid: int
    role: str
    thread: str
    frames: tuple[Frame, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every message carries: its number in the run, seconds since the engine's first line, its rank.
    No message leads back to itself, so the garbage collector need not look at them."""

    seq: int = 0
    at: float = 0.0
    rank: int = 0


class RunStarted(Message, frozen=True, kw_only=True, tag="run_started"):
    """First, within a second, before anything heavy is imported; `device` is what was asked for."""

    protocol: int
    run: str
    pid: int
    host: str
    started_at: float
    device: str
    world_size: int
    stages: tuple[StageInfo, ...]
    versions: dict[str, str]
    resumed_from: str | None
    folder: str = ""
    model: str = ""
    image_size: int = 0  # 0 is the model's own.
    epochs: int = 0
    command: str = "train"


class DeviceChosen(Message, frozen=True, kw_only=True, tag="device_chosen"):
    """At the end of stage `import`."""

    device: str
    name: str
    memory_bytes: int
    world_size: int


class StageStarted(Message, frozen=True, kw_only=True, tag="stage_started"):
    stage: str
    total: int | None = None
    unit: str = ""


class Progress(Message, frozen=True, kw_only=True, tag="progress"):
    """At most ten a second, at least one a second while something moves."""

    stage: str
    done: int
    total: int | None = None
    detail: str = ""


class StageFinished(Message, frozen=True, kw_only=True, tag="stage_finished"):
    """`summary` is a line for people."""

    stage: str
    elapsed_s: float
    summary: str


class Metric(Message, frozen=True, kw_only=True, tag="metric"):
    """At most ten a second; what came between is averaged. A NaN or infinity is null."""

    step: int
    epoch: int
    values: dict[str, float | None]
    timing: Timing
    images_per_s: float


class Baseline(Message, frozen=True, kw_only=True, tag="baseline"):
    """Before the first step: what guessing would come to, so that learning can be told from it.

    `train_loss` and `val_loss` are of one who knows only how frequent each class is; `least_loss` is the
    lowest training loss possible (label smoothing); `val_accuracy` that of always naming the commonest class.
    """

    classes: int
    train_photos: int
    val_photos: int
    train_loss: float
    least_loss: float
    val_loss: float
    val_accuracy: float


class MostPredicted(msgspec.Struct, frozen=True, kw_only=True):
    """The class that validation was answered with most: its share of the answers, and of the photos."""

    label: str
    share: float
    true_share: float


class EpochFinished(Message, frozen=True, kw_only=True, tag="epoch_finished"):
    """`epoch` counts from 1; accuracies are fractions; `best` says whether this epoch is the best so far."""

    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_accuracy: float | None
    elapsed_s: float
    best: bool
    step: int = 0
    most_predicted: MostPredicted | None = None


class Heartbeat(Message, frozen=True, kw_only=True, tag="heartbeat"):
    """Each second, from its own thread. `where` is what the main thread is doing, in words; `queued` are the
    photos that were asked for and are not read yet."""

    where: str
    workers: tuple[WorkerState, ...]
    queued: int
    gpu: GpuState | None


class ImageFailed(Message, frozen=True, kw_only=True, tag="image_failed"):
    """A photo that could not be read, what was done about it, and how much of the budget is used."""

    path: str
    source: str
    reason: str
    kind: FailureKind
    action: Literal["replaced", "blank", "left_out", "listed"]
    failures: int
    limit: int


class SourceGone(Message, frozen=True, kw_only=True, tag="source_gone"):
    """A folder of photos went away; its photos are waited for. `reason` follows its name: "is not there"."""

    folder: str
    reason: str


class SourceBack(Message, frozen=True, kw_only=True, tag="source_back"):
    """It is back, and reading goes on."""

    folder: str
    elapsed_s: float


class Warned(Message, frozen=True, kw_only=True, tag="warned"):
    text: str
    hint: str = ""


class NotSaved(Message, frozen=True, kw_only=True, tag="not_saved"):
    """A checkpoint or result could not be written. Training goes on, and it is tried again; what was saved
    before is kept."""

    text: str
    hint: str = ""


class SavedAgain(Message, frozen=True, kw_only=True, tag="saved_again"):
    """All that could not be written is written now."""


class CheckpointSaved(Message, frozen=True, kw_only=True, tag="checkpoint_saved"):
    """After it is safe on disk."""

    path: str
    epoch: int
    step: int
    best: bool


class Stacks(Message, frozen=True, kw_only=True, tag="stacks"):
    threads: tuple[ThreadStack, ...]


class Predicted(Message, frozen=True, kw_only=True, tag="predicted"):
    """One photo's class by `predict`; `top` is up to five (class, probability), the likeliest first."""

    path: str
    label: str
    confidence: float
    top: tuple[tuple[str, float], ...]


class Finding(Message, frozen=True, kw_only=True, tag="finding"):
    """What `check` found about a photo, or about several that belong together (the first is the one meant).

    `words` says it in a sentence; setting the photos in `suggest` aside would solve it (empty where a person
    must decide); `key` stays the same from check to check; `error` is that of a damaged photo; `dismissed`
    says that the person did not want to see it again.
    """

    kind: FindingKind
    paths: tuple[str, ...]
    words: str
    suggest: tuple[str, ...]
    key: str
    error: FailureKind | None = None
    dismissed: bool = False


class RunFinished(Message, frozen=True, kw_only=True, tag="run_finished"):
    checkpoint: str | None
    metrics: dict[str, float | None]
    elapsed_s: float


class RunStopped(Message, frozen=True, kw_only=True, tag="run_stopped"):
    checkpoint: str | None
    reason: str


class RunFailed(Message, frozen=True, kw_only=True, tag="run_failed"):
    """`text` is one sentence that says what is wrong, `hint` what to do, `traceback` is for the details."""

    kind: str
    text: str
    hint: str
    traceback: str


AnyMessage = (
    RunStarted
    | DeviceChosen
    | StageStarted
    | Progress
    | StageFinished
    | Baseline
    | Metric
    | EpochFinished
    | Heartbeat
    | ImageFailed
    | SourceGone
    | SourceBack
    | Warned
    | NotSaved
    | SavedAgain
    | CheckpointSaved
    | Stacks
    | Predicted
    | Finding
    | RunFinished
    | RunStopped
    | RunFailed
)
LAST_MESSAGES = (RunFinished, RunStopped, RunFailed)


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag="stop"):
    when: Literal["now", "epoch_end"] = "now"


class Pause(msgspec.Struct, frozen=True, tag_field="command", tag="pause"):
    pass


class Resume(msgspec.Struct, frozen=True, tag_field="command", tag="resume"):
    pass


class DumpStacks(msgspec.Struct, frozen=True, tag_field="command", tag="dump_stacks"):
    pass


class RestartWorkers(msgspec.Struct, frozen=True, tag_field="command", tag="restart_workers"):
    """Replace the processes that read photos; what they had to do is asked for again."""


class SaveNow(msgspec.Struct, frozen=True, tag_field="command", tag="save_now"):
    pass


class SkipPhoto(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag="skip_photo"):
    path: str


AnyCommand = Stop | Pause | Resume | DumpStacks | RestartWorkers | SaveNow | SkipPhoto


class Unreadable(msgspec.Struct, frozen=True):
    """A line that is no message (or command) of ours, as text for the log, and why."""

    text: str
    reason: str


_encoder = msgspec.json.Encoder()
_messages: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


def encode(message: AnyMessage | AnyCommand) -> bytes:
    """One line with its newline; NaN and infinity become null, a lone surrogate a backslash escape."""
    try:
        return _encoder.encode(message) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(_printable(msgspec.to_builtins(message))) + b"\n"


def _printable(value: object) -> object:
    """Replace what UTF-8 cannot hold (a file name that is no UTF-8) by backslash escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_printable(k): _printable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(v) for v in value]
    return value


def named_path(text: str) -> str:
    """The file that a path in a message means: there, `\\udcNN` is a byte of its name that is no UTF-8."""
    if os.path.lexists(text):
        return text
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda byte: chr(0xDC00 + int(byte[1], 16)), text)


def decode(line: bytes) -> AnyMessage | Unreadable:
    """A message, or what the line was and why it is none. Never raises."""
    try:
        return _messages.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(line[:2000].decode("utf-8", "backslashreplace"), str(error))


def decode_all(block: bytes) -> list[AnyMessage | Unreadable]:
    """Each line of `block` (whole lines, each with its newline) as by `decode`, without the empty ones."""
    try:
        messages = _messages.decode_lines(block)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        messages = []
    if len(messages) > 1 and messages[-1].seq - messages[0].seq == len(messages) - 1:
        return list(messages)  # Numbered without a gap, so they are all that is in it.
    return [decode(line) for line in block.split(b"\n") if line.strip()]


def decode_command(line: bytes) -> AnyCommand | Unreadable:
    """A command, or what the line was and why it is none. Never raises."""
    try:
        return _commands.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(line[:2000].decode("utf-8", "backslashreplace"), str(error))


class LineBuffer:
    """Whole lines out of chunks that end anywhere: half a line waits for its rest."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # A list, so that a line of 10 MB in small chunks costs no copies.
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines completed by `chunk`, without newlines and without empty ones."""
        return [line for line in self.whole(chunk).split(b"\n") if line.strip()]

    def whole(self, chunk: bytes) -> bytes:
        """The lines completed by `chunk`, in one piece."""
        first, end = chunk.find(b"\n"), chunk.rfind(b"\n") + 1
        if not end:
            self._keep(chunk)
            return b""
        self._keep(chunk[:first])
        lines = b"".join((*self._parts, chunk[first:end]))
        self._parts, self._size = [], 0
        self._keep(chunk[end:])
        return lines

    def flush(self) -> list[bytes]:
        """What is left when no more will come: a last line without its newline."""
        return self.feed(b"\n")

    def _keep(self, part: bytes) -> None:
        part = part[: MAX_LINE_BYTES - self._size]
        if part:
            self._parts.append(part)
            self._size += len(part)


def json_schema() -> dict[str, object]:
    """The JSON schema of all messages and commands."""
    (messages, commands), definitions = msgspec.json.schema_components(
        [AnyMessage, AnyCommand], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"waste-gui protocol {PROTOCOL_VERSION}",
        "oneOf": [messages, commands],
        "$defs": definitions,
    }


if __name__ == "__main__":
    if sys.argv[1:] != ["--schema"]:
        sys.exit("usage: python -m waste_gui.protocol --schema")
    sys.stdout.write(msgspec.json.format(_encoder.encode(json_schema())).decode() + "\n")
