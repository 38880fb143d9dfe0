"""The store of embeddings, killed, full and shared: a few cases of `embedding_store.py`."""

from __future__ import annotations

import sys

import pytest

from tests.faults.drive import in_own_namespace
from tests.faults.embedding_store import Laboratory, full_at, killed_again_and_again, two_at_once

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and mounts"),
]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("embedding_store"))


def test_run_killed_again_and_again_while_it_embeds_comes_to_the_same_head(laboratory: Laboratory) -> None:
    said = killed_again_and_again(laboratory, kills=3, seed=7)
    assert said.startswith("killed 3 times"), said


@pytest.mark.parametrize("seed", [8, 11])
def test_disk_that_becomes_full_while_embedding_costs_time_alone(seed: int, laboratory: Laboratory) -> None:
    @in_own_namespace
    def on_a_full_disk() -> None:
        assert " photos were kept" in full_at(laboratory, seed)

    on_a_full_disk()


def test_two_runs_at_once_keep_what_both_need(laboratory: Laboratory) -> None:
    assert two_at_once(laboratory, seed=3).endswith("180 photos were kept")
