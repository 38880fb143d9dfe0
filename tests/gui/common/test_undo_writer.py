"""What can be undone is written in its order, whatever becomes of one write."""

from __future__ import annotations

import threading

from PySide6.QtGui import QUndoStack
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS
from waste_gui.gui.common.undo_writer import NotWritten, UndoWriter


def test_change_and_its_undo_are_written_in_their_order(qtbot: QtBot) -> None:
    stack, wrote = QUndoStack(), list[str]()
    writer, go_on = UndoWriter(stack, "test"), threading.Event()
    writer.after_writes(lambda: go_on.wait(20))
    writer.push("a", lambda: writer.write(lambda: wrote.append("a")), lambda: writer.write(wrote.clear))
    writer.push("b", lambda: writer.write(lambda: wrote.append("b")), lambda: writer.write(wrote.pop))
    stack.undo()
    assert wrote == [] and writer.waiting == 3
    go_on.set()
    qtbot.waitUntil(lambda: writer.waiting == 0, timeout=WAIT_MS)
    assert wrote == ["a"] and writer.changes == 3
    writer.close()


def test_what_cannot_be_written_is_said_and_the_next_is_written(qtbot: QtBot) -> None:
    def full() -> None:
        raise NotWritten("The disk is full.", "Free some space.")

    writer, wrote, told = UndoWriter(QUndoStack(), "test"), list[str](), list[tuple[str, str]]()
    writer.failed.connect(lambda text, hint: told.append((text, hint)))
    writer.write(full)
    writer.write(lambda: wrote.append("next"))
    qtbot.waitUntil(lambda: writer.waiting == 0, timeout=WAIT_MS)
    assert told == [("The disk is full.", "Free some space.")] and wrote == ["next"]
    writer.close()


def test_bug_in_one_write_is_raised_and_loses_no_other(qtbot: QtBot) -> None:
    writer, wrote = UndoWriter(QUndoStack(), "test"), list[str]()
    with qtbot.captureExceptions() as raised:
        writer.write(lambda: [][0])
        writer.write(lambda: wrote.append("next"))
        qtbot.waitUntil(lambda: writer.waiting == 0 and bool(raised), timeout=WAIT_MS)
    assert isinstance(raised[0][1], IndexError) and wrote == ["next"]
    writer.close()


def test_closing_waits_for_what_is_still_to_be_written() -> None:
    writer, wrote = UndoWriter(QUndoStack(), "test"), list[int]()
    for n in range(100):
        writer.write(lambda n=n: wrote.append(n))  # type: ignore[misc]
    writer.close()
    assert wrote == list(range(100))
