"""Every message between engine and window: types, encode, decode, and lines out of chunks of bytes.

One JSON object a line, UTF-8. Messages go from the engine to its stdout and `events.jsonl`; commands come
to it on stdin and through `commands.jsonl`. `python -m waste_gui.protocol --schema` prints the JSON schema.

What comes in is bounded here, so that nothing behind needs to care: a message with a number outside its
bounds is `Unreadable`, a text or a list that is too long is cut in its middle. The bounds leave room for
runs of years, on thousands of cards. What the numbers of a stage may say of its time is put right.
"""

from __future__ import annotations

import os
import re
import sys
from enum import Enum
from functools import cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, inspect

from waste_gui.bounds import (
    LONGEST_S,
    MOST_LISTED,
    MOST_PATHS,
    MOST_STAGES,
    SHORTEST_LIMIT_S,
    Accuracy,
    Count,
    Epoch,
    Interval,
    Line,
    Lines,
    Name,
    Percent,
    Pid,
    Pixels,
    Rank,
    Rate,
    Real,
    Seconds,
    Share,
    Small,
    Step,
    UnixTime,
    cut,
)

PROTOCOL_VERSION = 1
"""Rises when a reader of the old one would misread the new one."""

MAX_LINE_BYTES = 16 * 2**20
"""A longer line is no message of ours: it is cut here and shown in the log."""

MENDED_BYTES = 2**20
"""What is too long inside a message is cut in lines up to this length: it takes several times as long."""

FailureKind = Literal[
    "damaged", "truncated", "timed_out", "too_large", "not_an_image", "unreadable", "vanished"
]

FindingKind = Literal[
    "damaged", "leak", "two_labels", "duplicate", "near_duplicate", "one_colour", "tiny", "huge", "odd_shape"
]


class StageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as announced in `run_started`; times in seconds, `expected_s` is (low, high)."""

    id: Name
    title: Name
    expected_s: tuple[float, float] | None
    stuck_after_s: float

    def __post_init__(self) -> None:
        """Times that can't be are the nearest that can: a run is not unreadable for one of its stages."""
        if self.expected_s is not None:
            low, high = sorted(min(max(0.0, each), LONGEST_S) for each in self.expected_s)
            msgspec.structs.force_setattr(self, "expected_s", (low, high))
        limit = min(max(SHORTEST_LIMIT_S, self.stuck_after_s), LONGEST_S)
        msgspec.structs.force_setattr(self, "stuck_after_s", limit)


class Activity(Enum):
    """What the main thread is at, as a reader needs to know it; `where` beside it says it to a person."""

    UNTOLD = ""
    """In a line of before there were activities: read out of its words, once, here."""
    WORKING = "working"
    PAUSED = "paused"
    WAITING_FOR_PHOTOS = "waiting_for_photos"
    WAITING_FOR_SOURCE = "waiting_for_source"
    """A folder of photos went away."""
    WAITING_FOR_DISK = "waiting_for_disk"
    """That of the run folder, which is full or gone."""

    @classmethod
    def _missing_(cls, value: object) -> Activity:
        """One that a newer engine knows."""
        return cls.WORKING

    @property
    def waits(self) -> bool:
        return self in _WAITING


_WAITING = frozenset((Activity.WAITING_FOR_PHOTOS, Activity.WAITING_FOR_SOURCE, Activity.WAITING_FOR_DISK))
_READING_STAGES = ("waiting for photos", "One photo", "Check photos")


def _activity_of(where: str) -> Activity:
    """By the words of an engine that told no activity."""
    if where == "paused":
        return Activity.PAUSED
    if where in _READING_STAGES:
        return Activity.WAITING_FOR_PHOTOS
    if where == "waiting for the disk of the run folder":
        return Activity.WAITING_FOR_DISK
    return Activity.WAITING_FOR_SOURCE if where.startswith("waiting for ") else Activity.WORKING


class NotSavedCause(Enum):
    """Why a checkpoint or result could not be written."""

    UNTOLD = ""
    DISK_FULL = "disk_full"
    FOLDER_GONE = "folder_gone"
    NOT_WRITABLE = "not_writable"

    @classmethod
    def _missing_(cls, value: object) -> NotSavedCause:
        return cls.NOT_WRITABLE


WorkerDoing = Literal["starting", "reading", "idle"]


class WorkerState(msgspec.Struct, frozen=True, kw_only=True):
    """What one data worker does, and for how long it has."""

    pid: Pid
    state: WorkerDoing
    path: Line | None
    since_s: Seconds


class GpuState(msgspec.Struct, frozen=True, kw_only=True):
    """Utilisation in percent, memory in bytes."""

    utilisation: Percent | None
    memory_used: Count
    memory_total: Count


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a step spent waiting for data, copying it to the device, and computing."""

    wait_s: Seconds
    copy_s: Seconds
    compute_s: Seconds


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a stack."""

    file: Line
    line: Small
    function: Name


