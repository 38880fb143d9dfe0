"""Runs from their folders: each way to end, resumed ones, broken files, what is remembered, their curves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest

from tests.past_runs import DONE, FAILED, STOPPED, epoch, make_run, started, write_events, write_split
from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.config import RunConfig
from waste_gui.monitor import run_list
from waste_gui.monitor.annotations import Annotations, read_annotations, write_annotations
from waste_gui.monitor.past_run import compare_settings, read_epochs, read_past
from waste_gui.monitor.run_list import CACHE_NAME, RunSummary, read_runs
from waste_gui.protocol import AnyMessage
from waste_gui.rundir import RunDir, data_dir, runs_dir


def only_run() -> RunSummary:
    (run,) = read_runs()
    return run


@pytest.mark.parametrize(
    ("messages", "state", "why"),
    [
        ((started(), DONE), "done", ""),
        ((started(), STOPPED), "stopped", "Stopped at the end of the epoch, as asked."),
        ((started(), FAILED), "failed", "Out of memory. Use batch 16."),
        ((started(), epoch(1, 0.5)), "crashed", ""),
        ((), "crashed", ""),
    ],
)
def test_run_is_listed_with_how_it_ended(messages: tuple[AnyMessage, ...], state: str, why: str) -> None:
    make_run("a", messages)
    run = only_run()
    assert (run.state, run.why) == (state, why)


def test_run_is_running_only_while_its_engine_lives() -> None:
    folder = make_run("a", (started(),))
    me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    folder.lock.write_text(json.dumps(me))
    assert only_run().state == "running"
    folder.lock.write_text(json.dumps(me | {"started": 1.0}))  # The number went to another process since.
    assert only_run().state == "crashed"


def test_run_of_another_computer_is_listed_with_its_name() -> None:
    """While it is heard; the same folder, once it runs here, is of this computer again."""
    folder = make_run("a", (started(),))
    there = {"pid": 4711, "started": 1.0, "host": "alpha", "identity": "another system"}
    folder.lock.write_text(json.dumps(there))
    os.utime(folder.events)
    assert (only_run().state, only_run().elsewhere) == ("running", "alpha")
    here = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    folder.lock.write_text(json.dumps(here))
    assert (only_run().state, only_run().elsewhere) == ("running", "")


def test_summary_says_what_was_trained_on_what_and_how_well() -> None:
    config = RunConfig(model="ViT-B-32", source=("/data/waste", "/data/more"), name="night")
    make_run("a", (started(1e9), epoch(1, 0.5), DONE), config, fingerprint="f" * 16, took_s=600)
    run = only_run()
    assert (run.title, run.model, run.sources) == ("night", "ViT-B-32", ("/data/waste", "/data/more"))
    assert (run.fingerprint, run.photos) == ("f" * 16, 5)
    assert (run.began, run.took_s, run.best) == (1e9, 600, 0.9)


def test_name_of_a_photo_that_is_no_text_is_counted_like_any() -> None:
    folder = make_run("a")
    write_split(folder.split, "f" * 16)
    folder.split.write_text(folder.split.read_text().replace("glass/0.jpg", r"glass/\udcff.jpg"))
    assert only_run().photos == 5


def test_resumed_run_counts_the_time_of_each_start_and_began_with_the_first() -> None:
    folder = make_run("a", (started(2e9), epoch(3, 0.6), STOPPED), took_s=30)
    write_events(folder.path / "events-1.jsonl", (started(1e9), epoch(1, 0.7), STOPPED), took_s=100)
    write_events(folder.path / "events-2.jsonl", (started(1.5e9), epoch(2, 0.5)), took_s=10)
    run = only_run()
    assert (run.began, run.took_s, run.best, run.state) == (1e9, 140, 0.7, "stopped")


def test_best_of_a_stopped_run_is_that_of_its_checkpoint() -> None:
    folder = make_run("a", (started(), STOPPED))
    content = {"spec": {}, "progress": {"epoch": 9, "best_accuracy": 0.81}}
    (folder.checkpoints / "last.json").write_text(json.dumps(content))
    assert only_run().best == 0.81


def test_end_is_found_behind_a_long_traceback_and_half_a_line() -> None:
    failed = p.RunFailed(kind="x", text="Broken.", hint="", traceback="at line 1\n" * 9000)
    folder = make_run("a", (started(), failed))
    with open(folder.events, "ab") as file:
        file.write(b'{"type":"heartb')
    assert only_run().state == "failed"


def test_folder_with_broken_files_is_still_listed() -> None:
    folder = make_run("a", ())
    for name in ("config.json", "events.jsonl", "split.json", "marks.json"):
        (folder.path / name).write_bytes(b"\xff{ no JSON\n\n")
    run = only_run()
    assert (run.title, run.model, run.state) == ("a", "", "crashed")


def test_folder_without_settings_is_no_run() -> None:
    (runs_dir() / "empty").mkdir(parents=True)
    (runs_dir() / "file").touch()
    assert read_runs() == []


def test_newest_run_comes_first() -> None:
    for name, began in (("a", 2e9), ("b", 1e9), ("c", 3e9)):
        make_run(name, (started(began), DONE))
    assert [run.title for run in read_runs()] == ["c", "a", "b"]


def test_what_was_read_is_remembered_until_the_folder_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run("a", (started(), STOPPED))
    before = read_runs()
    with monkeypatch.context() as patch:
        patch.setattr(run_list, "_summary", None)  # Nothing is read a second time.
        assert read_runs() == before
    write_events(folder.events, (started(), epoch(1, 0.5), DONE))
    assert only_run().state == "done"
    write_annotations(folder, Annotations(name="renamed"))
    assert only_run().title == "renamed"


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 99, "runs": {}}', b"\xff" * 100])
def test_broken_cache_is_made_anew(content: bytes) -> None:
    make_run("a")
    (data_dir() / CACHE_NAME).write_bytes(content)
    assert only_run().state == "done"
    assert json.loads((data_dir() / CACHE_NAME).read_text())["version"] == run_list.VERSION


def test_cache_forgets_a_run_that_is_gone() -> None:
    make_run("a")
    gone = make_run("b")
    read_runs()
    gone.path.rename(data_dir() / "elsewhere")
    assert only_run().title == "a"
    assert str(gone.path) not in (data_dir() / CACHE_NAME).read_text()


def test_marks_are_kept_in_the_folder_and_survive_its_move(tmp_path: Path) -> None:
    folder = make_run("a")
    annotations = Annotations(name="the good one", note="new lamp", starred=True, archived=True)
    write_annotations(folder, annotations)
    moved = RunDir(folder.path.rename(tmp_path / "moved"))
    assert read_annotations(moved) == annotations
    moved.annotations.write_text("[]")
    assert read_annotations(moved) == Annotations()


def test_epochs_are_found_among_all_that_a_run_said() -> None:
    folder = make_run("a", ())
    beat = p.encode(p.Heartbeat(where="epoch_finished?", workers=(), queued=0, gpu=None))
    with open(folder.events, "wb") as file:
        for number in range(1, 4):
            file.write(beat * 20_000)
            file.write(p.encode(epoch(number, number / 10)))
    assert [(e.epoch, e.val_accuracy) for e in read_epochs(folder)] == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_epoch_that_was_trained_again_after_a_crash_counts_once() -> None:
    folder = make_run("a", (started(), epoch(2, 0.6), epoch(3, 0.7)))
    write_events(folder.path / "events-1.jsonl", (started(), epoch(1, 0.4), epoch(2, 0.5)))
    assert [e.val_accuracy for e in read_epochs(folder)] == [0.4, 0.6, 0.7]


def test_settings_that_differ_come_first_and_unknown_ones_differ() -> None:
    make_run("a", config=RunConfig(epochs=10, name="x"))
    make_run("b", config=RunConfig(epochs=20, name="y"))
    past = read_past(lambda _: None, sorted(read_runs(), key=lambda run: run.folder))
    settings = compare_settings(past)
    assert (settings[0].title, settings[0].values) == ("Epochs", (10, 20))
    assert [setting.differs for setting in settings].count(True) == 1
    assert "run_dir" not in [setting.name for setting in settings]
    (runs_dir() / "b/config.json").write_text("{")
    past = read_past(lambda _: None, sorted(read_runs(), key=lambda run: run.folder))
    assert past[1].config is None and past[1].trouble
    assert all(setting.differs for setting in compare_settings(past) if setting.values[0] is not None)


def test_settings_of_another_version_are_listed_all_the_same() -> None:
    folder = make_run("a")
    content = json.loads(configs.dump(RunConfig(model="resnet18"))) | {"a_new_setting": 1}
    folder.config.write_text(json.dumps(content))
    assert only_run().model == "resnet18"
