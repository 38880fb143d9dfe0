"""RunSession: one run followed in one place, whoever drives it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.monitor.transcripts import Transcript, crash, healthy
from waste_gui import protocol
from waste_gui.monitor import history, session
from waste_gui.monitor.crash import ProcessOutcome
from waste_gui.monitor.engine_clock import EngineClock
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.history import History
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.session import RunSession
from waste_gui.monitor.stall import diagnose
from waste_gui.monitor.verdict import Action, VerdictState
from waste_gui.monitor.watch import STOOD_STILL_S, View
from waste_gui.owner import OTHER_HOST_S, Owner
from waste_gui.protocol import AnyMessage, encode
from waste_gui.rundir import RunDir, data_dir, runs_dir

UNIX = 1_700_000_000.0


class Clock:
    """What the test says it is."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def at_once(name: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
    then(work())


def never(name: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
    """A disk that does not answer."""


def session_of(messages: list[AnyMessage], clock: Clock, beside: session.Beside = at_once) -> RunSession:
    """Started here, with all of it told."""
    run = RunSession(beside, clock=EngineClock(clock, lambda: UNIX + clock.at), past=History())
    run.launched()
    for message in messages:
        clock.at = 1000.0 + message.at
        run.receive([message])
    return run


def verdicts(looks: int) -> list[View]:
    """Of a run that falls silent, each second; between two ticks it is looked at so many times."""
    clock = Clock()
    run = session_of(crash().messages, clock)
    told: list[View] = []
    for _ in range(200):
        clock.at += 1
        for _ in range(looks):
            run.snapshot()
        run.tick()
        view = run.snapshot().view
        assert view is not None
        told.append(view)
    return told


def test_looking_changes_nothing_of_what_is_told_later() -> None:
    told = verdicts(looks=0)
    assert len({view.verdict.cause for view in told}) > 1
    assert any(view.stacks_wanted for view in told)
    assert verdicts(looks=5) == told


def test_thousand_looks_at_one_moment_give_the_same() -> None:
    clock = Clock()
    run = session_of(crash().messages, clock)
    clock.at += 40
    run.tick()
    first = run.snapshot()
    timeline = [(lane.open, lane.ends_at) for lane in first.timeline.lanes]
    assert first.view is not None and first.view.stacks_wanted
    for _ in range(1000):
        assert run.snapshot() == first
    assert [(lane.open, lane.ends_at) for lane in run.timeline.lanes] == timeline


def test_disk_that_never_answers_holds_nobody_up() -> None:
    clock = Clock()
    run = session_of(crash().messages, clock, beside=never)
    for _ in range(100):
        clock.at += 1
        run.look()
        run.tick()
    view = run.snapshot().view
    assert view is not None and view.verdict.state is VerdictState.LIKELY_STUCK


# --- elsewhere


@pytest.fixture
def folder() -> RunDir:
    """Of a run that another computer trains, in the home of both."""
    run = RunDir(runs_dir() / "2026-01-01_there")
    run.create()
    lock = {"pid": os.getpid(), "started": 1.0, "host": "lab", "identity": "x y 1"}
    run.lock.write_text(json.dumps(lock))
    run.events.touch()
    return run


def followed(folder: RunDir, messages: list[AnyMessage], clock: Clock) -> RunSession:
    run = RunSession(at_once, folder, clock=EngineClock(clock, lambda: UNIX + clock.at), past=History())
    clock.at = messages[-1].at
    run.caught_up = False
    run.receive(messages)
    run.caught_up = True
    run.look()
    run.look()
    return run


def test_run_elsewhere_is_said_to_run_there_and_is_observed_by_its_words_alone(folder: RunDir) -> None:
    clock = Clock()
    run = followed(folder, crash().messages, clock)
    run.tick()
    shown = run.snapshot()
    assert shown.elsewhere == "lab" and shown.live and not run.gone
    assert shown.evidence == Evidence(elsewhere="lab")
    assert shown.view is not None and shown.view.verdict.text.startswith("It runs on lab. ")
    assert run.owner is not None and not run.owner.here


def test_run_elsewhere_that_falls_silent_is_not_heard_and_never_crashed(folder: RunDir) -> None:
    clock = Clock()
    run = followed(folder, crash().messages, clock)
    os.utime(folder.events, (1, 1))
    causes: dict[str, VerdictState] = {}
    for _ in range(7200):
        clock.at += 1
        run.tick()
        view = run.snapshot().view
        assert view is not None
        causes[view.verdict.cause] = view.verdict.state
    run.look()
    assert not run.gone and run.run.phase.running
    assert (
        view is not None
        and view.verdict.title.startswith("Not heard for 2 h")
        and view.verdict.title.endswith("runs on lab")
    )
    assert "cannot be seen from here" in view.verdict.text
    assert causes["not_heard"] is VerdictState.LIKELY_STUCK


def test_stop_that_is_not_obeyed_elsewhere_is_to_be_made_there(folder: RunDir) -> None:
    clock = Clock()
    run = followed(folder, crash().messages, clock)
    run.stop_asked()
    clock.at += 25
    run.tick()
    view = run.snapshot().view
    assert view is not None and view.verdict.cause == "not_stopping"
    assert "cannot be ended from here: end it on lab" in view.verdict.text
    assert Action.FORCE_STOP not in view.verdict.actions


def test_finished_run_of_another_computer_teaches_nothing_here(folder: RunDir) -> None:
    clock = Clock()
    run = followed(folder, healthy().messages, clock)
    assert run.gone
    run.end(ProcessOutcome())
    assert run.run.phase is RunPhase.FINISHED and not (data_dir() / history.FILE_NAME).exists()


@pytest.mark.parametrize(("at_home", "learns"), [(True, True), (False, False)])
def test_run_that_ended_unseen_teaches_only_from_the_persons_own_runs(
    at_home: bool, learns: bool, tmp_path: Path
) -> None:
    """One that says it was here, but lies in a folder that somebody gave us, may say anything."""
    folder = RunDir((runs_dir() if at_home else tmp_path) / "run")
    folder.create()
    messages = healthy().messages
    messages[0] = msgspec.structs.replace(messages[0], host=socket.gethostname())
    run = followed(folder, messages, Clock())
    run.end(ProcessOutcome())
    assert (data_dir() / history.FILE_NAME).exists() is learns


def test_run_elsewhere_without_a_lock_is_waited_for(folder: RunDir) -> None:
    """Its last words may come later than its lock goes, on a shared drive."""
    folder.lock.unlink()
    run = followed(folder, crash().messages, Clock())
    assert run.snapshot().elsewhere == "lab" and not run.gone
    long_ago = time.time() - 2 * OTHER_HOST_S
    os.utime(folder.events, (long_ago, long_ago))
    run.look()
    assert run.gone


def test_every_rule_stands_without_a_look_at_the_processes(folder: RunDir) -> None:
    """Whatever a run elsewhere tells, and however long it is silent, no verdict speaks of this computer."""
    script = Transcript().start_up().begin_training().epoch(1)
    run = followed(folder, script.messages, Clock())
    for silence in (0, 5, 20, 40, 90, 300, 4000):
        verdict = diagnose(run.run, _remaining(run), run.evidence, run.now() + silence)
        assert "lab" in verdict.text and verdict.state is not VerdictState.ENDED


def _remaining(run: RunSession) -> Any:
    run.tick()
    assert run.view is not None
    return run.view.remaining


def test_two_starts_in_one_file_are_two_runs(folder: RunDir) -> None:
    first = crash().messages
    again = [msgspec.structs.replace(first[0], pid=4243), *first[1:20]]
    run = followed(folder, [*first, *again], Clock())
    assert run.run.messages == 20 and run.run.started is not None and run.run.started.pid == 4243


# --- stood still


def test_run_that_is_attached_to_is_not_said_to_have_stood_still_or_paused_before(folder: RunDir) -> None:
    """Its first looks come before anything of its time is known."""
    clock, messages = Clock(), Transcript(3).start_up().begin_training().epoch(1).messages
    clock.at += messages[-1].at + 0.5
    began = messages[0].started_at if isinstance(messages[0], protocol.RunStarted) else 0.0
    engine_clock = EngineClock(clock, lambda: began + clock.at - 1000.0)
    run = RunSession(at_once, folder, clock=engine_clock, past=History())
    run.caught_up = False
    run.tick()
    for i in range(0, len(messages), 50):
        clock.at += 0.1
        run.receive(messages[i : i + 50])
        run.tick()
    assert run.now() > STOOD_STILL_S
    run.caught_up = True
    run.tick()
    view = run.snapshot().view
    assert view is not None and view.recovered is None
    clock.at += STOOD_STILL_S + 1
    run.tick()
    view = run.snapshot().view
    assert view is not None and view.recovered is not None


def standing_still(seconds: float) -> list[AnyMessage]:
    """Two epochs, in whose second the process was stopped for so long."""
    script = Transcript(3).start_up().begin_training().epoch(1)
    began = script.at
    script.wait(1.0)
    script.at += seconds
    script._next_beat = script.at + 1
    if seconds:
        script.say(
            protocol.Heartbeat(where="", workers=(), queued=0, gpu=None, stood_still_s=round(seconds, 3))
        )
    script.epoch(2)
    assert script.at - began > seconds
    return script.messages


@pytest.mark.parametrize("at_a_time", [1, 10_000])
def test_time_that_the_process_stood_still_counts_in_no_epoch(at_a_time: int) -> None:
    """Live, and read from its file."""
    told = {}
    for seconds in (0.0, 600.0):
        clock, messages = Clock(), standing_still(seconds)
        run = RunSession(at_once, clock=EngineClock(clock), past=History())
        run.launched()
        for i in range(0, len(messages), at_a_time):
            part = messages[i : i + at_a_time]
            clock.at = 1000 + part[-1].at
            run.receive(part)
        run.tick()
        view = run.snapshot().view
        assert view is not None
        train = run.run.stages["train"]
        told[seconds] = (
            pytest.approx(list(run.run.epoch_times), abs=2),
            pytest.approx(max(train.gaps), abs=2),
            pytest.approx(view.remaining.run_s, abs=5),
            view.verdict.cause,
        )
    assert told[0.0] == tuple(each.expected if hasattr(each, "expected") else each for each in told[600.0])


def test_events_of_the_engine_are_what_the_session_reads(folder: RunDir) -> None:
    beat = protocol.Heartbeat(where="", workers=(), queued=0, gpu=None, stood_still_s=3.5)
    assert protocol.decode(encode(beat).strip()) == beat


def test_owner_of_a_session_is_asked_once_for_all(folder: RunDir) -> None:
    """A child of ours is not looked for in a lock that anybody could write."""
    run = session_of(crash().messages, Clock())
    run.started_as(Owner(os.getpid(), "here", "x", here=True, ours=True))
    run.look()
    assert run.snapshot().elsewhere == "" and not run.gone


def test_second_start_told_by_an_engine_of_ours_begins_nothing_anew() -> None:
    messages = crash().messages
    run = session_of(messages, Clock())
    forged = msgspec.structs.replace(messages[0], seq=len(messages), pid=1, started_at=1.0)
    before = run.run
    run.receive([forged])
    assert run.run is before and run.run.messages == len(messages) + 1