class WaitsOn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a program itself knows of a thread's wait: what it calls the object, its class, and the numbers
    that the system gives the threads or the process that can end it; nothing where it does not know. `sure`
    says that it is that one, and not merely some that have the same object."""

    name: Line = ""
    type: Line = ""
    threads: Annotated[tuple[Small, ...], Meta(max_length=50)] = ()
    process: Small = 0
    sure: bool = False


class ThreadStack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thread's stack, the innermost frame last. `native` is the system's number of the thread; 0 where it
    is not told."""

    pid: Pid
    role: Name
    thread: Name
    frames: Annotated[tuple[Frame, ...], Meta(max_length=500)]
    native: Small = 0
    waits_on: WaitsOn | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every message carries: its number in the run, seconds since the engine's first line, its rank.
    No message leads back to itself, so the garbage collector need not look at them."""

    seq: Step = 0
    at: Seconds = 0.0
    rank: Rank = 0


class RunStarted(Message, frozen=True, kw_only=True, tag="run_started"):
    """First, within a second, before anything heavy is imported; `device` is what was asked for."""

    protocol: Small
    run: Line
    pid: Pid
    host: Name
    started_at: UnixTime
    device: Name
    world_size: Rank
    stages: Annotated[tuple[StageInfo, ...], Meta(max_length=MOST_STAGES)]
    versions: Annotated[dict[Name, Name], Meta(max_length=1000)]
    resumed_from: Line | None
    folder: Line = ""
    model: Line = ""
    image_size: Pixels = 0  # 0 is the model's own.
    epochs: Epoch = 0
    command: Name = "train"
    tune: Name = ""  # As asked: `auto` is decided with the device.


class DeviceChosen(Message, frozen=True, kw_only=True, tag="device_chosen"):
    """At the end of stage `import`. Of a training, `tune` and `epochs` say what was decided by the device."""

    device: Name
    name: Name
    memory_bytes: Count
    world_size: Rank
    tune: Name = ""
    epochs: Epoch = 0


class StageStarted(Message, frozen=True, kw_only=True, tag="stage_started"):
    stage: Name
    total: Count | None = None
    unit: Name = ""


class Progress(Message, frozen=True, kw_only=True, tag="progress"):
    """At most ten a second, at least one a second while something moves."""

    stage: Name
    done: Count
    total: Count | None = None
    detail: Line = ""


class StageFinished(Message, frozen=True, kw_only=True, tag="stage_finished"):
    """`summary` is a line for people."""

    stage: Name
    elapsed_s: Seconds
    summary: Line


class Metric(Message, frozen=True, kw_only=True, tag="metric"):
    """At most ten a second; what came between is averaged. A NaN or infinity is null."""

    step: Step
    epoch: Epoch
    values: Annotated[dict[Name, Real | None], Meta(max_length=1000)]
    timing: Timing
    images_per_s: Rate


class Baseline(Message, frozen=True, kw_only=True, tag="baseline"):
    """Before the first step: what guessing would come to, so that learning can be told from it.

    `train_loss` and `val_loss` are of one who knows only how frequent each class is; `least_loss` is the
    lowest training loss possible (label smoothing); `val_accuracy` that of always naming the commonest class.
    """

    classes: Count
    train_photos: Count
    val_photos: Count
    train_loss: Real
    least_loss: Real
    val_loss: Real
    val_accuracy: Share


class MostPredicted(msgspec.Struct, frozen=True, kw_only=True):
    """The class that validation was answered with most: its share of the answers, and of the photos."""

    label: Line
    share: Share
    true_share: Share


class EpochFinished(Message, frozen=True, kw_only=True, tag="epoch_finished"):
    """`epoch` counts from 1; accuracies are fractions; `best` says whether this epoch is the best so far."""

    epoch: Epoch
    train_loss: Real | None
    val_loss: Real | None
    val_accuracy: Accuracy | None
    elapsed_s: Seconds
    best: bool
    step: Step = 0
    most_predicted: MostPredicted | None = None


class HeadFitted(Message, frozen=True, kw_only=True, tag="head_fitted"):
    """The last layer is trained on embeddings, by the `decay` that was chosen: how it does, before any other
    layer is trained."""

    val_loss: Real | None
    val_accuracy: Accuracy | None
    decay: Real

    def as_epoch(self) -> EpochFinished:
        """What epochs of all layers are compared with: one that came before the first."""
        return EpochFinished(
            seq=self.seq,
            at=self.at,
            epoch=0,
            train_loss=None,
            val_loss=self.val_loss,
            val_accuracy=self.val_accuracy,
            elapsed_s=0.0,
            best=True,
        )


class Heartbeat(Message, frozen=True, kw_only=True, tag="heartbeat"):
    """Each second, from its own thread. `where` is what the main thread is doing, in words, and `activity`
    what a program needs to know of it; `queued` are the photos that were asked for and are not read yet;
    `stood_still_s` is how long since the beat before the whole process stood still, stopped from outside or
    with its computer."""

    where: Name
    workers: Annotated[tuple[WorkerState, ...], Meta(max_length=1000)]
    queued: Count
    gpu: GpuState | None
    activity: Activity = Activity.UNTOLD
    stood_still_s: Annotated[float, Meta(ge=0)] = 0.0

    def __post_init__(self) -> None:
        if self.activity is Activity.UNTOLD:
            msgspec.structs.force_setattr(self, "activity", _activity_of(self.where))


class ImageFailed(Message, frozen=True, kw_only=True, tag="image_failed"):
    """A photo that could not be read, what was done about it, and how much of the budget is used."""

    path: Line
    source: Line
    reason: Line
    kind: FailureKind
    action: Literal["replaced", "blank", "left_out", "listed"]
    failures: Count
    limit: Count


class SourceGone(Message, frozen=True, kw_only=True, tag="source_gone"):
    """A folder of photos went away; its photos are waited for. `reason` follows its name: "is not there"."""

    folder: Line
    reason: Line


class SourceBack(Message, frozen=True, kw_only=True, tag="source_back"):
    """It is back, and reading goes on."""

    folder: Line
    elapsed_s: Seconds


class Warned(Message, frozen=True, kw_only=True, tag="warned"):
    text: Line
    hint: Line = ""


class NotSaved(Message, frozen=True, kw_only=True, tag="not_saved"):
    """A checkpoint or result could not be written. Training goes on, and it is tried again; what was saved
    before is kept."""

    text: Line
    hint: Line = ""
    cause: NotSavedCause = NotSavedCause.UNTOLD

    def __post_init__(self) -> None:
        """A line of before there were causes tells it in words alone."""
        if self.cause is NotSavedCause.UNTOLD:
            full = "full" in self.text
            cause = NotSavedCause.DISK_FULL if full else NotSavedCause.NOT_WRITABLE
            msgspec.structs.force_setattr(self, "cause", cause)


class SavedAgain(Message, frozen=True, kw_only=True, tag="saved_again"):
    """All that could not be written is written now."""


class CheckpointSaved(Message, frozen=True, kw_only=True, tag="checkpoint_saved"):
    """After it is safe on disk."""

    path: Line
    epoch: Epoch
    step: Step
    best: bool


class Stacks(Message, frozen=True, kw_only=True, tag="stacks"):
    threads: Annotated[tuple[ThreadStack, ...], Meta(max_length=2000)]


class Predicted(Message, frozen=True, kw_only=True, tag="predicted"):
    """One photo's class by `predict`; `top` is up to five (class, probability), the likeliest first."""

    path: Line
    label: Line
    confidence: Share
    top: Annotated[tuple[tuple[Line, Share], ...], Meta(max_length=100)]


