"""The bar below the page: what is wrong or done, the evidence, and what to do; filled, full width."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import label
from waste_gui.gui.common.glyphs import GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import FRAME_MS, UNIT, Role
from waste_gui.gui.session.run_text import LETTERS, Notice

ROW_HEIGHT = 6 * UNIT
"""Of a bar that says one sentence; the page below moves by no more."""

_TEXT: dict[str, Role] = {
    "slow": "slow_bar_text",
    "stuck": "stuck_bar_text",
    "done": "text",
    "info": "text",
}


def _fill(tone: str) -> str:
    c = theme.colours()
    return {"slow": c.slow_bar, "stuck": c.stuck_bar}.get(tone, c.selection)


def _clear(layout: QBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()


def _buttons(notice: Notice) -> tuple[object, ...]:
    return notice.tone, notice.offers, notice.labels


class Banner(QWidget):
    """Hidden while there is nothing to say; Esc never hides it. A title alone stands in one row with its
    buttons, where the window is wide enough."""

    chosen = Signal(object)  # Action | Offer

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice: Notice | None = None
        self._shown: Notice | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show)
        self._mark = GlyphMark(side=14)
        self._title = PlainLabel(size="title", bold=True, wrap=True)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(0)
        self._text = PlainLabel(wrap=True)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(UNIT)
        self._words = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._words.addWidget(self._title)
        self._words.addLayout(self._lines)
        self._words.addWidget(self._text)
        self._words.addLayout(self._buttons)
        self._mark_place = QVBoxLayout()
        self._mark_place.addWidget(self._mark)
        self._row = QHBoxLayout(self)
        self._row.setSpacing(UNIT + 2)
        self._row.addLayout(self._mark_place)
        self._row.addLayout(self._words, 1)
        self._in_row: bool | None = None
        self._lay_out(in_row=False)
        self.hide()

    def _lay_out(self, *, in_row: bool) -> None:
        """In one row, or with the buttons below the text."""
        if in_row == self._in_row:
            return
        self._in_row = in_row
        over = UNIT if in_row else UNIT + UNIT // 2
        self._row.setContentsMargins(2 * UNIT, over, 2 * UNIT, over)
        self.setMinimumHeight(ROW_HEIGHT if in_row else 0)
        top, middle = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignVCenter
        direction = QBoxLayout.Direction
        self._words.setDirection(direction.LeftToRight if in_row else direction.TopToBottom)
        self._words.setSpacing(2 * UNIT if in_row else UNIT // 2)
        self._words.setStretchFactor(self._title, int(in_row))
        self._words.setAlignment(self._title, middle if in_row else Qt.AlignmentFlag(0))
        self._buttons.setContentsMargins(0, 0 if in_row else UNIT // 2, 0, 0)
        self._mark_place.setContentsMargins(0, 0 if in_row else 3, 0, 0)
        self._row.setAlignment(self._mark_place, middle if in_row else top)

    def _fits_in_row(self) -> bool:
        if self._shown is None or self._shown.text or self._shown.lines:
            return False
        title = self._title.fontMetrics().horizontalAdvance(self._title.text()) + 1
        around = self._mark.width() + self._buttons.sizeHint().width() + 8 * UNIT
        room = self.parentWidget() or self  # While the bar is hidden, its own width is an old one.
        return around + title <= room.width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out(in_row=self._fits_in_row())

    def show_notice(self, notice: Notice | None) -> None:
        """In a frame of its own, as all below moves when the bar comes or goes."""
        if notice != self.notice:
            self.notice = notice
            if not self._soon.isActive():
                self._soon.start(FRAME_MS)

    def show_now(self) -> None:
        """What is still to be shown."""
        if self._soon.isActive():
            self._soon.stop()
            self._show()

    def _show(self) -> None:
        before, self._shown, notice = self._shown, self.notice, self.notice
        if notice is None or notice == before:
            self.setVisible(notice is not None)
            return
        role = _TEXT[notice.tone]
        plain = notice.tone in ("done", "info")
        self._mark.set_glyph(notice.glyph, None if plain else role)
        self._title.set_text(notice.title)
        self._title.set_role(role)
        if before is None or (before.lines, before.tone) != (notice.lines, notice.tone):
            self._make_lines(notice.lines, role)
        self._text.set_text(notice.text)
        self._text.set_role(role)
        self._text.setVisible(bool(notice.text))
        if before is None or _buttons(before) != _buttons(notice):
            self._make_buttons(notice)
        self._lay_out(in_row=self._fits_in_row())
        self.setAccessibleName(" ".join((notice.title, *notice.lines, notice.text)))
        self.show()
        self.update()

    def focus_first(self) -> None:
        """Alt+W: to the warning's first button."""
        self.show_now()
        for button in self.findChildren(QPushButton):
            if button.isVisible():
                button.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return

    def _make_lines(self, lines: tuple[str, ...], role: Role) -> None:
        _clear(self._lines)
        for line in lines:
            shown = PlainLabel(line, size="caption", role=role)
            self._lines.addWidget(shown)
            shown.show()  # Else its room would be known only later.

    def _make_buttons(self, notice: Notice) -> None:
        _clear(self._buttons)
        for offer in notice.offers:
            letter = LETTERS[offer]
            button = QPushButton(label(notice.label(offer)).replace(letter, f"&{letter}", 1), self)
            button.clicked.connect(lambda _=False, offer=offer: self.chosen.emit(offer))
            self._buttons.addWidget(button)
            button.show()
        self._buttons.addStretch(1)
        self._paint_buttons()
        for button in self.findChildren(QPushButton):
            button.ensurePolished()  # Else they change their size once more when all is laid out.

    def _paint_buttons(self) -> None:
        if self.notice is None or self.notice.tone in ("done", "info"):
            sheet = ""
        else:
            text = getattr(theme.colours(), _TEXT[self.notice.tone])
            fill = _fill(self.notice.tone)
            sheet = (
                f"QPushButton {{ background: transparent; color: {text}; border: 1px solid {text}; }}"
                f"QPushButton:hover, QPushButton:pressed {{ background: {text}; color: {fill}; }}"
                f"QPushButton:focus {{ border: 2px solid {text}; }}"
            )
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_buttons()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(_fill(self.notice.tone if self.notice else "info")))
        painter.end()
