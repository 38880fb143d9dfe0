"""Series: a plot never loses an extreme."""

from __future__ import annotations

import numpy as np
from hypothesis import given
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