class Finding(Message, frozen=True, kw_only=True, tag="finding"):
    """What `check` found about a photo, or about several that belong together (the first is the one meant).

    `words` says it in a sentence; setting the photos in `suggest` aside would solve it (empty where a person
    must decide); `key` stays the same from check to check; `error` is that of a damaged photo; `dismissed`
    says that the person did not want to see it again.
    """

    kind: FindingKind
    paths: Annotated[tuple[Line, ...], Meta(max_length=MOST_PATHS)]
    words: Line
    suggest: Annotated[tuple[Line, ...], Meta(max_length=MOST_PATHS)]
    key: Line
    error: FailureKind | None = None
    dismissed: bool = False


class ClassForecast(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a class's `photos` would be right; None where it has too few to say."""

    label: Line
    photos: Count
    accuracy: Share | None


class Confused(msgspec.Struct, frozen=True, kw_only=True):
    """So many `photos` of a class would be taken for another."""

    label: Line
    taken_for: Line
    photos: Count


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """What so many training photos bring."""

    photos: Count
    accuracy: Share


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What so many further `photos` of a class would bring, all classes together: between these points of a
    share."""

    label: Line
    photos: Count
    gain: Interval

    @property
    def helps(self) -> bool:
        """Whether it brings something that can be told, in whole points."""
        low, high = sorted(round(100 * each) for each in self.gain)
        return low >= 0 and high >= 1


class SourceForecast(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a source's `photos` would be right if none of them were trained on; None where the others
    cannot teach that."""

    source: Line
    photos: Count
    accuracy: Share | None


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """A photo whose label a person should look at; the likeliest first."""

    path: Line
    label: Line
    suggested: Line
    confidence: Share


class Outlier(msgspec.Struct, frozen=True, kw_only=True):
    """A photo that is like no others; the strangest first."""

    path: Line
    label: Line


class Previewed(Message, frozen=True, kw_only=True, tag="previewed"):
    """What training on these `photos` would come to, before it: cross-validated on their embeddings.

    Intervals are meant to hold nine times of ten. `twins` show the same in training and validation.
    """

    accuracy: Share
    interval: Interval
    photos: Count
    per_class: Annotated[tuple[ClassForecast, ...], Meta(max_length=MOST_LISTED)]
    confused: Annotated[tuple[Confused, ...], Meta(max_length=MOST_LISTED)] = ()
    curve: Annotated[tuple[CurvePoint, ...], Meta(max_length=100)] = ()
    with_twice: Interval | None = None
    wanted: Annotated[tuple[Wanted, ...], Meta(max_length=MOST_LISTED)] = ()
    sources: Annotated[tuple[SourceForecast, ...], Meta(max_length=MOST_LISTED)] = ()
    suspects: Annotated[tuple[Suspect, ...], Meta(max_length=MOST_LISTED)] = ()
    outliers: Annotated[tuple[Outlier, ...], Meta(max_length=MOST_LISTED)] = ()
    twins: Annotated[tuple[tuple[Line, Line], ...], Meta(max_length=MOST_LISTED)] = ()


class RunFinished(Message, frozen=True, kw_only=True, tag="run_finished"):
    checkpoint: Line | None
    metrics: Annotated[dict[Name, Real | None], Meta(max_length=1000)]
    elapsed_s: Seconds


class RunStopped(Message, frozen=True, kw_only=True, tag="run_stopped"):
    checkpoint: Line | None
    reason: Line


class RunFailed(Message, frozen=True, kw_only=True, tag="run_failed"):
    """`text` is one sentence that says what is wrong, `hint` what to do, `traceback` is for the details."""

    kind: Name
    text: Line
    hint: Line
    traceback: Lines


AnyMessage = (
    RunStarted
    | DeviceChosen
    | StageStarted
    | Progress
    | StageFinished
    | Baseline
    | Metric
    | EpochFinished
    | HeadFitted
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
    | Previewed
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
    path: Line


AnyCommand = Stop | Pause | Resume | DumpStacks | RestartWorkers | SaveNow | SkipPhoto


class Unreadable(msgspec.Struct, frozen=True):
    """A line that is no message (or command) of ours, as text for the log, and why."""

    text: str
    reason: str


_encoder = msgspec.json.Encoder()
_messages: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)
_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


_UNSEEN = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)
"""In UTF-8: controls that JSON does not escape by itself, and marks that turn a text around."""


