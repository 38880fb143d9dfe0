"""A few of what `python -m tests.dataset.differential` draws, against Qt and Pillow's whole pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.differential import EXPECTED, MAKERS, by_pillow, drawn, judged


@pytest.mark.qt_log_level_fail("CRITICAL")  # Qt warns of odd files
@pytest.mark.parametrize("seed", [7, 8])
def test_odd_pictures_are_read_as_qt_reads_them(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "photo.jpg"
    seen = set()
    for odd, _ in zip(drawn(seed), range(60), strict=False):
        seen.add(odd.kind)
        if odd.kind in EXPECTED:
            continue
        path.write_bytes(odd.data)
        assert judged(odd, path, by_pillow) in ("same", "refused", "alone"), odd.name
    assert len(seen) > len(MAKERS) // 2
