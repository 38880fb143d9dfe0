"""Settings: one source for file, form and command line, and a sentence for each that is wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from waste_gui import config
from waste_gui.config import ConfigError, RunConfig
from waste_gui.engine.cli import parser, request_from
from waste_gui.request import RunRequest

CONTRACT = (
    "--source",
    "--run-dir",
    "--name",
    "--model",
    "--pretrained",
    "--image-size",
    "--batch-size",
    "--epochs",
    "--lr",
    "--freeze-backbone",
    "--workers",
    "--photo-timeout",
    "--bad-image",
    "--device",
    "--seed",
    "--resume",
)


def parsed(*arguments: str) -> RunConfig:
    return asked(*arguments).config


def asked(*arguments: str) -> RunRequest:
    return request_from(parser().parse_args(["train", *arguments]))


def test_settings_survive_a_file(tmp_path: Path) -> None:
    settings = RunConfig(source=("a", "b"), mapping={"x": "glass", "y": None}, lr=1e-3, classes=("glass",))
    (tmp_path / "config.json").write_bytes(config.dump(settings))
    assert config.load(tmp_path / "config.json") == settings


def test_every_field_has_title_and_help_and_its_default_is_within_its_bounds() -> None:
    for field in config.fields():
        assert field.title and field.help.endswith(".")
    assert config.check(RunConfig()) == RunConfig()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 0}, "'epochs' must be at least 1"),
        ({"lr": -1.0}, "'lr' must be more than 0"),
        ({"image_size": 4000}, "'image_size' must be at most 2048"),
        ({"val_fraction": 0.95}, "'val_fraction' must be less than 0.9"),
        ({"device": "tpu"}, "'device'"),
        ({"val_fraction": 0.6, "test_fraction": 0.5}, "no photos to train on"),
        ({"classes": ("glass", "glass")}, "listed twice"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config.check(msgspec.structs.replace(RunConfig(), **wrong))


@pytest.mark.parametrize("content", ["", "{", '{"epochs": "many"}', '{"epoch": 3}', "[]"])
def test_a_broken_file_is_an_error_that_names_it(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="config.json"):
        config.load(path)


def test_the_command_line_has_the_options_that_scripts_rely_on() -> None:
    train = parser()._subparsers._group_actions[0].choices["train"]  # type: ignore[union-attr,index]
    assert set(CONTRACT) <= set(train._option_string_actions)


def test_options_change_the_settings_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(config.dump(RunConfig(epochs=7, batch_size=4)))
    settings = parsed(str(tmp_path / "config.json"), "--epochs", "9", "--freeze-backbone")
    assert (settings.epochs, settings.batch_size, settings.tune) == (9, 4, "head")


def test_paths_become_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = asked("--source", "photos", "--source", "more", "--run-dir", "run")
    assert request.config.source == (str(tmp_path / "photos"), str(tmp_path / "more"))
    assert request.run_dir == str(tmp_path / "run")


def test_classes_by_preset_and_mapping_by_pairs() -> None:
    settings = parsed("--classes", "lab", "--map", "paper=office_paper", "--map", "misc=")
    assert len(settings.classes) == 30
    assert settings.mapping == {"paper": "office_paper", "misc": None}
    with pytest.raises(ConfigError):
        parsed("--map", "paper")


def test_the_failure_budget_is_a_hundred_or_one_percent() -> None:
    assert config.failure_budget(600) == 100
    assert config.failure_budget(104_000) == 1040


@pytest.mark.parametrize(
    ("asked", "cpu", "epochs"),
    [
        (RunConfig(), True, 1),
        (RunConfig(), False, config.EPOCHS_AFTER_HEAD),
        (RunConfig(tune="head_then_all"), True, config.EPOCHS_AFTER_HEAD),
        (RunConfig(tune="head_then_all", epochs=3), True, 3),
        (RunConfig(tune="head", epochs=3), False, 1),
        (RunConfig(tune="all"), True, config.EPOCHS),
        (RunConfig(pretrained="none"), False, config.EPOCHS),
        (RunConfig(pretrained="none", epochs=7), True, 7),
    ],
)
def test_epochs_that_nobody_asked_for_suit_what_is_trained(asked: RunConfig, cpu: bool, epochs: int) -> None:
    assert config.epochs_on(asked, cpu=cpu) == epochs


def test_epochs_are_known_before_the_device_where_they_do_not_depend_on_it() -> None:
    assert config.epochs_if_known(RunConfig()) is None
    assert config.epochs_if_known(RunConfig(epochs=4)) == 4
    assert config.epochs_if_known(RunConfig(tune="all")) == config.EPOCHS
    assert config.epochs_if_known(RunConfig(tune="head_then_all")) == config.EPOCHS_AFTER_HEAD
