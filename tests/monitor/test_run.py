"""Run: what is known of a run from its messages."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from tests.monitor.transcripts import ALL, FOLDER, STEPS, Transcript, crash, failing, healthy, replay
from waste_gui import protocol
from waste_gui.bounds import MOST_STAGES
from waste_gui.monitor.run import TRANSITIONS, Run, RunPhase, StageState
from waste_gui.monitor.series import Series
from waste_gui.monitor.stretches import in_stretches
from waste_gui.protocol import AnyMessage, Unreadable

EVENTS = (
    "launched",
    "run_started",
    "train_started",
    "run_finished",
    "run_stopped",
    "run_failed",
    "process_gone",
)


def cause(run: Run, event: str) -> None:
    messages: dict[str, AnyMessage] = {
        "run_started": Transcript().messages[0],
        "train_started": protocol.StageStarted(stage="train"),
        "run_finished": protocol.RunFinished(checkpoint=None, metrics={}, elapsed_s=1),
        "run_stopped": protocol.RunStopped(checkpoint=None, reason="asked"),
        "run_failed": protocol.RunFailed(kind="Bug", text="t", hint="h", traceback=""),
    }
    if event == "launched":
        run.launched()
    elif event == "process_gone":
        run.process_gone("It was killed.")
    else:
        run.receive(msgspec.structs.replace(messages[event], seq=run.next_seq))


@pytest.mark.parametrize(("phase", "event"), list(itertools.product(RunPhase, EVENTS)))
def test_every_phase_takes_every_event_as_its_table_says(phase: RunPhase, event: str) -> None:
    run = Run()
    run.phase = phase
    cause(run, event)
    assert run.phase is TRANSITIONS.get((phase, event), phase)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("phase", [phase for phase in RunPhase if phase.ended])
def test_a_run_that_ended_stays_ended(phase: RunPhase, event: str) -> None:
    run = Run()
    run.phase = phase
    cause(run, event)
    assert run.phase is phase


def test_healthy_run_ends_with_every_stage_done() -> None:
    run = replay(healthy().messages)
    assert run.phase is RunPhase.FINISHED
    assert all(stage.state is StageState.DONE for stage in run.stages.values())
    assert len(run.epochs) == 2 and run.best and run.best.epoch == 2
    assert run.step == 100 and len(run.loss) == 100
    assert run.missed == 0


def test_message_that_came_before_changes_nothing() -> None:
    messages = healthy().messages
    once = replay(messages)
    twice = replay(itertools.chain.from_iterable((message, message) for message in messages))
    assert (twice.messages, len(twice.loss), twice.log_count) == (
        once.messages,
        len(once.loss),
        once.log_count,
    )


def known(run: Run) -> dict[str, object]:
    """All of it, the curves as lists."""
    return {
        name: (value.x.tolist(), value.y.tolist()) if isinstance(value, Series) else value
        for name, value in vars(run).items()
    }


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("piece", [1, 7, 5000])
def test_messages_taken_in_together_say_the_same_as_one_by_one(name: str, piece: int) -> None:
    messages: list[AnyMessage | Unreadable] = [*ALL[name]().messages]
    del messages[40:43]  # Lost,
    messages[60:60] = messages[50:60]  # told again,
    messages.insert(70, Unreadable("no message", "no JSON"))  # and between them what is none.
    together, one_by_one = Run(), Run()
    for message in messages:
        one_by_one.receive(message)
    for first in range(0, len(messages), piece):
        together.receive_all(in_stretches(messages[first : first + piece]))
    assert known(together) == known(one_by_one)


def test_lost_messages_are_counted() -> None:
    messages = healthy().messages
    assert replay(messages[:5] + messages[8:]).missed == 3


def test_unknown_stage_gets_a_place_in_the_checklist() -> None:
    run = Run()
    run.receive(protocol.StageStarted(stage="distil", total=3))
    assert run.current and run.current.title == "distil"


def test_unreadable_line_is_logged_and_changes_nothing() -> None:
    run = replay(crash().messages)
    before = (run.phase, run.messages, run.moved_at)
    run.receive(Unreadable("<html>", "no JSON"))
    assert (run.phase, run.messages, run.moved_at) == before
    assert "<html>" in run.log[-1].text


def test_validation_inside_training_is_the_current_stage() -> None:
    script = Transcript().start_up().begin_training().steps(1, 50)
    script.start("validate", 10)
    run = replay(script.messages)
    assert run.current and run.current.id == "validate"
    script.finish("validate", 2)
    run = replay(script.messages)
    assert run.current and run.current.id == "train"


def test_heartbeat_is_a_sign_of_life_but_no_progress() -> None:
    script = Transcript().start_up("first_train_batch")
    moved = replay(script.messages).moved_at
    script.wait(30)
    run = replay(script.messages)
    assert run.moved_at == moved and run.heard_at > moved + 28


def test_a_counter_told_again_is_no_progress() -> None:
    script = Transcript()
    script.start("first_train_batch", 32)
    script.wait(1)
    script.progress("first_train_batch", 9, 32, "9 photos")
    script.wait(20)
    script.progress("first_train_batch", 9, 32, "9 photos, 20 s")
    run = replay(script.messages)
    assert run.moved_at == 1.0


def test_where_nothing_is_counted_new_words_are_progress() -> None:
    script = Transcript()
    script.start("model")
    script.progress("model", 0, None, "12 MB")
    script.wait(20)
    script.progress("model", 0, None, "14 MB")
    assert replay(script.messages).moved_at == 20.0


def test_stacks_of_a_stuck_run_are_no_progress() -> None:
    script = Transcript()
    script.wait(20)
    script.say(protocol.Stacks(threads=()))
    script.say(protocol.Warned(text="Unknown command"))
    assert replay(script.messages).moved_at == 0.0


def test_pause_is_told_by_the_heartbeat_and_its_silence_does_not_count() -> None:
    script = crash()
    at = script.at
    script.say(protocol.Heartbeat(where="paused", workers=(), queued=0, gpu=None))
    assert replay(script.messages).paused
    script.at = at + 600
    script.say(protocol.Heartbeat(where="Train", workers=(), queued=0, gpu=None))
    run = replay(script.messages)
    assert not run.paused and run.moved_at == pytest.approx(script.at)


def test_failure_ends_the_open_stage() -> None:
    run = replay(failing().messages)
    assert run.phase is RunPhase.FAILED
    assert run.stages["first_train_batch"].state is StageState.FAILED


def test_process_that_ends_without_a_last_message_has_crashed() -> None:
    run = replay(crash().messages)
    run.process_gone("It was killed by the system.")
    assert run.phase is RunPhase.CRASHED and run.exit_words == "It was killed by the system."


def test_process_that_ends_after_its_last_message_has_not_crashed() -> None:
    run = replay(healthy().messages)
    run.process_gone("exit status 0")
    assert run.phase is RunPhase.FINISHED and run.exit_words == ""


@pytest.mark.parametrize("name", ALL)
def test_written_transcript_is_what_the_script_says(name: str) -> None:
    lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    assert [protocol.decode(line) for line in lines] == ALL[name]().messages


def test_resumed_run_goes_on_with_the_curves_of_its_earlier_starts() -> None:
    before = Transcript().start_up().begin_training().steps(1, 60)
    before.say(epoch_finished(1, step=50))
    again = Transcript().start_up().begin_training()
    run = Run()
    run.recall(in_stretches(before.messages))
    for message in again.messages:
        run.receive(message)
    assert run.loss.x.tolist() == list(range(1, 61)) and run.phase is RunPhase.TRAINING
    assert (run.messages, run.step, run.epochs) == (len(again.messages), 0, [])
    assert [epoch.epoch for epoch in run.all_epochs] == [1] and run.best is not None
    begun = len(again.messages)
    again.steps(51, 80, loss=0.5)
    run.receive_all(in_stretches(again.messages[begun:]))
    assert run.loss.x.tolist() == list(range(1, 81))
    assert run.loss.y[49] == 1.0 and run.loss.y[50] == 0.5
    run.recall(in_stretches(before.messages))
    assert len(run.loss) == 80, "what comes too late is of no use"


def test_resumed_run_knows_the_checkpoint_it_goes_on_from() -> None:
    before = Transcript().start_up().begin_training().epoch(1)
    again = Transcript().start_up().begin_training()
    run = Run()
    run.recall(in_stretches(before.messages))
    run.receive_all(in_stretches(again.messages))
    saved = [message for message in before.messages if isinstance(message, protocol.CheckpointSaved)]
    assert saved and run.earlier.checkpoint == saved[-1]
    assert run.checkpoint is None, "nothing is saved by this start yet"


def epoch_finished(epoch: int, step: int) -> protocol.EpochFinished:
    return protocol.EpochFinished(
        epoch=epoch, train_loss=1, val_loss=1, val_accuracy=0.5, elapsed_s=5, best=True, step=step
    )


def test_resumed_run_knows_its_epoch_before_its_first_step() -> None:
    script = Transcript(20, resumed_from="run").start_up().go_on(9 * STEPS + 7)
    run = replay(script.messages)
    assert (run.epoch, run.epoch_now) == (0, 10)
    script = Transcript(20, resumed_from="run").start_up().go_on(10 * STEPS)
    assert replay(script.messages).epoch_now == 11


def test_epoch_whose_steps_are_all_made_is_still_the_one_that_runs() -> None:
    run = replay(Transcript(4, resumed_from="run").start_up().go_on(2 * STEPS).messages)
    run.recall(Transcript(4).start_up().begin_training().epoch(1).steps(STEPS + 1, 2 * STEPS).messages)
    assert run.epoch_now == 2


def test_resumed_run_took_the_time_of_all_its_starts() -> None:
    first, second = healthy(), crash()
    run = replay(Transcript(resumed_from="run").start_up().go_on(10).steps(11, 20).messages)
    run.recall(in_stretches(first.messages))
    run.recall(in_stretches(second.messages))
    last_s = sum(script.messages[-1].at for script in (first, second))
    assert run.took_s == pytest.approx(run.heard_at + last_s)


def test_stages_without_end_are_not_all_kept() -> None:
    run = Run()
    for i in range(10_000):
        run.receive(protocol.Progress(stage=f"later {i}", done=1, seq=2 * i))
        run.receive(protocol.StageStarted(stage=f"later {i}", seq=2 * i + 1))
    assert len(run.stages) == MOST_STAGES
    assert run.messages == 20_000


def test_more_done_than_was_announced_is_all_there_is() -> None:
    run = Run()
    run.receive(protocol.StageStarted(stage="model", total=10))
    run.receive(protocol.Progress(stage="model", done=25, total=10, seq=1))
    assert (run.stages["model"].done, run.stages["model"].total) == (25, 25)


def test_what_is_kept_of_a_run_is_bounded() -> None:
    run = Run()
    words = "x" * 5_000
    for i in range(30_000):
        run.receive(protocol.Warned(text=words, seq=3 * i))
        run.receive(protocol.SourceGone(folder=f"/photos/{i}", reason="is not there", seq=3 * i + 1))
        run.receive(protocol.StageFinished(stage="save", elapsed_s=2.0, summary="", seq=3 * i + 2))
    assert (len(run.warnings), len(run.away), len(run.stages["save"].times)) == (1000, 1000, 1000)
    assert run.stages["save"].times.count == 30_000 and run.stages["save"].times.total_s == 60_000
    assert max(len(line.text) for line in run.log) <= 1000


def test_hundred_thousand_epochs_of_two_starts_are_one_curve() -> None:
    def epoch(number: int, seq: int) -> protocol.EpochFinished:
        return protocol.EpochFinished(
            epoch=number, step=number, train_loss=1.0, val_loss=float(number), val_accuracy=None,
            elapsed_s=1.0, best=False, seq=seq,
        )  # fmt: skip

    run, half = Run(), 50_000
    run.recall(epoch(i, i) for i in range(1, half + 11))
    run.receive_all(epoch(half + i + 1, i) for i in range(half))
    assert [each.epoch for each in run.all_epochs] == list(range(1, 2 * half + 1))
    steps, losses = run.points("val_loss")
    assert steps.tolist() == losses.tolist() == list(range(1, 2 * half + 1))
    assert len(run.epoch_times) == 1000
