"""A run's metrics as files for other programs: what stands in them, resumed, cut off, on a full disk."""

from __future__ import annotations

import csv
import errno
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterable
from importlib import util
from pathlib import Path

import pytest

from waste_gui import exports
from waste_gui.exports import EPOCHS_FILE, METRICS_FILE, TENSORBOARD_FOLDER, ExportError, Live, export
from waste_gui.protocol import (
    AnyMessage,
    EpochFinished,
    Metric,
    RunFinished,
    RunStarted,
    Timing,
    Warned,
    encode,
)
from waste_gui.reporting import Reporter
from waste_gui.rundir import RunDir

STEPS = 4
"""Of one epoch."""
WAIT_S = 20


def begun(at: float = 0.0) -> RunStarted:
    return RunStarted(
        protocol=1,
        run="r",
        pid=1,
        host="h",
        started_at=1000.0 + at,
        at=at,
        device="cpu",
        world_size=1,
        stages=(),
        versions={},
        resumed_from=None,
    )


def metric(step: int, at: float = 0.0, loss: float | None = None) -> Metric:
    return Metric(
        step=step,
        epoch=(step - 1) // STEPS + 1,
        at=at,
        values={"loss": 1 / step if loss is None else loss, "accuracy": 0.5, "lr": 0.001},
        timing=Timing(wait_s=0.1, copy_s=0.2, compute_s=0.3),
        images_per_s=100.0,
    )


def epoch(number: int, val_loss: float | None = 0.6) -> EpochFinished:
    return EpochFinished(
        epoch=number,
        step=number * STEPS,
        train_loss=0.5,
        val_loss=val_loss,
        val_accuracy=0.25 * number,
        elapsed_s=2.0,
        best=number == 1,
    )


def epochs(first: int, last: int) -> list[AnyMessage]:
    """Every step of them, and their ends."""
    told: list[AnyMessage] = []
    for number in range(first, last + 1):
        told += [metric(step) for step in range((number - 1) * STEPS + 1, number * STEPS + 1)]
        told.append(epoch(number))
    return told


def write_events(path: Path, messages: Iterable[AnyMessage], cut_off: bytes = b"") -> None:
    path.write_bytes(b"".join(map(encode, [begun(), *messages])) + cut_off)


def rows(folder: RunDir, name: str) -> list[dict[str, str]]:
    with open(folder.path / name, newline="") as file:
        return list(csv.DictReader(file))


def steps(folder: RunDir) -> list[int]:
    return [int(row["step"]) for row in rows(folder, METRICS_FILE)]


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "run")
    run.create()
    return run


def test_each_metric_and_each_epoch_is_a_row(folder: RunDir) -> None:
    write_events(folder.events, [*epochs(1, 2), RunFinished(checkpoint=None, metrics={}, elapsed_s=9)])
    assert export(folder, "csv") == [folder.path / METRICS_FILE, folder.path / EPOCHS_FILE]
    assert steps(folder) == list(range(1, 9))
    assert rows(folder, METRICS_FILE)[4] == {
        "epoch": "2",
        "step": "5",
        "at_s": "0.0",
        "loss": "0.2",
        "accuracy": "0.5",
        "lr": "0.001",
        "images_per_s": "100.0",
        "wait_s": "0.1",
        "copy_s": "0.2",
        "compute_s": "0.3",
    }
    assert rows(folder, EPOCHS_FILE)[0] == {
        "epoch": "1",
        "step": "4",
        "train_loss": "0.5",
        "val_loss": "0.6",
        "val_accuracy": "0.25",
        "elapsed_s": "2.0",
        "best": "True",
    }


def test_what_is_no_number_is_an_empty_cell(folder: RunDir) -> None:
    write_events(folder.events, [metric(1, loss=float("nan")), epoch(1, val_loss=None)])
    export(folder, "csv")
    assert rows(folder, METRICS_FILE)[0]["loss"] == ""
    assert rows(folder, EPOCHS_FILE)[0]["val_loss"] == ""


def test_a_line_that_a_crash_cut_off_is_left_out(folder: RunDir) -> None:
    write_events(folder.events, epochs(1, 1), cut_off=encode(metric(5))[:40])
    export(folder, "csv")
    assert steps(folder) == [1, 2, 3, 4]


def test_text_that_looks_like_a_metric_is_none(folder: RunDir) -> None:
    write_events(folder.events, [Warned(text='"type":"metric"'), metric(1)])
    export(folder, "csv")
    assert steps(folder) == [1]


