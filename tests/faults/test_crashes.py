"""A few drawn ends of real engines, told by the real monitor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crashes.draws import FAMILIES, draw
from tests.faults.crashes.ride import ride
from tests.photos import make_photos


@pytest.mark.slow
@pytest.mark.parametrize("family", list(FAMILIES))
def test_drawn_ends_are_named_right(tmp_path: Path, family: str) -> None:
    photos = make_photos(tmp_path / "photos", per_class=3)
    rows = [ride(each, photos) for each in draw(7, 3, [family])]
    assert [(row.draw, row.text, row.wrong) for row in rows if row.wrong] == []
