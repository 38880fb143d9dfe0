"""The training page of a run that trains the last layer alone: no curves, but what came of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from tests.gui import pictures
from tests.monitor.transcripts import Transcript, last_layer, last_layer_first, replay
from waste_gui.config import RunConfig
from waste_gui.gui.session.session_text import run_name
from waste_gui.gui.training.facts import facts
from waste_gui.gui.training.page import RunPage
from waste_gui.gui.training.stage_rows import grouped_rows
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.protocol import RunFinished

THIN = "\u202f"


@pytest.fixture
def page(qtbot: QtBot) -> RunPage:
    page = RunPage()
    qtbot.addWidget(page)
    page.show()
    return page


def shown(script: Transcript | pictures.Script, folder: str = "/runs/a") -> Snapshot:
    run = replay(script.messages) if isinstance(script, Transcript) else script.run
    return Snapshot(run, script.at, folder=Path(folder), config=RunConfig())


def test_no_empty_curves_but_the_accuracy_and_what_it_is_of(page: RunPage) -> None:
    page.show_snapshot(shown(pictures.last_layer_done()))
    assert page.last_layer.isVisible() and page._plots is None
    assert page.last_layer.accuracy.text() == f"85.0{THIN}%"
    assert page.last_layer.words.text().startswith("of 120 validation photos are right.")
    assert "trained on 480 photos" in page.last_layer.words.text()


def test_only_photos_that_could_be_read_are_counted_as_validated(page: RunPage) -> None:
    script = last_layer()
    last = script.messages[-1]
    assert isinstance(last, RunFinished)
    script.messages[-1] = msgspec.structs.replace(last, metrics=last.metrics | {"val_photos": 47.0})
    page.show_snapshot(shown(script))
    assert page.last_layer.words.text().startswith("of 47 validation photos are right.")


def test_bars_are_those_of_the_run_that_is_shown(page: RunPage) -> None:
    page.show_snapshot(shown(last_layer()))
    assert not page.last_layer.bars.isVisible()
    page.show_classes(Path("/runs/other"), {"glass": 0.5})
    assert not page.last_layer.bars.isVisible()
    page.show_classes(Path("/runs/a"), {"paper": 0.9, "glass": 0.5})
    assert page.last_layer.bars.isVisible()
    assert [row[0] for row in page.last_layer.bars._rows] == ["glass", "paper"]
    page.show_snapshot(shown(last_layer(), "/runs/b"))
    assert not page.last_layer.bars.isVisible()


def test_curves_come_for_a_run_of_all_layers_after_one_of_the_last(page: RunPage, qtbot: QtBot) -> None:
    page.show_snapshot(shown(last_layer()))
    page.show_snapshot(shown(last_layer_first(), "/runs/b"))
    qtbot.waitUntil(lambda: page._plots is not None and page._plots.isVisible())
    page.show_snapshot(shown(last_layer()))
    assert page.last_layer.isVisible()
    page.show_snapshot(Snapshot(Run()))
    assert page._waiting.isVisible()


def test_embedding_shows_its_bar_and_says_nothing_twice(page: RunPage) -> None:
    page.show_snapshot(shown(pictures.embedding()))
    assert page._waiting.isVisible() and page._waiting._bar.isVisible()
    texts = [page._waiting._progress.text(), page._waiting._detail.text()]
    assert texts == ["252 of 600 photos", ""]


def test_checklist_of_a_run_that_is_done_has_nothing_left_to_do() -> None:
    rows = grouped_rows(shown(last_layer()))
    assert [(row.title, row.glyph) for row in rows] == [
        (title, "done") for title in ("Prepare", "Load", "Train", "Finish")
    ]
    running = grouped_rows(shown(pictures.embedding()))
    assert "Embed photos" in [row.title for row in running]


@pytest.mark.parametrize(
    ("script", "config", "words"),
    [
        (last_layer, RunConfig(), "last layer only"),
        (last_layer_first, RunConfig(epochs=2), "last layer, then 2 · batch 32"),
        (None, RunConfig(), "last layer only, with a GPU then 10"),
        (None, RunConfig(tune="head"), "last layer only"),
        (None, RunConfig(tune="all"), "20 · batch 32"),
        (None, RunConfig(pretrained="none"), "20 · batch 32"),
    ],
)
def test_facts_tell_what_is_trained(script: object, config: RunConfig, words: str) -> None:
    run = replay(script().messages) if callable(script) else Run()
    assert facts(Snapshot(run), config)["Epochs"] == words
    if script is last_layer:
        assert "epoch" not in facts(Snapshot(run), config)["Best"]


def test_typical_time_of_a_group_is_that_of_all_its_stages_or_none() -> None:
    train = next(row for row in grouped_rows(shown(pictures.embedding())) if row.title == "Train")
    assert train.is_group and train.usual == "", "of embedding, which is most of it, nobody knows"


def test_run_that_has_no_name_is_called_by_what_the_device_decided() -> None:
    assert run_name(shown(last_layer())).endswith("last layer")
    assert run_name(shown(last_layer_first())).endswith("2 epochs")
