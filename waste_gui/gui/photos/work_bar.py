"""What is known of work on the photos, with its button; the line below it fills while it runs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import tooltip
from waste_gui.gui.common.glyphs import ROLES, GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.photos.work_text import BarWords, WorkText

WAITS = "It can start when the {} has ended."
LATER_TIP = "After the {}: both would read the photos at once"


class _ProgressLine(QWidget):
    """A hairline, thick as far as the work is."""

    def __init__(self, of: str) -> None:
        super().__init__()
        self._share: float | None = None
        self.setFixedHeight(3)
        self.setAccessibleName(f"{of}: how far it is")

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


class WorkBar(QWidget):
    """Headline and button with the details below them, or `flat` all in one line."""

    start_asked = Signal()
    stop_asked = Signal()
    browse_asked = Signal()

    def __init__(self, words: BarWords, *, flat: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = words
        self._mark = GlyphMark(side=14)
        self.title = PlainLabel(bold=True)
        self.detail = PlainLabel(role="muted", wrap=not flat, elide=Qt.TextElideMode.ElideRight)
        self.browse = QPushButton()
        self.browse.clicked.connect(self.browse_asked)
        self.button = QPushButton()
        self.button.clicked.connect(self._on_clicked)
        self._line = _ProgressLine(words.of)
        self._stops = False
        top = QHBoxLayout()
        top.setSpacing(UNIT)
        top.addWidget(self._mark)
        top.addWidget(self.title, 0 if flat else 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addLayout(top)
        if flat:
            top.addSpacing(UNIT)
            top.addWidget(self.detail, 1)
        else:
            rows.addWidget(self.detail)
        top.addWidget(self.browse)
        top.addWidget(self.button)
        rows.addSpacing(UNIT // 2)
        rows.addWidget(self._line)

    @property
    def widest(self) -> int:
        """Of all that may stand on the button, in pixels."""
        probe = QPushButton(self)
        probe.ensurePolished()
        widths = []
        for text in self._words.buttons:
            probe.setText(text)
            widths.append(probe.sizeHint().width())
        probe.deleteLater()
        return max(widths)

    def show_text(self, text: WorkText, *, possible: bool, waits_for: str, stopping: bool) -> None:
        """`possible` is whether there are photos; it `waits_for` what else reads them now, if not ""."""
        self._mark.set_glyph(text.glyph)
        self.title.set_text(text.title)
        self.title.set_role("stuck" if ROLES[text.glyph] == "stuck" else "text")
        self._stops = text.button == self._words.stop
        waits = bool(waits_for) and possible and not self._stops
        self.detail.set_text(f"{text.detail} {WAITS.format(waits_for)}" if waits else text.detail)
        self._line.show_share(text.share)
        self.button.setText(text.button)
        self.button.setAccessibleName(text.button.replace("&", ""))
        self.button.setEnabled(not stopping if self._stops else possible and not waits_for)
        tip = self._words.stop_tip if self._stops else self._words.tip
        self.button.setToolTip(tooltip(LATER_TIP.format(waits_for) if waits else tip))
        self.setAccessibleName(f"{self._words.of}: {text.title} {text.detail}")

    def show_browse(self, text: str, tip: str = "") -> None:
        """Empty where there is nothing to look at."""
        self.browse.setVisible(bool(text))
        self.browse.setText(text)
        self.browse.setToolTip(tooltip(tip))
        self.browse.setAccessibleName(text.replace("&", "") or "Nothing to look at")

    def _on_clicked(self) -> None:
        (self.stop_asked if self._stops else self.start_asked).emit()
