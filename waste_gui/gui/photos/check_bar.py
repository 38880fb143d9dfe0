"""What is known of the check, in two lines with its button; the line below them fills while it runs."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import tooltip
from waste_gui.gui.common.glyphs import ROLES, GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.photos.check_text import STOP, CheckText

CHECK_TIP = "Reads every photo once and lists what would disturb training"
STOP_TIP = "Stop the check; it goes on where it was when you start it again"
WHILE_TRAINING = "It can start when the training has ended."
LATER_TIP = "After the training: both would read the photos at once"


class _ProgressLine(QWidget):
    """A hairline, thick as far as the check is."""

    def __init__(self) -> None:
        super().__init__()
        self._share: float | None = None
        self.setFixedHeight(3)
        self.setAccessibleName("How far the check is")

    def show_share(self, share: float | None) -> None:
        if share != self._share:
            self._share = share
            self.setAccessibleDescription("" if share is None else f"{100 * share:.0f} %")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, 1, self.width(), 1, QColor(theme.colours().hairline))
        if self._share:
            painter.fillRect(0, 0, round(self._share * self.width()), 3, QColor(theme.colours().accent))
        painter.end()


class CheckBar(QWidget):
    check_asked = Signal()
    stop_asked = Signal()
    browse_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = GlyphMark(side=14)
        self.title = PlainLabel(bold=True)
        self.detail = PlainLabel(role="muted", wrap=True)
        self.browse = QPushButton()
        self.browse.clicked.connect(self.browse_asked)
        self.button = QPushButton()
        self.button.clicked.connect(self._on_clicked)
        self._line = _ProgressLine()
        self._stops = False
        top = QHBoxLayout()
        top.setSpacing(UNIT)
        top.addWidget(self._mark)
        top.addWidget(self.title, 1)
        top.addWidget(self.browse)
        top.addWidget(self.button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addLayout(top)
        rows.addWidget(self.detail)
        rows.addSpacing(UNIT // 2)
        rows.addWidget(self._line)

    def show_text(self, text: CheckText, *, possible: bool, training: bool, stopping: bool) -> None:
        """`possible` is whether there are photos to check."""
        self._mark.set_glyph(text.glyph)
        self.title.set_text(text.title)
        self.title.set_role("stuck" if ROLES[text.glyph] == "stuck" else "text")
        waits = training and possible and text.button != STOP
        self.detail.set_text(f"{text.detail} {WHILE_TRAINING}" if waits else text.detail)
        self._line.show_share(text.share)
        self._stops = text.button == STOP
        self.button.setText(text.button)
        self.button.setAccessibleName(text.button.replace("&", ""))
        self.button.setEnabled(not stopping if self._stops else possible and not training)
        tip = LATER_TIP if training and not self._stops else STOP_TIP if self._stops else CHECK_TIP
        self.button.setToolTip(tooltip(tip))
        self.setAccessibleName(f"Check of the photos: {text.title} {text.detail}")

    def show_browse(self, text: str) -> None:
        """Empty where there is nothing to look at."""
        self.browse.setVisible(bool(text))
        self.browse.setText(text)
        self.browse.setAccessibleName(text.replace("&", "") or "Browse findings")

    def _on_clicked(self) -> None:
        (self.stop_asked if self._stops else self.check_asked).emit()
