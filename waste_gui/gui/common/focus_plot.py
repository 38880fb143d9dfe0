"""A plot that shows with a frame that the keyboard is in it, and goes with all that pyqtgraph made for it."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QFocusEvent, QPainter

from waste_gui.gui.common import theme


class FocusPlot(pg.PlotWidget):  # type: ignore[misc]
    """The frame is painted over the picture that pyqtgraph keeps; a style sheet's would take room from it."""

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        super().drawForeground(painter, rect)
        if self.hasFocus():
            painter.save()
            painter.resetTransform()
            painter.setPen(QColor(theme.colours().accent))
            painter.drawRect(self.viewport().rect().adjusted(0, 0, -1, -1))
            painter.restore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()


def without_menu(view: pg.PlotWidget) -> None:
    """No menu on a click; the one that pyqtgraph makes all the same has no parent, and goes with the plot:
    it would outlive it, and each theme that is chosen be worked out for it, too."""
    item = view.getPlotItem()
    item.setMenuEnabled(False)
    view.destroyed.connect(item.ctrlMenu.deleteLater)
