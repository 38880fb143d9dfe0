"""The trend of a curve: near what its noise hides, however short, long or steep the curve is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waste_gui.gui.training.trend import NARROWEST, SHARE, WIDEST, Trend
from waste_gui.monitor.series import FloatArray, Series

RUNS = 8


def trend_of(values: Sequence[float | None] | FloatArray) -> FloatArray:
    series, trend = Series(), Trend()
    for begin in range(0, len(values), 1000):
        block = values[begin : begin + 1000]
        series.extend(range(begin, begin + len(block)), list(block))
    trend.take(series)
    return trend.sampled(-1, len(values), len(values)).y


@given(
    count=st.integers(2, 4000),
    start=st.floats(0.1, 10),
    slope=st.floats(-5, 5),
)
def test_straight_line_is_its_own_trend_from_the_first_point_on(
    count: int, start: float, slope: float
) -> None:
    line = start + slope * np.arange(count) / count
    np.testing.assert_allclose(trend_of(line), line, atol=1e-6)


@given(
    count=st.sampled_from([24, 96, 400, 3000, 20_000]),
    steepness=st.sampled_from([1, 3, 5, 10]),
    noise=st.sampled_from([0.0, 0.02, 0.1]),
    seed=st.integers(0, 2**32),
)
def test_trend_does_not_lag_behind_a_falling_loss(
    count: int, steepness: int, noise: float, seed: int
) -> None:
    """`steepness` is how many times the loss falls to a third. Lag is what is left when chance is not: of one
    short run, the noise itself moves the mean."""
    loss = 0.3 + 2.7 * np.exp(-steepness * np.arange(count) / count)
    chance = np.random.default_rng(seed)
    late = slice(count // 2, None)
    lags = []
    for _ in range(RUNS):
        trend = trend_of(loss + chance.normal(0, noise, count) * loss)
        lags.append(np.mean((trend - loss)[late] / loss[late]))
        error = np.sqrt(np.mean((trend / loss - 1) ** 2))
        assert error < 0.08 + 1.5 * noise
    assert abs(np.mean(lags)) < 0.04 + noise


@given(seed=st.integers(0, 2**32))
def test_trend_hides_the_noise(seed: int) -> None:
    values = 1 + np.random.default_rng(seed).normal(0, 0.2, 3000)
    trend = trend_of(values)
    assert np.std(trend[300:]) < 0.3 * np.std(values)


def test_trend_after_a_sudden_fall_is_within_what_was_seen() -> None:
    values = np.r_[np.full(300, 2.0), np.full(300, 0.02)]
    trend = trend_of(values)
    assert trend.min() >= 0.02 and trend.max() <= 2.0


def one_by_one(series: Series) -> list[float]:
    """By its definition: a line fitted to all numbers so far, each with its weight."""
    lines: list[float] = []
    weights, known = np.empty(0), np.empty(0)
    for value in series.y:
        if not np.isfinite(value):
            lines.append(np.nan)
            continue
        width = np.clip(SHARE * (len(known) + 1), NARROWEST, WIDEST)
        weights = np.append(weights * width / (1 + width), 1.0)
        known = np.append(known, value)
        if len(known) == 1:
            lines.append(value)
            continue
        line = np.polyfit(np.arange(-len(known), 0) + 1, known, 1, w=np.sqrt(weights))[1]
        lines.append(float(np.clip(line, known.min(), known.max())))
    return lines


@pytest.mark.parametrize("piece", [1, 7, 2000])
def test_trend_is_that_of_the_series_however_it_grows(piece: int) -> None:
    chance = np.random.default_rng(0)
    values: list[float | None] = [float(v) for v in chance.normal(size=1500)]
    values[0] = values[10] = values[700] = None
    values[900:1000] = [None] * 100
    series, trend = Series(), Trend()
    for i, value in enumerate(values):
        series.append(i, value)
        if i % piece == 0:
            trend.take(series)
    trend.take(series)
    drawn = trend.sampled(0, 2000, 5000)
    alone = [0, 10, 700]
    np.testing.assert_allclose(drawn.y, np.delete(one_by_one(series), alone), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(drawn.x, np.delete(series.x, alone))
