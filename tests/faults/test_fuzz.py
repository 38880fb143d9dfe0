"""The window lives whatever an engine says: short turns of `tests.faults.fuzz`, one with a new seed."""

from __future__ import annotations

import random

import pytest

from tests.faults.fuzz import WAYS, fuzz

LINES = 20_000


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [20_26, random.SystemRandom().randrange(10**9)], ids=["kept", "new"])
def test_window_lives_through_mutated_messages(way: str, seed: int) -> None:
    outcome = fuzz(way, LINES, seed)
    print(outcome)  # With the seed, so that it can be made again.
    assert not outcome.troubles
    assert outcome.messages > LINES / 4
    assert outcome.memory < 600
