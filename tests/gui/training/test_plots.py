"""Curves: what is drawn of a run's values."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.monitor.transcripts import TIMING, Transcript, replay
from waste_gui import protocol
from waste_gui.gui.common.theme import Theme
from waste_gui.gui.training.plots import LOSS, RATE, Plot

PEAK_AT = 19


def rate_at(step: int, steps: int) -> float:
    """Warm-up, then down to nothing."""
    return 0.002 * step / PEAK_AT if step <= PEAK_AT else 0.002 * (steps - step) / (steps - PEAK_AT)


def trained(steps: int) -> Transcript:
    script = Transcript().start_up().begin_training()
    for step in range(1, steps + 1):
        values: dict[str, float | None] = {"loss": 1.0 if step < steps else 2.0, "lr": rate_at(step, steps)}
        script.say(protocol.Metric(step=step, epoch=1, values=values, timing=TIMING, images_per_s=1))
    return script


@pytest.mark.parametrize("steps", [120, 20_000])
def test_learning_rate_is_drawn_as_it_is(qtbot: QtBot, theme: Theme, steps: int) -> None:
    plot = Plot(RATE)
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.show_run(replay(trained(steps).messages))
    x, y = plot.view._bold.getData()
    assert y == pytest.approx([rate_at(int(step), steps) for step in x])
    assert (x[0], x[-1]) == (1, steps) and len(x) <= 600
    if steps == 120:
        assert x[np.argmax(y)] == PEAK_AT
    assert plot.train.text() == "0"


def test_loss_is_drawn_as_its_trend(qtbot: QtBot, theme: Theme) -> None:
    plot = Plot(LOSS)
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.show_run(replay(trained(120).messages))
    assert 1 < plot.view._bold.getData()[1][-1] < 1.1
    assert plot.train.text().startswith("train 1.0")
