"""What a silence means where stacks and single processes tell more than the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.monitor.transcripts import PHOTO, Transcript, replay, silent_first_batch, stuck_photo
from waste_gui.monitor.countdown import remaining
from waste_gui.monitor.evidence import Evidence, ProcessLook, Role
from waste_gui.monitor.history import History
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.run import Run
from waste_gui.monitor.stall import diagnose
from waste_gui.monitor.verdict import Action, Verdict, VerdictState
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link, Place
from waste_gui.protocol import Frame, ThreadStack, WorkerState

ASLEEP = Evidence(cpu_percent=1, io_bytes_per_s=900, states=("sleeping",))
BUSY = Evidence(cpu_percent=100, io_bytes_per_s=900, states=("running",))
SITE = "/usr/lib/python3.11/site-packages"
TRAINING = Frame(file="/x/waste_gui/engine/training.py", line=136, function="Trainer.train_epoch")


def training(silence_s: float) -> Run:
    """Steps each 0.1 s, then nothing for so long."""
    script = Transcript().start_up().begin_training()
    script.where = "training, epoch 1, step 100 of 390"
    script.steps(1, 100)
    script.wait(silence_s)
    return replay(script.messages)


def stack(*frames: tuple[str, str], role: str = "main", thread: str = "MainThread") -> ThreadStack:
    """The last frame is the innermost."""
    inner = tuple(Frame(file=file, line=1, function=function) for file, function in frames)
    return ThreadStack(pid=4242, role=role, thread=thread, frames=(TRAINING, *inner))


def judged(run: Run, evidence: Evidence = ASLEEP) -> Verdict:
    now = run.heard_at
    return diagnose(run, remaining(run, now, History()), evidence, now)


def look(role: Role = "worker", pid: int = 11, state: str = "sleeping", **known: float | str) -> ProcessLook:
    return ProcessLook(pid=pid, role=role, state=state, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        ((f"{SITE}/filelock/_api.py", "acquire"), "lock_file"),
        ((f"{SITE}/torch/utils/file_baton.py", "wait"), "lock_file"),
        ((f"{SITE}/torch/distributed/rendezvous.py", "_tcp_rendezvous_handler"), "other_gpus"),
        ((f"{SITE}/torch/cuda/__init__.py", "synchronize"), "gpu_driver"),
        ((f"{SITE}/httpcore/_backends/sync.py", "read"), "network"),
        ((f"{SITE}/safetensors/torch.py", "save_file"), "storage"),
        (("/usr/lib/python3.11/threading.py", "wait"), "deadlock"),
    ],
)
def test_stack_of_a_sleeping_engine_names_the_cause(frame: tuple[str, str], cause: str) -> None:
    run = training(40)
    assert judged(run).cause == "unknown"
    run.saw_stacks((stack(frame),), run.heard_at - 5)
    verdict = judged(run)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, cause)
    assert any(line.startswith("Its stack: ") for line in verdict.evidence)


def test_lock_is_not_called_a_deadlock_before_the_limit() -> None:
    run = training(15)
    run.saw_stacks((stack(("/usr/lib/python3.11/threading.py", "wait")),), run.heard_at - 1)
    verdict = judged(run)
    assert verdict.state is VerdictState.SLOW
    assert "waiting for a lock" in verdict.text and "nobody" not in verdict.text


def test_stack_of_a_time_before_the_silence_says_nothing_of_it() -> None:
    run = training(40)
    run.saw_stacks((stack((f"{SITE}/filelock/_api.py", "acquire")),), run.moved_at - 1)
    assert judged(run).cause == "unknown"


def test_busy_engine_that_stays_in_one_function_is_in_a_loop() -> None:
    run = training(40)
    for before_s in (25, 17, 9, 1):
        run.saw_stacks((stack(("/home/lab/augment.py", "jitter")),), run.heard_at - before_s)
    verdict = judged(run, BUSY)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "loop")
    assert "jitter in augment.py" in verdict.text


@pytest.mark.parametrize(
    "frame",
    [
        (f"{SITE}/torch/_inductor/codecache.py", "compile"),
        (f"{SITE}/torch/nn/functional.py", "conv2d"),
        (f"{SITE}/torch/serialization.py", "save"),
    ],
)
def test_busy_engine_that_computes_compiles_or_saves_is_no_loop(frame: tuple[str, str]) -> None:
    run = training(40)
    for before_s in (25, 1):
        run.saw_stacks((stack(frame),), run.heard_at - before_s)
    assert judged(run, BUSY).state is VerdictState.SLOW


def test_busy_engine_that_is_elsewhere_each_time_is_no_loop() -> None:
    run = training(40)
    for number, before_s in enumerate((25, 17, 9, 1)):
        run.saw_stacks((stack(("/home/lab/augment.py", f"step_{number}")),), run.heard_at - before_s)
    assert judged(run, BUSY).state is VerdictState.SLOW


def test_engine_that_waits_for_its_turn_among_others_is_slow_not_stuck() -> None:
    """Sixteen others on two processors leave it a tenth."""
    turn = replace(BUSY, cpu_percent=10, io_bytes_per_s=0, machine=Machine(cpu_percent=100, processors=2))
    assert judged(training(90), turn).state is VerdictState.SLOW
    asleep = replace(turn, states=("sleeping",))
    assert judged(training(90), asleep).state is VerdictState.LIKELY_STUCK


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_first_steps_that_took_a_minute_each_let_the_next_take_as_long(steps: int) -> None:
    script = Transcript().start_up().begin_training()
    for step in range(1, steps + 1):
        script.wait(70)
        script.steps(step, step)
    script.wait(100)
    assert judged(replay(script.messages)).state is not VerdictState.LIKELY_STUCK
    script.wait(150)
    assert judged(replay(script.messages)).state is VerdictState.LIKELY_STUCK


def looked_at(run: Run, frames: Sequence[tuple[str, str]], silence_s: float, looks: int) -> None:
    """The looks of a silence as `Watch` wants them: from its tenth second on, each eight."""
    for number in range(looks):
        frame = frames[number % len(frames)]
        run.saw_stacks((stack(frame),), run.heard_at - silence_s + 10 + 8 * number)


CONV = (f"{SITE}/torch/nn/functional.py", "conv2d")


@pytest.mark.parametrize(
    ("frames", "whose"),
    [
        ([CONV], "code of the library torch"),
        ([("/usr/lib/python3.11/re/__init__.py", "match")], "Trainer.train_epoch (training.py, line 136)"),
        ([("/home/lab/a.py", "one"), ("/home/lab/a.py", "two")], "code that is not part of this program"),
        ([("/x/waste_gui/engine/augment.py", "blur"), CONV], "this program's code"),
    ],
)
def test_busy_engine_that_comes_to_no_new_place_is_in_a_loop_within_a_minute(
    frames: list[tuple[str, str]], whose: str
) -> None:
    """Whatever it does: its steps took a second so far."""
    run = training(60)
    looked_at(run, frames, 60, 6)
    verdict = judged(run, BUSY)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "loop")
    assert "In 6 looks over 40 s it was" in verdict.text and whose in verdict.text


@pytest.mark.parametrize(
    "frames",
    [
        [(f"{SITE}/torch/nn/functional.py", f"step_{number}") for number in range(6)],
        [CONV, CONV, CONV, ("/home/lab/a.py", "one"), CONV, ("/home/lab/a.py", "two")],
        [(f"{SITE}/torch/_inductor/codecache.py", "compile")],
        [(f"{SITE}/torch/serialization.py", "save")],
    ],
)
def test_busy_engine_that_comes_to_new_places_or_takes_its_own_time_is_no_loop(
    frames: list[tuple[str, str]],
) -> None:
    run = training(60)
    looked_at(run, frames, 60, 6)
    assert judged(run, BUSY).state is VerdictState.SLOW


def test_busy_engine_on_a_busy_computer_is_no_loop_within_a_minute() -> None:
    run = training(60)
    looked_at(run, [CONV], 60, 6)
    busy = replace(BUSY, cpu_percent=25, machine=Machine(cpu_percent=100, processors=2))
    assert judged(run, busy).state is VerdictState.SLOW


def test_busy_engine_before_its_first_steps_is_no_loop() -> None:
    run = replay(silent_first_batch(90).messages)
    for before_s in (40, 1):
        run.saw_stacks((stack(("/home/lab/augment.py", "jitter")),), run.heard_at - before_s)
    assert judged(run, BUSY).state is VerdictState.SLOW


def test_loader_that_waits_for_the_cache_accuses_its_disk() -> None:
    run = training(40)
    waits = stack(("/x/waste_gui/engine/loading.py", "_Line.take"))
    loader = stack(
        ("/x/waste_gui/dataset/tile_segments.py", "Segment.read_into"), role="engine", thread="loader"
    )
    run.saw_stacks((waits, loader), run.heard_at - 1)
    verdict = judged(run)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "cache")
    assert Action.WITHOUT_CACHE in verdict.actions


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (look(waits_for="wait_for_partner"), "not an ordinary file"),
        (look(waits_for="request_wait_answer"), "drive does not answer"),
        (look(state="disk-sleep"), "drive does not answer"),
        (look(cpu_percent=99.0), "the photo is damaged"),
        (look(io_bytes_per_s=3.0), "comes at 3 bytes/s"),
        (look(waits_for="futex_do_wait"), "decoder sleeps"),
    ],
)
def test_why_a_photo_is_held_is_read_from_its_worker(known: ProcessLook, words: str) -> None:
    script = stuck_photo(40)
    verdict = judged(replay(script.messages), replace(ASLEEP, processes=(known,)))
    assert (verdict.state, verdict.cause, verdict.photo) == (VerdictState.LIKELY_STUCK, "one_photo", PHOTO)
    assert words in verdict.text


@pytest.mark.parametrize(
    ("file", "function", "says"),
    [
        (
            "/home/lab/hooks/clean.py",
            "clean_label",
            "in clean_label (clean.py, line 18), which is no decoder",
        ),
        (f"{SITE}/albumentations/core.py", "apply", "in apply (core.py, line 18), which is no decoder"),
        (f"{SITE}/PIL/ImageFile.py", "load", "the photo is damaged"),
        ("/x/waste_gui/dataset/images.py", "read_image", "the photo is damaged"),
    ],
)
def test_endless_work_on_a_photo_is_laid_to_whose_code_it_is(file: str, function: str, says: str) -> None:
    run = replay(stuck_photo(40).messages)
    link = Link(11, 11, Kind.RUNS, role="worker", place=Place(file, 18, function))
    run.saw_waits((Chain((link,)),), run.heard_at)
    verdict = judged(run, replace(BUSY, processes=(look(cpu_percent=99.0),)))
    assert verdict.cause == "one_photo" and says in verdict.text
    assert ("damaged" in verdict.text) == ("damaged" in says)


def test_very_large_photo_is_slow_and_in_the_end_stuck() -> None:
    large = replace(BUSY, processes=(look(cpu_percent=99.0, memory_bytes=600_000_000.0),))
    assert judged(replay(stuck_photo(60).messages), large).state is VerdictState.SLOW
    assert judged(replay(stuck_photo(150).messages), large).state is VerdictState.LIKELY_STUCK


@pytest.mark.parametrize("others_percent", [99.0, 30.0])
def test_photo_whose_worker_gets_no_turn_is_slow_for_a_while(others_percent: float) -> None:
    starved = look(state="running", cpu_percent=7.0, memory_bytes=60_000_000.0)
    evidence = replace(BUSY, processes=(starved,), machine=Machine(cpu_percent=others_percent))
    verdict = judged(replay(stuck_photo(60).messages), evidence)
    if others_percent < 90:
        assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "one_photo")
        return
    assert (verdict.state, verdict.cause, verdict.photo) == (VerdictState.SLOW, "busy_computer", PHOTO)
    assert "other programs" in verdict.text
    asleep = replace(evidence, processes=(look(cpu_percent=0.0),))
    assert judged(replay(stuck_photo(60).messages), asleep).state is VerdictState.LIKELY_STUCK
    assert judged(replay(stuck_photo(150).messages), evidence).state is VerdictState.LIKELY_STUCK


def test_workers_that_do_nothing_before_they_have_started_are_stuck() -> None:
    script = silent_first_batch(0)
    script.workers = tuple(WorkerState(pid=pid, state="starting", path=None, since_s=1) for pid in (11, 12))
    script.wait(70)
    run = replay(script.messages)
    verdict = judged(run)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "workers_starting")
    assert judged(run, BUSY).state is VerdictState.SLOW


def test_workers_are_not_blamed_by_an_engine_that_does_not_answer() -> None:
    """Who holds Python while they start hears nothing of them."""
    script = silent_first_batch(0)
    script.workers = tuple(WorkerState(pid=pid, state="starting", path=None, since_s=1) for pid in (11, 12))
    script.wait(2)
    run = replay(script.messages)
    now = run.heard_at + 70
    verdict = diagnose(run, remaining(run, now, History()), ASLEEP, now)
    assert (verdict.state, verdict.cause) == (VerdictState.LIKELY_STUCK, "frozen")


def test_engine_that_waits_for_the_window_is_not_stuck() -> None:
    writes = replace(ASLEEP, processes=(look("engine", 4242, waits_for="anon_pipe_write"),))
    verdict = judged(training(40), writes)
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "window_busy")


def test_processes_that_wait_for_memory_are_told_although_some_is_free() -> None:
    scarce = replace(ASLEEP, free_memory=0.2, machine=Machine(memory_pressure=45.0))
    verdict = judged(training(40), scarce)
    assert verdict.cause == "memory" and Action.SMALLER_BATCH in verdict.actions


def test_stopped_program_that_the_training_started_is_no_data_worker() -> None:
    stopped = look("other", pid=12, state="stopped")
    evidence = Evidence(cpu_percent=0, io_bytes_per_s=0, states=("sleeping", "stopped"), processes=(stopped,))
    run = training(40)
    assert judged(run, evidence).cause != "paused"
    worker = replace(evidence, processes=(stopped, look("worker", pid=13, state="stopped")))
    assert judged(run, worker).cause == "paused"


def test_full_pipe_of_the_programs_own_is_not_laid_to_the_window() -> None:
    engine = look("engine", pid=4242, waits_for="anon_pipe_write")
    evidence = replace(ASLEEP, processes=(engine,))
    run = training(40)
    assert judged(run, evidence).cause == "window_busy"
    reader = Holder(pid=77, command="resize.py", verb="can read from it")
    link = Link(4242, 4242, Kind.PIPE_WRITE, role="main", name="pipe:[1]", holders=(reader,))
    run.saw_waits((Chain((link,)),), run.heard_at)
    verdict = judged(run, evidence)
    assert verdict.cause == "waits_for_full_pipe" and "resize.py (77) can read from it" in verdict.text
    to_us = replace(link, detail="its output")
    run.saw_waits((Chain((to_us,)),), run.heard_at)
    assert judged(run, evidence).cause == "window_busy"


def test_words_of_a_rule_are_true_of_this_run() -> None:
    """An import may wait for a lock that another program holds, and no drive is at fault."""
    run = training(400)
    importing = stack(("<frozen importlib._bootstrap>", "_load"), (f"{SITE}/x/__init__.py", "<module>"))
    run.saw_stacks((importing,), run.heard_at - 1)
    assert judged(run).cause == "slow_import"
    holder = Holder(pid=7452, command="python3 eval.py")
    link = Link(4242, 4242, Kind.FILE_LOCK, role="main", name="/x/f.lock", holders=(holder,))
    run.saw_waits((Chain((link,)),), run.heard_at)
    verdict = judged(run)
    assert verdict.cause == "waits_for_file_lock"
    assert "a lock on /x/f.lock, which python3 eval.py (7452) holds" in verdict.text
    assert verdict.chain is not None


def test_silent_server_in_training_is_not_told_as_missing_weights() -> None:
    run = training(40)
    link = Link(
        4242, 4242, Kind.SOCKET_READ, role="main", name="10.0.0.7:80", holders=(Holder(host="10.0.0.7"),)
    )
    run.saw_waits((Chain((link,)),), run.heard_at)
    verdict = judged(run)
    assert verdict.cause == "waits_for_socket" and "weights" not in verdict.text
    assert "10.0.0.7:80" in verdict.text


@pytest.mark.parametrize(
    ("kind", "name", "holder", "weights"),
    [
        (Kind.SOCKET_READ, "10.0.0.7:443", Holder(host="10.0.0.7"), True),
        (Kind.CONNECTION, "10.0.0.7:443", Holder(host="10.0.0.7"), True),
        (Kind.SOCKET_READ, "127.0.0.1:5000", Holder(77, command="python3 serve.py"), False),
        (Kind.SOCKET_WRITE, "/run/log.sock", Holder(77, command="logger"), False),
        (Kind.CONNECTION, "127.0.0.1:5000", Holder(nobody=True), False),
        (Kind.SEVERAL, "", Holder(77, command="python3 serve.py"), False),
    ],
)
def test_only_a_far_server_is_told_as_missing_weights_while_the_model_is_built(
    kind: Kind, name: str, holder: Holder, weights: bool
) -> None:
    script = Transcript().start_up("model")
    script.start("model")
    script.wait(70)
    run = replay(script.messages)
    link = Link(4242, 4242, kind, role="main", name=name, holders=(holder,))
    run.saw_waits((Chain((link,)),), run.heard_at)
    verdict = judged(run)
    assert (verdict.cause == "network") == weights == ("weights" in verdict.text)
