"""Watch: what is remembered between two looks."""

from __future__ import annotations

from dataclasses import replace

from tests.monitor.transcripts import Transcript, replay, stuck_photo
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run
from waste_gui.monitor.verdict import VerdictState
from waste_gui.monitor.watch import Watch

ASLEEP = Evidence(cpu_percent=1, io_bytes_per_s=900, states=("sleeping",))


def paused_and_back() -> Transcript:
    """A photo that is held for 2:41 and then comes."""
    script = stuck_photo(0)
    script.wait(161)
    script.reads()
    script.progress("first_train_batch", 10, 32)
    return script


def look_each_second(script: Transcript, watch: Watch, run: Run, until: float) -> list[VerdictState]:
    states = []
    messages = iter(script.messages)
    message = next(messages, None)
    for now in range(int(until)):
        while message is not None and message.at <= now:
            run.receive(message)
            message = next(messages, None)
        states.append(watch.look(run, ASLEEP, float(now)).verdict.state)
    return states


def test_progress_clears_the_warning_and_the_pause_is_told_for_ten_seconds() -> None:
    script = paused_and_back()
    run, watch = Run(), Watch(History())
    states = look_each_second(script, watch, run, script.at + 2)
    assert VerdictState.LIKELY_STUCK in states
    view = watch.look(run, ASLEEP, script.at + 1)
    assert view.recovered == "It goes on. The pause was 2:41."
    assert view.verdict.state is not VerdictState.LIKELY_STUCK
    assert watch.look(run, ASLEEP, script.at + 8).recovered is not None
    assert watch.look(run, ASLEEP, script.at + 13).recovered is None


def test_no_pause_no_words() -> None:
    script = Transcript().start_up().begin_training().epoch(1)
    watch, run = Watch(History()), Run()
    assert set(look_each_second(script, watch, run, script.at)) == {VerdictState.ON_SCHEDULE}
    assert watch.look(run, ASLEEP, script.at).recovered is None


def test_patience_holds_the_warning_back_until_it_ends() -> None:
    script = stuck_photo()
    run, watch = replay(script.messages), Watch(History())
    assert watch.look(run, ASLEEP, script.at).verdict.state is VerdictState.LIKELY_STUCK
    watch.keep_waiting(script.at)
    verdict = watch.look(run, ASLEEP, script.at + 10).verdict
    assert (verdict.state, verdict.cause) == (VerdictState.SLOW, "one_photo")
    for second in range(11, 301):
        assert (
            watch.look(run, ASLEEP, script.at + second).verdict.state is not VerdictState.LIKELY_STUCK
            or second >= 300
        )
    assert watch.look(run, ASLEEP, script.at + 301).verdict.state is VerdictState.LIKELY_STUCK


def test_patience_ends_with_the_silence_it_was_given_for() -> None:
    script = stuck_photo()
    run, watch = replay(script.messages), Watch(History())
    watch.look(run, ASLEEP, script.at)
    watch.keep_waiting(script.at)
    script.reads()
    script.progress("first_train_batch", 10, 32)
    run.receive(script.messages[-1])
    watch.look(run, ASLEEP, script.at)
    script.reads(12)
    for _ in range(100):
        script.wait(1)
        for message in script.messages:
            run.receive(message)
        verdict = watch.look(run, ASLEEP, script.at).verdict
    assert verdict.state is VerdictState.LIKELY_STUCK


def test_note_on_learning_that_was_read_is_not_told_again() -> None:
    script = Transcript().start_up().begin_training().steps(1, 40).steps(41, 60, loss=None)
    run, watch = replay(script.messages), Watch(History())
    assert not watch.look(run, Evidence(), script.at).quiet
    watch.keep_going("loss_is_nan")
    view = watch.look(run, Evidence(), script.at)
    assert view.verdict.cause == "loss_is_nan" and view.quiet


def test_computer_that_slept_is_told_and_makes_no_run_stuck() -> None:
    script = stuck_photo(0)
    script.wait(20)
    run, watch = replay(script.messages), Watch(History())
    assert watch.look(run, ASLEEP, script.at).verdict.state is VerdictState.SLOW
    view = watch.look(run, replace(ASLEEP, slept_s=3600), script.at + 100)
    assert view.recovered == "The computer was asleep for 1 h 0 min. The clocks were reset."
    assert view.verdict.state is VerdictState.SLOW


def test_run_that_does_not_go_on_after_a_sleep_is_called_stuck_all_the_same() -> None:
    script = stuck_photo(0)
    script.wait(20)
    run, watch = replay(script.messages), Watch(History())
    watch.look(run, ASLEEP, script.at)
    states = [watch.look(run, ASLEEP, script.at + 70 + s).verdict.state for s in range(17)]
    assert set(states[:15]) == {VerdictState.SLOW} and states[-1] is VerdictState.LIKELY_STUCK


def test_stacks_are_wanted_once_in_a_while_of_a_silence_and_never_of_a_run_that_moves() -> None:
    script = stuck_photo(0)
    began = script.at
    script.wait(200)
    run, watch = replay(script.messages), Watch(History())
    wanted = [s for s in range(190) if watch.look(run, ASLEEP, began + s).stacks_wanted]
    assert wanted and 4 <= len(wanted) <= 12
    healthy = Transcript().start_up().begin_training()
    healthy.steps(1, 200)
    run, watch = Run(), Watch(History())
    for message in healthy.messages:
        run.receive(message)
        assert not watch.look(run, ASLEEP, message.at).stacks_wanted


def test_silence_does_not_count_while_the_computer_slept() -> None:
    """Clocks that go on while a computer sleeps, as on Windows, count hours in which nothing was due."""
    script = Transcript().start_up().begin_training().epoch(1)
    run, watch = replay(script.messages), Watch(History())
    woke = script.at + 25_000
    watch.look(run, ASLEEP, script.at + 1)
    watch.look(run, replace(ASLEEP, slept_s=24_990), woke)
    states = [watch.look(run, ASLEEP, woke + second).verdict.state for second in range(1, 90)]
    assert VerdictState.LIKELY_STUCK not in states[:25] and states[-1] is VerdictState.LIKELY_STUCK


def test_heart_that_stopped_while_we_looked_on_says_that_python_stands_still() -> None:
    script = stuck_photo(0)
    script.wait(5)
    run, watch = replay(script.messages), Watch(History())
    still = [watch.look(run, ASLEEP, script.at + second).stands_still for second in range(20)]
    assert not any(still[:10]) and all(still[12:])


def test_heart_that_stopped_while_the_computer_slept_does_not() -> None:
    script = stuck_photo(0)
    script.wait(5)
    run, watch = replay(script.messages), Watch(History())
    watch.look(run, ASLEEP, script.at)
    assert not any(watch.look(run, ASLEEP, script.at + 60 + second).stands_still for second in range(15))
