"""A run that hangs, or failed, is started again with what would have helped it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, ready
from waste_gui.config import STARTER_MODEL, RunConfig
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.changed_settings import again, changed
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.verdict import Action
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

Make = Callable[[str], MainWindow]

CONFIG = RunConfig(source=("photos",), batch_size=9, workers=4, cache_gb=10, accumulate=2)
CONFIG_OF_ANOTHER = RunConfig(model="ViT-B-16", pretrained="openai", batch_size=9)


def test_half_the_batch_changes_the_weights_after_as_many_photos() -> None:
    config = changed(Action.SMALLER_BATCH, CONFIG)
    assert (config.batch_size, config.accumulate) == (4, 4)
    assert changed(Action.SMALLER_BATCH, RunConfig(batch_size=1)).batch_size == 1


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [(Action.FEWER_WORKERS, "workers", 1), (Action.WITHOUT_CACHE, "cache_gb", 0)],
)
def test_one_setting_is_changed(action: Action, field: str, value: int) -> None:
    request = again(action, CONFIG, None)
    assert getattr(request.config, field) == value
    assert again(Action.TRY_AGAIN, CONFIG, None) == RunRequest(config=CONFIG)


@pytest.mark.parametrize("name", ["last", "previous"])
def test_it_goes_on_from_the_last_checkpoint_if_there_is_one(name: str, tmp_path: Path) -> None:
    folder = RunDir(tmp_path)
    assert again(Action.TRY_AGAIN, CONFIG, folder).resume is None
    folder.create()
    (folder.checkpoints / f"{name}.safetensors").write_bytes(b"")
    assert again(Action.TRY_AGAIN, CONFIG, folder).resume == str(tmp_path)


def test_starter_weights_are_those_of_a_model_and_begin_a_run_of_their_own(tmp_path: Path) -> None:
    folder = RunDir(tmp_path)
    folder.create()
    (folder.checkpoints / "last.safetensors").write_bytes(b"")
    request = again(Action.STARTER_WEIGHTS, CONFIG_OF_ANOTHER, folder)
    assert (request.config.model, request.config.pretrained) == (STARTER_MODEL, "default")
    assert request.resume is None, "its checkpoint is of the other model"
    assert request.config.batch_size == CONFIG_OF_ANOTHER.batch_size


@pytest.mark.parametrize("name", ["", "night"])
def test_fine_tuning_is_a_run_of_its_own_with_the_same_settings(name: str, tmp_path: Path) -> None:
    folder = RunDir(tmp_path)
    folder.create()
    (folder.checkpoints / "last.safetensors").write_bytes(b"")
    config = msgspec.structs.replace(CONFIG, tune="head", name=name)
    request = again(Action.FINE_TUNE, config, folder)
    assert request.resume is None, "its epochs are not those of this one"
    assert msgspec.structs.replace(request.config, tune="head", name=name) == config
    assert request.config.tune == "head_then_all"
    assert request.config.name != name or not name


def test_run_that_does_not_answer_is_ended_and_started_again(
    make_window: Make, photos: Path, qtbot: QtBot
) -> None:
    window = ready(make_window("deaf"), photos, qtbot)
    window.frame.header.start_button.click()
    qtbot.waitUntil(lambda: window.rooms.shown.snapshot.run.phase is RunPhase.TRAINING, timeout=WAIT_MS)
    first, config = window.rooms.session.controller.folder, window.rooms.session.controller.config
    window.frame.bar.chosen.emit(Action.FEWER_WORKERS)
    qtbot.waitUntil(
        lambda: (
            window.rooms.session.controller.folder != first
            and window.rooms.shown.snapshot.run.phase is RunPhase.TRAINING
        ),
        timeout=WAIT_MS,
    )
    assert config is not None and window.rooms.session.controller.config is not None
    assert (config.workers, window.rooms.session.controller.config.workers) == (None, 1)
