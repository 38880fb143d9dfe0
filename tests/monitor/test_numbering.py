"""Which messages are new: a number that is not true hides no more than itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste_gui.monitor.numbering import MOST_MISSED, Numbering


def taken(numbers: list[int]) -> list[int]:
    numbering = Numbering()
    return [number for number in numbers if numbering.takes(number)]


def test_each_is_taken_once() -> None:
    assert taken([0, 0, 1, 2, 1, 2, 3]) == [0, 1, 2, 3]


def test_lost_ones_are_counted() -> None:
    numbering = Numbering()
    assert [numbering.takes(number) for number in (0, 1, 5, 6)] == [True] * 4
    assert (numbering.missed, numbering.next) == (3, 7)


@pytest.mark.parametrize("wrong", [3, 1_000, MOST_MISSED + 50, 10**12, 2**63 - 1])
def test_wrong_number_hides_nothing_that_follows(wrong: int) -> None:
    numbering = Numbering()
    told = [0, 1, wrong, 2, 3, 4]
    assert [number for number in told if numbering.takes(number)][-3:] == [2, 3, 4]
    assert numbering.missed == 0


@given(st.lists(st.integers(0, 40), max_size=60))
def test_whatever_comes_the_next_ones_are_taken(numbers: list[int]) -> None:
    numbering = Numbering()
    for number in numbers:
        numbering.takes(number)
    begin = numbering.next
    assert all(numbering.takes(number) for number in range(begin, begin + 5))
    assert not numbering.takes(begin + 3)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.data())
def test_wrong_numbers_in_place_of_right_ones_hide_only_themselves(
    right: list[bool], data: st.DataObject
) -> None:
    """Never two that follow on each other: those are believed."""
    numbering, hidden = Numbering(), 0
    wrong = st.integers(300, 10**8).map(lambda number: 2 * number)
    for number, is_right in enumerate(right):
        if is_right:
            hidden += not numbering.takes(number)
        else:
            numbering.takes(data.draw(wrong))
    assert hidden == 0
