"""EngineProcess with real children: how they end, and in which words."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, fake
from waste_gui.gui.session.engine_process import EngineProcess
from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.protocol import RunStarted, Unreadable


@pytest.mark.parametrize(
    ("outcome", "crashed", "words"),
    [
        (ProcessOutcome(exit_code=0), False, "exit status 0"),
        (ProcessOutcome(exit_code=3), False, "exit status 3"),
        (ProcessOutcome(exit_code=9), True, "exit status 9"),
        (ProcessOutcome(signal=9), True, "killed by the system (signal 9)"),
        (ProcessOutcome(signal=11), True, "segmentation fault"),
        (ProcessOutcome(signal=62), True, "signal 62"),
        (ProcessOutcome(not_started="no such file"), True, "could not be started: no such file"),
        (ProcessOutcome(signal=9, forced=True), True, "ended by force"),
    ],
)
def test_outcome_says_itself_in_words(outcome: ProcessOutcome, crashed: bool, words: str) -> None:
    assert outcome.crashed == crashed
    assert words in outcome.words
    assert explain(outcome).hint


def test_prints_land_in_the_log_and_not_among_the_messages(qtbot: QtBot, tmp_path: Path) -> None:
    engine = EngineProcess()
    messages: list[object] = []
    engine.messages_received.connect(messages.extend)
    with qtbot.waitSignal(engine.ended, timeout=WAIT_MS):
        engine.start(fake("finishes")(tmp_path), tmp_path / "engine.log")
    assert isinstance(messages[0], RunStarted)
    assert not any(isinstance(message, Unreadable) for message in messages)
    assert "a line on stdout that is no message" in (tmp_path / "engine.log").read_text()


def test_killing_reaches_what_the_engine_started(qtbot: QtBot, tmp_path: Path) -> None:
    worker = "import time; time.sleep(600)"
    child = (
        "import subprocess, sys, time\n"
        f"print(subprocess.Popen([sys.executable, '-c', {worker!r}]).pid, flush=True)\n"
        "time.sleep(600)"
    )
    engine = EngineProcess()
    with qtbot.waitSignal(engine.messages_received, timeout=WAIT_MS) as said:
        engine.start([sys.executable, "-c", child], tmp_path / "engine.log")
    assert said.args and isinstance(said.args[0][0], Unreadable)
    pid = int(said.args[0][0].text)
    with qtbot.waitSignal(engine.ended, timeout=WAIT_MS) as ended:
        engine.kill_now()
    assert ended.args and ended.args[0].forced
    qtbot.waitUntil(lambda: _gone(pid), timeout=WAIT_MS)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class _Sender(QObject):
    told = Signal(object)


def test_emitting_loses_no_reference_of_true(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 lost one each time: a live plot died after 110 refreshes."""
    sender = _Sender()
    seen: list[object] = []
    sender.told.connect(seen.append)
    before = sys.getrefcount(True)
    for _ in range(50):
        sender.told.emit(None)
    assert sys.getrefcount(True) >= before - 5
    assert len(seen) == 50
