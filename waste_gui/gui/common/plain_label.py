"""A label that shows text as it is: no markup, coloured by role, elided, and whole in its tooltip."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from waste_gui.gui.common import escaping as texts
from waste_gui.gui.common import theme
from waste_gui.gui.common.theme import UNIT, Role, Size

_UNBOUNDED = 1 << 20


class PlainLabel(QLabel):
    """One line, elided where it does not fit, or with `wrap` as many lines as it needs."""

    def __init__(
        self,
        text: str = "",
        *,
        size: Size = "body",
        bold: bool = False,
        role: Role = "text",
        wrap: bool = False,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(theme.font(size, bold))
        self._role: Role = role
        self._explained = ""
        self._elide = elide
        self.setWordWrap(wrap)
        self.setAlignment(align | (Qt.AlignmentFlag.AlignTop if wrap else Qt.AlignmentFlag.AlignVCenter))
        vertical = QSizePolicy.Policy.Minimum if wrap else QSizePolicy.Policy.Fixed
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        policy.setHeightForWidth(wrap)
        self.setSizePolicy(policy)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        text = texts.one_line(text)
        if text != self.text():
            self.setText(text)
            self._update_tooltip()

    def set_role(self, role: Role) -> None:
        if role != self._role:
            self._role = role
            self.update()

    def explain(self, text: str) -> None:
        """A tooltip of its own, instead of the whole text where that is cut."""
        self._explained = text
        self._update_tooltip()

    def sizeHint(self) -> QSize:
        if self.wordWrap():
            width = min(self.fontMetrics().horizontalAdvance(self.text()) + 1, 480)
            return QSize(width, self.heightForWidth(width))
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 1, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(48, self.sizeHint().width()), self.fontMetrics().height())

    def heightForWidth(self, width: int) -> int:
        if not self.wordWrap():
            return -1
        flags = int(Qt.TextFlag.TextWordWrap)
        box = QRect(0, 0, max(1, width), _UNBOUNDED)
        return self.fontMetrics().boundingRect(box, flags, texts.breakable(self.text())).height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_tooltip()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(theme.colour(self._role if self.isEnabled() else "muted"))
        if self.wordWrap():
            flags = int(self.alignment()) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect(), flags, texts.breakable(self.text()))
        else:
            painter.drawText(self.rect(), int(self.alignment()), self._fitted())
        painter.end()

    def _fitted(self) -> str:
        return self.fontMetrics().elidedText(self.text(), self._elide, self.width())

    def _update_tooltip(self) -> None:
        if self._explained:
            tip = self._explained
        elif self.wordWrap():
            tip = self.text() if texts.breakable(self.text()).replace("\u200b", "") != self.text() else ""
        else:
            tip = self.text() if self._fitted() != self.text() else ""
        self.setToolTip(texts.tooltip(tip))


def heading(text: str) -> PlainLabel:
    """Of a column, as high as a button beside it would be, so that columns begin on one line."""
    label = PlainLabel(text, bold=True)
    label.setFixedHeight(3 * UNIT)
    return label
