"""The signs of the states, drawn, so that they look the same in every font."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.common.theme import Role

ROLES: dict[Glyph, Role] = {
    "waiting": "muted",
    "running": "accent",
    "ok": "accent",
    "done": "done",
    "slow": "slow",
    "stuck": "stuck",
    "failed": "stuck",
    "stopped": "muted",
}


def paint_glyph(painter: QPainter, box: QRectF, glyph: Glyph, colour: QColor) -> None:
    """Circle: waiting; disc: on schedule; triangle: running; tick: done; diamond: slow; square: stuck;
    cross: failed; bar: stopped. Each in a square of `box`'s shorter side."""
    side = min(box.width(), box.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.center())
    painter.scale(side / 2, side / 2)  # From here on the sign's square is -1 … 1.
    pen = QPen(colour, 0.26, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen if glyph in ("waiting", "done", "failed", "stopped") else Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush if glyph in ("waiting", "done", "failed", "stopped") else colour)
    match glyph:
        case "waiting":
            pen.setWidthF(0.16)
            painter.setPen(pen)
            painter.drawEllipse(QPointF(0, 0), 0.72, 0.72)
        case "ok":
            painter.drawEllipse(QPointF(0, 0), 0.78, 0.78)
        case "running":
            painter.drawPolygon(QPolygonF([QPointF(-0.6, -0.82), QPointF(0.86, 0), QPointF(-0.6, 0.82)]))
        case "done":
            painter.drawPolyline(QPolygonF([QPointF(-0.76, 0.06), QPointF(-0.22, 0.6), QPointF(0.78, -0.56)]))
        case "slow":
            painter.drawPolygon(
                QPolygonF([QPointF(0, -0.95), QPointF(0.95, 0), QPointF(0, 0.95), QPointF(-0.95, 0)])
            )
        case "stuck":
            painter.drawRect(QRectF(-0.72, -0.72, 1.44, 1.44))
        case "failed":
            painter.drawLine(QPointF(-0.62, -0.62), QPointF(0.62, 0.62))
            painter.drawLine(QPointF(-0.62, 0.62), QPointF(0.62, -0.62))
        case "stopped":
            painter.drawLine(QPointF(-0.7, 0), QPointF(0.7, 0))
    painter.restore()


class GlyphMark(QWidget):
    """One sign as a widget; the word beside it says the same."""

    def __init__(self, glyph: Glyph = "waiting", side: int = 14, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._glyph: Glyph = glyph
        self._role: Role | None = None
        self._side = side
        self.setFixedSize(self.sizeHint())

    def set_glyph(self, glyph: Glyph, role: Role | None = None) -> None:
        """`role` colours it otherwise than its state does, on a filled bar."""
        if (glyph, role) != (self._glyph, self._role):
            self._glyph, self._role = glyph, role
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_glyph(painter, QRectF(self.rect()), self._glyph, theme.colour(self._role or ROLES[self._glyph]))
        painter.end()
