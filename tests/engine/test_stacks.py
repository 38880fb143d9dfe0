"""The engine's own side of stacks: told from inside, and written to the run folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.engine.process import SMALL, start
from tests.stuck import eventually, stuck
from waste_gui.engine.stacks import stacks
from waste_gui.monitor.stacks import StackReader
from waste_gui.owner import child

needs_signals = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there are no such signals")


def blocked(pid: int) -> list[int]:
    """The masks of blocked signals of a process's threads."""
    status = [path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return [int(text.partition("SigBlk:")[2].split()[0], 16) for text in status]


def test_every_thread_of_this_process_is_told_by_name() -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, name="the other one")
    thread.start()
    told = {each.thread: each for each in stacks().threads}
    ended.set()
    thread.join()
    assert told["the other one"].role == "engine"
    assert told["MainThread"].role == "main"
    assert told["MainThread"].frames[-1].function == "stacks"


@needs_signals
def test_signals_are_blocked_in_all_threads_but_the_one_that_answers(tmp_path: Path) -> None:
    both, first = 1 << 9 | 1 << 11, 1 << 9
    with stuck("in a Python loop", tmp_path) as pid:
        open_to_it = eventually(lambda: [m for m in blocked(pid) if not m & first], lambda masks: bool(masks))
        others = [mask for mask in blocked(pid) if mask & first]
    assert len(open_to_it) == 1
    assert all(mask & both == both for mask in others)


@needs_signals
def test_running_engine_tells_its_stacks(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start(["train", "--source", str(tmp_path), "--run-dir", str(folder), *SMALL])
    with process:
        reader = StackReader(folder, child(process.pid))
        names = eventually(
            lambda: {thread.thread for thread in reader.read()} if folder.exists() else set(),
            lambda names: "heartbeat" in names,
        )
        process.kill()
    assert {"MainThread", "heartbeat"} <= names
