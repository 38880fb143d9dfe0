"""The timeline as it is drawn: rows, what stands under the mouse, keys, colours."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.monitor import transcripts
from tests.monitor.test_timeline import told
from waste_gui.bounds import LONGEST_S
from waste_gui.gui.common.axis_follow import Follow
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.diagnosis.lanes import curve_image, divided, lane_image, look
from waste_gui.gui.diagnosis.timeline import EMPTY, TimelinePanel, TimelineView
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.lanes import Lane, SegmentKind
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.timeline import Timeline
from waste_gui.protocol import GpuState, Heartbeat


def stuck_timeline() -> Timeline:
    timeline = told(transcripts.dead_drive().messages)
    machine = Machine(memory_bytes=16 * 10**9, free_memory_bytes=9 * 10**9)
    timeline.look(Evidence(cpu_percent=3, io_bytes_per_s=900, machine=machine), timeline.now)
    return timeline


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme) -> TimelinePanel:
    panel = TimelinePanel()
    qtbot.addWidget(panel)
    panel.resize(1000, 420)
    panel.show()
    return panel


def place(view: TimelineView, title: str, time: float) -> QPointF:
    """Where this moment of this row is, in the view."""
    row = next(row for row in view._drawing.rows if row.title == title)
    scene = view._box.mapViewToScene(QPointF(time, row.middle))
    return QPointF(view.mapFromScene(scene))


def in_sight(view: TimelineView) -> tuple[float, float]:
    low, high = view._box.viewRange()[0]
    return low, high


def following(view: TimelineView) -> Follow:
    return view.follow


def test_nothing_heard_says_what_will_be_here(panel: TimelinePanel) -> None:
    panel.show_timeline(Timeline())
    assert panel._empty.isVisible() and panel._empty.text() == EMPTY


def test_rows_are_stages_main_thread_workers_events_and_what_was_measured(panel: TimelinePanel) -> None:
    panel.show_timeline(stuck_timeline())
    titles = [row.title for row in panel.view._drawing.rows]
    assert titles == [
        "Stages",
        "Main thread",
        "Worker 11",
        "Worker 12",
        "Events",
        "Processor",
        "Disk",
        "Free memory",
    ]


def test_mouse_over_a_worker_tells_photo_and_how_long(panel: TimelinePanel) -> None:
    panel.show_timeline(stuck_timeline())
    words = panel.view.words_at(place(panel.view, "Worker 11", 100))
    assert words == "Worker 11: IMG_0042.jpg, 1 min 39 s\nfrom 0:33 to 2:12"


def test_mouse_over_main_thread_stage_curve_and_event_tells_what_it_is(panel: TimelinePanel) -> None:
    timeline = told(transcripts.healthy().messages)
    timeline._ended = False
    timeline.look(Evidence(cpu_percent=3), timeline.now)
    panel.show_timeline(timeline)
    view = panel.view
    assert view.words_at(place(view, "Main thread", 31)).startswith(
        "Main thread: waits for photos 10 %, copies 10 %, computes 80 %"
    )
    assert view.words_at(place(view, "Stages", 3)).startswith("Stages: Start PyTorch, 6 s")
    assert view.words_at(place(view, "Processor", 44)) == "Processor at 0:44: 3 %"
    saved = next(mark for mark in timeline.marks)
    assert "Saved after step" in view.words_at(place(view, "Events", saved.at))
    assert view.words_at(QPointF(3, 3)) == ""


def test_file_name_with_markup_is_plain_text(panel: TimelinePanel) -> None:
    script = transcripts.Transcript()
    script.reads(11, path="/data/<img src='x'>.jpg")
    script.wait(40)
    timeline = told(script.messages)
    panel.show_timeline(timeline)
    view = panel.view
    QTest.mouseMove(view.viewport(), place(view, "Worker 11", 20).toPoint())
    assert "<img src='x'>.jpg" in view.words_at(place(view, "Worker 11", 20))


def test_keys_follow_zoom_pan_and_show_all(panel: TimelinePanel) -> None:
    timeline = stuck_timeline()
    panel.show_timeline(timeline)
    view = panel.view
    low, high = in_sight(view)
    assert low == 0 and high >= timeline.now
    QTest.keyClick(view, Qt.Key.Key_Plus)
    closer = in_sight(view)
    assert closer[1] - closer[0] < high and closer[0] < timeline.now < closer[1]
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert in_sight(view)[0] < closer[0]
    assert following(view) is Follow.STAY
    QTest.keyClick(view, Qt.Key.Key_Minus)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert following(view) is Follow.ALL and in_sight(view)[0] == 0
    QTest.keyClick(view, Qt.Key.Key_Plus)
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert following(view) is Follow.NEWEST


def test_following_keeps_the_newest_in_sight(panel: TimelinePanel) -> None:
    timeline = stuck_timeline()
    panel.show_timeline(timeline)
    QTest.keyClick(panel.view, Qt.Key.Key_Plus)
    QTest.keyClick(panel.view, Qt.Key.Key_Space)
    timeline.receive(Heartbeat(seq=9_999, at=500.0, where="", workers=(), queued=0, gpu=None))
    panel.show_timeline(timeline)
    low, high = in_sight(panel.view)
    assert low > 0 and low < 500 < high


def test_what_is_looked_at_stays_when_something_comes(panel: TimelinePanel) -> None:
    timeline = stuck_timeline()
    panel.show_timeline(timeline)
    QTest.keyClick(panel.view, Qt.Key.Key_Plus)
    QTest.keyClick(panel.view, Qt.Key.Key_Left)
    before = in_sight(panel.view)
    timeline.receive(Heartbeat(seq=9_999, at=500.0, where="", workers=(), queued=0, gpu=None))
    panel.show_timeline(timeline)
    assert in_sight(panel.view) == before


def test_legend_names_what_is_there_and_no_more(panel: TimelinePanel) -> None:
    panel.show_timeline(stuck_timeline())
    words = panel.legend.words
    assert "one photo, over 20 s" in words and "waits for photos" in words
    assert "paused" not in words and "saved" not in words


def test_many_workers_can_be_scrolled(panel: TimelinePanel) -> None:
    script = transcripts.Transcript()
    script.workers = tuple(transcripts.worker(pid) for pid in range(100, 140))
    script.wait(5)
    panel.show_timeline(told(script.messages))
    assert panel.view.minimumHeight() > panel.height()
    assert len(panel.view._drawing.rows) == 43


def colours_of(image: QImage) -> list[set[int]]:
    """Of each column of pixels."""
    return [{image.pixel(x, y) for y in range(image.height())} for x in range(image.width())]


def test_each_column_is_divided_by_what_was_done_in_it(theme: Theme) -> None:
    lane = Lane("Worker", (SegmentKind.READING, SegmentKind.HELD))
    lane.become(SegmentKind.READING, 0)
    lane.become(SegmentKind.HELD, 5)
    lane.close(10)
    seconds = divided(lane.segments(), 0, 20, 20)
    assert np.allclose(seconds.sum(axis=0), [5, 5])
    columns = colours_of(lane_image(lane.segments(), lane.kinds, 0, 20, 20, 8))
    assert columns[0] == {look(SegmentKind.READING).colour.rgba()}
    assert columns[7] == {look(SegmentKind.HELD).colour.rgba()}
    assert columns[15] == {0}


def test_no_peak_of_a_curve_is_lost(theme: Theme) -> None:
    times, values = np.arange(100.0), np.zeros(100)
    values[50] = 1.0
    image = curve_image(times, values, values, (0.0, 99.0), 200, 30)
    tops = [min((y for y in range(30) if image.pixel(x, y)), default=30) for x in range(200)]
    assert min(tops) <= 1


@pytest.mark.parametrize("name", ["light", "dark"])
def test_kinds_differ_in_more_than_colour_or_in_their_row(theme: Theme, name: str) -> None:
    theme.choose(name)  # type: ignore[arg-type]
    main = (SegmentKind.WAIT, SegmentKind.COPY, SegmentKind.COMPUTE, SegmentKind.VALIDATE, SegmentKind.SAVE)
    drawn = {(how.colour.rgba(), how.pattern) for how in map(look, main)}
    assert len(drawn) == len(main)
    assert {look(kind).pattern for kind in (SegmentKind.WAIT, SegmentKind.COPY, SegmentKind.COMPUTE)} == {
        "slanted",
        "upright",
        "plain",
    }


def test_theme_change_draws_in_new_colours(panel: TimelinePanel, theme: Theme) -> None:
    panel.show_timeline(stuck_timeline())
    light = panel.grab().toImage()
    theme.choose("dark")
    assert panel.grab().toImage() != light


def test_gpu_has_a_curve_where_there_is_one(panel: TimelinePanel) -> None:
    script = transcripts.Transcript()
    script.wait(3)
    messages = [
        msgspec.structs.replace(message, gpu=GpuState(utilisation=93.0, memory_used=1, memory_total=2))
        if isinstance(message, Heartbeat)
        else message
        for message in script.messages
    ]
    panel.show_timeline(told(messages))
    assert panel.view._drawing.rows[-1].title == "GPU"


@pytest.mark.parametrize("at", [1e5, 1e7, LONGEST_S])
def test_time_that_no_run_takes_is_drawn_with_few_ticks(panel: TimelinePanel, at: float) -> None:
    """As many as days were drawn, of a year of years: Qt ran out of memory, or of its stack."""
    timeline = told(transcripts.healthy().messages)
    timeline.receive(Heartbeat(where="training", workers=(), queued=0, gpu=None, seq=9_999, at=at))
    panel.show_timeline(timeline)
    panel.grab()
    axis = panel.view._top
    low, high = in_sight(panel.view)
    assert len(axis.tickValues(low, high, panel.view.width())[0][1]) < 20
