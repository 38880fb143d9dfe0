"""Work beside the window for a session: threads by name, their results in the window's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from waste_gui.gui.common.background import Background, unexpected

T = TypeVar("T")


class BesideTheWindow(QObject):
    """One piece of work of each name at a time. A bug in it is raised in the window's thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._works: dict[str, Background] = {}
        self._thens: dict[str, Callable[[Any], None]] = {}
        self._cancelled = False

    def __call__(self, name: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        if self._cancelled:
            return
        background = self._works.get(name)
        if background is None:
            background = self._works[name] = Background(unexpected, self)
            background.finished.connect(lambda result: self._thens[name](result))
        if not background.working:
            self._thens[name] = then
            background.start(lambda tell: work())

    def cancel(self) -> None:
        """Nobody waits for the results any more."""
        self._cancelled = True
        for background in self._works.values():
            background.cancel()
        self.deleteLater()
