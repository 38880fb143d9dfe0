"""What to train is copied from run to run; where a run lies, and goes on, never is."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from waste_gui import config as configs
from waste_gui import request as requests
from waste_gui.config import ConfigError, RunConfig
from waste_gui.engine.cli import parser, request_from
from waste_gui.gui.session.queue_store import Queue, QueuedRun, QueueFile
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, data_dir

SETTINGS = RunConfig(source=("/photos",), model="resnet18", epochs=7, mapping={"x": None})


def former(folder: Path) -> RunDir:
    """A run of the version before, which was resumed once."""
    run = RunDir(folder)
    run.create()
    content = msgspec.to_builtins(SETTINGS) | {"run_dir": str(folder), "resume": str(folder)}
    run.config.write_text(json.dumps(content))
    return run


def asked(*arguments: str | Path) -> RunRequest:
    return request_from(parser().parse_args(["train", *map(str, arguments)]))


def test_settings_have_no_place() -> None:
    names = set(RunConfig.__struct_fields__)
    assert not names & {"run_dir", "resume"}
    assert [field.name for field in requests.fields()] == ["run_dir", "resume"]
    assert all(field.title and field.help.endswith(".") for field in requests.fields())


def test_settings_of_a_run_of_the_version_before_lead_to_no_folder(tmp_path: Path) -> None:
    run = former(tmp_path / "old")
    assert configs.load(run.config) == SETTINGS
    assert asked(run.config) == RunRequest(config=SETTINGS)


def test_request_survives_a_file(tmp_path: Path) -> None:
    request = RunRequest(config=SETTINGS, run_dir="/runs/a")
    (tmp_path / "request.json").write_bytes(requests.dump(request))
    assert requests.load(tmp_path / "request.json") == request
    assert asked(tmp_path / "request.json", "--epochs", "9").config.epochs == 9


def test_run_goes_on_with_its_own_settings_and_those_given(tmp_path: Path) -> None:
    run = former(tmp_path / "old")
    request = asked("--resume", run.path, "--epochs", "9")
    assert request == RunRequest(config=msgspec.structs.replace(SETTINGS, epochs=9), resume=str(run.path))


def test_run_does_not_go_on_in_another_folder(tmp_path: Path) -> None:
    run = former(tmp_path / "old")
    assert asked("--resume", run.path, "--run-dir", f"{run.path}/").run_dir == str(run.path)
    with pytest.raises(ConfigError, match="goes on in its own folder"):
        asked("--resume", run.path, "--run-dir", tmp_path / "new")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"config": {"epochs": 0}}', "'epochs' must be at least 1"),
        ('{"config": {"epoch": 1}}', "epoch"),
        ('{"config": []}', "not usable"),
        ('{"config": {}, "run_dir": 3}', "'run_dir'"),
        ('{"config": {}, "folder": "/x"}', "folder"),
        ('{"config": {"resume": "/x"}, "resume": 1}', "'resume'"),
        ("[" * 100_000, "no file of settings"),
    ],
)
def test_what_is_wrong_in_a_request_is_one_sentence(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=words) as error:
        requests.load(path)
    assert "request.json" in str(error.value) and "\n" not in str(error.value)


def test_queue_of_the_version_before_is_read(tmp_path: Path) -> None:
    kept = msgspec.to_builtins(Queue(entries=(QueuedRun(config=SETTINGS),)))
    kept["entries"][0]["config"] |= {"run_dir": None, "resume": "/runs/old"}
    data_dir().mkdir(parents=True)
    (data_dir() / "queue.json").write_text(json.dumps(kept))
    queue = QueueFile().read()
    assert queue is not None and queue.entries[0].config == SETTINGS
