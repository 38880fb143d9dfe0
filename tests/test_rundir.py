"""A run's folder: names, the lock, atomic writes, the list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from waste_gui.files import write_atomically
from waste_gui.rundir import RunDir, RunFolderError, data_dir, list_runs, new_run_dir


def test_names_do_not_collide_and_hold_no_surprises() -> None:
    first = new_run_dir("glass / paper: v2", now=0)
    assert first.parent == data_dir() / "runs"
    assert first.name.endswith("_glass-paper-v2")
    first.mkdir(parents=True)
    assert new_run_dir("glass / paper: v2", now=0) != first


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError) as raised:
        RunDir(tmp_path / "file" / "run").create()
    assert raised.value.hint


def test_a_living_owner_keeps_the_folder_and_a_dead_one_does_not(tmp_path: Path) -> None:
    folder = RunDir(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        started = psutil.Process(other.pid).create_time()
        folder.lock.write_text(json.dumps({"pid": other.pid, "started": started}))
        owner = folder.owner()
        assert owner is not None and (owner.pid, owner.here, owner.ours) == (other.pid, True, False)
        with pytest.raises(RunFolderError, match=str(other.pid)):
            folder.acquire()
        other.communicate(b"\n")
    folder.acquire()
    mine = folder.owner()
    assert mine is not None and mine.pid == os.getpid() and mine.ours
    folder.release()
    assert folder.owner() is None


def test_a_pid_that_was_given_to_another_process_is_no_owner(tmp_path: Path) -> None:
    folder = RunDir(tmp_path)
    folder.lock.write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    assert folder.owner() is None


def test_an_owner_that_has_ended_but_was_not_waited_for_is_no_owner(tmp_path: Path) -> None:
    folder = RunDir(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process = psutil.Process(other.pid)
        lock = {"pid": other.pid, "started": process.create_time()}
        folder.lock.write_text(json.dumps(lock))
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert folder.owner() is None


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"pid": "x", "started": 1}'])
def test_a_broken_lock_is_no_owner(content: str, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(content)
    assert RunDir(tmp_path).owner() is None


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_events_put_aside_never_take_the_place_of_others(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.put_events_aside()
    assert run.earlier_events() == []
    for number in ("2", "10", "x"):
        (tmp_path / f"events-{number}.jsonl").write_text(number)
    run.events.write_text("the latest")
    run.put_events_aside()
    assert [path.name for path in run.earlier_events()] == [
        "events-2.jsonl",
        "events-10.jsonl",
        "events-11.jsonl",
    ]
    assert (tmp_path / "events-11.jsonl").read_text() == "the latest"
    assert not run.events.exists()


def test_runs_are_listed_the_newest_first_and_other_folders_are_not(tmp_path: Path) -> None:
    for name in ("2026-01-01_00-00-00", "2026-02-01_00-00-00", "no-run"):
        (tmp_path / name).mkdir()
    for name in ("2026-01-01_00-00-00", "2026-02-01_00-00-00"):
        (tmp_path / name / "config.json").touch()
    assert [r.path.name for r in list_runs(tmp_path)] == ["2026-02-01_00-00-00", "2026-01-01_00-00-00"]
    assert list(list_runs(tmp_path / "gone")) == []
