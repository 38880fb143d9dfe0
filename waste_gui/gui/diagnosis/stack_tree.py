"""Stacks as a tree: process, thread, frames from the innermost; the line that matters marked and in words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QAbstractItemView, QTreeWidget, QTreeWidgetItem, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.monitor.stack_words import in_words, key_frame
from waste_gui.protocol import Frame, ThreadStack

ROLES = {"main": "Engine", "engine": "Engine", "worker": "Worker"}
MARK = "▸ "
SHOWN_FRAMES = 2_000
"""Of all threads together: some 60 ms. The report has the others, too."""
MORE = "… more in the report"


class StackTree(QTreeWidget):
    """Rebuilt only when other stacks come, so that what was opened stays open."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._shown: tuple[ThreadStack, ...] | None = None
        self._room = SHOWN_FRAMES
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setAccessibleName("Stacks of the processes")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        self.show_threads(())

    def show_threads(self, threads: Sequence[ThreadStack]) -> None:
        if self._shown is not None and tuple(threads) == self._shown:
            return
        self._shown = tuple(threads)
        self.clear()
        self._room = SHOWN_FRAMES
        for pid in dict.fromkeys(thread.pid for thread in threads):
            self._add_process(pid, [thread for thread in threads if thread.pid == pid])
        first = self.topLevelItem(0)
        if first is not None:
            self.setCurrentItem(first)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._shown is not None:
            threads, self._shown = self._shown, None
            self.show_threads(threads)

    def _add_process(self, pid: int, threads: Sequence[ThreadStack]) -> None:
        """Opened as far as the threads that do something; of those the marked line is in sight."""
        name = next((ROLES[thread.role] for thread in threads if thread.role in ROLES), "Process")
        process = _item(f"{name}, process {pid}", bold=True)
        self.addTopLevelItem(process)
        process.setExpanded(True)
        for thread in sorted(threads, key=lambda thread: thread.role != "main"):
            item = self._add_thread(process, thread)
            item.setExpanded(thread.role in ("main", "worker"))

    def _add_thread(self, process: QTreeWidgetItem, thread: ThreadStack) -> QTreeWidgetItem:
        words = in_words(thread)
        is_main = thread.role == "main" or thread.thread == "MainThread"
        name = "main thread" if is_main else f"thread {thread.thread}"
        item = _item(f"{name}: {words}" if words else name)
        process.addChild(item)
        key = key_frame(thread)
        shown = min(len(thread.frames), self._room)
        self._room -= shown
        for i in range(len(thread.frames) - 1, len(thread.frames) - 1 - shown, -1):
            item.addChild(_frame_item(thread.frames[i], i == key))
        if shown < len(thread.frames):
            item.addChild(_item(MORE, role="muted"))
        return item


def _frame_item(frame: Frame, marked: bool) -> QTreeWidgetItem:
    words = f"{frame.function}  –  {_short(frame.file)}:{frame.line}"
    item = _item(f"{MARK if marked else ''}{words}", bold=marked, role="accent" if marked else "muted")
    item.setToolTip(0, tooltip(f"{frame.file}:{frame.line} in {frame.function}"))
    return item


def _short(file: str) -> str:
    """The last two parts of a path say which file of which package it is."""
    return "/".join(file.replace("\\", "/").split("/")[-2:])


def _item(text: str, bold: bool = False, role: theme.Role = "text") -> QTreeWidgetItem:
    item = QTreeWidgetItem([one_line(text)])
    item.setFont(0, theme.font("body", bold))
    item.setForeground(0, QBrush(theme.colour(role)))
    return item
