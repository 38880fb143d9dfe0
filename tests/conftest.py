"""Every test runs without a display and keeps its runs, history and settings in a folder of its own."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile("untimed", deadline=None)  # A busy computer makes no example wrong.
settings.load_profile("untimed")

if sys.platform != "win32":  # In a shell's background or under nohup these are ignored, also in all children.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            interrupts = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if interrupts else signal.SIG_DFL)

SHARED_TRASHNET = Path(__file__).parents[2] / "shared/data/trashnet"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASTE_GUI_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True, scope="module")
def _windows_go_in_the_thread_that_made_them(request: pytest.FixtureRequest) -> Iterator[None]:
    """A collection of garbage in a thread that reads photos would end a window's timers from there, and with
    them the process."""
    if not {"gui", "strangers", "faults", "benchmarks"} & set(request.path.parts):
        yield
        return
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def trashnet() -> Path:
    """600 real photos in six folders, where they are at hand."""
    if not SHARED_TRASHNET.is_dir():
        pytest.skip("the shared TrashNet photos are not on this machine")
    return SHARED_TRASHNET
