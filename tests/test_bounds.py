"""Numbers, texts and lists in messages are bounded where they come in."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste_gui import bounds, protocol
from waste_gui.protocol import LineBuffer, Unreadable, decode, decode_all

TRANSCRIPTS = Path(__file__).parent / "transcripts"
LINES = sorted({line for path in TRANSCRIPTS.glob("*.jsonl") for line in path.read_bytes().splitlines()})
STAGE = {"id": "train", "title": "Train", "expected_s": None, "stuck_after_s": 60}
STARTED = {
    "type": "run_started",
    "protocol": 1,
    "run": "r",
    "pid": 7,
    "host": "h",
    "started_at": 1.7e9,
    "device": "cpu",
    "world_size": 1,
    "stages": [STAGE],
    "versions": {},
    "resumed_from": None,
}
TIMING = {"wait_s": 0.1, "copy_s": 0.1, "compute_s": 0.1}
METRIC = {
    "type": "metric",
    "step": 1,
    "epoch": 1,
    "values": {"loss": 1.0},
    "timing": TIMING,
    "images_per_s": 1.0,
}
BEAT = {"type": "heartbeat", "where": "training", "workers": [], "queued": 0, "gpu": None}
WORKER = {"pid": 3, "state": "reading", "path": "a.jpg", "since_s": 0.1}
PROGRESS = {"type": "progress", "stage": "train", "done": 1, "total": 9}
EPOCH = {
    "type": "epoch_finished",
    "epoch": 1,
    "train_loss": 1.0,
    "val_loss": 1.0,
    "val_accuracy": 0.5,
    "elapsed_s": 9.0,
    "best": True,
}
ABSURD = ("1e15", "1e308", "-1e300", "-12345678", "9" * 400, "1e400", "NaN", "Infinity", "-Infinity", "true")


def line_of(message: dict[str, Any], **changes: Any) -> bytes:
    """`message` with other fields; a str is put in as JSON."""
    marks = {f"@{name}": value for name, value in changes.items()}
    text = json.dumps({**message, **dict(zip(changes, marks, strict=True))})
    for mark, value in marks.items():
        text = text.replace(json.dumps(mark), value if isinstance(value, str) else json.dumps(value))
    return text.encode()


@pytest.mark.parametrize("value", ABSURD)
@pytest.mark.parametrize(
    ("message", "field"),
    [
        *((PROGRESS, field) for field in ("seq", "at", "rank", "done", "total")),
        *((METRIC, field) for field in ("step", "epoch", "images_per_s")),
        *((EPOCH, field) for field in ("epoch", "elapsed_s", "val_accuracy")),
        *((STARTED, field) for field in ("started_at", "pid", "world_size", "epochs", "image_size")),
        (BEAT, "queued"),
    ],
)
def test_number_that_no_run_can_have_is_no_message(message: dict[str, Any], field: str, value: str) -> None:
    assert not isinstance(decode(json.dumps(message).encode()), Unreadable)
    assert isinstance(decode(line_of(message, **{field: value})), Unreadable)


@pytest.mark.parametrize("value", ABSURD)
def test_numbers_inside_a_message_are_bounded_too(value: str) -> None:
    gpu = {"utilisation": 1.0, "memory_used": 1, "memory_total": 2}
    for field in TIMING:
        assert isinstance(
            decode(line_of(METRIC, timing=line_of(TIMING, **{field: value}).decode())), Unreadable
        )
    for field in ("pid", "since_s"):
        workers = f"[{line_of(WORKER, **{field: value}).decode()}]"
        assert isinstance(decode(line_of(BEAT, workers=workers)), Unreadable)
    for field in gpu:
        assert isinstance(decode(line_of(BEAT, gpu=line_of(gpu, **{field: value}).decode())), Unreadable)


def test_bounds_leave_room_for_a_run_of_months_on_thousands_of_cards() -> None:
    month_s = 30 * 86400.0
    for line in (
        line_of(PROGRESS, seq=10**10, at=12 * month_s, rank=4095, done=10**13, total=10**13),
        line_of(METRIC, step=10**9, epoch=100_000, values={"loss": 3.4e38, "lr": 1e-12}, images_per_s=1e8),
        line_of(EPOCH, epoch=1_000_000, elapsed_s=month_s, train_loss=-4.0, val_accuracy=1.0000001),
        line_of(STARTED, pid=4_194_304, world_size=8192, epochs=1_000_000, image_size=16384),
        line_of(BEAT, workers=[{**WORKER, "path": "ä" * 4096}] * 256, queued=10**6),
    ):
        assert not isinstance(decode(line), Unreadable)


def test_every_line_of_the_recorded_runs_is_within_them() -> None:
    assert not [line for line in LINES if isinstance(decode(line), Unreadable)]


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_times_of_a_stage_are_put_right(low: float, high: float, limit: float) -> None:
    stage = {**STAGE, "expected_s": [low, high], "stuck_after_s": limit}
    message = decode(line_of(STARTED, stages=[stage]))
    assert isinstance(message, protocol.RunStarted)
    (info,) = message.stages
    assert info.expected_s is not None
    assert 0 <= info.expected_s[0] <= info.expected_s[1] <= bounds.LONGEST_S
    assert 0 < info.stuck_after_s <= bounds.LONGEST_S


def test_text_that_is_too_long_loses_its_middle_and_not_the_message() -> None:
    trace = "first\n" + "x" * 400_000 + "\nlast"
    failed = {"type": "run_failed", "kind": "bug", "text": "t", "hint": "", "traceback": trace}
    message = decode(json.dumps(failed).encode())
    assert isinstance(message, protocol.RunFailed)
    assert len(message.traceback) == 200_000
    assert message.traceback.startswith("first\n") and message.traceback.endswith("\nlast")
    started = decode(line_of(STARTED, stages=[{**STAGE, "title": "t" * 2_000}] * 300))
    assert isinstance(started, protocol.RunStarted)
    assert len(started.stages) == bounds.MOST_STAGES and len(started.stages[0].title) == 500
    versions = decode(line_of(STARTED, versions={f"p{i}": "1" for i in range(5_000)}))
    assert isinstance(versions, protocol.RunStarted) and len(versions.versions) == 1000


def test_lists_are_cut_in_their_middle() -> None:
    frames = [{"file": "f.py", "line": i, "function": "g"} for i in range(3_000)]
    stack = {"pid": 1, "role": "engine", "thread": "MainThread", "frames": frames}
    message = decode(json.dumps({"type": "stacks", "threads": [stack]}).encode())
    assert isinstance(message, protocol.Stacks)
    lines = [frame.line for frame in message.threads[0].frames]
    assert len(lines) == 500 and (lines[0], lines[-1]) == (0, 2_999)
    beat = decode(line_of(BEAT, workers=[{**WORKER, "pid": i} for i in range(10_000)]))
    assert isinstance(beat, protocol.Heartbeat) and len(beat.workers) == 1000


def test_what_is_too_long_and_wrong_as_well_is_no_message() -> None:
    for changes in (
        {"detail": "x" * 5_000, "done": -1},
        {"detail": "x" * (2 * 2**20)},
        {"stage": "x" * 2**23},
    ):
        assert isinstance(decode(line_of(PROGRESS, **changes)), Unreadable)
    twice = b'{"type":"warned","text":"' + b"x" * 300_000 + b'","type":"later"}'
    decode(twice)


HOSTILE = st.one_of(
    st.sampled_from([value.encode() for value in ABSURD]),
    st.sampled_from(
        [b"[" * 200_000, b'{"a":' * 100_000, b'"\\ud800"', b'"\xff"', b"null", b"[]", b"{}", b'""']
    ),
    st.integers().map(lambda i: str(i).encode()),
)


@given(st.sampled_from(LINES), st.data())
def test_any_value_put_anywhere_is_a_message_or_unreadable(line: bytes, data: st.DataObject) -> None:
    colons = [i for i, byte in enumerate(line) if byte == ord(":")]
    at = data.draw(st.sampled_from(colons))
    ends = [i for i in range(at, len(line)) if line[i : i + 1] in (b",", b"}")]
    changed = line[: at + 1] + data.draw(HOSTILE) + line[ends[0] :]
    message = decode(changed)
    assert decode_all(changed + b"\n") == [message]


@pytest.mark.slow
def test_a_line_in_very_small_chunks_takes_no_more_room_than_itself() -> None:
    buffer, chunk = LineBuffer(), b"a"
    tracemalloc.start()
    try:
        for _ in range(2**20):
            buffer.feed(chunk)
        assert tracemalloc.get_traced_memory()[0] < 3 * 2**20
    finally:
        tracemalloc.stop()
