"""Messages in order from any thread, and nobody who reads slowly slows the engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from waste_gui import protocol
from waste_gui.protocol import Progress, RunStopped, Warned
from waste_gui.reporting import Output, Reporter, _EventsFile, events_output, pipe_output


def read(path: Path) -> list[protocol.AnyMessage | protocol.Unreadable]:
    return [protocol.decode(line) for line in path.read_bytes().splitlines()]


def test_messages_of_many_threads_are_numbered_without_gap_and_in_order(tmp_path: Path) -> None:
    report = Reporter()
    report.add_output(events_output(tmp_path / "events.jsonl"))
    threads = [
        threading.Thread(target=lambda: [report(Warned(text="x" * 500)) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.close()
    messages = read(tmp_path / "events.jsonl")
    assert [m.seq for m in messages if isinstance(m, Warned)] == list(range(800))
    times = [m.at for m in messages if isinstance(m, Warned)]
    assert times == sorted(times)


def test_a_clock_that_goes_back_does_not_take_the_messages_with_it() -> None:
    times = iter([0.0, 5.0, 3.0, 6.0])
    report = Reporter(clock=lambda: next(times))
    assert [report(Warned(text="x")).at for _ in range(3)] == [5.0, 5.0, 6.0]


def test_nothing_is_said_after_the_last_message(tmp_path: Path) -> None:
    report = Reporter()
    report.add_output(events_output(tmp_path / "events.jsonl"))
    report(RunStopped(checkpoint=None, reason="asked"))
    report(Warned(text="too late"))
    report.close()
    assert [type(m) for m in read(tmp_path / "events.jsonl")] == [RunStopped]


def test_a_reader_that_never_reads_does_not_block_and_the_events_file_has_all(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    report = Reporter()
    report.add_output(pipe_output(writing))
    report.add_output(events_output(tmp_path / "events.jsonl"))
    for number in range(5000):  # Ten times what a pipe holds.
        report(Progress(stage="train", done=number, detail="x" * 100))
    closing = threading.Thread(target=report.close)
    closing.start()
    os.close(reading)  # The window dies: the blocked write ends with a broken pipe.
    closing.join()
    os.close(writing)
    assert len(read(tmp_path / "events.jsonl")) == 5000


def test_a_full_queue_drops_for_that_reader_only() -> None:
    release, written = threading.Event(), []

    def write(data: bytes) -> None:
        release.wait()
        written.append(data)

    output = Output("a slow reader", write, max_lines=10)
    for _ in range(100):
        output.put(b"line\n")
    assert output.dropped >= 85
    release.set()
    output.close(10)
    assert b"".join(written).count(b"\n") == 100 - output.dropped


def test_disk_that_is_full_for_a_while_loses_no_line_and_tears_none() -> None:
    """As a file system does it: first a part is written, then nothing."""
    written, full, refused = bytearray(), threading.Event(), threading.Event()

    def write(data: bytes) -> int:
        if full.is_set():
            refused.set()
            raise OSError(28, "No space left on device")
        written.extend(data[:7])
        full.set() if len(written) == 7 else None
        return min(7, len(data))

    output = Output("a full disk", write, retry_s=0.05)
    output.put(b"the first line\n")
    assert refused.wait(10)
    for number in range(100):
        output.put(b"line %d\n" % number)
    full.clear()
    output.close(10)
    assert bytes(written) == b"the first line\n" + b"".join(b"line %d\n" % n for n in range(100))
    assert output.dropped == 0


def test_pipe_that_nobody_reads_any_more_is_forgotten() -> None:
    """A window died, and its engine trains for hours: what is left would be tried without a pause."""
    refused = threading.Event()

    def write(data: bytes) -> None:
        refused.set()
        raise BrokenPipeError(32, "Broken pipe")

    output = Output("a window that died", write)
    output.put(b"line\n")
    assert refused.wait(10)
    output.put(b"line\n")
    output.close(10)
    assert not output._left and not output._thread.is_alive()


def test_full_disk_does_not_hold_up_the_end_for_ever() -> None:
    full = threading.Event()
    full.set()

    def write(data: bytes) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")

    output = Output("a full disk", write, retry_s=0.05)
    output.put(b"line\n")
    output.close(0.3)
    assert output._thread.is_alive(), "it still tries; the process may end"
    full.clear()
    output._thread.join(10)
    assert not output._thread.is_alive()


def test_events_file_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    path, report = tmp_path / "run" / "events.jsonl", Reporter()
    path.parent.mkdir()
    output = events_output(path)
    report.add_output(output)
    shutil.rmtree(path.parent)
    report(Warned(text="after it was deleted"))
    report.close()
    assert [m.text for m in read(path) if isinstance(m, Warned)] == ["after it was deleted"]


def test_new_events_file_begins_as_the_old_one_did_and_one_that_is_back_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    file = _EventsFile(path)
    file.write(b"a\n")
    file._begin_anew()  # As if it had been missing a moment ago.
    file.write(b"b\n")
    assert path.read_bytes() == b"a\nb\n"
    path.unlink()
    file.write(b"c\n")
    file.close()
    assert path.read_bytes() == b"a\nb\nc\n"


def test_prints_after_claiming_stdout_land_on_stderr() -> None:
    code = (
        "import os\n"
        "from waste_gui.reporting import claim_stdout\n"
        "private = claim_stdout()\n"
        "print('from python', flush=True)\n"
        "os.system('echo from a child')\n"
        "os.write(private, b'protocol')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout == b"protocol"
    assert b"from python" in done.stderr and b"from a child" in done.stderr
