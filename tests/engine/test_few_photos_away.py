"""One photo is a link to a drive that goes away: training is held up no longer than a photo may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.process import SMALL, start, wait_for
from tests.photos import make_photos
from waste_gui.protocol import EpochFinished, SourceBack, Warned

pytestmark = pytest.mark.slow  # It trains for real.
QUICK = ("--photo-timeout", "1")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """`glass_00.jpg` leads to a drive that is away, as `tmp_path/unplugged` now."""
    folder = make_photos(tmp_path / "photos", per_class=6)
    drive = tmp_path / "drive"
    drive.mkdir()
    linked = folder / "glass" / "glass_00.jpg"
    linked.symlink_to(linked.rename(drive / "glass_00.jpg"))
    assert linked.exists()
    return folder


def unplug(photos: Path) -> None:
    (photos.parent / "drive").rename(photos.parent / "unplugged")


def test_photo_is_used_again_when_its_drive_is_back(photos: Path, tmp_path: Path) -> None:
    places = ("--source", str(photos), "--run-dir", str(tmp_path / "run"))
    training = start(("train", *places, "--epochs", "2000", "--cache-gb", "0", *SMALL, *QUICK))
    assert training.stdout is not None
    try:
        wait_for(training.stdout, EpochFinished)
        unplug(photos)
        warned = wait_for(training.stdout, Warned)
        assert isinstance(warned, Warned) and "left out until it is back" in warned.text
        wait_for(training.stdout, EpochFinished)
        wait_for(training.stdout, EpochFinished)
        (tmp_path / "unplugged").rename(tmp_path / "drive")
        wait_for(training.stdout, SourceBack)
        wait_for(training.stdout, EpochFinished)
    finally:
        training.kill()
        training.communicate()
