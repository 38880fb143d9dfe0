"""The real engine through the window: started, stopped, finished, and its results on the results page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.gui.conftest import end_engine, ready
from tests.photos import make_photos
from waste_gui.config import STARTER_MODEL, RunConfig
from waste_gui.gui.common.preferences import Preferences
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.interfaces import Answer
from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.run_text import Offer
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.verdict import Action
from waste_gui.protocol import RunFailed, RunFinished, RunStopped

pytestmark = pytest.mark.slow  # Each test trains for real.

Open = Callable[[Path, RunConfig], MainWindow]
LONG_MS = 180_000
"""Importing torch alone takes 10 s on a busy machine."""

FULL = bool(os.environ.get("WASTE_GUI_FULL"))
"""Train on TrashNet as long as it takes to be good: minutes, so not by default."""
FULL_MS = 45 * 60_000

SMALL = RunConfig(model="resnet18", pretrained="none", image_size=32, batch_size=8, epochs=2, workers=1)
TRASHNET = RunConfig(model="resnet18", pretrained="none", image_size=64, batch_size=32, epochs=2)
TRASHNET_FULL = RunConfig(model="resnet18", pretrained="none", image_size=128, batch_size=32, epochs=30)


@pytest.fixture
def open_window(qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> Open:
    """A window with photos chosen and the form filled, whose Start starts the real engine."""
    if not FULL:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def open_(photos: Path, config: RunConfig) -> MainWindow:
        window = MainWindow(Preferences(), theme, RunController())
        qtbot.addWidget(window, before_close_func=lambda _: end_engine(window, qtbot))
        window.show()
        window.rooms.form.show_config(config)
        return ready(window, photos, qtbot)

    return open_


def run_to_end(window: MainWindow, qtbot: QtBot, timeout_ms: int = LONG_MS) -> RunFinished:
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=timeout_ms):
        window.frame.header.start_button.click()
    last = window.rooms.session.controller.run.last
    assert isinstance(last, RunFinished), (last, window.rooms.session.controller.run.exit_words)
    qtbot.waitUntil(lambda: window.rooms.results.results is not None, timeout=LONG_MS)
    return last


def test_real_training_finishes_and_fills_the_results_page(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_window(make_photos(tmp_path / "photos"), SMALL)
    finished = run_to_end(window, qtbot)
    run, results = window.rooms.session.controller.run, window.rooms.results.results
    assert run.phase is RunPhase.FINISHED and len(run.epochs) == 2
    assert all(stage.elapsed_s is not None for stage in run.stages.values())
    assert results is not None and set(results.classes) == {"glass", "metal", "paper"}
    assert sum(map(sum, results.confusion)) == finished.metrics["val_photos"]
    assert window.frame.bar.notice is not None and window.frame.bar.notice.title.startswith("Done: ")


def test_real_training_stops_midway_and_goes_on_where_it_was(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_window(make_photos(tmp_path / "photos"), msgspec.structs.replace(SMALL, epochs=10_000))
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: len(window.rooms.session.controller.run.epochs) >= 1, timeout=LONG_MS)
    with qtbot.waitSignal(window.rooms.session.controller.ended, timeout=LONG_MS):
        window.rooms.session.stop()
        assert window.prompts.question is not None
        window.prompts.question.buttons[Answer.STOP_NOW].click()
    run = window.rooms.session.controller.run
    assert run.phase is RunPhase.STOPPED and isinstance(run.last, RunStopped)
    assert window.rooms.session.controller.folder is not None
    assert (window.rooms.session.controller.folder.checkpoints / "best.safetensors").exists()
    steps = run.loss.x[-1]
    window.frame.bar.chosen.emit(Offer.RESUME_RUN)
    again = window.rooms.session.controller
    qtbot.waitUntil(lambda: again.run is not run and again.run.step > steps, timeout=LONG_MS)
    assert again.run.loss.x[0] == 1 and (np.diff(again.run.loss.x) > 0).all(), "the curves of both starts"
    again.save_now()
    saved = again.run.checkpoint
    qtbot.waitUntil(lambda: again.run.checkpoint is not saved, timeout=LONG_MS)
    with qtbot.waitSignal(again.ended, timeout=LONG_MS):
        again.stop_now()


def test_weights_that_cannot_be_downloaded_lead_to_the_starters_with_one_press(
    open_window: Open, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    asked = msgspec.structs.replace(SMALL, model="timm:resnet10t", pretrained="default")
    window = open_window(make_photos(tmp_path / "photos"), asked)
    session, bar = window.rooms.session, window.frame.bar
    with qtbot.waitSignal(session.controller.ended, timeout=LONG_MS):
        window.frame.header.start_button.click()
    assert isinstance(session.controller.run.last, RunFailed)
    qtbot.waitUntil(lambda: bar.notice is not None and bar.notice.offers[0] is Action.STARTER_WEIGHTS)
    bar.show_now()
    place = bar._buttons.itemAt(0)
    button = place.widget() if place is not None else None
    assert isinstance(button, QPushButton)
    with qtbot.waitSignal(session.controller.ended, timeout=LONG_MS):
        button.click()
    assert isinstance(session.controller.run.last, RunFinished), session.controller.run.last
    assert session.controller.config is not None and session.controller.config.model == STARTER_MODEL


def test_last_layer_is_trained_first_and_all_layers_with_one_press_after_it(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    config = RunConfig(image_size=64, batch_size=16, epochs=1, workers=1)
    window = open_window(make_photos(tmp_path / "photos", per_class=30), config)
    finished, bar = run_to_end(window, qtbot), window.frame.bar
    controller = window.rooms.session.controller
    assert controller.run.head_only and finished.metrics["val_photos"]
    assert bar.notice is not None and Action.FINE_TUNE in bar.notice.offers
    assert re.search(r"about \d+ (s|min) here", bar.notice.text)
    first = controller.folder
    with qtbot.waitSignal(controller.ended, timeout=LONG_MS):
        bar.chosen.emit(Action.FINE_TUNE)
    again = controller.run
    assert isinstance(again.last, RunFinished) and again.tune == "head_then_all", again.last
    assert controller.folder != first, "a run of its own: the first one stays"
    assert again.stages["embed"].begun == again.stages["embed"].total, "its photos are known"
    qtbot.waitUntil(lambda: bar.notice is not None and bar.notice.title.startswith("Done"))
    assert bar.notice is not None and Action.FINE_TUNE not in bar.notice.offers


def test_real_training_learns_trashnet(open_window: Open, trashnet: Path, qtbot: QtBot) -> None:
    """Chance is 0.17."""
    window = open_window(trashnet, TRASHNET_FULL if FULL else TRASHNET)
    finished = run_to_end(window, qtbot, FULL_MS if FULL else 2 * LONG_MS)
    accuracy = finished.metrics["val_accuracy"]
    assert accuracy is not None and accuracy >= (0.73 if FULL else 0.25)
