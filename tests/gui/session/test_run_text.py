"""What the window says of a run, by replaying one: no window, no process, no waiting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.gui import pictures
from tests.monitor.transcripts import STEPS, Transcript, last_layer, last_layer_first, replay, slow_epoch
from waste_gui import protocol as p
from waste_gui.config import RunConfig
from waste_gui.gui.session.run_text import (
    HeaderText,
    Offer,
    Readiness,
    header_text,
    notice,
    stage_glyph,
    status_parts,
    stop_question,
    window_title,
)
from waste_gui.gui.training.facts import facts
from waste_gui.gui.training.stage_rows import grouped_rows, rows
from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.evidence import NOTHING_KNOWN
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.verdict import Action
from waste_gui.monitor.watch import Watch

NOT_READY = Readiness(False, "no photos chosen", "Choose a folder of photos.")
THIN = "\u202f"


def snapshot(script: pictures.Script) -> Snapshot:
    view = script.watch.look(script.run, script.evidence, script.at) if script.run.phase.running else None
    return Snapshot(script.run, script.at, 1_763_906_512.0, view, script.evidence)


def header(script: pictures.Script) -> HeaderText:
    return header_text(snapshot(script), NOT_READY)


def test_nothing_running() -> None:
    words = header_text(Snapshot(Run()), NOT_READY)
    assert (words.stage, words.normal, words.time) == ("Ready", "Nothing is running", "–")
    assert words.advice == "Choose a folder of photos."
    assert notice(Snapshot(Run())) is None
    assert status_parts(Snapshot(Run())) == ["Ready"]


def test_starting_tells_stage_progress_and_time() -> None:
    words = header(pictures.starting())
    assert words.stage == "6 of 12  First batch"
    assert words.stage_detail == "9 of 32 photos, 0:02"
    assert words.normal == "On schedule"
    assert words.normal_detail.startswith("6 runs here: ")
    assert words.time.endswith("left") and words.time_detail.startswith("training starts ~")


def test_first_run_says_that_times_are_a_guess() -> None:
    words = header(pictures.first_run())
    assert words.stage_detail == "120 MB, 0:07"
    assert words.normal_detail == "rough guess: 0:02–1:00"
    first = dataclasses.replace(snapshot(pictures.first_run()), first_run=True)
    assert header_text(first, NOT_READY).normal_detail == "first run here: times are a guess"


def test_stopping_tells_how_long_that_takes() -> None:
    script = pictures.training()
    script.run.stop_asked(script.at)
    assert header(script).time == "a few seconds"
    after = dataclasses.replace(snapshot(script), stops_after_epoch=True, epoch_left_s=18)
    words = header_text(after, NOT_READY)
    assert (words.time, words.time_detail) == ("0:18 left", "until this epoch ends")


def test_stopped_run_can_be_resumed_from_the_bar() -> None:
    said = notice(snapshot(pictures.stopped()))
    assert said is not None and said.offers == (Offer.RESUME_RUN,)
    words = header_text(snapshot(pictures.stopped()), Readiness(True, "600 photos", ""))
    assert (words.time_caption, words.time, words.advice) == ("Duration", "3:50", "Resume it, or start anew.")
    assert header(pictures.stopped()).advice == "Resume it, or choose photos.", "where none are chosen"


def test_run_stopped_before_its_first_step_has_nothing_to_resume() -> None:
    script = pictures.starting()
    script.say(p.RunStopped(checkpoint=None, reason="Stopped, as asked."))
    said = notice(snapshot(script))
    assert said is not None and said.offers == ()
    assert header(script).advice == "Choose photos."
    assert header_text(snapshot(script), Readiness(True, "600 photos", "")).advice == "Start anew."


def test_slow_says_that_one_can_wait() -> None:
    assert header(pictures.slow()).advice == "You can wait."


@pytest.mark.parametrize(
    "script, normal, advice, row",
    [
        (pictures.not_learning, "Not learning", "Follow the advice below.", "not learning"),
        (pictures.loss_nan, "Not learning", "Follow the advice below.", "not learning"),
        (pictures.one_class, "Not learning", "Follow the advice below.", "not learning"),
        (pictures.loading_bound, "Waits for photos", "You can wait.", "slow"),
    ],
)
def test_training_that_does_not_learn_says_so_instead_of_slow(
    script: Callable[[], pictures.Script], normal: str, advice: str, row: str
) -> None:
    now = snapshot(script())
    words, train = header_text(now, NOT_READY), now.run.stages["train"]
    assert (words.glyph, words.normal, words.advice) == ("slow", normal, advice)
    assert stage_glyph(now, train) == ("slow", row)


def test_note_on_learning_is_put_away_by_going_on_but_not_forgotten() -> None:
    script = pictures.not_learning()
    script.watch.keep_going("loss_is_flat")
    now = snapshot(script)
    assert notice(now) is None
    words = header_text(now, NOT_READY)
    assert (words.normal, words.advice) == ("Not learning", "You can wait.")


def test_first_epoch_that_waits_says_why_and_stays_on_schedule() -> None:
    script = pictures.Script()
    script.start_up()
    script.train(0.95, timing=p.Timing(wait_s=0.2, copy_s=0.001, compute_s=0.06))
    words = header(script)
    assert (words.normal, words.normal_detail) == ("On schedule", "photos are read the first time")


def test_training_tells_epoch_best_and_end() -> None:
    script = pictures.training()
    words = header(script)
    assert words.stage == "10 of 12  Train"
    assert words.stage_detail == f"epoch 7 of 20, step 2{THIN}554 of 7{THIN}800"
    assert words.time_detail.startswith("done about ")
    assert words.advice_detail == f"Best 90.9{THIN}% (ep. 6)"
    assert window_title(script.run) == "32 % – waste-gui"
    assert notice(snapshot(script)) is None
    assert f"446{THIN}photos/s".replace(THIN, " ") in " ".join(status_parts(snapshot(script)))
    assert stop_question(snapshot(script)) == (
        f"Epoch 7 is not finished. The best model so far (90.9{THIN}%, epoch 6) is kept."
    )


def test_status_line_says_when_the_training_was_last_saved() -> None:
    script = pictures.training()
    script.say(p.CheckpointSaved(path="last.safetensors", epoch=6, step=2554, best=False))
    script.at += 12
    assert "saved 0:12 ago" in status_parts(snapshot(script))


def test_resumed_training_tells_its_epoch_before_its_first_step() -> None:
    script = Transcript(20, resumed_from="run").start_up().go_on(9 * STEPS + 7)
    words = header_text(Snapshot(replay(script.messages), script.at), NOT_READY)
    assert words.stage_detail == f"epoch 10 of 20, step 457 of 1{THIN}000"


def test_paused_training_promises_no_time_of_day() -> None:
    script = pictures.training()
    script.where = "paused"
    script.wait(2)
    words = header(script)
    assert words.time.endswith(" left") and words.time_detail == "once it goes on"
    assert window_title(script.run) == "Paused, 32 % – waste-gui"


def test_training_that_is_paused_before_its_first_step_promises_no_time_of_day() -> None:
    script = pictures.starting()
    script.where = "paused"
    script.wait(2)
    assert header(script).time_detail == "once it goes on"
    assert window_title(script.run) == "Paused – waste-gui"


def test_resumed_training_took_the_time_of_all_its_starts() -> None:
    script = pictures.stopped()
    script.run.recall(Transcript().start_up().begin_training().messages)
    assert header(script).time == "4:19"


def test_resumed_training_that_dies_before_it_saves_is_resumed_from_where_it_began() -> None:
    run = Run()
    run.recall(Transcript(9).start_up().begin_training().epoch(1).messages)
    run.receive_all(Transcript(9).start_up().begin_training().messages)
    run.process_gone("It was killed.")
    said = notice(Snapshot(run, 20.0))
    assert said is not None and said.offers[0] is Offer.RESUME_RUN
    assert (Offer.RESUME_RUN, "Resume from epoch 1") in said.labels


def test_text_names_resume_only_where_its_button_is() -> None:
    script = Transcript(9).start_up().begin_training()
    for saved in (False, True):
        run = replay(script.messages)
        run.process_gone(explain(ProcessOutcome()).text, explain(ProcessOutcome()))
        said = notice(Snapshot(run, script.at))
        assert said is not None and ("resume" in said.text) == saved == (Offer.RESUME_RUN in said.offers)
        script.epoch(1)


def test_stop_that_was_asked_for_has_one_name() -> None:
    script = pictures.training()
    script.say(p.RunStopped(checkpoint="best", reason="Stopped on request."))
    said = notice(snapshot(script))
    assert said is not None and said.title == f"{header(script).normal}." == "Stopped by you."


def test_bar_says_nothing_twice() -> None:
    script = slow_epoch()
    run = replay(script.messages)
    view = Watch(History()).look(run, NOTHING_KNOWN, script.at)
    said = notice(Snapshot(run, script.at, view=view))
    assert said is not None and said.title.startswith("Slower than usual: epoch 3 has taken ")
    assert said.text == "Nothing is wrong; you can wait."


def test_stuck_offers_what_can_be_done() -> None:
    script = pictures.stuck()
    words = header(script)
    assert (words.glyph, words.normal, words.time) == ("stuck", "Likely stuck", "no estimate")
    assert words.advice == "Choose below."
    said = notice(snapshot(script))
    assert said is not None and said.tone == "stuck"
    assert {Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP} <= set(said.offers)
    assert pictures.PHOTO in said.text
    stuck_row = next(row for row in rows(snapshot(script)) if row.open)
    assert (stuck_row.title, stuck_row.glyph, stuck_row.state) == ("First batch", "stuck", "stuck")


def test_folder_that_is_away_is_what_the_header_asks_for() -> None:
    script = pictures.source_gone()
    words = header(script)
    assert (words.normal, words.time) == ("Waits for a folder", "no estimate")
    assert words.advice == "Bring the folder back."
    said = notice(snapshot(script))
    assert said is not None and said.title.startswith("Waiting for a folder of photos: no progress for ")


def test_too_many_unreadable_photos_offer_their_check() -> None:
    script = pictures.starting()
    script.say(p.RunFailed(kind="photos", text="101 photos cannot be read.", hint="", traceback=""))
    said = notice(snapshot(script))
    assert said is not None and said.offers[0] is Offer.CHECK_PHOTOS


def test_waiting_longer_turns_stuck_into_slow() -> None:
    script = pictures.stuck()
    script.watch.keep_waiting(script.at)
    assert header(script).normal == "Slower than usual"
    said = notice(snapshot(script))
    assert said is not None and said.tone == "slow"


def test_failure_is_one_sentence_with_a_hint() -> None:
    said = notice(snapshot(pictures.failed()))
    assert said is not None
    assert said.title == "Training stopped: the graphics card ran out of memory."
    assert "Traceback" not in said.title + said.text
    assert said.offers[0] == Action.SMALLER_BATCH
    assert said.offers[-2:] == (Offer.COPY_DETAILS, Offer.SHOW_LOG)
    assert "torch.OutOfMemoryError" in snapshot(pictures.failed()).report().text()


def test_crash_tells_the_last_line_of_the_log() -> None:
    run = Run()
    run.launched()
    crash = explain(ProcessOutcome(exit_code=7), "something\nthe last words of libfoo")
    run.process_gone(crash.text, crash)
    said = notice(Snapshot(run))
    assert said is not None
    assert said.lines[-1] == "the last words of libfoo"


@pytest.mark.parametrize("script", [pictures.crashed, pictures.crashed_in_library])
def test_crash_has_one_name(script: Callable[[], pictures.Script]) -> None:
    """A failure is another end: the engine said what was wrong."""
    shown = snapshot(script())
    words = header_text(shown, NOT_READY)
    group = next(row for row in grouped_rows(shown) if row.title == "Train" and row.is_group)
    stage = next(row for row in rows(shown) if row.title == "Train")
    assert {words.normal.lower(), group.state, stage.state} == {"crashed"}
    assert window_title(shown.run) == "Crashed – waste-gui"
    failed = snapshot(pictures.failed())
    assert {row.state for row in rows(failed)} >= {"failed"} and window_title(failed.run).startswith("Failed")


def test_done_tells_accuracy_and_what_is_next() -> None:
    said = notice(snapshot(pictures.done()))
    assert said is not None
    assert said.title == f"Done: 92.0{THIN}% of 380 validation photos right (epoch 20)."
    assert said.offers == (Offer.SHOW_RESULTS, Offer.HIDE)
    assert header(pictures.done()).advice == "Look at the results."


@pytest.mark.parametrize(
    ("script", "glyphs"),
    [
        (pictures.starting, ["done"] * 5 + ["running"] + ["waiting"] * 6),
        (pictures.training, ["done"] * 9 + ["running", "done", "done"]),
        (pictures.failed, ["done"] * 9 + ["failed", "done", "done"]),
        (pictures.done, ["done"] * 12),
    ],
)
def test_checklist_has_a_sign_for_every_stage(script: object, glyphs: list[str]) -> None:
    assert callable(script)
    assert [row.glyph for row in rows(snapshot(script()))] == glyphs


def ended(script: Transcript, **more: Any) -> Snapshot:
    run = replay(script.messages)
    shown = Snapshot(run, script.at, 1_763_906_512.0, config=RunConfig(source=("photos",)))
    return dataclasses.replace(shown, **more)


def test_done_of_the_last_layer_offers_all_layers_and_says_how_long() -> None:
    shown = ended(last_layer(), fine_tuning_s=530.0)
    said = notice(shown)
    assert said is not None and said.offers == (Offer.SHOW_RESULTS, Action.FINE_TUNE, Offer.HIDE)
    assert said.title == f"Done: 85.0{THIN}% of 120 validation photos right."
    assert said.text.endswith("trains all layers after it, about 9 min here.")
    header = header_text(shown, NOT_READY)
    assert (header.stage_detail, header.advice_detail) == (f"85.0{THIN}%", "Or fine-tune it.")


def test_nothing_is_said_of_a_time_that_nobody_knows() -> None:
    said = notice(ended(last_layer()))
    assert said is not None and Action.FINE_TUNE in said.offers and "about" not in said.text


@pytest.mark.parametrize(
    ("script", "more"),
    [
        (last_layer_first, {}),
        (lambda: Transcript().start_up().begin_training().epoch(1).epoch(2).end(), {}),
        (last_layer, {"config": None}),  # It cannot be started again.
        (last_layer, {"elsewhere": "lab2"}),
    ],
)
def test_a_run_of_all_layers_or_of_elsewhere_is_not_offered_to_be_fine_tuned(
    script: Callable[[], Transcript], more: dict[str, Any]
) -> None:
    said = notice(ended(script(), **more))
    assert said is not None and said.offers == (Offer.SHOW_RESULTS, Offer.HIDE)


def embedding(known: int = 0) -> Snapshot:
    script = Transcript(20, asked="auto", tune="head").start_up("embed", 600)
    script.embedding(600, known, 0.05, until=max(known, 252))
    run = replay(script.messages)
    view = Watch(History()).look(run, NOTHING_KNOWN, script.at)
    return Snapshot(run, script.at, 1_763_906_512.0, view)


def test_embedding_says_how_far_and_how_long() -> None:
    shown = embedding()
    words = header_text(shown, NOT_READY)
    assert words.stage == "10 of 13  Embed photos"
    assert words.stage_detail.startswith("252 of 600 photos")
    assert words.time == "0:17 left" and not words.time_detail.startswith("training starts")
    assert window_title(shown.run) == "42 % – waste-gui"
    assert "is kept" in stop_question(shown)


def test_no_word_of_epochs_in_a_run_of_the_last_layer() -> None:
    script = last_layer()
    for now in range(int(script.at) + 1):
        run = replay(script.messages, float(now))
        if run.device is None:
            continue
        view = Watch(History()).look(run, NOTHING_KNOWN, float(now)) if run.phase.running else None
        shown = Snapshot(run, float(now), 1_763_906_512.0, view, config=RunConfig())
        words = (
            *dataclasses.astuple(header_text(shown, NOT_READY)),
            *dataclasses.astuple(notice(shown) or header_text(shown, NOT_READY)),
        )
        assert "epoch" not in " ".join(map(str, words)).lower(), words


def none_better(script: Transcript) -> Transcript:
    """As its epochs would be told of, had none of them been better than the last layer alone."""
    script.messages = [
        msgspec.structs.replace(told, best=False, val_accuracy=0.8)
        if isinstance(told, p.EpochFinished)
        else msgspec.structs.replace(told, metrics=told.metrics | {"val_accuracy": 0.85, "best_epoch": 0.0})
        if isinstance(told, p.RunFinished)
        else told
        for told in script.messages
    ]
    return script


def test_best_model_may_be_that_of_before_the_first_epoch() -> None:
    shown = ended(none_better(last_layer_first()))
    said, header = notice(shown), header_text(shown, NOT_READY)
    assert said is not None and said.title.endswith("photos right (the last layer alone).")
    assert header.stage_detail == f"best 85.0{THIN}% (the last layer alone)"
    assert facts(shown, shown.config)["Best"] == f"85.0{THIN}% (the last layer alone)"


def test_stop_of_all_layers_says_that_the_last_layer_is_kept() -> None:
    script = Transcript(3, asked="head_then_all", tune="head_then_all").start_up("embed", 600)
    script.embed(600).begin_training().steps(1, 2)
    run = replay(script.messages)
    asked = stop_question(Snapshot(run, script.at, config=RunConfig()))
    assert asked.endswith(f"The best model so far (85.0{THIN}%, the last layer alone) is kept.")
