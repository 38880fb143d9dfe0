"""Timeline: who did what when, by replayed runs; and that it stays small whatever comes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.monitor import transcripts
from tests.monitor.transcripts import PHOTO, Transcript, worker
from waste_gui import protocol
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.lanes import HELD_S, SAMPLES, SEGMENTS, Curve, Lane, SegmentKind
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.stretches import in_stretches
from waste_gui.monitor.timeline import SILENT_S, MarkKind, Timeline
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.protocol import AnyMessage, Heartbeat, Metric, StageStarted, Timing

Said = tuple[float, float, str, dict[SegmentKind, float]]


def told(messages: Iterable[AnyMessage]) -> Timeline:
    timeline = Timeline()
    for message in messages:
        timeline.receive(message)
    return timeline


def said(lane: Lane) -> list[Said]:
    """Start, end, name, and seconds by kind of each segment."""
    segments = lane.segments()
    return [
        (
            float(segments.start[i]),
            float(segments.end[i]),
            segments.names[segments.name[i]],
            {kind: float(s) for kind, s in zip(lane.kinds, segments.seconds[i], strict=True) if s > 1e-9},
        )
        for i in range(len(segments))
    ]


def seconds(lane: Lane) -> dict[SegmentKind, float]:
    """Of all segments together."""
    total = lane.segments().seconds.sum(axis=0)
    return {kind: float(s) for kind, s in zip(lane.kinds, total, strict=True) if s > 1e-9}


def test_stages_follow_one_another_with_validation_and_saving_inside_training() -> None:
    timeline = told(transcripts.healthy().messages)
    names = [name for _, _, name, _ in said(timeline.stages)]
    assert names[:3] == ["Start PyTorch", "Scan photos", "Build the model"]
    assert names[-6:] == ["Train", "Validate", "Save", "Train", "Validate", "Save"]
    starts, ends = timeline.stages.segments().start, timeline.stages.segments().end
    assert np.allclose(starts[1:], ends[:-1])


def test_time_of_the_steps_is_split_into_waiting_copying_and_computing() -> None:
    timeline = told(transcripts.healthy().messages)
    spent = seconds(timeline.main)
    steps_s = spent[SegmentKind.COMPUTE] / 0.8
    assert steps_s == pytest.approx(10, abs=0.5)  # Two epochs of 50 steps of 0.1 s.
    assert spent[SegmentKind.COPY] == pytest.approx(0.1 * steps_s)
    assert spent[SegmentKind.SAVE] == pytest.approx(1.0, abs=0.5)


def test_main_thread_that_waits_for_photos_is_seen_to_wait_from_its_last_step() -> None:
    script = transcripts.dead_drive()
    timeline = told(script.messages)
    start, end, _, kinds = said(timeline.main)[-1]
    last_step = max(m.at for m in script.messages if isinstance(m, Metric))
    assert start == pytest.approx(last_step)
    assert end == pytest.approx(script.messages[-1].at)
    assert set(kinds) == {SegmentKind.WAIT}


def test_worker_is_on_its_photo_since_it_began_it() -> None:
    script = transcripts.stuck_photo()
    timeline = told(script.messages)
    held, idle = timeline.workers
    start, end, name, kinds = said(held)[-1]
    assert (name, set(kinds)) == (PHOTO, {SegmentKind.HELD})
    assert end - start == pytest.approx(100, abs=1.1)
    assert said(idle)[-1][3].keys() == {SegmentKind.IDLE}


@pytest.mark.parametrize(
    ("held_s", "kind"), [(1.0, SegmentKind.READING), (5.0, SegmentKind.LONG), (40.0, SegmentKind.HELD)]
)
def test_photo_is_named_once_it_takes_long(held_s: float, kind: SegmentKind) -> None:
    script = Transcript()
    script.workers = (worker(11),)
    script.wait(3)
    script.reads(11)
    script.wait(held_s)
    script.reads()
    script.wait(2)
    lane = told(script.messages).workers[0]
    named = [(name, set(kinds)) for _, _, name, kinds in said(lane) if name]
    assert named == ([] if kind is SegmentKind.READING else [(PHOTO, {kind})])


def test_replaced_worker_goes_on_in_the_lane_of_the_one_before() -> None:
    script = Transcript()
    script.wait(3)
    script.workers = (worker(11), worker(13))
    script.wait(3)
    timeline = told(script.messages)
    assert [lane.title for lane in timeline.workers] == ["Worker 11", "Worker 13"]
    assert said(timeline.workers[1])[-1][1] == 6


def test_silence_is_seen_and_ends_with_the_next_beat() -> None:
    script = Transcript().start_up().begin_training().steps(1, 30)
    script.beats = False
    silent_from = script.at
    timeline = told(script.messages)
    timeline.look(Evidence(), script.at + 20)
    assert timeline.main.open is not None and timeline.main.open.kind is SegmentKind.SILENT
    assert timeline.main.open.start == pytest.approx(silent_from, abs=SILENT_S)
    before = len(script.messages)
    script.wait(25)
    script.beats = True
    script.wait(2)
    for message in script.messages[before:]:
        timeline.receive(message)
    assert seconds(timeline.main)[SegmentKind.SILENT] == pytest.approx(20, abs=1)
    assert timeline.main.open.kind is not SegmentKind.SILENT


def test_pause_is_no_computing() -> None:
    script = Transcript().start_up().begin_training().steps(1, 30)
    script.where = "paused"
    script.wait(30)
    assert seconds(told(script.messages).main)[SegmentKind.PAUSED] == pytest.approx(30, abs=1.5)


def test_events_are_marked() -> None:
    script = transcripts.healthy()
    script.say(protocol.Warned(text="The disk is nearly full."))
    timeline = told(script.messages)
    kinds = [mark.kind for mark in timeline.marks]
    assert kinds.count(MarkKind.SAVED) == 2
    assert timeline.marks[-1].text == "The disk is nearly full."


def test_change_of_verdict_is_marked_once_and_so_is_a_sleep() -> None:
    timeline = told(transcripts.stuck_photo(10).messages)
    slept = Evidence(slept_s=600)
    stuck = Verdict(VerdictState.LIKELY_STUCK, "one_photo", "Likely stuck: one photo", "")
    for _ in range(5):
        timeline.look(slept, 30, stuck)
    assert [(m.kind, m.text) for m in timeline.marks] == [
        (MarkKind.SLEPT, "The computer slept for 600 s"),
        (MarkKind.STUCK, "Likely stuck: one photo"),
    ]


def test_main_thread_of_a_stuck_run_makes_no_progress_until_it_moves_again() -> None:
    script = Transcript().start_up().begin_training().steps(1, 30)
    moved_at, stuck = script.at, Verdict(VerdictState.LIKELY_STUCK, "frozen", "Likely stuck", "")
    script.where = "training step"
    script.wait(40)
    timeline = told(script.messages)
    assert timeline.main.open is not None and timeline.main.open.kind is SegmentKind.COMPUTE
    timeline.look(Evidence(), script.at, stuck, moved_at)
    before = len(script.messages)
    script.wait(10)
    for message in script.messages[before:]:
        timeline.receive(message)
        timeline.look(Evidence(), message.at, stuck, moved_at)
    assert seconds(timeline.main)[SegmentKind.STUCK] == pytest.approx(50, abs=1)
    before = len(script.messages)
    script.steps(31, 60)
    for message in script.messages[before:]:
        timeline.receive(message)
    timeline.look(Evidence(), script.at, Verdict(VerdictState.ON_SCHEDULE, "", "On schedule", ""), script.at)
    assert seconds(timeline.main)[SegmentKind.STUCK] == pytest.approx(50, abs=1)
    assert seconds(timeline.main)[SegmentKind.COMPUTE] == pytest.approx(3 + 3, abs=1)


def test_load_is_kept_as_curves() -> None:
    timeline = told(transcripts.healthy().messages)
    timeline._ended = False
    timeline.look(Evidence(cpu_percent=180, machine=Machine(free_memory_bytes=9)), 50)
    assert timeline.curves["cpu"].last == 180
    assert timeline.curves["memory"].last == 9
    assert len(timeline.curves["disk"]) == 0


def test_message_that_came_before_is_passed_over() -> None:
    messages = transcripts.healthy().messages
    once, twice = told(messages), told([*messages, *messages])
    assert said(once.main) == said(twice.main)


def test_run_that_is_caught_up_with_keeps_its_times_and_the_photos_that_took_long() -> None:
    script = Transcript().start_up().begin_training().steps(1, 600, each_s=0.5)
    script.workers = (worker(11, "reading", PHOTO, script.at), worker(12))
    script.wait(7)
    script.workers = (worker(11), worker(12))
    script.wait(60)
    caught_up, followed = Timeline(), told(script.messages)
    caught_up.receive_all(in_stretches(script.messages))
    assert caught_up.now == followed.now
    for kind, spent in seconds(followed.main).items():
        assert seconds(caught_up.main)[kind] == pytest.approx(spent, rel=0.02, abs=2), kind
    assert PHOTO in {name for _, _, name, _ in said(caught_up.workers[0])}


def test_twelve_hours_stay_bounded_and_lose_no_time() -> None:
    """A metric and a beat each second, and photos that change all the time."""
    hours_s = 12 * 3600
    timeline = Timeline()
    timeline.receive(StageStarted(stage="train", at=0.0))
    timing = Timing(wait_s=0.02, copy_s=0.01, compute_s=0.07)
    for second in range(1, hours_s):
        at = float(second)
        metric = Metric(seq=2 * second, at=at, step=second, epoch=1, values={}, timing=timing, images_per_s=1)
        timeline.receive(metric)
        path = f"/photos/{second // 3}.jpg"
        workers = (worker(11, "reading", path, second % 3 + 0.5), worker(12, "idle", None, 0.9))
        timeline.receive(Heartbeat(seq=2 * second + 1, at=at, where="", workers=workers, queued=0, gpu=None))
    assert all(len(lane) <= SEGMENTS for lane in timeline.lanes)
    spent = seconds(timeline.main)
    assert sum(spent.values()) == pytest.approx(hours_s, rel=0.001)
    assert spent[SegmentKind.WAIT] == pytest.approx(0.2 * hours_s, rel=0.001)
    assert sum(len(lane._names) for lane in timeline.lanes) <= 2 * SEGMENTS


def test_a_long_hold_survives_when_its_neighbours_are_merged() -> None:
    lane = Lane(
        "Worker", (SegmentKind.READING, SegmentKind.LONG, SegmentKind.HELD, SegmentKind.IDLE), capacity=400
    )
    lane.become(SegmentKind.READING, 0, "/held.jpg")
    for i in range(4000):
        lane.become(SegmentKind.IDLE if i % 2 else SegmentKind.READING, 200 + 0.2 * i)
    named = [segment for segment in said(lane) if segment[2]]
    assert [(name, set(kinds)) for _, _, name, kinds in named] == [("/held.jpg", {SegmentKind.HELD})]
    assert named[0][:2] == (0.0, 200.0)
    assert 200 > HELD_S and len(lane) <= 400


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((SegmentKind.WAIT, SegmentKind.COMPUTE, SegmentKind.SAVE)), st.floats(0.01, 30)
        )
    )
)
def test_coarser_segments_never_overlap_and_keep_the_seconds_of_each_kind(
    steps: list[tuple[SegmentKind, float]],
) -> None:
    lane = Lane("Main", (SegmentKind.WAIT, SegmentKind.COMPUTE, SegmentKind.SAVE), capacity=16)
    at, spent = 0.0, dict.fromkeys(lane.kinds, 0.0)
    for kind, length in steps:
        lane.become(kind, at)
        at += length
        spent[kind] += length
    lane.close(at)
    segments = lane.segments()
    assert len(segments) <= 16
    assert (segments.start[1:] >= segments.end[:-1] - 1e-6).all()
    assert np.allclose(segments.seconds.sum(axis=0), list(spent.values()))


def test_curve_keeps_the_extremes_of_what_it_merges() -> None:
    curve = Curve(capacity=100)
    rng = np.random.default_rng(0)
    values = rng.normal(size=5000)
    for at, value in enumerate(values):
        curve.append(float(at), float(value))
    assert len(curve) <= 100 < SAMPLES
    _, low, high = curve.thinned(0, 5000, 30)
    assert (low.min(), high.max()) == (values.min(), values.max())
