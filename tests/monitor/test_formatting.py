"""Times and sizes in words."""

from __future__ import annotations

import pytest

from waste_gui.monitor import formatting


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(9, "0:09"), (870, "14:30"), (3750, "1:02:30"), (-3, "0:00"), (59.6, "1:00"), (161, "2:41")],
)
def test_clock(seconds: float, text: str) -> None:
    assert formatting.clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "any moment now"),
        (0.4, "any moment now"),
        (9.2, "0:09"),
        (59.7, "1:00"),
        (61, "1:00"),
        (868, "14:30"),
        (3749, "1:02:30"),
    ],
)
def test_what_is_left_is_rounded_to_five_seconds_above_a_minute(seconds: float, text: str) -> None:
    assert formatting.about(seconds) == text


def test_over_band_span_and_size() -> None:
    assert formatting.over(12) == "0:12 over the usual"
    assert formatting.short_band(31, 36) == "0:31–0:36"
    assert formatting.short_band(1908, 3982) == "32–66 min"
    assert formatting.short_band(3000, 7800) == "0:50–2:10 h"
    assert formatting.short_band(32_400, 43_200) == "9–12 h"
    assert formatting.short_band(43_000, 43_200) == "12 h"
    assert formatting.band(31, 36) == "0:31–0:36" and formatting.band(0.1, 0.3) == "0:00"
    assert [formatting.span(s) for s in (41, 161, 120, 3780)] == ["41 s", "2 min 41 s", "2 min", "1 h 3 min"]
    sizes = [formatting.size(b) for b in (12, 312_000, 6.1e9, 41e9, 2e12)]
    assert sizes == ["12 bytes", "312 kB", "6.1 GB", "41 GB", "2.0 TB"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "10 s"), (44, "40 s"), (89, "90 s"), (95, "2 min"), (533, "9 min"), (1000, "15 min"),
     (3400, "55 min"), (3600, "1 h"), (5400, "1 h 30 min"), (9000, "2 h 30 min"), (40_000, "11 h")],
)  # fmt: skip
def test_rough_time_is_told_no_finer_than_it_is_known(seconds: float, text: str) -> None:
    assert formatting.roughly(seconds) == text
