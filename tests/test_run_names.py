"""What a run is called that has no name of its own."""

from __future__ import annotations

import pytest

from tests.past_runs import make_run
from waste_gui.config import RunConfig
from waste_gui.monitor.run_list import read_runs
from waste_gui.run_names import default_name, told_apart


@pytest.mark.parametrize(
    ("sources", "model", "epochs", "name"),
    [
        (("/data/waste",), "resnet18", 12, "waste · resnet18 · 12 epochs"),
        (("/data/waste/", "/data/more"), "timm:vit_tiny", 1, "waste and 1 more · vit_tiny · 1 epoch"),
        (("C:\\photos\\waste",), "RN50", None, "waste · RN50"),
        ((), "", None, ""),
    ],
)
def test_name_says_what_was_trained(
    sources: tuple[str, ...], model: str, epochs: int | None, name: str
) -> None:
    assert default_name(sources, model, epochs) == name


def test_training_of_the_last_layer_has_no_epochs() -> None:
    assert default_name(("/data/waste",), "resnet18", 20, "head") == "waste · resnet18 · last layer"
    assert default_name(("/data/waste",), "resnet18", 20, "head_then_all").endswith("20 epochs")


def test_alike_names_are_told_apart() -> None:
    assert told_apart(["a", "b", "a"], ["10:00", "10:05", "11:00"]) == ["a · 10:00", "b", "a · 11:00"]


def test_run_without_a_name_is_listed_by_what_it_is_and_not_by_a_time() -> None:
    config = RunConfig(model="resnet18", source=("/data/waste",), epochs=12)
    make_run("2026-11-23_14-01-52", config=config, named=False)
    (run,) = read_runs()
    assert run.title == "waste · resnet18 · 12 epochs"
