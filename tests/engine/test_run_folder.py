"""However a run's settings are used once more, they never lead into its folder; and what is asked of a run
that goes on changes nothing of it until its checkpoint has turned out to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.engine.process import SMALL, Finished, run
from tests.photos import make_photos
from waste_gui import config as configs
from waste_gui import engine
from waste_gui import request as requests
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError, runs_dir

EPOCH = (*SMALL, "--epochs", "1")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("folder") / "photos", per_class=6)


@pytest.fixture
def resumed(photos: Path, tmp_path: Path) -> RunDir:
    """A run that was resumed once, with settings as the version before left them."""
    folder = RunDir(tmp_path / "old")
    assert run("train", "--source", photos, "--run-dir", folder.path, *EPOCH).status == 0
    assert run("train", "--resume", folder.path, "--epochs", "2").status == 0
    content = json.loads(folder.config.read_bytes())
    assert not {"run_dir", "resume"} & set(content) and content["epochs"] == 2
    content |= {"run_dir": str(folder.path), "resume": str(folder.path)}
    folder.config.write_text(json.dumps(content))
    return folder


def contents(folder: RunDir) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder.path)): file.read_bytes()
        for file in sorted(folder.path.rglob("*"))
        if file.is_file()
    }


def by_config_file(old: RunDir, scratch: Path) -> None:
    assert run("train", old.config, "--epochs", "1").status == 0


def by_copied_file(old: RunDir, scratch: Path) -> None:
    file = scratch / "again.json"
    file.write_bytes(old.config.read_bytes())
    assert run("train", file, "--epochs", "1", "--run-dir", scratch / "copied").status == 0


def by_request(old: RunDir, scratch: Path) -> None:
    """As the window asks for a new run with these settings."""
    config = msgspec.structs.replace(configs.load(old.config), epochs=1)
    file = scratch / "request.json"
    file.write_bytes(requests.dump(RunRequest(config=config, run_dir=str(scratch / "asked"))))
    assert run("train", file).status == 0


def by_notebook(old: RunDir, scratch: Path) -> None:
    config = msgspec.structs.replace(configs.load(old.config), epochs=1)
    assert engine.train(config, lambda message: None) != old.path


@pytest.mark.slow
@pytest.mark.parametrize("again", [by_config_file, by_copied_file, by_request, by_notebook])
def test_settings_of_a_resumed_run_make_a_run_of_their_own(
    again: Callable[[RunDir, Path], None], resumed: RunDir, tmp_path: Path
) -> None:
    before = contents(resumed)
    again(resumed, tmp_path)
    assert contents(resumed) == before
    made = [*runs_dir().glob("*"), tmp_path / "copied", tmp_path / "asked"]
    assert sum((folder / "events.jsonl").exists() for folder in made) == 1


def test_no_run_begins_in_the_folder_of_another(photos: Path, tmp_path: Path) -> None:
    """Also where only its model is left, or only what it told before it was resumed."""
    for left in ("events.jsonl", "events-1.jsonl", "checkpoints/last.safetensors"):
        folder = RunDir(tmp_path / left.replace("/", "-"))
        folder.checkpoints.mkdir(parents=True)
        (folder.path / left).write_bytes(b"{}\n")
        before = contents(folder)
        refused = run("train", "--source", photos, "--run-dir", folder.path, *EPOCH)
        assert refused.status == 1 and "already holds a run" in refused.last.text  # type: ignore[union-attr]
        assert contents(folder) == before


def test_notebook_trains_where_it_is_told(photos: Path, tmp_path: Path) -> None:
    settings = configs.RunConfig(
        source=(str(photos),),
        model="resnet18",
        pretrained="none",
        image_size=32,
        batch_size=8,
        epochs=1,
        workers=1,
    )
    folder = engine.train(settings, lambda message: None, run_dir=tmp_path / "run")
    assert folder == tmp_path / "run"
    with pytest.raises(RunFolderError):
        engine.train(settings, lambda message: None, run_dir=folder)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [("--model", "mobilenet_v3_small"), ("--image-size", "64"), ("--source",)])
def test_run_whose_checkpoint_does_not_fit_keeps_its_settings_and_its_division(
    wrong: tuple[str, ...], photos: Path, tmp_path: Path
) -> None:
    folder = RunDir(tmp_path / "run")
    assert run("train", "--source", photos, "--run-dir", folder.path, *EPOCH).status == 0
    before = folder.config.read_bytes(), folder.split.read_bytes()
    if wrong == ("--source",):  # Other classes.
        (tmp_path / "other").mkdir()
        wrong = (
            "--source",
            str(make_photos(tmp_path / "other/photos", per_class=6, classes=("glass", "plastic"))),
        )
    refused = refusal(run("train", "--resume", folder.path, "--epochs", "2", *wrong))
    assert refused == "checkpoint"
    assert (folder.config.read_bytes(), folder.split.read_bytes()) == before


def refusal(finished: Finished) -> str:
    assert finished.status == 1
    return finished.last.kind  # type: ignore[union-attr]
