"""The header: which stage, is that normal, how long still, what to do. It never moves."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.glyphs import ROLES, GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.session.run_text import HeaderText, Readiness, header_text
from waste_gui.gui.session.session_text import run_name
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot

STRETCHES = (0, 12, 10, 11)
"""At 1100 px these are whole: "Crashed", "12:30 over the usual", and below
"Next step" "Nothing to do. Best 91.4 % (ep. 148)"."""

LONGER_PART = " ("
"""What the line beside the advice can do without begins here."""


class _Column(QWidget):
    """A caption, a headline and a line below it."""

    def __init__(self, caption: str, mark: bool = False) -> None:
        super().__init__()
        self.caption = PlainLabel(caption, size="caption", role="muted")
        self.headline = PlainLabel(size="figure", bold=True)
        self.detail = PlainLabel(role="muted")
        self.mark = GlyphMark(side=16) if mark else None
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        if self.mark:
            line.addWidget(self.mark)
        line.addWidget(self.headline, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addWidget(self.caption)
        rows.addLayout(line)
        rows.addWidget(self.detail)
        rows.addStretch(1)

    def show_text(self, headline: str, detail: str) -> None:
        self.headline.set_text(headline)
        self.detail.set_text(detail)
        self.setAccessibleName(f"{self.caption.text()}: {headline}. {detail}".strip())


class Header(QWidget):
    """Four columns on the grid of the body: the second begins where the pages begin, beside the checklist."""

    start_asked = Signal()
    stop_asked = Signal()
    back_asked = Signal()  # To the training that runs, from another run that is looked at.

    def __init__(self, first_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("State of the training")
        self._stage = _Column("Stage")
        self._normal = _Column("Status", mark=True)
        self._time = _Column("Time left")
        self._advice = PlainLabel(wrap=False)
        self._best = PlainLabel(role="muted")
        self._beside_advice = ""
        self.start_button = QPushButton("&Start training   F5")
        self.start_button.setProperty("primary", True)
        self.start_button.setAccessibleName("Start training")
        self.start_button.clicked.connect(self.start_asked)
        self.stop_button = QPushButton("S&top…   Ctrl+.")
        self.stop_button.setAccessibleName("Stop training")
        self.stop_button.clicked.connect(self.stop_asked)
        self.back_button = QPushButton("Show the &training")
        self.back_button.setAccessibleName("Show the training that runs")
        self.back_button.clicked.connect(self.back_asked)
        self.back_button.hide()
        self._columns = QGridLayout(self)
        self._columns.setContentsMargins(2 * UNIT, 12, 2 * UNIT, 12)
        self._columns.setHorizontalSpacing(2 * UNIT)
        for i, column in enumerate((self._stage, self._normal, self._time, self._what_to_do())):
            self._columns.addWidget(column, 0, i)
            self._columns.setColumnStretch(i, STRETCHES[i])
            column.setMinimumWidth(1)
        self.set_first_width(first_width)
        self.show_snapshot(Snapshot(Run()), Readiness(False, "no run yet", "Choose a folder of photos."))

    def _what_to_do(self) -> QWidget:
        column = QWidget()
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addWidget(PlainLabel("Next step", size="caption", role="muted"))
        words = QHBoxLayout()
        words.setSpacing(UNIT)
        words.addWidget(self._advice)
        words.addWidget(self._best)
        words.addStretch(1)
        rows.addLayout(words)
        rows.addStretch(1)
        for button in (self.start_button, self.stop_button, self.back_button):
            button.setMaximumWidth(288)
            rows.addWidget(button)
        return column

    def set_first_width(self, width: int) -> None:
        """`width` is the checklist's."""
        self._stage.setFixedWidth(width + UNIT)

    def show_snapshot(
        self, snapshot: Snapshot, readiness: Readiness, *, trains_elsewhere: bool = False
    ) -> None:
        """`trains_elsewhere` is whether another run than this one trains in the window."""
        words = header_text(snapshot, readiness)
        name = run_name(snapshot)
        self._stage.caption.set_text(f"Stage of {name}" if name else "Stage")
        self._stage.show_text(words.stage, words.stage_detail)
        self._show_normal(words)
        self._time.caption.set_text(words.time_caption)
        self._time.show_text(words.time, words.time_detail)
        self._advice.set_text(words.advice)
        self._beside_advice = words.advice_detail
        self._fit_best()
        running = snapshot.run.phase.running
        focus_moves = any(b.hasFocus() for b in (self.start_button, self.stop_button, self.back_button))
        shown = self.back_button if trains_elsewhere else self.stop_button if running else self.start_button
        for button in (self.back_button, self.stop_button, self.start_button):
            if button is not shown:
                button.hide()
        shown.show()  # Last: with two of them for a moment, all below would jump.
        self.start_button.setEnabled(readiness.ready and not running)
        if focus_moves:
            self.button.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def button(self) -> QPushButton:
        """The one that is shown."""
        buttons = (self.back_button, self.stop_button)
        return next((each for each in buttons if not each.isHidden()), self.start_button)

    def _fit_best(self) -> None:
        """In what the advice leaves: whole, without its longer part, or not at all. It stands among the facts
        as well."""
        room = self._columns.cellRect(0, 3).width() - self._advice.sizeHint().width() - UNIT
        width = self._best.fontMetrics().horizontalAdvance
        whole = self._beside_advice
        fits = next((words for words in (whole, whole.partition(LONGER_PART)[0]) if width(words) <= room), "")
        self._best.set_text(fits)
        self._best.explain(whole if fits != whole else "")
        self._best.setVisible(bool(fits))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_best()

    def _show_normal(self, words: HeaderText) -> None:
        self._normal.show_text(words.normal, words.normal_detail)
        self._normal.headline.set_role(ROLES[words.glyph])
        if self._normal.mark:
            self._normal.mark.set_glyph(words.glyph)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.colours().surface))
        line = QRect(0, self.height() - 1, self.width(), 1)
        painter.fillRect(line, QColor(theme.colours().hairline))
        painter.end()
