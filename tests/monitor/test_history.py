"""History: what is remembered of runs, and of which ones."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.monitor.transcripts import Transcript, crash, healthy, replay
from waste_gui.monitor.history import History, Record, RunKind, append, kind_of, record_of, remember, spread


def record(**changes: object) -> Record:
    return msgspec.structs.replace(record_of(replay(healthy().messages)), **changes)


def test_finished_run_is_remembered_by_its_kind_and_times() -> None:
    made = record()
    assert (made.command, made.model, made.device) == ("train", "mobilenet", "Test CPU")
    assert (made.photos, made.epochs, made.steps) == (2000, 2, 100)
    assert made.stages["first_train_batch"] == 8.0 and made.stages["validate"] == 2.0
    assert made.epoch_s == pytest.approx(7.25)


def test_record_comes_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "home" / "history.jsonl"
    for _ in range(3):
        append(path, record())
    assert History.load(path).records == (record(),) * 3


def test_run_is_remembered_once_and_only_when_it_finished(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    run = replay(healthy().messages)
    assert remember(path, run) and not remember(path, run)
    assert not remember(path, replay(crash().messages))
    assert len(History.load(path).records) == 1


def test_missing_file_is_an_empty_history(tmp_path: Path) -> None:
    history = History.load(tmp_path / "none.jsonl")
    assert (
        history.records == ()
        and history.stage(RunKind(), "scan") is None
        and history.epoch(RunKind()) is None
    )


def test_broken_lines_are_passed_over_and_spoil_no_others(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append(path, record())
    with open(path, "ab") as file:
        file.write(b'\xff\n{"model": 3}\n[]\n\n{"command": "train", "mod')
    append(path, record(model="resnet"))
    assert [r.model for r in History.load(path).records] == ["mobilenet", "resnet"]


def test_only_runs_of_the_same_kind_count() -> None:
    history = History([record(), record(device="H100"), record(model="resnet"), record(photos=100_000)])
    run = replay(healthy().messages)
    assert history.alike(kind_of(run)) == (record(),)


def test_what_a_run_has_not_said_yet_compares_with_anything() -> None:
    history = History([record(), record(device="H100"), record(photos=100_000)])
    assert len(history.alike(kind_of(replay(Transcript().messages)))) == 3


def test_only_the_last_twenty_runs_count() -> None:
    old = [record(stages={"scan": 900.0})] * 30
    new = [record(stages={"scan": 3.0})] * 20
    found = History(old + new).stage(RunKind(), "scan")
    assert found and (found.p90, found.runs) == (3.0, 20)


def test_few_runs_make_a_wide_band() -> None:
    few, many = spread([10.0] * 2), spread([10.0] * 10)
    assert few and many
    assert few.band[0] < many.band[0] and few.band[1] > many.band[1]


@given(st.integers(0, 10_000))
def test_four_of_five_stages_end_within_the_band_that_was_shown(seed: int) -> None:
    """Times that scatter by a third, as a stage's do; after ten runs."""
    times = np.random.default_rng(seed).lognormal(np.log(20), 0.3, 210)
    seen = spread(list(times[:10]))
    assert seen is not None
    assert seen.p10 <= seen.p50 <= seen.p90 and seen.band[0] <= seen.p10 and seen.band[1] >= seen.p90


def test_bands_hold_for_most_of_the_runs_to_come() -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(300):
        *earlier, next_one = rng.lognormal(np.log(20), 0.3, 21)
        seen = spread(earlier)
        inside += seen is not None and seen.band[0] <= next_one <= seen.band[1]
    assert inside / 300 >= 0.75


def test_runs_of_another_image_size_are_of_another_kind() -> None:
    record = record_of(replay(healthy().messages))
    assert record.alike(RunKind(image_size=0))
    assert not record.alike(RunKind(image_size=64))
