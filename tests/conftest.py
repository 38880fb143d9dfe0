"""Every test runs without a display and keeps its runs, history and settings in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile("untimed", deadline=None)  # A busy computer makes no example wrong.
settings.load_profile("untimed")

SHARED_TRASHNET = Path(__file__).parents[2] / "shared/data/trashnet"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASTE_GUI_HOME", str(tmp_path / "home"))


@pytest.fixture
def trashnet() -> Path:
    """600 real photos in six folders, where they are at hand."""
    if not SHARED_TRASHNET.is_dir():
        pytest.skip("the shared TrashNet photos are not on this machine")
    return SHARED_TRASHNET
