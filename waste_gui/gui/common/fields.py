"""Form fields that leave the wheel to the page, so that scrolling changes no value."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QSpinBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from waste_gui.gui.common.escaping import tooltip
from waste_gui.gui.common.theme import UNIT


class ChoiceBox(QComboBox):
    """A list to choose from; a name too long for it is elided and whole in its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._has_list = False

    def _make_list(self) -> None:
        """When it is first opened: to make one takes milliseconds, and there may be many boxes."""
        self._has_list = True
        self.setItemDelegate(QStyledItemDelegate(self))  # Its own would not know the style sheet's rows.
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)

    def showPopup(self) -> None:
        """As wide as its longest name, if the screen is."""
        if not self._has_list:
            self._make_list()
        view = self.view()
        scrolls = self.count() > self.maxVisibleItems()
        beside = view.verticalScrollBar().sizeHint().width() if scrolls else 0
        room = self.screen().availableGeometry().right() - self.mapToGlobal(QPoint(0, 0)).x()
        view.setMinimumWidth(min(view.sizeHintForColumn(0) + beside + 2 * UNIT, room))
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.isEditable():
            super().paintEvent(event)
            return
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self)
        whole = self.currentText()
        shown = self.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideMiddle, room.width() - 2)
        option.currentText = shown
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        tip = tooltip(whole) if shown != whole else ""
        if tip != self.toolTip():
            self.setToolTip(tip)


class NumberBox(QSpinBox):
    """A whole number."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(7, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
