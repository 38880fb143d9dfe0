"""Lines of real transcripts, most of them spoiled: half, endless, of wrong types, absurd, nested."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
ENDS = ("run_started", "run_finished", "run_stopped", "run_failed")
SPOILED = 0.7
"""So many of the lines; the others keep the run going."""

FEW, RARE = 2_000, 20_000
"""One line in so many is huge, or endless."""

NUMBERS = (
    *("1e308", "-1e308", "1e15", "1e11", "9" * 400, "-1", "-0.0", "1e-300", "NaN", "Infinity", "-Infinity"),
    *("9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e400", "1000000000"),
    *("99999999", "100000000", "4000000000", "0", "0.5", "2147483647", "1e39", "-1e39", "1000000000000"),
)
VALUES = (
    "null",
    "true",
    '""',
    '"x"',
    "[]",
    "{}",
    "[[1]]",
    '{"a":null}',
    '["a",1]',
    '"\\ud800"',
    '"<b>&amp;"',
)
TEXTS = (
    "\u202eabc",
    "\x1b[2J\x07",
    "<img src='/etc/passwd'>",
    "a\nb\r\nc",
    "\t" * 50,
    "é" * 300,
    "=1+1",
    "\ufeff",
)
STAGES = ("later", "", "train", "validate", "x" * 600, "\x00")
EXTRA: tuple[dict[str, Any], ...] = (
    {
        "type": "stacks",
        "threads": [
            {
                "pid": 11,
                "role": "main",
                "thread": "MainThread",
                "frames": [{"file": "/a/torch/nn/x.py", "line": 3, "function": "forward"}],
            }
        ],
    },
    {"type": "warned", "text": "The disk is nearly full.", "hint": "Free space."},
    {"type": "not_saved", "text": "The disk is full.", "hint": ""},
    {"type": "saved_again"},
    {"type": "source_gone", "folder": "/photos", "reason": "is not there"},
    {"type": "source_back", "folder": "/photos", "elapsed_s": 3.0},
    {
        "type": "image_failed",
        "path": "/photos/a.jpg",
        "source": "/photos",
        "reason": "is incomplete",
        "kind": "truncated",
        "action": "replaced",
        "failures": 1,
        "limit": 100,
    },
    {
        "type": "baseline",
        "classes": 6,
        "train_photos": 100,
        "val_photos": 20,
        "train_loss": 1.7,
        "least_loss": 0.1,
        "val_loss": 1.7,
        "val_accuracy": 0.2,
    },
)


def good_messages() -> list[dict[str, Any]]:
    """Of all transcripts one after the other, without first and last words, and a few that are in none."""
    found = []
    for path in sorted(TRANSCRIPTS.glob("*.jsonl")):
        messages = [json.loads(line) for line in path.read_bytes().splitlines()]
        found += [message for message in messages if message["type"] not in ENDS]
        found += EXTRA
    return found


def started() -> dict[str, Any]:
    with open(TRANSCRIPTS / "healthy.jsonl", "rb") as file:
        first: dict[str, Any] = json.loads(file.readline())
    return first


def mutated(seed: int, lines: int) -> Iterator[bytes]:
    """So many lines, and then a good last one. Each has its newline, but for halves that join the next."""
    draw = random.Random(seed)
    good = good_messages()
    yield _line(started())
    encoded = [json.dumps({**message, "seq": "@", "at": "@@"}).encode() for message in good]
    for i in range(1, lines):
        which, at = i % len(good), b"%.2f" % (i * 0.05)
        if draw.random() > SPOILED:
            yield encoded[which].replace(b'"@@"', at).replace(b'"@"', b"%d" % i) + b"\n"
        elif i % RARE == RARE - 1:
            yield draw.choice(ENDLESS)(draw, good[which])
        elif i % FEW == FEW - 1:
            yield draw.choice(HUGE)(draw, good[which])
        else:
            message = {**good[which], "seq": i, "at": round(i * 0.05, 2)}
            yield draw.choice(SMALL)(draw, message)
    yield b'\n{"type":"run_stopped","seq":%d,"at":%.2f,"checkpoint":null,"reason":"the end"}\n' % (
        lines,
        lines * 0.05,
    )


Spoil = Callable[[random.Random, dict[str, Any]], bytes]


def _line(message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _put(draw: random.Random, message: dict[str, Any], value: str) -> bytes:
    """`value` in place of one that is somewhere inside."""
    text = json.dumps(message)
    places = [i for i, letter in enumerate(text) if letter == ":" and text[i + 1] == " "]
    at = draw.choice(places) + 2
    end = next((i for i in range(at, len(text)) if text[i] in ",}]"), len(text))
    return (text[:at] + value + text[end:]).encode() + b"\n"


def other_number(draw: random.Random, message: dict[str, Any]) -> bytes:
    """Only where a number was, so that everything else is right."""
    message = dict(message)
    numbers = [name for name, value in message.items() if isinstance(value, int | float)]
    message[draw.choice(numbers)] = "@@@"
    return json.dumps(message).replace('"@@@"', draw.choice(NUMBERS)).encode() + b"\n"


def other_value(draw: random.Random, message: dict[str, Any]) -> bytes:
    return _put(draw, message, draw.choice((*VALUES, *NUMBERS)))


def other_text(draw: random.Random, message: dict[str, Any]) -> bytes:
    texts = [name for name, value in message.items() if isinstance(value, str) and name != "type"]
    return _line({**message, **({draw.choice(texts): draw.choice(TEXTS)} if texts else {})})


def other_stage(draw: random.Random, message: dict[str, Any]) -> bytes:
    kind = draw.choice(("stage_started", "progress", "stage_finished"))
    stage = draw.choice((*STAGES, f"stage {draw.randrange(10**6)}"))
    fields = {
        "done": draw.randrange(100),
        "total": draw.choice((None, 5, 100)),
        "elapsed_s": 1.0,
        "summary": "",
    }
    return _line({"type": kind, "seq": message["seq"], "at": message["at"], "stage": stage, **fields})


def missing_field(draw: random.Random, message: dict[str, Any]) -> bytes:
    gone = draw.choice(list(message))
    return _line({name: value for name, value in message.items() if name != gone})


def doubled_field(draw: random.Random, message: dict[str, Any]) -> bytes:
    name = draw.choice(list(message))
    return json.dumps(message).encode()[:-1] + b',"%s":%s}\n' % (
        name.encode(),
        draw.choice((*VALUES, *NUMBERS)).encode(),
    )


def unknown(draw: random.Random, message: dict[str, Any]) -> bytes:
    return _line(draw.choice(({**message, "type": "later"}, {**message, "more": {"a": [1]}}, [message], 7)))


def half(draw: random.Random, message: dict[str, Any]) -> bytes:
    line = _line(message)
    return line[: draw.randrange(len(line))] + draw.choice((b"\n", b""))


def garbage(draw: random.Random, message: dict[str, Any]) -> bytes:
    line = bytearray(_line(message))
    for _ in range(draw.randrange(1, 6)):
        line[draw.randrange(len(line))] = draw.randrange(256)
    return bytes(line) + b"\n"


def nested(draw: random.Random, message: dict[str, Any]) -> bytes:
    depth = 200_000
    return _put(draw, message, draw.choice(("[" * depth, '{"a":' * depth, "[" * depth + "]" * depth)))


def long_text(draw: random.Random, message: dict[str, Any]) -> bytes:
    piece = draw.choice(("x", " ", "\n", "x ", " \n", "/", "\u202e", "\x1b[1m", "<b>"))
    text = piece * (draw.choice((30_000, 1_000_000)) // len(piece))
    words = {
        "text": text,
        "hint": text,
        "traceback": text,
        "kind": "bug",
        "path": text,
        "epoch": 1,
        "step": 1,
    }
    kind = draw.choice(("warned", "not_saved", "checkpoint_saved", "source_gone", "stage_finished"))
    more = {"best": False, "folder": text, "reason": text, "stage": "save", "elapsed_s": 1.0, "summary": text}
    return _line({**words, **more, "type": kind, "seq": message.get("seq", 0), "at": 1.0})


def long_list(draw: random.Random, message: dict[str, Any]) -> bytes:
    frame = {"file": "/a/b.py", "line": 1, "function": "f"}
    worker = {"pid": 1, "state": "reading", "path": "/photos/a.jpg", "since_s": 1.0}
    thread = {"pid": 3, "role": "main", "thread": "MainThread"}
    stage = {"id": "s", "title": "S", "expected_s": [9, 1], "stuck_after_s": 0}
    beat = {"type": "heartbeat", "where": "training", "queued": 1, "gpu": None}
    return _line(
        draw.choice(
            (
                {**beat, "workers": [{**worker, "pid": i} for i in range(10_000)]},
                {**beat, "workers": [{**worker, "pid": draw.randrange(10**5)} for _ in range(900)]},
                {"type": "stacks", "threads": [{**thread, "frames": [frame] * 100_000}]},
                {"type": "stacks", "threads": [{**thread, "frames": [frame] * 10}] * 1_500},
                {**started(), "stages": [{**stage, "id": f"s{i}"} for i in range(10_000)]},
                {**started(), "versions": {f"p{i}": "1" for i in range(100_000)}},
                {
                    "type": "finding",
                    "kind": "duplicate",
                    "words": "w",
                    "suggest": [],
                    "key": "k",
                    "paths": [f"/photos/{i}.jpg" for i in range(1_000_000)],
                },
            )
        )
    )


def endless(draw: random.Random, message: dict[str, Any]) -> bytes:
    """16 MB and more in one line, or without a line's end."""
    return draw.choice((b"x", b" ", b"[", b"\0", b'{"type":"warned","text":"', b"1")) * (2**24 + 9) + b"\n"


def endless_text(draw: random.Random, message: dict[str, Any]) -> bytes:
    text = b"x" * (16 * 2**20 - 200)
    return b'{"type":"warned","seq":%d,"text":"%s"}\n' % (draw.randrange(10**6), text)


SMALL: tuple[Spoil, ...] = (
    *(other_number, other_number, other_value, other_text, other_stage),
    *(missing_field, doubled_field, unknown, half, garbage),
)
HUGE: tuple[Spoil, ...] = (nested, long_text, long_text, long_list)
ENDLESS: tuple[Spoil, ...] = (endless, endless_text, long_list)
