"""Work beside the window: its result, its error and its end reach whoever asked for it, or nobody."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from waste_gui.gui.common.background import Background, unexpected

Tell = Callable[[object], None]


def fail(tell: Tell) -> object:
    raise OSError(28, "No space left on device")


def test_error_reaches_the_handler_that_was_given(qtbot: QtBot) -> None:
    errors: list[Exception] = []
    background = Background(errors.append)
    background.start(fail)
    qtbot.waitUntil(lambda: bool(errors), timeout=WAIT_MS)
    assert "No space left" in str(errors[0]) and not background.working


def test_unexpected_error_is_raised_with_its_traceback(qtbot: QtBot) -> None:
    background = Background(unexpected)
    with qtbot.captureExceptions() as raised:
        background.start(fail)
        qtbot.waitUntil(lambda: bool(raised), timeout=WAIT_MS)
    assert isinstance(raised[0][1], OSError)
    assert raised[0][1].__traceback__ is not None


def test_error_of_cancelled_work_is_nobodys(qtbot: QtBot) -> None:
    errors: list[Exception] = []
    background, go_on = Background(errors.append), threading.Event()

    def work(tell: Tell) -> object:
        assert go_on.wait(20)
        return fail(tell)

    background.start(work)
    background.cancel()
    go_on.set()
    done: list[object] = []
    background.finished.connect(done.append)
    background.start(lambda tell: 1)
    qtbot.waitUntil(lambda: done == [1], timeout=WAIT_MS)
    assert errors == []


@pytest.mark.parametrize("work", [fail, lambda tell: 1])
def test_end_of_work_whose_window_is_gone_is_quiet(
    work: Callable[[Tell], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    parent, go_on = QObject(), threading.Event()
    background = Background(unexpected, parent)

    def later(tell: Tell) -> object:
        assert go_on.wait(20)
        return work(tell)

    before = set(threading.enumerate())
    background.start(later)
    (thread,) = set(threading.enumerate()) - before
    import shiboken6

    shiboken6.delete(parent)
    go_on.set()
    thread.join(20)
    assert raised == []


CLOSES = """
import sys, time
import shiboken6
from PySide6.QtCore import QCoreApplication, QObject
from waste_gui.gui.common.background import Background, unexpected
sys.setswitchinterval(1e-5)
app = QCoreApplication([])
for number in range(1500):
    parent = QObject()
    for background in [Background(unexpected, parent) for _ in range(4)]:
        background.start(lambda tell: [tell(each) for each in range(40)])
    time.sleep(0.0005 * (number % 4))
    shiboken6.delete(parent)
    if number % 50 == 0:
        app.processEvents()
print("closed")
"""


def test_windows_that_close_while_work_tells_of_itself_do_not_end_the_process() -> None:
    """A thread that calls an object of Qt's while that is taken apart ended it with a segmentation fault."""
    ended = subprocess.run([sys.executable, "-c", CLOSES], capture_output=True, text=True, timeout=100)
    assert (ended.returncode, ended.stdout) == (0, "closed\n"), ended.stderr
