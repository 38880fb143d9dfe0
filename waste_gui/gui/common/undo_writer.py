"""What can be undone: changes that are shown at once and written beside the window, in their order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from waste_gui.gui.common.background import post, unexpected

CLOSE_S = 3.0
"""How long a closing window waits for what is still to be written: a home on a network drive may be slow."""

Do = Callable[[], object]


class NotWritten(Exception):
    """What could not be written, and what can be done about it."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


class Step(QUndoCommand):
    def __init__(self, words: str, do: Do, undo: Do) -> None:
        super().__init__(words)
        self._do, self._undo = do, undo

    def redo(self) -> None:
        self._do()

    def undo(self) -> None:
        self._undo()


class UndoWriter(QObject):
    """One thread for all writes, one after the other: a change and its undo must not change places."""

    written = Signal()  # One change, or it was said why not.
    failed = Signal(str, str)  # What could not be written, and what to do.

    def __init__(self, undo_stack: QUndoStack, name: str, parent: QObject | None = None) -> None:
        """`name` is the thread's."""
        super().__init__(parent)
        self.changes = 0  # So many were ever begun.
        self.waiting = 0  # So many are not written yet.
        self._undo_stack, self._name = undo_stack, name
        self._works: queue.SimpleQueue[Do | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.written.connect(self._on_written)
        self._post = post()

    def push(self, words: str, do: Do, undo: Do) -> None:
        """A step of undo, which is done now; both ask for what they write with `write`."""
        self._undo_stack.push(Step(words, do, undo))

    def write(self, write: Do) -> None:
        """For the thread; raises NotWritten."""
        self.changes += 1
        self.waiting += 1

        def try_to() -> None:
            try:
                write()
            except NotWritten as error:
                text, hint = error.text, error.hint
                self._post.send_to(self, lambda: self.failed.emit(text, hint))
            finally:
                self._post.send_to(self, self.written.emit)

        self.after_writes(try_to)

    def after_writes(self, work: Do) -> None:
        """In the same thread, after all that is still to be written."""
        self._works.put(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work_off, name=self._name, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let what was asked for be written."""
        if self._thread is not None:
            self._works.put(None)
            self._thread.join(CLOSE_S)
            self._thread = None

    def _work_off(self) -> None:
        """A bug in one of them is raised in the window's thread, and the next ones are written."""
        while (work := self._works.get()) is not None:
            try:
                work()
            except Exception as error:
                self._post.send_to(self, partial(unexpected, error))

    def _on_written(self) -> None:
        self.waiting -= 1
