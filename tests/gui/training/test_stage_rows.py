"""The checklist's groups: folded while nothing happens in them, whole while they run or are late."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.training.stage_list import StageList
from waste_gui.gui.training.stage_rows import grouped_rows
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot

NAMES = ["Prepare", "Load", "Train", "Finish"]
Script = Callable[[], pictures.Script]


def titles(snapshot: Snapshot) -> list[str]:
    return [row.title for row in grouped_rows(snapshot)]


def test_four_groups_are_all_while_nothing_runs() -> None:
    assert titles(Snapshot(Run())) == NAMES


@pytest.mark.parametrize(
    ("script", "group", "glyph"),
    [
        (pictures.first_run, "Prepare", "running"),
        (pictures.starting, "Load", "running"),
        (pictures.stuck, "Load", "stuck"),
        (pictures.training, "Train", "running"),
        (pictures.slow, "Train", "slow"),
        (pictures.crashed, "Train", "failed"),
        (pictures.stopped, "Train", "stopped"),
    ],
)
def test_group_that_runs_or_is_late_is_whole_and_says_so(script: Script, group: str, glyph: str) -> None:
    shown = grouped_rows(pictures.snapshot(script()))
    groups = [row for row in shown if row.is_group]
    assert [row.title for row in groups] == NAMES
    assert [row.title for row in groups if row.unfolded] == [group]
    assert next(row for row in groups if row.unfolded).glyph == glyph


def test_folded_group_tells_the_time_of_all_its_stages() -> None:
    prepare = grouped_rows(pictures.snapshot(pictures.training()))[0]
    assert (prepare.glyph, prepare.took, prepare.summary) == ("done", "0:10", "4 of 4 done")
    assert prepare.usual


def test_all_is_done_and_folded_at_the_end() -> None:
    shown = grouped_rows(pictures.snapshot(pictures.done()))
    assert [(row.title, row.glyph) for row in shown] == [(name, "done") for name in NAMES]


def test_group_is_unfolded_by_key_and_stays_so_and_nothing_moves(qtbot: QtBot, theme: Theme) -> None:
    view = StageList()
    qtbot.addWidget(view)
    view.setFixedWidth(336)
    view.show()
    heights = set()
    for script in (pictures.starting, pictures.training, pictures.done):
        view.show_snapshot(pictures.snapshot(script()))
        heights.add(view.height())
    assert len(heights) == 1
    view.setCurrentIndex(view.model().index(0, 0))
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert view.model().rowCount() == len(NAMES) + 4
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.model().rowCount() == len(NAMES)
