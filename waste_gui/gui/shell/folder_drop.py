"""Folders that are dropped anywhere onto a window."""

from __future__ import annotations

import os

from PySide6.QtCore import QEvent, QObject, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget


class FolderDrop(QObject):
    hovered = Signal(bool)
    dropped = Signal(object)  # list[str]

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragEnterEvent):
            if _folders(event.mimeData().urls()):
                event.acceptProposedAction()
                self.hovered.emit(True)
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.hovered.emit(False)
            return True
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self.hovered.emit(False)
            folders = _folders(event.mimeData().urls())
            if folders:
                event.acceptProposedAction()
                self.dropped.emit(folders)
            return True
        return False


def _folders(urls: list[QUrl]) -> list[str]:
    """Those among what is dropped."""
    paths = [url.toLocalFile() for url in urls if url.isLocalFile()]
    return [path for path in paths if os.path.isdir(path)]
