"""CSV whose text a spreadsheet shows and never calculates."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste_gui import tables

TEXT = st.text(
    st.one_of(
        st.sampled_from("=+-@\t\r\n'; ,\"|\uff1d\uff0b\uff0d\uff20ab"),
        st.characters(codec="utf-8", exclude_characters="\0"),
    )
)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_every_text_comes_back(rows: list[tuple[str, str]]) -> None:
    assert list(tables.decoded(tables.encoded(rows))) == [list(row) for row in rows]


@given(TEXT)
def test_no_cell_is_a_formula_where_commas_or_semicolons_part_cells(text: str) -> None:
    cell = tables.guarded(text)
    for part in cell.replace("\t", ";").replace("\r", ";").replace("\n", ";").split(";"):
        assert part[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20")


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "a;=1", "'=1"]
)
def test_a_formula_gets_the_sign_for_text(text: str) -> None:
    (row,) = csv.reader(io.StringIO(tables.encoded([[text, -1.5, 3]]).decode(), newline=""))
    assert row[0] != text and "'" in row[0]
    assert row[1:] == ["-1.5", "3"]
