"""The real engine as a child process, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from waste_gui import protocol
from waste_gui.protocol import AnyMessage, Unreadable

SMALL = (
    "--model",
    "resnet18",
    "--pretrained",
    "none",
    "--image-size",
    "32",
    "--batch-size",
    "8",
    "--workers",
    "1",
)
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
"""Beside that of the test, which has a home of its own."""


@dataclass
class Finished:
    """How a run ended: exit status, messages, and what it wrote to stderr before its log was open."""

    status: int
    messages: list[AnyMessage]
    stderr: str

    @property
    def last(self) -> AnyMessage:
        return self.messages[-1]

    def of(self, *types: type) -> list[Any]:
        return [m for m in self.messages if isinstance(m, types)]


def start(arguments: Sequence[str | Path], **environment: str) -> subprocess.Popen[bytes]:
    """Start the engine with pipes on all its ends."""
    return subprocess.Popen(
        [sys.executable, "-m", "waste_gui.engine", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | ENVIRONMENT | environment,
    )


def finish(process: subprocess.Popen[bytes]) -> Finished:
    out, err = process.communicate(timeout=110)
    return Finished(process.returncode, read_messages(out), err.decode("utf-8", "replace"))


def run(*arguments: str | Path, **environment: str) -> Finished:
    return finish(start(arguments, **environment))


def read_messages(content: bytes) -> list[AnyMessage]:
    """Every line must be a message: stdout is the protocol and nothing else."""
    messages = []
    for line in content.splitlines():
        message = protocol.decode(line)
        assert not isinstance(message, Unreadable), message
        messages.append(message)
    return messages


def wait_for(out: IO[bytes], kind: type) -> AnyMessage:
    """Read lines until a message of this type; fails at the end of the stream."""
    for line in out:
        message = protocol.decode(line)
        if isinstance(message, kind):
            return message  # type: ignore[return-value]
    raise AssertionError(f"the engine ended without a {kind.__name__}")


def command(process: subprocess.Popen[bytes], **content: str) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(content).encode() + b"\n")
    process.stdin.flush()
