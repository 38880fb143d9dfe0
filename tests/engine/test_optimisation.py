"""The recipe's parts: groups, schedule, average, class weights."""

from __future__ import annotations

import pytest
import torch

from waste_gui.config import RunConfig
from waste_gui.engine import models, optimisation
from waste_gui.engine.course import Course, Schedule
from waste_gui.engine.devices import choose
from waste_gui.engine.models import Classifier

CONFIG = RunConfig(model="resnet18", pretrained="none", image_size=32, device="cpu", epochs=10, lr=1e-2)


@pytest.fixture(scope="module")
def model() -> Classifier:
    return models.build(CONFIG, ("a", "b", "c"))[0]


def test_decay_spares_norms_and_biases(model: Classifier) -> None:
    optimizer = optimisation.make_optimizer(CONFIG, model, choose(CONFIG))
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            assert (group["weight_decay"] == CONFIG.weight_decay) == (parameter.ndim > 1)
    grouped = sum(len(group["params"]) for group in optimizer.param_groups)
    assert grouped == sum(1 for _ in model.parameters())


def test_a_new_head_on_pretrained_weights_learns_faster(model: Classifier) -> None:
    import msgspec

    config = msgspec.structs.replace(CONFIG, pretrained="default")
    optimizer = optimisation.make_optimizer(config, model, choose(config))
    rates = {p: group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[model.head.weight] == 10 * rates[next(model.backbone.parameters())]


def test_the_rate_warms_up_to_its_peak_and_falls_to_nothing(model: Classifier) -> None:
    optimizer = optimisation.make_optimizer(CONFIG, model, choose(CONFIG))
    batch = CONFIG.batch_size
    schedule = Schedule(optimizer, Course(CONFIG, 10 * batch, 1))
    rates = []
    for step in range(100):
        schedule.set(step * batch, batch)
        rates.append(optimizer.param_groups[0]["lr"])
    peak = rates.index(max(rates))
    assert peak == pytest.approx(CONFIG.warmup_epochs * 10, abs=1)
    assert max(rates) == pytest.approx(1e-2, rel=0.05)
    assert 0 < rates[0] < 1e-3 and rates[-1] < 1e-4
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


@pytest.mark.slow
def test_the_average_follows_the_weights(model: Classifier) -> None:
    average = optimisation.WeightAverage(model, 0.9)
    with torch.no_grad():
        model.head.bias.fill_(1.0)
    for step in range(1, 200):
        average.update(model, step)
    assert torch.allclose(average.model.head.bias, torch.ones(3), atol=1e-3)
    assert not any(p.requires_grad for p in average.model.parameters())


def test_loss_weights_make_classes_equal() -> None:
    labels = [0] * 30 + [1] * 10
    weights = optimisation.loss_weights(labels, 2)
    assert float(weights[0] * 30) == pytest.approx(float(weights[1] * 10))
    assert sum(float(weights[label]) for label in labels) / len(labels) == pytest.approx(1)
