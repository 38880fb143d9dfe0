"""What frames the pages: header and bar above them, their tabs, a part below them, the training strip."""

from __future__ import annotations

import importlib

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.shell.banner import Banner
from waste_gui.gui.shell.header import Header
from waste_gui.gui.shell.tabs import Tabs
from waste_gui.gui.shell.training_strip import TrainingStrip

LEFT_WIDTH, LEFT_WIDTH_WIDE = 336, 416
"""Of the header's first column, and of what stands below it on the training page."""
WIDE = 1400


class Frame(QWidget):
    page_changed = Signal(str)
    left_changed = Signal(int)  # The width of the first column.

    def __init__(self) -> None:
        """From the outside in: a widget that moves with all its children is looked at anew with all of them,
        which for five pages takes 25 ms."""
        super().__init__()
        self.header = Header(LEFT_WIDTH)
        self.bar = Banner()
        self.tabs = Tabs()
        self.pages = QStackedWidget()
        self.strip = TrainingStrip()
        self._names: list[str] = []
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.header)
        body = QVBoxLayout()
        body.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        body.setSpacing(2 * UNIT)
        body.addWidget(self.tabs)
        body.addWidget(self._splitter, 1)
        rows.addLayout(body, 1)
        rows.addWidget(self.bar)  # Below: the page does not move when it comes or goes.
        rows.addWidget(self.strip)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.pages)
        self._splitter.setStretchFactor(0, 3)
        self.tabs.currentChanged.connect(self._on_tab)

    def add_page(self, name: str, title: str, page: QWidget | str) -> None:
        """A page, or where one is found that is made when it is first looked at (`LazyPage`)."""
        self._names.append(name)
        self.pages.addWidget(LazyPage(page) if isinstance(page, str) else page)
        self.tabs.addTab(title)

    def add_below(self, part: QWidget) -> None:
        self._splitter.addWidget(part)
        self._splitter.setStretchFactor(1, 2)

    @property
    def page(self) -> str:
        """The name of the one that is shown."""
        return self._names[self.tabs.currentIndex()]

    def show_page(self, name: str) -> None:
        self.tabs.setCurrentIndex(self._names.index(name))

    def _on_tab(self, place: int) -> None:
        self.pages.setCurrentIndex(place)
        self.page_changed.emit(self._names[place])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = LEFT_WIDTH_WIDE if self.width() >= WIDE else LEFT_WIDTH
        self.header.set_first_width(width)
        self.left_changed.emit(width)


class LazyPage(QWidget):
    """The place of a page that is made when it is first looked at: the window opens sooner without it."""

    def __init__(self, of: str = "") -> None:
        """`of`, as `waste_gui.gui.ROOM.page:CLASS`, is imported then, too; without it, `fill` it before."""
        super().__init__()
        self._of = of

    def showEvent(self, event: QShowEvent) -> None:
        if self._of:
            module, _, name = self._of.partition(":")
            self._of = ""
            self.fill(getattr(importlib.import_module(module), name)())
        super().showEvent(event)

    def fill(self, page: QWidget) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(page)