def encode(message: AnyMessage | AnyCommand) -> bytes:
    """One line with its newline; NaN and infinity become null, a lone surrogate a backslash escape. The line
    may be shown in a terminal: what would do something there is escaped, as JSON has it."""
    try:
        line = _encoder.encode(message)
    except UnicodeEncodeError:
        line = _encoder.encode(_printable(msgspec.to_builtins(message)))
    return escaped(line) + b"\n"


def escaped(line: bytes) -> bytes:
    """The same JSON, safe to be shown in a terminal."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return _UNSEEN.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), line)


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
        return _mended(line, error) or _unreadable(line, error)


def _unreadable(line: bytes, error: Exception) -> Unreadable:
    return Unreadable(line[:2000].decode("utf-8", "backslashreplace"), str(error)[:500])


def _mended(line: bytes, error: Exception) -> AnyMessage | None:
    """A message without the middle of what is too long in it; None where that is not what ails it."""
    if not isinstance(error, msgspec.ValidationError) or "length <=" not in str(error):
        return None
    if len(line) > MENDED_BYTES:
        return None
    try:
        value = msgspec.json.decode(line)
        message: AnyMessage = msgspec.convert(cut(value, _kinds()[value["type"]]), AnyMessage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return None
    return message


@cache
def _kinds() -> dict[object, inspect.Type]:
    """The types of message by their tag."""
    union = inspect.type_info(AnyMessage)
    assert isinstance(union, inspect.UnionType)
    return {kind.tag: kind for kind in union.types if isinstance(kind, inspect.StructType)}


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
        return _unreadable(line, error)


class LineBuffer:
    """Whole lines out of chunks that end anywhere: half a line waits for its rest."""

    def __init__(self) -> None:
        self._begun = bytearray()  # Grows in place: neither large lines nor small chunks cost copies or room.

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
        lines = b"".join((self._begun, chunk[first:end]))
        self._begun = bytearray()
        self._keep(chunk[end:])
        return lines

    def flush(self) -> list[bytes]:
        """What is left when no more will come: a last line without its newline."""
        return self.feed(b"\n")

    def _keep(self, part: bytes) -> None:
        self._begun += part[: MAX_LINE_BYTES - len(self._begun)]


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
