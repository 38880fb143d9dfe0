"""Ticks of steps and epochs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from waste_gui.gui.common.whole_axis import WholeTicks


@given(
    low=st.floats(0, 1e5),
    span=st.floats(0.1, 1e6),
    width=st.floats(50, 3000),
)
def test_ticks_are_whole_numbers_each_told_once(
    qapp: QApplication, low: float, span: float, width: float
) -> None:
    axis = WholeTicks("bottom")
    axis.setStyle(maxTickLevel=0)
    ((spacing, values), *_) = axis.tickValues(low, low + span, width)
    assert all(abs(value - round(value)) < 1e-6 for value in values)
    words = axis.tickStrings(list(values), 1.0, spacing)
    assert len(set(words)) == len(words)
