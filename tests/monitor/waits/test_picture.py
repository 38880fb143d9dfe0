"""Every chain has its boxes: who waits, for what, who has that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gui.chain_pictures import CHAINS, LOCK
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link
from waste_gui.monitor.waits.picture import ITSELF, NEXT, THINGS, boxes

TEXTS = st.text(max_size=12)
HOLDERS = st.builds(
    Holder,
    pid=st.integers(0, 4),
    tid=st.integers(0, 4),
    command=TEXTS,
    thread=TEXTS,
    host=TEXTS,
    age_s=st.none() | st.floats(0, 1e6),
    stopped=st.booleans(),
    nobody=st.booleans(),
)
LINKS = st.builds(
    Link,
    pid=st.integers(1, 4),
    tid=st.integers(1, 4),
    kind=st.sampled_from(Kind),
    role=st.sampled_from(("main", "engine", "worker", "other", "")),
    thread=TEXTS,
    command=TEXTS,
    name=TEXTS | st.just("/data/a/b.lock"),
    detail=TEXTS,
    holders=st.lists(HOLDERS, max_size=3).map(tuple),
    for_s=st.none() | st.floats(0, 1e6),
    evidence=st.lists(TEXTS, max_size=2).map(tuple),
)


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_words(kind: Kind) -> None:
    assert kind in THINGS or kind in ITSELF or kind in NEXT


@given(st.lists(LINKS, min_size=1, max_size=5), st.booleans())
def test_any_chain_is_drawn_with_a_name_in_each_box_and_words_on_each_arrow_to_a_thing(
    links: list[Link], is_circle: bool
) -> None:
    drawn = boxes(Chain(tuple(links), circle=0 if is_circle else None))
    assert len(drawn) >= len(links) + is_circle
    assert not drawn[0].arrow and all(box.arrow for box in drawn if box.tone == "thing")
    for box in drawn:
        for text in (box.title, box.words, box.arrow, box.whole, *box.evidence):
            assert text.isprintable()


def test_chain_of_the_page_is_told_box_by_box() -> None:
    drawn = boxes(CHAINS["lock"])
    assert [box.title for box in drawn] == [
        "Training",
        "sh convert.sh",
        LOCK.rpartition("/")[2],
        "python3 eval.py --all",
    ]
    assert [box.arrow for box in drawn] == ["", "waits for its end", "waits for", "held by"]
    assert drawn[2].whole == LOCK and "flock(9)" in drawn[2].evidence[0]
    assert drawn[-1].words == "process 7452, is stopped" and drawn[-1].tone == "end"


def test_nobody_and_a_circle_stand_out() -> None:
    assert [box.tone for box in boxes(CHAINS["nobody"])] == ["waits", "thing", "nobody"]
    last = boxes(CHAINS["circle"])[-1]
    assert (last.title, last.tone) == ("Training", "nobody") and "deadlock" in last.words
