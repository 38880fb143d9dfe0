"""How long still: where the number comes from, and that it can be trusted."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from tests.monitor.transcripts import (
    STEPS,
    Transcript,
    healthy,
    replay,
    silent_first_batch,
    stuck_photo,
)
from waste_gui.config import RunConfig
from waste_gui.monitor.countdown import Remaining, epoch_taken, remaining, usual, usual_epoch
from waste_gui.monitor.forecast import expected
from waste_gui.monitor.history import History, Record, record_of
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.monitor.stretches import in_stretches
from waste_gui.protocol import EpochFinished


def left(script: Transcript, now: float | None = None, history: History | None = None) -> Remaining:
    now = script.at if now is None else now
    return remaining(replay(script.messages, now), now, history or History())


@pytest.fixture(scope="module")
def past() -> History:
    return History([record_of(replay(healthy().messages))] * 6)


def test_first_run_counts_down_the_table_as_a_guess() -> None:
    script = Transcript()
    script.start("import")
    script.wait(5)
    view = left(script)
    assert (view.basis, view.earlier_runs, view.usual_s) == ("guess", 0, (3, 20))
    assert view.stage_s == pytest.approx(11.5 - 5)
    assert view.training_starts_s and view.training_starts_s > 6.5
    assert view.run_s is None


def test_earlier_runs_count_down_this_computers_own_times(past: History) -> None:
    script = Transcript()
    script.start("import")
    script.wait(2)
    view = left(script, history=past)
    assert (view.basis, view.earlier_runs) == ("history", 6)
    assert view.stage_s == pytest.approx(6.0 - 2)
    assert view.usual_s == pytest.approx((5.5, 6.5))
    assert view.run_s == pytest.approx((view.training_starts_s or 0) + 2 * 7.25)


def test_live_rate_beats_history(past: History) -> None:
    script = Transcript().start_up("first_train_batch")
    script.start("first_train_batch", 32)
    for done in range(1, 10):
        script.wait(1)
        script.progress("first_train_batch", done, 32)
    view = left(script, history=past)
    assert view.basis == "live" and view.stage_s == pytest.approx(23)
    assert view.usual_s == pytest.approx((7.5, 8.5))


def test_one_photo_measured_before_gives_the_first_batch() -> None:
    script = Transcript().start_up("first_train_batch")
    script.start("first_train_batch", 32)
    view = left(script)
    assert view.basis == "live" and view.stage_s == pytest.approx(0.2 * 32 / 2)


def test_measure_that_was_outrun_is_passed_over() -> None:
    script = silent_first_batch()
    began = replay(script.messages).moved_at
    view = left(script, began + 15)
    assert view.basis == "guess" and view.stage_s == pytest.approx(5)
    assert left(script, began + 50).stage_s == 0
    assert left(script, began + 50).over_s == pytest.approx(20)


def test_train_batch_gives_the_validation_batch() -> None:
    script = Transcript().start_up("first_val_batch")
    script.start("first_val_batch", 64)
    assert left(script).stage_s == pytest.approx(16)


def test_first_validation_is_measured_by_its_first_batch() -> None:
    script = Transcript().start_up().begin_training().steps(1, 50)
    script.start("validate", 640, "photos")
    assert left(script).stage_s == pytest.approx(60)
    for done in (1, 2, 3):
        script.wait(1)
        script.progress("validate", done, 640)
    assert left(script).stage_s == pytest.approx(637)


def test_training_counts_the_validations_that_are_left() -> None:
    script = Transcript(4).start_up().begin_training().epoch(1).steps(STEPS + 1, STEPS + 10)
    view = left(script)
    assert view.basis == "live" and view.training_starts_s is None
    assert view.run_s == pytest.approx(140 * 0.1 + 3 * 2.5, abs=1)


def test_promise_made_in_the_first_epoch_is_kept(past: History) -> None:
    script = healthy(4)
    (began,) = [m.at for m in script.messages if getattr(m, "stage", "") == "train"][:1]
    run = replay(script.messages, began + 4)
    view = remaining(run, began + 4, past)
    assert view.run_s == pytest.approx(script.at - began - 4, rel=0.1)


def test_time_that_is_left_while_validating_goes_on_falling() -> None:
    script = healthy(3)
    ends = [m.at for m in script.messages if getattr(m, "epoch", 0) == 1]
    times = [left(script, ends[-1] + x).run_s or 0.0 for x in (0.5, 4, 5.5, 6.5, 7.5, 9)]
    assert times == sorted(times, reverse=True)
    assert times[0] - times[-1] == pytest.approx(8.5, abs=1.5)


def test_warm_up_of_the_first_step_is_not_taken_for_the_rate() -> None:
    script = Transcript(20).start_up().begin_training()
    script.wait(60)
    script.steps(1, 30)
    assert (left(script).run_s or 1e9) < 20 * STEPS * 0.1 + 1


def test_stall_does_not_count_down_to_the_end() -> None:
    script = Transcript().start_up().begin_training().steps(1, 40)
    at = script.at
    assert left(script, at + 500).run_s == pytest.approx((left(script, at).run_s or 0), abs=1.1)


def test_resumed_run_counts_only_its_own_steps() -> None:
    script = Transcript(4).start_up().begin_training().steps(2 * STEPS + 1, 2 * STEPS + 30)
    assert left(script).run_s == pytest.approx(70 * 0.1, abs=0.5)


def test_epoch_band_is_of_this_run_and_over_is_of_this_epoch() -> None:
    script = Transcript(4).start_up().begin_training().epoch(1).epoch(2)
    script.steps(2 * STEPS + 1, 2 * STEPS + 20, each_s=1)
    view = left(script)
    assert view.usual_s and view.usual_s[0] < 7.5 < view.usual_s[1]
    assert view.over_s == pytest.approx(20 - view.usual_s[1], abs=1)


def test_usual_of_training_is_all_its_epochs(past: History) -> None:
    run = replay(Transcript().messages)
    each, whole = usual_epoch(run, past), usual(run, "train", past)
    assert each and whole == pytest.approx((2 * each[0], 2 * each[1]))
    assert usual(run, "train", History()) is None
    assert usual(run, "scan", History()) == (1, 30)
    assert usual(run, "no such stage", past) is None


def test_after_the_end_nothing_is_left() -> None:
    view = left(healthy())
    assert (view.stage_s, view.training_starts_s, view.run_s, view.usual_s) == (None, None, None, None)


def test_before_the_first_line_the_start_up_is_estimated(past: History) -> None:
    run = Run()
    run.launched()
    assert run.phase is RunPhase.LAUNCHED
    view = remaining(run, 0.5, past)
    assert view.stage_s is None and view.training_starts_s and view.training_starts_s > 20


@pytest.mark.parametrize("script", [healthy(), stuck_photo(), silent_first_batch()])
def test_never_negative(script: Transcript, past: History) -> None:
    for history in (History(), past):
        for now in range(0, int(script.at) + 60, 3):
            view = left(script, float(now), history)
            for seconds in (view.stage_s, view.training_starts_s, view.run_s, view.over_s):
                assert seconds is None or seconds >= 0


def test_right_after_an_epoch_its_validation_is_no_part_of_the_pace() -> None:
    script = Transcript(8).start_up().begin_training()
    for number in range(1, 5):
        script.epoch(number, each_s=0.5)
    left = 4 * (0.5 * STEPS + 2.5)  # Steps, then validating and saving.
    run_s = remaining(replay(script.messages), script.at, History()).run_s
    assert run_s == pytest.approx(left, rel=0.03)


def test_pause_is_counted_out_of_every_time() -> None:
    script = Transcript().start_up().begin_training().steps(1, 100)
    run = replay(script.messages)
    before = remaining(run, script.at, History())
    taken, began = epoch_taken(run, script.at), len(script.messages)
    script.where = "paused"
    script.wait(300)
    for message in script.messages[began:]:
        run.receive(message)
    assert run.paused
    paused = remaining(run, script.at, History())
    assert paused.run_s == pytest.approx(before.run_s, abs=2)
    began, script.where = len(script.messages), "training step"
    script.wait(1)
    for message in script.messages[began:]:
        run.receive(message)
    after = remaining(run, script.at, History())
    assert epoch_taken(run, script.at) == pytest.approx(taken, abs=2)
    assert after.run_s == pytest.approx(before.run_s, abs=3) and after.basis == before.basis == "live"


def test_rest_of_an_epoch_is_no_measure_of_one() -> None:
    script = Transcript(6, resumed_from="run").start_up().go_on(2 * STEPS - 1)
    script.steps(2 * STEPS, 2 * STEPS)
    script.say(msgspec.structs.replace(finished(2), elapsed_s=0.1))
    run = replay(script.messages)
    assert usual_epoch(run, History()) is None and record_of(run).epoch_s is None
    band = usual_epoch(replay(script.epoch(3).messages), History())
    assert band and band[0] > 5


@pytest.mark.parametrize("together", [False, True])
def test_resumed_run_knows_how_long_its_epochs_took_before(together: bool) -> None:
    before = Transcript(9).start_up().begin_training().epoch(1, each_s=0.8).epoch(2).epoch(3)
    again = Transcript(9, resumed_from="run").start_up().go_on(3 * STEPS + 40).steps(191, 200)
    again.say(finished(4))
    run = replay(Transcript(9, resumed_from="run").start_up().go_on(4 * STEPS).messages)
    for told in (before.messages, again.messages):
        run.recall(in_stretches(told) if together else told)
    assert run.earlier.epoch_times == pytest.approx([42, 7, 7])
    band = usual_epoch(run, History())
    assert band and 6 < band[0] < 7 < band[1] < 8


def finished(epoch: int) -> EpochFinished:
    return EpochFinished(
        epoch=epoch,
        train_loss=1.0,
        val_loss=1.0,
        val_accuracy=0.5,
        elapsed_s=1.0,
        best=False,
        step=epoch * STEPS,
    )


def test_pause_makes_no_epoch_shorter_or_longer() -> None:
    script = Transcript(4).start_up().begin_training().epoch(1).steps(STEPS + 1, STEPS + 20)
    script.where = "paused"
    script.wait(300)
    script.where = "training step"
    script.wait(1)
    band = usual_epoch(replay(script.steps(STEPS + 21, STEPS + 25).messages), History())
    assert band and 5 < band[0] < band[1] < 9
    script.steps(STEPS + 26, 2 * STEPS).say(finished(2))
    band = usual_epoch(replay(script.messages), History())
    assert band and 5 < band[0] < band[1] < 10


def test_learned_times_stay_when_the_run_has_another_number_of_photos() -> None:
    learned = record_of(replay(healthy().messages))
    past = History([msgspec.structs.replace(learned, photos=100)])
    started = replay(Transcript().start_up("scan").messages)
    scanned = replay(Transcript().start_up("single_sample").messages)
    for stage in ("import", "model", "loaders", "label_check", "save"):
        assert usual(started, stage, past) == usual(scanned, stage, past) != (3, 20)
    low, high = usual(scanned, "first_train_batch", past) or (0.0, 0.0)
    assert low == pytest.approx(8 / 1.5 - 0.5), "what it took here"
    assert high == 30, "these photos may be larger, or on another drive"
    assert usual(scanned, "validate", past) is None, "more photos take longer"
    script = Transcript().start_up("model")
    script.start("model")
    assert left(script, history=past).earlier_runs == 1


HEAD = Record(
    command="train",
    model="m",
    device="CPU",
    photos=600,
    epochs=1,
    steps=1,
    stages={"import": 3.0, "scan": 1.0, "embed": 70.0, "train": 0.1},
    epoch_s=0.1,
    tune="head",
)
ALL = msgspec.structs.replace(
    HEAD, tune="all", epochs=20, stages={"import": 3.0, "scan": 1.0, "train": 900.0}, epoch_s=45.0
)


@pytest.mark.parametrize(
    ("tune", "records", "seconds"),
    [
        ("head", [HEAD, ALL], 3 + 1 + 70 + 0.1),
        ("auto", [HEAD, ALL], 3 + 1 + 70 + 0.1),  # As it was decided on this computer.
        ("all", [HEAD, ALL], 3 + 1 + 20 * 45),
        ("head", [ALL], None),
        ("all", [HEAD], None),
    ],
)
def test_a_training_is_expected_to_take_what_those_of_its_way_took(
    tune: Literal["head", "auto", "all"], records: list[Record], seconds: float | None
) -> None:
    """Embedding the photos is most of it where the last layer is trained alone, and has no epochs."""
    told = expected(RunConfig(model="m", epochs=20, tune=tune), 600, History(records))
    assert (told is None) == (seconds is None)
    if told is not None:
        assert told[0] == pytest.approx(seconds) and told[1] == 1
