"""`waste-engine preview`: the real process, on a few photos."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.engine.process import Finished, command, finish, run, start, wait_for
from tests.photos import damage, make_photos
from waste_gui.protocol import (
    ImageFailed,
    Previewed,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    StageFinished,
    StageStarted,
)

pytestmark = pytest.mark.slow

SMALL = ("--image-size", "64", "--workers", "1", "--format", "json")


def preview(folder: Path, *more: str | Path) -> Finished:
    return run("preview", "--source", folder, *SMALL, *more)


def told(finished: Finished) -> Previewed:
    assert finished.status == 0, (finished.stderr, finished.last)
    (message,) = finished.of(Previewed)
    assert isinstance(message, Previewed)
    return message


def test_photos_that_can_be_told_apart_are_forecast_to_be(tmp_path: Path) -> None:
    finished = preview(make_photos(tmp_path / "photos"))
    started = finished.messages[0]
    assert isinstance(started, RunStarted)
    assert started.command == "preview"
    stages = ["import", "scan", "model", "embed", "forecast"]
    assert [stage.id for stage in started.stages] == stages
    assert [m.stage for m in finished.of(StageStarted)] == stages
    assert isinstance(finished.last, RunFinished)
    message = told(finished)
    assert message.photos == 24 and message.accuracy >= 0.9
    assert message.interval[0] <= message.accuracy <= message.interval[1]
    assert [(c.label, c.photos) for c in message.per_class] == [("glass", 8), ("metal", 8), ("paper", 8)]


def embedded(finished: Finished) -> str:
    (stage,) = [m for m in finished.of(StageFinished) if m.stage == "embed"]
    return str(stage.summary)


def plain(message: Previewed) -> Previewed:
    """Without when it was said."""
    return msgspec.structs.replace(message, seq=0, at=0.0)


def test_training_and_preview_embed_for_each_other(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    first = preview(photos)
    assert "known" not in embedded(first)
    trained = run("train", "--source", photos, "--tune", "head", "--run-dir", tmp_path / "run", *SMALL)
    assert trained.status == 0, trained.last
    assert "24 of them known before" in embedded(trained)
    again = preview(photos, "--tune", "all")
    assert "24 of them known before" in embedded(again)
    assert plain(told(again)) == plain(told(first))


def test_unreadable_photos_are_told_of_and_left_out(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos")
    damage(photos / "glass" / "glass_01.jpg")
    finished = preview(photos)
    assert told(finished).photos == 23
    (failed,) = finished.of(ImageFailed)
    assert failed.action == "left_out"


@pytest.mark.parametrize(
    ("classes", "per_class"), [(("glass",), 8), ((), 0), (("glass", "metal"), 1)], ids=["one", "none", "ones"]
)
def test_photos_that_teach_nothing_end_in_a_sentence(
    tmp_path: Path, classes: tuple[str, ...], per_class: int
) -> None:
    (tmp_path / "photos").mkdir()
    finished = preview(make_photos(tmp_path / "photos", classes, per_class))
    assert finished.status == 1
    assert isinstance(finished.last, RunFailed)
    assert finished.last.kind == "dataset"


def test_stop_while_embedding_ends_it_as_stopped(tmp_path: Path) -> None:
    process = start(["preview", "--source", make_photos(tmp_path / "photos", per_class=100), *SMALL])
    assert process.stdout is not None
    while True:
        stage = wait_for(process.stdout, StageStarted)
        assert isinstance(stage, StageStarted)
        if stage.stage == "embed":
            break
    command(process, command="stop")
    finished = finish(process)
    assert finished.status == 3
    assert isinstance(finished.last, RunStopped)
