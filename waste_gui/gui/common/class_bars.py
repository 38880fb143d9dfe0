"""Photos per class as bars on one scale, each with its name and number."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.formatting import count, many

LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class ClassBars(QWidget):
    """One row a class; a share (0 … 1) or a number is drawn as a bar. Put it into a scroll area."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._rows: list[tuple[str, float, str]] = []
        self._top = 1.0
        self._measured: tuple[str, tuple[int, int]] | None = None
        self.setAccessibleName(name)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """In the classes' own order; an empty class stands out."""
        self._show([(label, float(n), count(n)) for label, n in counts.items()], None)
        told = (f"{one_line(name)}: {many(n, 'photo')}" for name, n in counts.items())
        self.setAccessibleDescription(", ".join(told))

    def show_shares(self, shares: Mapping[str, float | None], unknown: str = "") -> None:
        """`unknown` is said where there is no share."""
        words = {name: unknown if share is None else f"{100 * share:.0f} %" for name, share in shares.items()}
        self._show([(name, share or 0.0, words[name]) for name, share in shares.items()], 1.0)
        told = (f"{one_line(name)}: {text}" for name, text in words.items())
        self.setAccessibleDescription(", ".join(told))

    def _show(self, rows: list[tuple[str, float, str]], top: float | None) -> None:
        self._rows = [(one_line(label), value, text) for label, value, text in rows]
        self._measured = None
        self._top = top or max((value for _, value, _ in rows), default=1.0) or 1.0
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    @property
    def _row_height(self) -> int:
        return self.fontMetrics().height() + 6

    def _widths(self) -> tuple[int, int]:
        """Of the widest name and number, with room beside them; measured once, there may be thousands."""
        if self._measured is None or self._measured[0] != self.font().key():
            width = self.fontMetrics().horizontalAdvance
            name = max((width(name[:200]) for name, _, _ in self._rows), default=0)
            number = max((width(text) for _, _, text in self._rows), default=0)
            self._measured = self.font().key(), (name + 8, number + 8)
        return self._measured[1]

    def sizeHint(self) -> QSize:
        return QSize(280, len(self._rows) * self._row_height + 4)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = event.pos().y() // self._row_height
            if 0 <= row < len(self._rows):
                name, _, text = self._rows[row]
                QToolTip.showText(event.globalPos(), tooltip(f"{name}: {text}"), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c = theme.colours()
        painter = QPainter(self)
        metrics = painter.fontMetrics()
        longest, numbers = self._widths()
        names = min(self.width() * 45 // 100, longest)
        room = max(8, self.width() - names - numbers - 4)
        height = self._row_height
        first, last = event.rect().top() // height, event.rect().bottom() // height + 1
        for i, (name, value, text) in enumerate(self._rows[first:last], first):
            row = QRect(0, i * height, self.width(), height)
            painter.setPen(QColor(c.text if value else c.slow))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, names - 8)
            painter.drawText(QRect(0, row.top(), names, height), LEFT, shown)
            bar = QRect(names, row.top() + height // 2 - 4, round(room * value / self._top), 8)
            painter.fillRect(bar, QColor(c.train))
            painter.drawText(QRect(row.right() - numbers - 3, row.top(), numbers, height), RIGHT, text)
        painter.end()
