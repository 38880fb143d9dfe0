"""The chosen folders, each with a button that removes it; of many some are in sight, others scrolled to."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT

MOST = 4
"""Folders in sight where there is room, so that what stands below keeps its own."""


BORDER = 2
"""Above and below what is scrolled, as the style sheet has it, in pixels."""


class SourceList(QScrollArea):
    removed = Signal(str)

    def __init__(self, after: QWidget, parent: QWidget | None = None) -> None:
        """The keyboard comes to them `after` this one."""
        super().__init__(parent)
        self._after = after
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Its buttons take the keyboard, and are scrolled to.
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setAccessibleName("Folders")
        self._shown: tuple[str, ...] = ()
        self._lines: list[QWidget] = []
        holder = QWidget()
        self._rows = QVBoxLayout(holder)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(UNIT // 2)
        self.setWidget(holder)

    def show_sources(self, sources: Sequence[str]) -> None:
        if tuple(sources) == self._shown:
            return
        self._shown = tuple(sources)
        for line in self._lines:
            self._rows.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = [self._make_line(source) for source in sources]
        before = self._after
        for line in self._lines:
            self._rows.addWidget(line)
            for remove in line.findChildren(QPushButton):  # One.
                self.setTabOrder(before, remove)
                before = remove
        self.updateGeometry()

    def _make_line(self, source: str) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(PlainLabel(source), 1)
        remove = QPushButton("Remove")
        remove.setProperty("link", True)
        remove.setAccessibleName(f"Remove {source}")
        remove.clicked.connect(functools.partial(self.removed.emit, source))
        line.addWidget(remove)
        return row

    def _height(self, rows: int) -> int:
        if not self._lines:
            return 0
        rows = min(rows, len(self._lines))
        return rows * self._lines[0].sizeHint().height() + (rows - 1) * self._rows.spacing() + BORDER

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(MOST))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self._height(1))
