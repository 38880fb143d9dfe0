"""A disk full at the start, and one full at the first checkpoint. More sizes: `full_disk.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.drive import in_own_namespace
from tests.faults.full_disk import END_S, run_on, train
from tests.photos import make_photos
from waste_gui.rundir import RunDir


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("full_disk") / "photos", per_class=12)


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run that never lacked room."""
    scratch = tmp_path_factory.mktemp("whole")
    assert train(scratch, photos, RunDir(scratch / "run")).wait(END_S) == 0
    return RunDir(scratch / "run")


@pytest.mark.slow
@in_own_namespace
def test_run_that_finds_no_room_at_its_start_says_so(photos: Path, whole: RunDir, tmp_path: Path) -> None:
    outcome = run_on(4, tmp_path, photos, whole)
    assert not outcome.broken, outcome.broken
    assert outcome.said.startswith("refused: The disk of ") and outcome.said.endswith(" is full.")


@pytest.mark.slow
@in_own_namespace
def test_run_trains_on_while_its_disk_is_full_and_loses_nothing(
    photos: Path, whole: RunDir, tmp_path: Path
) -> None:
    outcome = run_on(30_000, tmp_path, photos, whole)
    assert not outcome.broken, outcome.broken
    assert outcome.said.startswith("trained on: The disk of ")
