"""A silence while photos are embedded: the same causes as in training, by the same names."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from tests.monitor.test_stall import ASLEEP, BUSY, judged, silence_began
from tests.monitor.transcripts import DRIVE, PHOTO, Transcript, last_layer, replay, worker
from waste_gui import protocol
from waste_gui.monitor.history import History, record_of
from waste_gui.monitor.verdict import Action, VerdictState
from waste_gui.protocol import Activity

STUCK = VerdictState.LIKELY_STUCK


def embedding(done: int = 192) -> Transcript:
    """Of 600 photos so many are embedded, on a processor."""
    script = Transcript(20, asked="auto", tune="head").start_up("embed", 600)
    return script.embedding(600, 0, 0.05, until=done)


def test_healthy_run_is_on_schedule_at_every_moment_the_first_time_and_again() -> None:
    past = History([record_of(replay(last_layer().messages))] * 3)
    for script, history in [
        (last_layer(), History()),
        (last_layer(known=600), past),
        (last_layer(each_s=0.06), past),
        (last_layer(each_s=0.2), History()),
    ]:
        for now in range(int(script.at)):
            verdict = judged(script, float(now), history=history)
            assert verdict.state is VerdictState.ON_SCHEDULE, (now, verdict)


def test_embeddings_that_are_not_known_as_was_thought_are_not_called_slow() -> None:
    """Another folder with as many photos: the forecast was seconds."""
    past = History(
        [record_of(replay(last_layer(known=600).messages)), *[record_of(replay(last_layer().messages))]]
    )
    script = last_layer()
    assert {judged(script, float(now), history=past).state for now in range(int(script.at))} == {
        VerdictState.ON_SCHEDULE
    }


@pytest.mark.parametrize("done", [0, 192, 592])
def test_one_photo_is_named(done: int) -> None:
    script = embedding(done)
    script.reads(11)
    script.wait(90)
    verdict = judged(script, silence_began(script) + 40)
    assert (verdict.state, verdict.cause, verdict.photo) == (STUCK, "one_photo", PHOTO)
    assert verdict.actions[0] is Action.EXCLUDE and "Embed photos" in verdict.title


def test_drive_that_does_not_answer_is_named() -> None:
    script = embedding()
    script.reads(11, 12)
    script.wait(90)
    assert judged(script, silence_began(script) + 40).cause == "storage"
    on_disk = dataclasses.replace(ASLEEP, states=("disk-sleep", "sleeping"))
    assert "Stopping may not work" in judged(script, silence_began(script) + 40, on_disk).text


def test_folder_that_is_away_is_waited_for() -> None:
    script = embedding()
    script.say(protocol.SourceGone(folder=DRIVE, reason="is not there"))
    script.where = f"waiting for {DRIVE}"
    script.wait(90)
    verdict = judged(script, script.at)
    assert verdict.cause == "source_gone" and DRIVE in verdict.text


def test_photos_that_are_lost_on_their_way_are_asked_for_again() -> None:
    script = embedding()
    script.wait(120)
    script.messages = [
        msgspec.structs.replace(told, activity=Activity.WAITING_FOR_PHOTOS)
        if isinstance(told, protocol.Heartbeat)
        else told
        for told in script.messages
    ]
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (STUCK, "handover")
    assert verdict.actions[0] is Action.RESTART_WORKERS


def test_workers_that_do_not_start_are_named() -> None:
    script = embedding(0)
    script.workers = (worker(11, "starting"), worker(12, "starting"))
    script.wait(120)
    assert judged(script, script.at).cause == "workers_starting"


@pytest.mark.parametrize("stage", ["embed", "fit"])
def test_busy_silence_is_slow_and_only_later_a_loop(stage: str) -> None:
    script = embedding(0) if stage == "embed" else embedding(600)
    if stage == "fit":
        script.finish("embed", 30)
        script.start("fit", None, "fits")
    script.where = "fitting the last layer" if stage == "fit" else "computing embeddings"
    script.wait(400)
    began = silence_began(script)
    assert judged(script, began + 70, BUSY).state is VerdictState.SLOW
    assert judged(script, began + 390, BUSY).cause == "loop"


def test_pause_is_no_silence() -> None:
    script = embedding()
    script.where = "paused"
    script.wait(300)
    assert judged(script, script.at).state is VerdictState.ON_SCHEDULE
    script.where = "computing embeddings"
    script.wait(2)
    assert judged(script, script.at).state is VerdictState.ON_SCHEDULE


def test_one_epoch_of_the_last_layer_is_never_accused_of_not_learning() -> None:
    script = Transcript(20, asked="auto", tune="head").start_up("embed", 600).embed(600).begin_training()
    script.epochs = 1
    baseline = protocol.Baseline(
        classes=6,
        train_photos=480,
        val_photos=120,
        train_loss=1.79,
        least_loss=0,
        val_loss=1.79,
        val_accuracy=0.17,
    )
    script.say(baseline)
    script.steps(1, 1, loss=9.9).start("save")
    script.wait(4)
    run = replay(script.messages)
    assert run.head_only
    assert judged(script, script.at).state is VerdictState.ON_SCHEDULE