def test_steps_that_a_later_start_did_again_stand_once(folder: RunDir) -> None:
    """The first start got to step 7, the second went on after step 4 and crashed at 6, the third after 4."""
    write_events(folder.path / "events-1.jsonl", [*epochs(1, 1), *map(metric, (5, 6, 7))])
    write_events(folder.path / "events-2.jsonl", [metric(5, at=50), metric(6, at=60)])
    write_events(folder.events, [metric(5, at=5), *map(metric, (6, 7, 8)), epoch(2)])
    export(folder, "csv")
    assert steps(folder) == list(range(1, 9))
    assert rows(folder, METRICS_FILE)[4]["at_s"] == "5.0"
    assert [row["epoch"] for row in rows(folder, EPOCHS_FILE)] == ["1", "2"]


def test_a_start_that_only_validated_keeps_the_steps_before_it(folder: RunDir) -> None:
    write_events(folder.path / "events-1.jsonl", [metric(step) for step in (1, 2, 3, 4, 5)])
    write_events(folder.events, [epoch(1)])
    export(folder, "csv")
    assert steps(folder) == [1, 2, 3, 4]
    assert len(rows(folder, EPOCHS_FILE)) == 1


def test_ten_starts_are_taken_in_the_order_of_their_numbers(folder: RunDir) -> None:
    for number in range(1, 11):
        write_events(folder.path / f"events-{number}.jsonl", epochs(number, number))
    write_events(folder.events, epochs(11, 11))
    export(folder, "csv")
    assert steps(folder) == list(range(1, 11 * STEPS + 1))


@pytest.mark.parametrize("target", ["onnx", "xls"])
def test_another_kind_of_file_is_refused_in_a_sentence(folder: RunDir, target: str) -> None:
    with pytest.raises(ExportError, match="cannot be exported") as refused:
        export(folder, target)
    assert refused.value.hint == "Choose csv or tensorboard."


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="holds no run"):
        export(RunDir(tmp_path), "csv")


def test_a_run_that_still_runs_is_refused(folder: RunDir) -> None:
    write_events(folder.events, epochs(1, 1))
    folder.acquire()
    with pytest.raises(ExportError, match="still runs"):
        export(folder, "csv")


def test_a_run_without_a_step_is_refused(folder: RunDir) -> None:
    write_events(folder.events, [])
    with pytest.raises(ExportError, match="took no step"):
        export(folder, "csv")


def test_missing_tensorboard_is_said_with_its_cure(folder: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    write_events(folder.events, epochs(1, 1))
    with pytest.raises(ExportError, match="not installed") as missing:
        export(folder, "tensorboard")
    assert "waste-gui[tensorboard]" in missing.value.hint


# --- while it runs


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches come so often that a test need not wait for them."""
    monkeypatch.setattr(exports, "WRITE_EVERY_S", 0.01)


def run_live(
    folder: RunDir,
    messages: Iterable[AnyMessage],
    before_end: Callable[[], object] = lambda: None,
    *,
    tensorboard: bool = False,
) -> None:
    """As an engine does: each message also goes to the events file."""
    report = Reporter()
    with open(folder.events, "w", encoding="utf-8") as events:
        report.add_listener(lambda message: print(encode(message).decode(), end="", file=events))
        report(begun())
        live = Live(report, folder, tensorboard=tensorboard)
        for message in messages:
            report(message)
        before_end()
        live.close()


def same_after_export(folder: RunDir) -> bool:
    """Whether the files that were written live are those that the events give."""
    live = [(folder.path / name).read_bytes() for name in (METRICS_FILE, EPOCHS_FILE)]
    export(folder, "csv")
    return live == [(folder.path / name).read_bytes() for name in (METRICS_FILE, EPOCHS_FILE)]


def test_rows_are_there_when_the_run_ends(folder: RunDir) -> None:
    run_live(folder, epochs(1, 2))
    assert steps(folder) == list(range(1, 9))
    assert same_after_export(folder)


def test_a_resumed_run_goes_on_in_the_same_tables(folder: RunDir) -> None:
    run_live(folder, [*epochs(1, 1), metric(5), metric(6)])
    folder.events.rename(folder.path / "events-1.jsonl")
    with open(folder.path / METRICS_FILE, "ab") as file:
        file.write(b"2,7,0.")  # A row that a crash cut off.
    run_live(folder, epochs(2, 2))
    assert steps(folder) == list(range(1, 9))
    assert same_after_export(folder)


def test_a_full_disk_only_delays_the_rows(
    folder: RunDir, at_once: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = threading.Event()
    fill_disk(monkeypatch, room)
    run_live(folder, epochs(1, 50), lambda: room.wait(WAIT_S))
    assert room.is_set()
    assert steps(folder) == list(range(1, 50 * STEPS + 1))
    assert same_after_export(folder)
    assert capsys.readouterr().err.count("No space left") == 1


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: threading.Event) -> None:
    """Three writes fail in the middle; then there is room."""
    whole, left = exports.append, [3]

    def append(path: Path, size: int, data: bytes, inside: Path) -> int:
        if path.name == EPOCHS_FILE and left[0]:
            left[0] -= 1
            whole(path, size, data[: len(data) // 2], inside)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if not left[0]:
            room.set()
        return whole(path, size, data, inside)

    monkeypatch.setattr(exports, "append", append)


def test_a_disk_that_never_answers_holds_nobody_up(folder: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(exports, "CLOSE_S", 0.1)
    monkeypatch.setattr(exports, "append", lambda *_: answer.wait(WAIT_S))
    run_live(folder, epochs(1, 2))
    answer.set()
    assert not (folder.path / METRICS_FILE).exists()


# --- TensorBoard


def scalars(folder: RunDir) -> dict[str, list[tuple[int, float]]]:
    """Each curve as TensorBoard itself reads it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder.path / TENSORBOARD_FOLDER), size_guidance={"scalars": 0})
    read.Reload()
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_reads_the_curves(folder: RunDir) -> None:
    run_live(folder, epochs(1, 2), tensorboard=True)
    read = scalars(folder)
    assert dict(read["train/loss"]) == pytest.approx({step: 1 / step for step in range(1, 9)})
    assert read["epoch/val_accuracy"] == [(4, 0.25), (8, 0.5)]
    assert {"train/accuracy", "train/lr", "speed/images_per_s", "speed/wait_s"} <= set(read)


