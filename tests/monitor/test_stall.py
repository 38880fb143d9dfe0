"""What a silence means: transcripts replayed to a moment, and what the system says at that moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgspec
import pytest

from tests.monitor.transcripts import (
    DRIVE,
    PHOTO,
    STEPS,
    Transcript,
    crash,
    dead_drive,
    failing,
    healthy,
    replay,
    silent_first_batch,
    slow_epoch,
    stuck_photo,
    unplugged,
    worker,
)
from waste_gui import protocol
from waste_gui.monitor.countdown import remaining
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence
from waste_gui.monitor.history import History, record_of
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.run import Run
from waste_gui.monitor.stall import diagnose
from waste_gui.monitor.verdict import Action, Verdict, VerdictState

ASLEEP = Evidence(cpu_percent=1, io_bytes_per_s=900, states=("sleeping",))
BUSY = Evidence(cpu_percent=100, io_bytes_per_s=900, states=("running",))
READING = Evidence(cpu_percent=3, io_bytes_per_s=200_000, states=("sleeping",))


def judged(
    script: Transcript, now: float, evidence: Evidence = ASLEEP, history: History | None = None
) -> Verdict:
    run = replay(script.messages, now)
    return diagnose(run, remaining(run, now, history or History()), evidence, now)


def silence_began(script: Transcript) -> float:
    return replay(script.messages).moved_at


def test_healthy_run_is_on_schedule_at_every_moment() -> None:
    script = healthy()
    for now in range(int(script.at)):
        verdict = judged(script, float(now))
        assert verdict.state is VerdictState.ON_SCHEDULE, (now, verdict)


def test_silent_first_batch_is_on_schedule_then_slow_then_stuck() -> None:
    script = silent_first_batch()
    began = silence_began(script)
    states = [judged(script, began + silence).state for silence in (5, 25, 40, 59, 61, 99)]
    assert states == [
        VerdictState.ON_SCHEDULE,
        VerdictState.ON_SCHEDULE,
        VerdictState.SLOW,
        VerdictState.SLOW,
        VerdictState.LIKELY_STUCK,
        VerdictState.LIKELY_STUCK,
    ]


def test_unknown_cause_offers_to_try_again_look_report_wait_and_stop() -> None:
    script = silent_first_batch()
    verdict = judged(script, silence_began(script) + 61)
    assert verdict.cause == "unknown"
    assert set(verdict.actions) == {
        Action.TRY_AGAIN,
        Action.SHOW_WHERE,
        Action.COPY_DETAILS,
        Action.KEEP_WAITING,
        Action.STOP,
    }
    assert "1 min 1 s" in verdict.title and "0:10–0:30" in verdict.title


@pytest.mark.parametrize("evidence", [BUSY, READING])
def test_silence_that_works_is_slow_not_stuck(evidence: Evidence) -> None:
    script = silent_first_batch()
    verdict = judged(script, silence_began(script) + 99, evidence)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "still_working")
    assert "but it still works" in verdict.text


def test_busy_processor_without_anything_counted_is_a_loop_in_the_end() -> None:
    script = silent_first_batch(400)
    began = silence_began(script)
    assert judged(script, began + 290, BUSY).state is VerdictState.SLOW
    verdict = judged(script, began + 310, BUSY)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "loop")


def test_bytes_that_move_are_never_called_a_loop() -> None:
    script = silent_first_batch(400)
    verdict = judged(script, silence_began(script) + 390, Evidence(cpu_percent=90, io_bytes_per_s=1e6))
    assert verdict.state is VerdictState.SLOW


def test_busy_graphics_card_is_slow_not_stuck() -> None:
    script = silent_first_batch()
    script.gpu = protocol.GpuState(utilisation=93, memory_used=1, memory_total=2)
    script.wait(1)
    verdict = judged(script, script.at)
    assert verdict.state is VerdictState.SLOW and "GPU 93 %" in verdict.text


def test_one_stuck_photo_is_named_and_can_be_set_aside() -> None:
    script = stuck_photo()
    verdict = judged(script, silence_began(script) + 32)
    assert (verdict.state, verdict.cause, verdict.photo) == (VerdictState.LIKELY_STUCK, "one_photo", PHOTO)
    assert Action.EXCLUDE in verdict.actions
    assert "worker 11" in verdict.text and PHOTO in verdict.text


def test_one_stuck_photo_is_named_also_while_its_decoder_burns() -> None:
    script = stuck_photo()
    assert judged(script, silence_began(script) + 32, BUSY).cause == "one_photo"


def test_photo_below_its_limit_is_no_stall() -> None:
    script = stuck_photo()
    assert judged(script, silence_began(script) + 8).state is VerdictState.ON_SCHEDULE


def test_photo_that_one_worker_holds_while_others_go_on_is_no_stall() -> None:
    script = Transcript().start_up().begin_training()
    script.reads(11)
    script.steps(1, 600)
    assert judged(script, script.at).state is VerdictState.ON_SCHEDULE


def test_workers_that_wait_all_at_once_accuse_the_drive() -> None:
    script = dead_drive()
    verdict = judged(script, silence_began(script) + 40)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "storage")
    assert "Both data workers wait for" in verdict.text and "network drive" in verdict.text


def test_drive_in_deep_sleep_may_not_let_go() -> None:
    script = dead_drive()
    evidence = Evidence(cpu_percent=0, io_bytes_per_s=0, states=("sleeping", "disk-sleep"))
    assert "until the drive answers" in judged(script, silence_began(script) + 40, evidence).text


def test_folder_that_went_away_is_named_and_forgotten_when_it_is_back() -> None:
    script = unplugged()
    began = silence_began(script)
    early, late = judged(script, began + 8), judged(script, began + 40)
    assert (early.state, early.cause) == (VerdictState.SLOW, "source_gone")
    assert (late.state, late.cause) == (VerdictState.LIKELY_STUCK, "source_gone")
    assert f"{DRIVE} is not there" in late.text and "goes on by itself" in late.text
    script.say(protocol.SourceBack(folder=DRIVE, elapsed_s=100.0))
    script.steps(31, 40)
    assert judged(script, script.at).state is VerdictState.ON_SCHEDULE


def test_several_folders_that_are_away_are_counted() -> None:
    script = unplugged(0)
    script.say(protocol.SourceGone(folder="/media/other", reason="is empty"))
    script.wait(40)
    assert "So is 1 more." in judged(script, script.at).text


def test_slow_drive_that_moves_bytes_is_slow() -> None:
    script = dead_drive()
    verdict = judged(script, silence_began(script) + 40, READING)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "slow_storage")
    assert "200 kB/s" in verdict.text


def test_idle_workers_and_no_batch_is_a_lost_handover() -> None:
    script = Transcript().start_up().begin_training().steps(1, 30)
    script.wait(90)
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "handover")


def test_idle_workers_while_a_step_computes_is_no_handover() -> None:
    script = Transcript().start_up().begin_training().steps(1, 30)
    script.where = "training, epoch 1, step 31 of 390"
    script.wait(90)
    assert judged(script, script.at).cause == "unknown"


def test_starting_workers_are_given_time() -> None:
    script = silent_first_batch()
    script.workers = (worker(11), worker(12, "starting"))
    script.wait(1)
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "workers_starting")
    assert "1 of 2 ready" in verdict.text


def test_stopped_process_is_paused_and_goes_on_when_continued() -> None:
    script = crash()
    stopped = Evidence(cpu_percent=0, io_bytes_per_s=0, states=("stopped", "sleeping"))
    verdict = judged(script, script.at + 7, stopped)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "paused")
    assert Action.RESUME in verdict.actions
    assert judged(script, script.at + 31, stopped).state is VerdictState.LIKELY_STUCK


def test_pause_that_was_asked_for_is_on_schedule() -> None:
    script = crash()
    script.say(protocol.Heartbeat(where="paused", workers=(), queued=0, gpu=None))
    verdict = judged(script, script.at + 3600)
    assert (verdict.state, verdict.title) == (VerdictState.ON_SCHEDULE, "Paused")


def test_stopped_heart_under_a_busy_processor_is_one_long_operation() -> None:
    script = crash()
    verdict = judged(script, script.at + 40, BUSY)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "one_operation")


def test_stopped_heart_at_rest_is_frozen() -> None:
    script = crash()
    verdict = judged(script, script.at + 40)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "frozen")
    drive = Evidence(cpu_percent=0, io_bytes_per_s=0, states=("disk-sleep",))
    assert judged(script, script.at + 40, drive).cause == "storage"


def test_silent_download_names_the_network() -> None:
    script = Transcript().start_up("model")
    script.start("model")
    script.wait(70)
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "network")


def test_full_disk_while_saving_is_named() -> None:
    script = Transcript().start_up().begin_training().steps(1, STEPS)
    script.start("save")
    script.wait(8)
    verdict = judged(script, script.at, Evidence(free_disk_bytes=3_000_000))
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "disk_full")
    assert "3.0 MB are free" in verdict.text


def test_first_step_on_a_busy_machine_is_preparation() -> None:
    script = Transcript().start_up().begin_training()
    script.wait(70)
    assert judged(script, script.at, BUSY).cause == "first_step"


def test_swapping_is_told() -> None:
    script = silent_first_batch()
    evidence = Evidence(cpu_percent=1, io_bytes_per_s=9, free_memory=0.02)
    assert judged(script, silence_began(script) + 40, evidence).cause == "memory"


def test_slow_steps_teach_their_own_limit() -> None:
    script = Transcript().start_up().begin_training().steps(1, 12, each_s=20)
    script.wait(60)
    assert judged(script, script.at, NOTHING_KNOWN).state is VerdictState.ON_SCHEDULE
    script.wait(400)
    assert judged(script, script.at, NOTHING_KNOWN).state is VerdictState.LIKELY_STUCK


def test_fast_steps_are_stuck_after_half_a_minute() -> None:
    script = Transcript().start_up().begin_training().steps(1, 90)
    script.wait(29)
    assert judged(script, script.at, NOTHING_KNOWN).state is VerdictState.SLOW
    script.wait(2)
    assert judged(script, script.at, NOTHING_KNOWN).state is VerdictState.LIKELY_STUCK


def test_slower_epoch_is_slow_and_says_why() -> None:
    script = slow_epoch()
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "slow_epoch")
    assert verdict.text.startswith("Slower than usual: epoch 3 has taken 0:16 (usual 0:0")
    assert verdict.text.endswith("Nothing is wrong; you can wait.")
    assert not verdict.silent


@pytest.mark.parametrize(
    ("own", "all_together", "said"), [(60.0, 98.0, True), (190.0, 98.0, False), (60.0, 40.0, False)]
)
def test_slow_epoch_says_that_others_keep_the_processors_busy(
    own: float, all_together: float, said: bool
) -> None:
    script = slow_epoch()
    evidence = Evidence(cpu_percent=own, machine=Machine(cpu_percent=all_together, processors=2))
    verdict = judged(script, script.at, evidence)
    assert verdict.cause == "slow_epoch"
    assert ("Other programs keep this computer's processors busy. " in verdict.text) is said


def test_what_is_said_beneath_a_title_does_not_repeat_it() -> None:
    script = slow_epoch()
    verdict = judged(script, script.at)
    assert verdict.text == f"{verdict.title}. {verdict.more}"
    assert verdict.more == "Nothing is wrong; you can wait."


def test_slow_epoch_stays_slow_while_it_is_validated() -> None:
    script = slow_epoch()
    script.start("validate", 10, "photos")
    script.wait(0.5)
    assert judged(script, script.at).cause == "slow_epoch"


def test_slow_loading_is_named_as_the_reason() -> None:
    script = slow_epoch()
    script.gpu = protocol.GpuState(utilisation=35, memory_used=1, memory_total=2)
    script.wait(1)
    timing = protocol.Timing(wait_s=0.9, copy_s=0.0, compute_s=0.1)
    script.say(protocol.Metric(step=151, epoch=4, values={"loss": 1.0}, timing=timing, images_per_s=31))
    text = judged(script, script.at).text
    assert "The GPU works at 35 %, so photos arrive too slowly" in text


def test_stage_past_its_usual_time_with_progress_is_slow_not_stuck() -> None:
    script = Transcript().start_up("first_train_batch")
    script.start("first_train_batch", 32, "photos")
    for done in range(1, 25):
        script.wait(2)
        script.progress("first_train_batch", done, 32)
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "slow_stage")
    assert "24 of 32 photos so far. About 0:16 left." in verdict.text
    assert "First run on this computer: the times are a rough guess." in verdict.text


def test_loss_that_is_no_number_is_told_with_its_step() -> None:
    script = Transcript().start_up().begin_training().steps(1, 40).steps(41, 45, loss=None)
    verdict = judged(script, script.at)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "loss_is_nan")
    assert verdict.text.startswith("The loss is no longer a number since step 41.")
    assert Action.STOP in verdict.actions


def test_stop_that_is_not_obeyed_offers_force() -> None:
    script = Transcript().start_up().begin_training().epoch(1)
    run = replay(script.messages)
    run.stop_asked(script.at)
    for waited, state in ((19, VerdictState.ON_SCHEDULE), (21, VerdictState.LIKELY_STUCK)):
        now = script.at + waited
        verdict = diagnose(run, remaining(run, now, History()), ASLEEP, now)
        assert verdict.state is state
    assert verdict.text == (
        "It has not stopped after 21 s. Force it? The best model, epoch 1, is already on disk."
    )
    assert Action.FORCE_STOP in verdict.actions


def test_what_no_signal_is_sent_to_is_not_offered_to_be_forced() -> None:
    """Its lock is of an older version, or has no proof; the process is believed, and left alone."""
    script = Transcript().start_up().begin_training().epoch(1)
    run = replay(script.messages)
    run.stop_asked(script.at)
    unproven = dataclasses.replace(ASLEEP, unproven=4711)
    now = script.at + 21
    verdict = diagnose(run, remaining(run, now, History()), unproven, now)
    assert "sends no signal to process 4711" in verdict.text and "end it yourself" in verdict.text
    assert not {Action.FORCE_STOP, Action.RESUME} & set(verdict.actions)


def test_a_stopped_process_that_no_signal_is_sent_to_is_continued_by_hand() -> None:
    script = Transcript().start_up().begin_training().epoch(1)
    run, now = replay(script.messages), script.at + 90
    stopped = dataclasses.replace(ASLEEP, states=("stopped",), unproven=4711)
    verdict = diagnose(run, remaining(run, now, History()), stopped, now)
    assert verdict.cause == "paused" and "kill -CONT 4711" in verdict.text
    assert Action.RESUME not in verdict.actions


def test_engine_that_says_nothing_is_told() -> None:
    run = Run()
    run.launched()
    states = []
    for now in (2.0, 15.0, 31.0):
        states.append(diagnose(run, remaining(run, now, History()), ASLEEP, now).state)
    assert states == [VerdictState.ON_SCHEDULE, VerdictState.SLOW, VerdictState.LIKELY_STUCK]


def test_silence_between_two_stages_is_judged_too() -> None:
    script = Transcript().start_up("first_train_batch")
    states = [judged(script, script.at + silence, NOTHING_KNOWN).state for silence in (9, 31, 61)]
    assert states == [VerdictState.ON_SCHEDULE, VerdictState.SLOW, VerdictState.LIKELY_STUCK]


def test_this_computers_own_times_move_the_limit() -> None:
    script = silent_first_batch()
    began = silence_began(script)
    usual = History([record_of(replay(healthy().messages))] * 6)
    assert judged(script, began + 15, history=usual).state is VerdictState.SLOW  # Usually 8 s.
    assert judged(script, began + 99, history=usual).state is VerdictState.SLOW
    script.wait(30)
    assert judged(script, began + 121, history=usual).state is VerdictState.LIKELY_STUCK


def test_engine_that_is_gone_has_ended() -> None:
    script = crash()
    verdict = judged(script, script.at + 3, Evidence(alive=False))
    assert (verdict.state, verdict.cause) == (VerdictState.ENDED, "gone")


@pytest.mark.parametrize(
    ("script", "cause", "words"),
    [
        (healthy(), "finished", "Best: 52.0 % (epoch 2)"),
        (failing(), "too_many_bad_photos", "101 photos could not be read. Check the drive"),
    ],
)
def test_end_is_told_in_the_engine_s_words(script: Transcript, cause: str, words: str) -> None:
    verdict = judged(script, script.at + 1e6)
    assert (verdict.state, verdict.cause) == (VerdictState.ENDED, cause)
    assert words in verdict.text


def test_crash_says_how_the_process_ended() -> None:
    run = replay(crash().messages)
    run.process_gone("It was killed by the system, probably for memory.")
    verdict = diagnose(run, remaining(run, 100, History()), NOTHING_KNOWN, 100)
    assert (verdict.state, verdict.text) == (
        VerdictState.ENDED,
        "It was killed by the system, probably for memory.",
    )


def test_nothing_running_is_no_stall() -> None:
    verdict = diagnose(Run(), remaining(Run(), 1e6, History()), NOTHING_KNOWN, 1e6)
    assert (verdict.state, verdict.cause) == (VerdictState.ON_SCHEDULE, "idle")


@pytest.mark.parametrize("make", [silent_first_batch, stuck_photo, dead_drive, slow_epoch, crash])
@pytest.mark.parametrize("evidence", [ASLEEP, BUSY, READING, NOTHING_KNOWN])
def test_words_never_shout_and_causes_are_ids(make: Callable[[], Transcript], evidence: Evidence) -> None:
    script = make()
    for silence in (0, 12, 40, 70, 99):
        verdict = judged(script, silence_began(script) + silence, evidence)
        assert verdict.cause == verdict.cause.lower() and " " not in verdict.cause
        assert "!" not in verdict.title + verdict.text
        assert verdict.title and verdict.text
        assert all(verdict.evidence)


def test_no_progress_is_stuck_before_thirty_seconds() -> None:
    """Whatever the stage and its messages."""
    for stage in replay(healthy().messages).stages:
        script = Transcript()
        script.start(stage, 10)
        for done in range(1, 8):
            script.wait(0.01)
            script.progress(stage, done, 10)
        script.messages = [m for m in script.messages if not isinstance(m, protocol.Heartbeat)]
        script.messages = [msgspec.structs.replace(m, seq=i) for i, m in enumerate(script.messages)]
        assert judged(script, script.at + 29, NOTHING_KNOWN).state is not VerdictState.LIKELY_STUCK, stage
