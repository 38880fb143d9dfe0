"""Results of thousands of classes: what is not in sight costs nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from waste_gui.gui.common.theme import Theme
from waste_gui.gui.results.page import ConfusionMatrix, Results


def results_of(confusion: list[list[int]]) -> Results:
    names = tuple(f"class {i}" for i in range(len(confusion)))
    return Results(dict.fromkeys(names, 0.5), names, tuple(map(tuple, confusion)))


@given(st.integers(0, 5).flatmap(lambda n: st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=n, max_size=n)))  # fmt: skip  # noqa: E501
def test_mistakes_are_all_but_the_diagonal_the_commonest_first(confusion: list[list[int]]) -> None:
    results = results_of(confusion)
    wrong = [
        (n, results.classes[i], results.classes[j])
        for i, row in enumerate(confusion)
        for j, n in enumerate(row)
        if i != j and n
    ]
    assert results.mistakes == sorted(wrong, key=lambda each: -each[0])


def test_of_thousands_of_classes_only_cells_in_sight_are_painted(qtbot: QtBot, theme: Theme) -> None:
    matrix = ConfusionMatrix()
    qtbot.addWidget(matrix)
    matrix.show_results(results_of([[0] * 2_000] * 2_000))
    matrix.resize(matrix.sizeHint())
    seen = matrix._cells_in(QRect(3_000, 9_000, 700, 400))
    assert 0 < seen.width() * seen.height() < 5_000
    assert matrix._cells_in(matrix.rect()) == QRect(0, 0, 2_000, 2_000)
