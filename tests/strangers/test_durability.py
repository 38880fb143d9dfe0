"""What was saved is there after a power cut: written, synced, renamed, the folder synced, in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.strangers.test_run_folders import info
from waste_gui import files
from waste_gui.dataset.split import Split, save_split
from waste_gui.engine import checkpoint
from waste_gui.gui.session.queue_store import Queue, QueueFile
from waste_gui.monitor.annotations import Annotations, write_annotations
from waste_gui.monitor.history import Record, append
from waste_gui.rundir import HOME_VARIABLE, RunDir

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows renames and syncs otherwise")

RECORD = Record(command="train", model="m", device="d", photos=1, epochs=1, steps=1, stages={})
SAVED: dict[str, Callable[[RunDir], object]] = {
    "config.json": lambda run: files.write_atomically(run.config, b"{}"),
    "split.json": lambda run: save_split(run.split, Split((), (), (), 0, ""), ("a",)),
    "marks.json": lambda run: write_annotations(run, Annotations(note="!")),
    "queue.json": lambda run: QueueFile().write(Queue()),
    "last.safetensors": lambda run: checkpoint.save(
        run.checkpoints / "last.safetensors", info(), {"a": torch.ones(3)}
    ),
    "last.json": lambda run: checkpoint.save(
        run.checkpoints / "last.safetensors", info(), {"a": torch.ones(3)}
    ),
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int, str]]]:
    """Each sync and rename that the system is really asked for: which file, and its new name."""
    made: list[tuple[str, int, str]] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        made.append(("sync", os.fstat(descriptor).st_ino, ""))

    def renamed(old: str, new: str, **where: int) -> None:
        inode = os.stat(old, dir_fd=where.get("src_dir_fd")).st_ino
        replace(old, new, **where)
        made.append(("rename", inode, Path(new).name))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    yield made


@pytest.mark.parametrize("name", SAVED)
def test_what_is_saved_is_safe_before_it_takes_its_name(
    name: str, tmp_path: Path, calls: list[tuple[str, int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    SAVED[name](RunDir(tmp_path))
    (path,) = tmp_path.rglob(name)
    file, folder = path.stat().st_ino, path.parent.stat().st_ino
    renamed = calls.index(("rename", file, name))
    assert ("sync", file, "") in calls[:renamed]
    assert ("sync", folder, "") in calls[renamed:]


def test_a_line_of_the_history_is_safe(tmp_path: Path, calls: list[tuple[str, int, str]]) -> None:
    append(tmp_path / "history.jsonl", RECORD)
    assert ("sync", (tmp_path / "history.jsonl").stat().st_ino, "") in calls
