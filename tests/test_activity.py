"""What is a state stands in a field of its own: no word beside it changes what a reader makes of it."""

from __future__ import annotations

import json

import pytest

from tests.monitor.transcripts import Transcript, replay, worker
from waste_gui import protocol as p
from waste_gui.monitor.context import Context
from waste_gui.monitor.countdown import remaining
from waste_gui.monitor.evidence import NOTHING_KNOWN
from waste_gui.monitor.history import History
from waste_gui.monitor.rules.machine import not_saved
from waste_gui.monitor.rules.photos import handover
from waste_gui.protocol import Activity, NotSavedCause

BEAT = {"type": "heartbeat", "seq": 3, "at": 3.0, "workers": [], "queued": 0, "gpu": None}


def decoded(**fields: object) -> p.Heartbeat:
    message = p.decode(json.dumps(BEAT | fields).encode())
    assert isinstance(message, p.Heartbeat), message
    return message


@pytest.mark.parametrize("activity", [each for each in Activity if each is not Activity.UNTOLD])
@pytest.mark.parametrize("where", ["paused", "waiting for photos", "", "anything full of photos"])
def test_activity_is_believed_whatever_the_words_say(activity: Activity, where: str) -> None:
    beat = decoded(where=where, activity=activity.value)
    assert beat.activity is activity
    assert p.decode(p.encode(beat)) == beat


@pytest.mark.parametrize(
    ("where", "activity"),
    [
        ("paused", Activity.PAUSED),
        ("waiting for photos", Activity.WAITING_FOR_PHOTOS),
        ("One photo", Activity.WAITING_FOR_PHOTOS),
        ("waiting for /media/lab/usb drive", Activity.WAITING_FOR_SOURCE),
        ("waiting for the disk of the run folder", Activity.WAITING_FOR_DISK),
        ("opening the photo cache", Activity.WORKING),
        ("training, epoch 1, step 2 of 3", Activity.WORKING),
        ("", Activity.WORKING),
    ],
)
def test_line_of_before_there_were_activities_is_understood(where: str, activity: Activity) -> None:
    assert decoded(where=where).activity is activity


def test_activity_that_a_newer_engine_knows_is_work() -> None:
    assert decoded(where="dreaming", activity="dreaming").activity is Activity.WORKING


@pytest.mark.parametrize("cause", [each for each in NotSavedCause if each is not NotSavedCause.UNTOLD])
def test_cause_of_what_is_not_saved_is_believed_whatever_the_words_say(cause: NotSavedCause) -> None:
    script = Transcript().start_up().begin_training()
    script.say(p.NotSaved(text="The folder /home/fuller cannot be written.", cause=cause))
    verdict = not_saved(context(script))
    assert verdict is not None
    assert verdict.cause == ("disk_full" if cause is NotSavedCause.DISK_FULL else "not_saved")
    assert ("Free" in verdict.advice) is (cause is NotSavedCause.DISK_FULL)


def test_cause_of_a_line_of_before_there_were_causes_is_in_its_words() -> None:
    full, other = (p.NotSaved(text=f"The disk of /x is {word}.") for word in ("full", "gone"))
    assert (full.cause, other.cause) == (NotSavedCause.DISK_FULL, NotSavedCause.NOT_WRITABLE)


@pytest.mark.parametrize(
    ("activity", "lost"),
    [(Activity.WAITING_FOR_PHOTOS, True), (Activity.WORKING, False), (Activity.WAITING_FOR_DISK, False)],
)
def test_photos_are_lost_only_where_the_main_thread_waits_for_them(activity: Activity, lost: bool) -> None:
    script = Transcript().start_up().begin_training()
    script.beats = False
    script.at += 200
    workers = (worker(11), worker(12))
    script.say(p.Heartbeat(where="the photo page", activity=activity, workers=workers, queued=3, gpu=None))
    assert (handover(context(script)) is not None) is lost


def context(script: Transcript) -> Context:
    run = replay(script.messages)
    left = remaining(run, script.at, History())
    return Context(run, left, NOTHING_KNOWN, script.at)
