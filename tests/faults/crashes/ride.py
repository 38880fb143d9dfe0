"""One drawn end in a real engine, judged by what the real monitor, a process of its own, says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.crashes.draws import Draw
from waste_gui import protocol
from waste_gui.protocol import RunFailed
from waste_gui.rundir import RunDir

PATIENCE_S = 90.0
NOT_OURS = ("error in the program", "send them to us")
SMALL = ("--model", "resnet18", "--pretrained", "none", "--image-size", "32", "--batch-size", "8")


@dataclass
class Row:
    """What came of one draw."""

    draw: Draw
    cause: str = "–"
    text: str = ""
    wrong: str = "it was not told"
    seconds: float = 0.0


def ride(draw: Draw, photos: Path) -> Row:
    row = Row(draw)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash-", ignore_cleanup_errors=True) as scratch:
        _ride(draw, photos, Path(scratch), row)
    row.seconds = time.monotonic() - began
    return row


def _ride(draw: Draw, photos: Path, scratch: Path, row: Row) -> None:
    folder, spec = RunDir(scratch / "run"), scratch / "draw.json"
    spec.write_bytes(msgspec.json.encode(draw))
    environment = os.environ | {
        "WASTE_GUI_HOME": str(scratch / "home"),
        "WASTE_GUI_TEST_EVENTS": str(folder.events),
        "WASTE_GUI_TEST_READY": str(scratch / "ready"),
        "WASTE_GUI_TEST_WATCHED": str(scratch / "watched"),
        "OMP_NUM_THREADS": "1",
    }
    (scratch / "home").mkdir()
    where = ["--source", str(photos), "--run-dir", str(folder.path), "--epochs", "1", "--workers", "1"]
    if draw.kind == "weights":
        (scratch / "mine.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
        where += ["--pretrained", str(scratch / "mine.safetensors")]
    command = ["-m", "tests.faults.crashes.faulty_engine", str(spec), "train", *SMALL, *where]
    with open(scratch / "stderr.txt", "ab") as stderr, open(scratch / "stdout.txt", "wb") as stdout:
        engine = subprocess.Popen(
            [sys.executable, *command, "--format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            start_new_session=True,
        )
        while engine.poll() is None and not folder.events.exists():
            time.sleep(0.02)
        monitor = subprocess.Popen(
            [sys.executable, "-m", "waste_gui.monitor", str(folder.path), "--format", "json"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
        )
        assert monitor.stdout is not None
        try:
            first = monitor.stdout.readline()
            (scratch / "watched").touch()
            if draw.family == "signal" and draw.sender in SENDERS:
                send(draw, engine, scratch)
            engine.wait(PATIENCE_S)  # As a shell does: nobody can ask for its status afterwards.
            out, _ = monitor.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            row.wrong = "it did not end"
            return
        finally:
            for process in (engine, monitor):
                process.kill()
                process.wait()
    judge(draw, row, first + out, folder, scratch / "stdout.txt")


SENDERS = {
    "cleanup.py": "import os, sys, time\nos.kill(int(sys.argv[1]), int(sys.argv[2]))\ntime.sleep(1)\n",
    "kill": "import subprocess, sys\nsubprocess.run(['kill', '-' + sys.argv[2], sys.argv[1]])\n"
    "import time; time.sleep(1)\n",
}


def send(draw: Draw, engine: subprocess.Popen[bytes], scratch: Path) -> None:
    """From another process, as soon as the engine is ready."""
    program = scratch / "cleanup.py"
    program.write_text(SENDERS[draw.sender])
    deadline = time.monotonic() + PATIENCE_S
    while not (scratch / "ready").exists() and engine.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    subprocess.run([sys.executable, str(program), str(engine.pid), str(draw.value)], check=True, timeout=30)


def _said_by_the_engine(stdout: Path) -> dict[str, Any]:
    """Where there is no run folder to watch."""
    lines = stdout.read_bytes().splitlines()
    message = protocol.decode(lines[-1]) if lines else None
    if not isinstance(message, RunFailed):
        return {}
    return {"cause": message.kind, "text": f"{message.text} {message.hint}", "evidence": ()}


def judge(draw: Draw, row: Row, out: bytes, folder: RunDir, stdout: Path) -> None:
    told = [json.loads(line) for line in out.splitlines()]
    ended = [each for each in told if each["verdict"] == "ended"]
    ended = ended or [_said_by_the_engine(stdout)]
    if not ended[-1]:
        return
    last = ended[-1]
    row.cause, row.text = last["cause"], last["text"]
    everything = " ".join((row.text, *map(str, last["evidence"])))
    if row.cause == "finished" and "finished" in draw.causes:
        row.wrong = ""
        return
    missing = [ways for ways in draw.named if not any(way in everything for way in ways)]
    if row.cause not in draw.causes:
        row.wrong = f"cause {row.cause}, not {' or '.join(draw.causes)}"
    elif missing:
        row.wrong = f"does not name {' or '.join(missing[0])}"
    elif not draw.bug and any(words in row.text for words in NOT_OURS[:1]):
        row.wrong = "calls it an error in the program"
    else:
        row.wrong = ""
    lines = folder.events.read_bytes().splitlines() if folder.events.exists() else []
    message = protocol.decode(lines[-1]) if lines else None
    if isinstance(message, RunFailed) and not message.traceback:
        row.wrong = "has no traceback"