def test_tensorboard_forgets_the_steps_that_come_again(folder: RunDir) -> None:
    run_live(folder, [*epochs(1, 1), metric(5, loss=9), metric(6, loss=9)], tensorboard=True)
    for file in (folder.path / TENSORBOARD_FOLDER).iterdir():  # The second start has another pid and time.
        file.rename(file.with_name(file.name.replace("tfevents.", "tfevents.0")))
    folder.events.rename(folder.path / "events-1.jsonl")
    run_live(folder, epochs(2, 2), tensorboard=True)
    read = scalars(folder)["train/loss"]
    assert [step for step, _ in read] == list(range(1, 9))
    assert dict(read) == pytest.approx({step: 1 / step for step in range(1, 9)})


def test_event_files_made_anew_take_the_place_of_the_old(folder: RunDir) -> None:
    write_events(folder.path / "events-1.jsonl", epochs(1, 1))
    write_events(folder.events, epochs(2, 2))
    (folder.path / TENSORBOARD_FOLDER).mkdir()
    (folder.path / TENSORBOARD_FOLDER / "events.out.tfevents.1.h.1.0").write_bytes(b"old")
    (made,) = export(folder, "tensorboard")
    assert list(made.parent.iterdir()) == [made]
    assert [step for step, _ in scalars(folder)["train/loss"]] == list(range(1, 9))


# --- long runs


def tell_long_run(folder: RunDir, steps: int, *, earlier: bool) -> None:
    path = folder.path / "events-1.jsonl" if earlier else folder.events
    with open(path, "wb") as file:
        file.write(encode(begun()))
        for step in range(1, steps + 1):
            file.write(encode(metric(step)))


def peak_mb(work: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("target", ["csv", "tensorboard"])
def test_export_takes_no_more_memory_for_a_longer_run(folder: RunDir, target: str) -> None:
    if target == "tensorboard":
        pytest.importorskip("tensorboard")
    count = 40_000 if target == "csv" else 20_000  # Each of these takes TensorBoard two milliseconds.
    tell_long_run(folder, count, earlier=False)
    assert peak_mb(lambda: export(folder, target)) < 12
    if target == "csv":
        assert steps(folder) == list(range(1, 40_001))


@pytest.mark.slow
def test_tables_of_a_resumed_run_begin_without_all_of_it_in_memory(folder: RunDir) -> None:
    tell_long_run(folder, 40_000, earlier=True)
    peak = peak_mb(lambda: run_live(folder, [metric(40_001)]))
    assert peak < 12
    assert steps(folder) == list(range(1, 40_002))
