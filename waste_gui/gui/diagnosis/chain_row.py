"""The chain of waits as a row of boxes with arrows: who waits, for what, who has that. A box that is chosen
says where that was read."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT, Role
from waste_gui.monitor.waits.picture import Box, Tone

LEAST, MOST = 96, 260
"""Width of a box, in pixels; a longer name is cut in its middle."""

ARROW, HEAD = 28, 5
"""The least length of an arrow, and half the height of its head."""

HINT = "Choose a box to see where that was read."
NOT_READ = "Nothing more is known of it."
EDGES: dict[Tone, Role] = {"waits": "muted", "thing": "muted", "end": "accent", "nobody": "stuck"}
CENTRE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)


class BoxButton(QAbstractButton):
    """A box, with the arrow that leads to it before it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.box = Box("")
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_box(self, box: Box) -> None:
        self.box = box
        said = [part for part in (box.arrow, box.title, box.words) if part]
        self.setAccessibleName(one_line(", ".join(said)))
        self.setToolTip(tooltip("\n".join((box.whole or box.title, *box.evidence))))
        self.updateGeometry()
        self.update()

    @property
    def arrow_width(self) -> int:
        if not self.box.arrow:
            return 0
        return max(ARROW, QFontMetrics(theme.font("caption")).horizontalAdvance(self.box.arrow) + 2 * UNIT)

    def sizeHint(self) -> QSize:
        title, words = QFontMetrics(theme.font("body", True)), QFontMetrics(theme.font("caption"))
        wanted = max(title.horizontalAdvance(self.box.title), words.horizontalAdvance(self.box.words))
        width = min(MOST, max(LEAST, wanted + 3 * UNIT))
        return QSize(self.arrow_width + width, title.height() + words.height() + 2 * UNIT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_arrow(painter)
        self._paint_box(painter)
        painter.end()

    def _paint_arrow(self, painter: QPainter) -> None:
        if not self.box.arrow:
            return
        end, middle = self.arrow_width - 2, self.height() // 2
        painter.setPen(QPen(theme.colour("muted"), 1.5))
        painter.drawLine(2, middle, end, middle)
        for side in (-HEAD, HEAD):
            painter.drawLine(end - HEAD, middle + side, end, middle)
        painter.setFont(theme.font("caption"))
        above = QRect(0, 0, self.arrow_width, middle - 2)
        painter.drawText(
            above, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom), self.box.arrow
        )

    def _paint_box(self, painter: QPainter) -> None:
        place = QRect(self.arrow_width, 0, self.width() - self.arrow_width, self.height()).adjusted(
            1, 1, -1, -1
        )
        chosen = self.isChecked() or self.underMouse()
        colour = theme.colour("accent") if self.hasFocus() else theme.colour(EDGES[self.box.tone])
        pen = QPen(colour, 2 if self.hasFocus() or self.box.tone in ("end", "nobody") else 1)
        painter.setPen(pen)
        painter.setBrush(QColor(theme.colours().selection if chosen else theme.colours().surface))
        painter.drawRoundedRect(place, *((3, 3) if self.box.tone == "waits" else (11, 11)))
        inside = place.adjusted(UNIT, UNIT - 2, -UNIT, 2 - UNIT)
        for text, font, role, upper in (
            (self.box.title, theme.font("body", True), "text", True),
            (self.box.words, theme.font("caption"), "muted", False),
        ):
            metrics = QFontMetrics(font)
            line = QRect(inside)
            if self.box.words:
                line.setHeight(metrics.height()) if upper else line.setTop(inside.bottom() - metrics.height())
            painter.setFont(font)
            painter.setPen(theme.colour("stuck" if self.box.tone == "nobody" and upper else role))  # type: ignore[arg-type]
            shown = metrics.elidedText(one_line(text), Qt.TextElideMode.ElideMiddle, line.width())
            painter.drawText(line, CENTRE, shown)


class _Row(QWidget):
    """Boxes from left to right, in as many lines as they need."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons: list[BoxButton] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_boxes(self, boxes: Sequence[Box]) -> None:
        while len(self.buttons) < len(boxes):
            self.buttons.append(BoxButton(self))
        for button, box in zip(self.buttons, boxes, strict=False):
            if button.box != box:
                button.show_box(box)
        for place, button in enumerate(self.buttons):
            button.setVisible(place < len(boxes))
        self._place(self.width())
        self.updateGeometry()

    def _place(self, width: int, *, move: bool = True) -> int:
        """The height that it takes at this width."""
        x = y = high = 0
        for button in self.buttons:
            if button.isHidden():
                continue
            size = button.sizeHint().boundedTo(QSize(max(LEAST, width), 1 << 16))
            if x and x + size.width() > width:
                x, y = 0, y + high + UNIT
            if move:
                button.setGeometry(x, y, size.width(), size.height())
            x, high = x + size.width() + 4, size.height()
        return y + high

    def heightForWidth(self, width: int) -> int:
        return self._place(width, move=False)

    def sizeHint(self) -> QSize:
        return QSize(480, self.heightForWidth(max(480, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST, self.heightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(self.width())


class ChainRow(QWidget):
    """Hidden while no chain is known."""

    def __init__(self) -> None:
        super().__init__()
        self._boxes: tuple[Box, ...] = ()
        self.row = _Row()
        self.read = PlainLabel(HINT, size="caption", role="muted")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addWidget(self.row)
        rows.addWidget(self.read)
        self.hide()

    @property
    def buttons(self) -> list[BoxButton]:
        return [button for button in self.row.buttons if not button.isHidden()]

    def show_boxes(self, boxes: tuple[Box, ...]) -> None:
        if boxes != self._boxes:
            known = len(self.row.buttons)
            self._boxes = boxes
            self.row.show_boxes(boxes)
            for button in self.row.buttons[known:]:
                button.toggled.connect(self._say_where)
            self._say_where()
        self.setVisible(bool(boxes))

    def _say_where(self) -> None:
        chosen = next((button.box for button in self.buttons if button.isChecked()), None)
        if chosen is None:
            self.read.set_text(HINT)
            return
        where = "; ".join(chosen.evidence) or NOT_READ
        name = f"{chosen.whole}: " if chosen.whole and chosen.whole != chosen.title else ""
        self.read.set_text(f"{name}{where}")
