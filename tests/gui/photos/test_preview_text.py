"""What is said of a preview: for any number of classes, any names, and intervals that are none."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from tests.gui.preview_pictures import previewed
from waste_gui import protocol as p
from waste_gui.engine.console_preview import preview_in_words
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos import preview_text as words
from waste_gui.gui.photos.doubt_strip import DoubtStrip
from waste_gui.gui.photos.doubts import SHOWN, doubts
from waste_gui.gui.photos.finding_rows import entry_of, rows
from waste_gui.gui.photos.preview_page import IN_STRIP, PreviewPage
from waste_gui.gui.photos.preview_text import Known

NAMES = st.text(max_size=80) | st.sampled_from(
    ["glass", "a\nb", "\u202egnp.x", "<img src=x>", "a & b", "\udcff", "x" * 400, "", " "]
)
PATHS = st.builds("/{}/{}".format, NAMES, NAMES) | NAMES
SHARES = st.floats(-0.01, 1.01)
INTERVALS = st.tuples(st.floats(-1.01, 1.01), st.floats(-1.01, 1.01))
COUNTS = st.integers(0, 10**15)


def lists_of(made: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(made, max_size=30).map(tuple)


PREVIEWS = st.builds(
    p.Previewed,
    accuracy=SHARES,
    interval=INTERVALS,
    photos=COUNTS,
    per_class=lists_of(st.builds(p.ClassForecast, label=NAMES, photos=COUNTS, accuracy=SHARES | st.none())),
    confused=lists_of(st.builds(p.Confused, label=NAMES, taken_for=NAMES, photos=COUNTS)),
    curve=lists_of(st.builds(p.CurvePoint, photos=COUNTS, accuracy=SHARES)),
    with_twice=INTERVALS | st.none(),
    wanted=lists_of(st.builds(p.Wanted, label=NAMES, photos=COUNTS, gain=INTERVALS)),
    sources=lists_of(st.builds(p.SourceForecast, source=PATHS, photos=COUNTS, accuracy=SHARES | st.none())),
    suspects=lists_of(st.builds(p.Suspect, path=PATHS, label=NAMES, suggested=NAMES, confidence=SHARES)),
    outliers=lists_of(st.builds(p.Outlier, path=PATHS, label=NAMES)),
    twins=lists_of(st.tuples(PATHS, PATHS)),
)
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def all_words(told: p.Previewed) -> list[str]:
    return [
        words.expected(told),
        words.basis(told),
        words.twice(told),
        words.no_curve(told),
        words.more_classes(told),
        words.elsewhere(told),
        *words.confusions(told),
        *words.wanted(told),
        *words.source_shares(told),
        *(doubt.words for doubt in doubts(told)),
    ]


@given(told=PREVIEWS)
def test_whatever_is_told_is_said_in_lines_that_do_nothing(told: p.Previewed) -> None:
    for line in all_words(told):
        assert not UNSEEN.search(line)
    assert len(words.confusions(told)) <= words.CONFUSED
    assert len(words.wanted(told)) <= words.WANTED + 1


@given(told=PREVIEWS)
def test_numbers_of_a_hundred_are_between_none_and_all(told: p.Previewed) -> None:
    for line in (words.expected(told), words.around(told.interval), words.twice(told)):
        assert all(0 <= int(number) <= 100 for number in re.findall(r"\d+", line))
    shown = words.around(told.interval).split(" to ")
    assert list(map(int, shown)) == sorted(map(int, shown))


@given(told=PREVIEWS)
def test_keys_of_doubts_are_text_and_each_is_there_once(told: p.Previewed) -> None:
    found = doubts(told)
    assert len({doubt.key for doubt in found}) == len(found)
    assert all(doubt.key.encode() for doubt in found)
    made = rows(found, {}, (), ("suspect", "twins", "outlier"))
    assert len({row.id for row in made}) == len(made)


@settings(max_examples=25, deadline=None)
@given(told=PREVIEWS)
def test_page_shows_whatever_is_told(told: p.Previewed, qtbot_page: PreviewPage) -> None:
    qtbot_page.show_known(Known(told), "")
    qtbot_page.show_doubts(doubts(told), {})
    assert not qtbot_page.grab().isNull()


@pytest.fixture(scope="module")
def qtbot_page(qapp: object) -> object:
    thumbnails = Thumbnails()
    page = PreviewPage(thumbnails)
    page.resize(900, 1600)
    page.show()
    yield page
    page.close()
    thumbnails.close()
    page.deleteLater()


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ((0.011, 0.034), "+1 to +3 points"),
        ((0.004, 0.026), "0 to +3 points"),
        ((0.009, 0.012), "+1 point"),
        ((0.021, 0.018), "+2 points"),
        ((0.021, -0.012), ""),
        ((-0.016, 0.016), ""),
        ((0.004, -0.004), ""),
        ((-0.03, -0.01), ""),
    ],
)
def test_gain_is_said_in_points_where_there_is_one_to_tell(gain: tuple[float, float], said: str) -> None:
    """One that may as well be a loss is none, here as in a terminal."""
    wanted = p.Wanted(label="tin", photos=40, gain=gain)
    told = msgspec.structs.replace(previewed(["/waste/glass/1.jpg"]), wanted=(wanted,))
    known = f"40 more of tin: {said}" if said else "More of tin: nothing that could be told"
    assert words.wanted(told) == [known]
    assert ("nothing that could be told" in "".join(preview_in_words(told))) == (not said)


def test_class_that_helps_most_is_said_first_and_those_that_do_not_together() -> None:
    told = previewed(["/waste/glass/1.jpg"])
    assert words.wanted(told) == [
        "40 more of trash: +1 to +3 points",
        "40 more of metal: 0 to +3 points",
        "40 more of plastic: 0 to +1 point",
        "More of cardboard, paper: nothing that could be told",
    ]


def test_one_folder_cannot_tell_of_another_place() -> None:
    told = previewed(["/waste/glass/1.jpg"], "preview_one_source")
    assert words.elsewhere(told).startswith("This cannot be known: all photos come from one folder")
    assert "Add a folder from another camera or place" in words.elsewhere(told)
    assert words.source_shares(told) == {}


def test_each_folder_is_left_out_in_turn() -> None:
    told = previewed(["/waste/glass/1.jpg"])
    assert words.elsewhere(told) == "Of a folder that was not trained on, 52 to 71 of 100 are right:"
    assert list(words.source_shares(told)) == ["site_b", "camera 2", "camera 1"]


def test_folders_of_one_name_are_told_apart() -> None:
    assert words.short_names(["/a/photos", "/b/photos", "/c/other/"]) == ["/a/photos", "/b/photos", "other"]


def test_weakest_class_is_first_and_one_with_too_few_photos_last() -> None:
    told = previewed(["/waste/glass/1.jpg"], "preview_many_classes")
    shares = words.class_shares(told)
    assert list(shares.values())[:2] == [0.31, pytest.approx(0.545)] and list(shares.values())[-1] is None


def test_of_very_many_classes_the_weakest_are_shown() -> None:
    classes = tuple(p.ClassForecast(label=str(i), photos=9, accuracy=i / 10_000) for i in range(10_000))
    told = msgspec.structs.replace(previewed(["/waste/glass/1.jpg"]), per_class=classes)
    assert len(words.class_shares(told)) == words.ROWS
    assert words.more_classes(told) == "The weakest 60 are shown, 9\u202f940 more are better."


def test_of_ten_thousand_suspects_no_more_is_made_than_can_be_looked_at(qtbot: QtBot, theme: Theme) -> None:
    suspects = tuple(
        p.Suspect(path=f"/w/{i}.jpg", label="glass", suggested="paper", confidence=0.9) for i in range(10_000)
    )
    told = msgspec.structs.replace(previewed(["/waste/glass/1.jpg"]), suspects=suspects)
    found = doubts(told)
    assert sum(doubt.kind == "suspect" for doubt in found) == SHOWN
    thumbnails = Thumbnails()
    page = PreviewPage(thumbnails)
    qtbot.addWidget(page, before_close_func=lambda _: thumbnails.close())
    page.resize(900, 600)
    page.show_known(Known(told), "")
    page.show_doubts(found, {})
    page.show()
    assert page.parts.doubts.groups["suspect"].strip.shown.rowCount() == IN_STRIP
    assert page.parts.doubts.groups["suspect"].title.text() == f"Label may be wrong ({SHOWN})"


def test_columns_are_as_many_as_have_room(qtbot: QtBot, theme: Theme) -> None:
    thumbnails = Thumbnails()
    page = PreviewPage(thumbnails)
    qtbot.addWidget(page, before_close_func=lambda _: thumbnails.close())
    page.show_known(Known(previewed(["/waste/glass/1.jpg"])), "")
    page.show()
    parts = page.parts
    page.resize(1340, 400)
    qtbot.waitUntil(lambda: parts.elsewhere.y() == parts.more.y() == parts.classes.y())
    assert parts.classes.width() == pytest.approx(parts.elsewhere.width(), abs=2)
    page.resize(820, 400)
    qtbot.waitUntil(lambda: parts.elsewhere.y() > parts.more.geometry().bottom())
    assert parts.elsewhere.x() == parts.more.x() and parts.doubts.x() == parts.classes.x()
    assert parts.width() <= page.viewport().width()


def test_photos_in_the_row_keep_their_place_when_one_is_dealt_with(qtbot: QtBot, theme: Theme) -> None:
    thumbnails = Thumbnails()
    strip = DoubtStrip("Label may be wrong", thumbnails)
    qtbot.addWidget(strip, before_close_func=lambda _: thumbnails.close())
    found = [
        doubt
        for doubt in doubts(previewed([f"/w/glass/{i}.jpg" for i in range(30)]))
        if doubt.kind == "suspect"
    ]
    entries = [entry_of(doubt, {}) for doubt in found]
    strip.show_entries(entries, ["x"] * len(entries))
    strip.setCurrentIndex(strip.shown.index(1))
    strip.show_entries(entries[:1] + entries[2:], ["x"] * (len(entries) - 1))
    assert strip.current() == entries[2]
