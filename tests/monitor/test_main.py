"""`python -m waste_gui.monitor RUN_FOLDER`, beside a real process that writes a run folder's events."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.monitor.transcripts import crash, failing, healthy, replay
from waste_gui.monitor import __main__ as terminal
from waste_gui.monitor.engine_clock import EngineClock
from waste_gui.monitor.follow import Follow
from waste_gui.monitor.history import History
from waste_gui.monitor.session import RunSession
from waste_gui.monitor.terminal import TextPrinter
from waste_gui.protocol import DeviceChosen, Warned, encode
from waste_gui.rundir import GrowingFile

ENGINE = """
import json, os, socket, sys, time
folder, script = sys.argv[1:]
file = open(os.path.join(folder, "events.jsonl"), "ab", buffering=0)
for line in open(script, "rb"):
    message = json.loads(line)
    if message["type"] == "run_started":
        now = time.time() - 20
        message.update(pid=os.getpid(), host=socket.gethostname(), started_at=now)
    text = json.dumps(message).encode()
    file.write(text[:10])
    file.write(text[10:] + b"\\n")
print("written", flush=True)
sys.stdin.read()
"""
LINE = {"verdict", "stage", "cause", "text", "evidence", "actions", "at"}


class Engine:
    """Writes a transcript as if it happened now, and lives until told to end."""

    def __init__(self, folder: Path, script: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, str(folder), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"written\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


@pytest.fixture
def engine(folder: Path, tmp_path: Path) -> Iterator[Engine]:
    """A run that trains and then says no more."""
    script = tmp_path / "script.jsonl"
    script.write_bytes(b"".join(map(encode, crash().messages)))
    engine = Engine(folder, script)
    yield engine
    engine.end()


def monitor(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "waste_gui.monitor", str(folder), *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def write_events(folder: Path, content: bytes) -> None:
    (folder / "events.jsonl").write_bytes(content)


def located(follow: Follow) -> RunSession:
    """Once it is known who has the folder."""
    while not follow.session.located:
        follow.look()
        follow.wait(0.1)
    follow.look()
    return follow.session


def lines_of(text: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(set(line) >= LINE for line in lines)
    return lines


@pytest.mark.parametrize(("script", "status", "cause"), [(healthy, 0, "finished"), (failing, 1, None)])
def test_run_that_has_ended_is_told_and_its_status_returned(
    folder: Path, capsys: pytest.CaptureFixture[str], script: type, status: int, cause: str | None
) -> None:
    write_events(folder, b"".join(map(encode, script().messages)))
    assert terminal.main([str(folder), "--format", "json"]) == status
    (line,) = lines_of(capsys.readouterr().out)
    assert line["verdict"] == "ended" and cause in (None, line["cause"])


def test_stopped_run_returns_three(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopped = b'{"type":"run_stopped","seq":999,"at":99,"checkpoint":null,"reason":"Stopped on request."}\n'
    write_events(folder, b"".join(map(encode, crash().messages)) + stopped)
    assert terminal.main([str(folder), "--format", "json"]) == 3
    (line,) = lines_of(capsys.readouterr().out)
    assert (line["cause"], line["text"]) == ("stopped", "Stopped on request.")


def test_engine_that_dies_is_told_and_returns_two(engine: Engine, folder: Path) -> None:
    (folder / "engine.log").write_bytes(b"warming up\ndouble free or corruption\n\n")
    watching = monitor(folder)
    assert watching.stdout is not None
    first = lines_of(watching.stdout.readline())[0]
    assert first["verdict"] == "on_schedule" and first["stage"] == "train"
    engine.end()
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 2 and err == ""
    last = lines_of(out)[-1]
    assert (last["verdict"], last["cause"]) == ("ended", "damaged_memory")
    assert "a library damaged the program's memory" in str(last["text"])
    assert last["evidence"] == ["warming up", "double free or corruption"]


def test_engine_that_finishes_ends_the_watching(engine: Engine, folder: Path) -> None:
    watching = monitor(folder)
    assert watching.stdout is not None and watching.stdout.readline()
    with open(folder / "events.jsonl", "ab") as file:
        file.write(b'{"type":"run_finished","seq":999,"at":60,"checkpoint":null,"metrics":{},')
        file.flush()
        file.write(b'"elapsed_s":60}\n')
    out, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0 and lines_of(out)[-1]["cause"] == "finished"


def test_text_reads_like_a_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_events(folder, b"".join(map(encode, healthy().messages)))
    assert terminal.main([str(folder), "--format", "text"]) == 0
    out = capsys.readouterr().out
    assert "  First batch … (usually 0:10–0:30)\n" in out
    assert "✓ First batch: 32 × 3 × 224 × 224, labels 0–29, 18 classes (8.0 s)\n" in out
    assert "✓ Epoch 2: 52.0 % of validation photos right, the best so far (0:07)\n" in out
    assert out.splitlines()[-1].startswith("○ Done in ")


def test_text_of_a_run_of_the_last_layer_speaks_of_no_epoch(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [
        msgspec.structs.replace(m, tune="head") if isinstance(m, DeviceChosen) else m
        for m in healthy().messages
    ]
    write_events(folder, b"".join(map(encode, messages)))
    assert terminal.main([str(folder), "--format", "text"]) == 0
    out = capsys.readouterr().out
    assert "✓ The last layer: 52.0 % of validation photos right (0:07)\n" in out
    assert "poch" not in out and "Best: 52.0 %." in out


def test_text_from_outside_cannot_move_the_cursor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warned = Warned(text="\x1b[2J\rgone", seq=999, at=99)
    write_events(folder, b"".join(map(encode, [*crash().messages, warned, *failing().messages[-1:]])))
    follow = Follow(folder)
    printer = TextPrinter(sys.stdout, History())
    printer.took(follow.run, follow.read())
    assert "\x1b" not in (out := capsys.readouterr().out) and "gone" in out


def test_no_such_folder_is_one_sentence_and_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal.main([str(tmp_path / "none")]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "none" in captured.err


def test_folder_without_a_run_is_told_in_time(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "WAIT_FOR_EVENTS_S", 0.0)
    assert terminal.main([str(folder)]) == 2
    write_events(folder, b"no message\n")
    assert terminal.main([str(folder)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 2


def test_half_a_line_is_read_when_it_is_whole(folder: Path) -> None:
    events = GrowingFile(folder / "events.jsonl")
    assert events.read() is None
    line = encode(healthy().messages[0])
    write_events(folder, line[:20])
    assert events.read() == []
    write_events(folder, line)
    assert events.read() == [line.strip()]
    assert events.read() is None


def test_resumed_run_in_the_same_folder_begins_anew(folder: Path) -> None:
    first = b"".join(map(encode, crash().messages))
    again = first.replace(b'"pid":4242', b'"pid":4243')
    write_events(folder, first + again[: len(again) // 2])
    follow = Follow(folder)
    follow.read()
    half = again[: len(again) // 2].count(b"\n")
    assert follow.run.messages == half
    assert follow.run.started is not None and follow.run.started.pid == 4243


def test_duplicates_of_another_reader_do_not_begin_the_run_anew(folder: Path) -> None:
    lines = b"".join(map(encode, crash().messages))
    write_events(folder, lines + lines)
    follow = Follow(folder)
    follow.read()
    assert follow.run.messages == replay(crash().messages).messages


def test_stop_that_is_asked_while_watching_is_known(folder: Path) -> None:
    write_events(folder, b"".join(map(encode, crash().messages)))
    commands = folder / "commands.jsonl"
    commands.write_bytes(b'{"command": "stop"}\n')  # Of an earlier run, for all we know.
    follow = Follow(folder)
    follow.read()
    assert follow.run.stop_asked_at is None
    with open(commands, "ab") as file:
        file.write(b'{"command": "pause"}\n{"command": "stop", "when": "epoch_end"}\nnonsense\n')
    follow.read()
    assert follow.run.stop_asked_at is None
    with open(commands, "ab") as file:
        file.write(b'{"command": "stop"}\n')
    follow.read()
    assert follow.run.stop_asked_at is not None


def test_engine_clock_follows_the_engine() -> None:
    steady = [100.0]
    clock = EngineClock(steady=lambda: steady[0], unix=lambda: 5_000.0)
    clock.set(started_at=4_990.0)
    assert clock.now() == 10.0
    clock.heard(12.0, fresh=False)
    assert clock.now() == 12.0  # Nothing comes from the future.
    steady[0] = 200.0
    clock.heard(50.0, fresh=False)
    assert clock.now() == 112.0
    clock.heard(50.0, fresh=True)
    assert clock.now() == 50.0  # Another computer's clock was ahead.


def test_run_of_another_computer_is_judged_without_its_processes(folder: Path) -> None:
    write_events(folder, b"".join(map(encode, crash().messages)))
    follow = Follow(folder)
    follow.read()
    assert located(follow).evidence.alive and follow.session.elsewhere == "lab"
    assert not follow.run.phase.ended


def test_run_that_ended_is_dated_by_its_last_message(folder: Path) -> None:
    write_events(folder, b"".join(map(encode, healthy().messages)))
    follow = Follow(folder)
    follow.read()
    located(follow)
    assert follow.ended and follow.now == follow.run.heard_at < time.time() - 1e6
