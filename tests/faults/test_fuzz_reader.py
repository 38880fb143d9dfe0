"""A few seconds of what `python -m tests.faults.fuzz_reader` does."""

from __future__ import annotations

import pytest

from tests.faults.fuzz_reader import fuzz


@pytest.mark.slow
def test_spoiled_pictures_end_no_pool_and_hang_no_worker() -> None:
    outcomes, wrong = fuzz(3, seed=5)
    assert not wrong
    assert outcomes["read"] and outcomes["damaged"] and outcomes["truncated"]
