"""The names of the pages in a row, the current one underlined."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QTabBar, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.theme import UNIT


class Tabs(QTabBar):
    """Painted flat: words and one line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setAccessibleName("Pages")
        self.setUsesScrollButtons(False)

    def tabSizeHint(self, index: int) -> QSize:
        text = self.tabText(index).replace("&", "")
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(text) + 3 * UNIT, metrics.height() + 2 * UNIT)

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        painter = QPainter(self)
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), QColor(c.hairline))
        for i in range(self.count()):
            box = self.tabRect(i)
            box.setWidth(box.width() - 3 * UNIT)  # The words begin where the page below begins.
            current = i == self.currentIndex()
            if current and self.hasFocus():
                painter.setPen(QColor(c.accent))
                around = box.adjusted(-UNIT // 2, 2, UNIT // 2 - 1, -4)
                painter.drawRect(around & self.rect().adjusted(0, 0, -1, -1))
            painter.setPen(QColor(c.text if current else c.muted))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextShowMnemonic)
            painter.drawText(box, flags, self.tabText(i))
            if current:
                painter.fillRect(box.left(), box.bottom() - 1, box.width(), 2, QColor(c.accent))
        painter.end()
