"""The header's words are whole where the window is small."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.session.run_text import Readiness, ReadingNow
from waste_gui.gui.shell.frame import LEFT_WIDTH
from waste_gui.gui.shell.header import Header
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot

WIDTH, CHECKLIST = 1092, LEFT_WIDTH
"""Of a screen of 1366 × 768 at 125 %."""

NOT_READY = Readiness(False, "no photos chosen", "Choose a folder of photos.")


@pytest.fixture
def header(qtbot: QtBot, theme: Theme) -> Header:
    made = Header(CHECKLIST)
    qtbot.addWidget(made)
    made.resize(WIDTH, 112)
    made.show()
    return made


def cut(header: Header) -> list[str]:
    """What is not shown whole. The run's own name may be of any length."""
    labels = [label for label in header.findChildren(PlainLabel) if label.isVisible()]
    return [x.text() for x in labels if x is not header._stage.caption and x._fitted() != x.text()]


@pytest.mark.parametrize(
    "script",
    [
        pictures.starting,
        pictures.first_run,
        pictures.embedding,
        pictures.embedding_slow,
        pictures.embedding_stuck,
        pictures.last_layer_done,
        pictures.training,
        pictures.stuck,
        pictures.deadlock,
        pictures.not_learning,
        pictures.loss_nan,
        pictures.one_class,
        pictures.loading_bound,
        pictures.slow,
        pictures.failed,
        pictures.stopped,
        pictures.crashed,
        pictures.done,
        pictures.full_cache,
        pictures.source_gone,
    ],
    ids=lambda script: script.__name__,
)
def test_words_of_a_run_are_whole(
    script: Callable[[], pictures.Script], header: Header, qtbot: QtBot
) -> None:
    header.show_snapshot(pictures.snapshot(script()), NOT_READY)
    qtbot.waitUntil(lambda: not cut(header))


@pytest.mark.parametrize("work", ["check", "preview"])
def test_words_of_reading_are_whole(work: str, header: Header, qtbot: QtBot) -> None:
    reading = ReadingNow("Checking photos", work, "1 204 of 2 527 photos", "1:05 left", waits=False)
    header.show_snapshot(Snapshot(Run()), Readiness(True, "", "", reading=reading))
    qtbot.waitUntil(lambda: not cut(header))
    assert any(label.text() == f"Start stops the {work}" for label in header.findChildren(PlainLabel))
