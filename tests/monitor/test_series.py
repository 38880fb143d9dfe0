"""Series: a plot never loses an extreme."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from waste_gui.monitor.series import Series

values = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=900)


def series_of(ys: list[float | None]) -> Series:
    series = Series()
    for x, y in enumerate(ys):
        series.append(x, y)
    return series


@given(values, st.integers(1, 60))
def test_thinned_keeps_the_extremes(ys: list[float | None], buckets: int) -> None:
    thinned = series_of(ys).thinned(0, len(ys), buckets)
    assert len(thinned.x) <= max(buckets, 1)
    known = [y for y in ys if y is not None]
    if known:
        assert np.nanmin(thinned.low) == min(known)
        assert np.nanmax(thinned.high) == max(known)
    else:
        assert np.isnan(thinned.mean).all()


@given(values, st.integers(1, 60))
def test_thinned_mean_lies_between_the_extremes(ys: list[float | None], buckets: int) -> None:
    thinned = series_of(ys).thinned(0, len(ys), buckets)
    shown = ~np.isnan(thinned.mean)
    slack = 1e-6 * (1 + np.abs(thinned.mean[shown]))
    assert (thinned.low[shown] <= thinned.mean[shown] + slack).all()
    assert (thinned.mean[shown] <= thinned.high[shown] + slack).all()


def test_gap_is_kept_and_the_last_number_is_found() -> None:
    series = series_of([1.0, 2.0, None])
    assert np.isnan(series.y[-1]) and series.last == 2.0


def test_series_without_a_number_has_no_last() -> None:
    assert series_of([None]).last is None and Series().last is None


@settings(deadline=None)
@example([*[None] * 31, 0.0, 1.0], 33, 1)
@given(values, st.integers(16, 200), st.integers(1, 40))
def test_series_with_too_many_points_keeps_its_extremes_its_gaps_and_its_newest(
    ys: list[float | None], capacity: int, buckets: int
) -> None:
    series = Series(capacity)
    for x, y in enumerate(ys):
        series.append(x, y)
    assert len(series) <= capacity and series.count == len(ys)
    assert (np.diff(series.x) > 0).all()
    newest = np.array(ys[-capacity // 2 :], float)
    np.testing.assert_array_equal(series.y[-len(newest) :], newest)
    known = [y for y in ys if y is not None]
    if known:
        assert (np.nanmin(series.y), np.nanmax(series.y), series.last) == (min(known), max(known), known[-1])
    assert np.isnan(series.y).any() == (None in ys)
    thinned = series.thinned(0, len(ys), buckets)
    if known:
        assert (np.nanmin(thinned.low), np.nanmax(thinned.high)) == (min(known), max(known))


@settings(deadline=None)
@given(values, st.integers(1, 60))
def test_points_may_come_many_at_a_time(ys: list[float | None], piece: int) -> None:
    series = Series()
    for first in range(0, len(ys), piece):
        series.extend(range(first, min(first + piece, len(ys))), ys[first : first + piece])
    np.testing.assert_array_equal(series.y, series_of(ys).y)
    assert series.last_finite == series_of(ys).last_finite
