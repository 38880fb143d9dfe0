"""The training that runs, in one line below every page: how far it is, how long still, pause and stop."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.glyphs import ROLES, GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.session.run_text import Readiness, header_text, percent_done
from waste_gui.gui.session.session_text import run_name
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot

HEIGHT = 5 * UNIT
NOT_READY = Readiness(False, "", "")


class TrainingStrip(QWidget):
    """Hidden while nothing trains. A click on it, or Enter, goes to the training."""

    go_asked = Signal()
    pause_asked = Signal()
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share: float | None = None
        self.setFixedHeight(HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._mark = GlyphMark(side=14)
        self.name = PlainLabel(bold=True, elide=Qt.TextElideMode.ElideMiddle)
        self.state = PlainLabel(elide=Qt.TextElideMode.ElideRight)
        self.time = PlainLabel(role="muted")
        self.pause_button = QPushButton("Pause")
        self.pause_button.setProperty("link", True)
        self.pause_button.clicked.connect(self.pause_asked)
        self.stop_button = QPushButton("Stop…")
        self.stop_button.setProperty("link", True)
        self.stop_button.setAccessibleName("Stop the training that runs")
        self.stop_button.clicked.connect(self.stop_asked)
        line = QHBoxLayout(self)
        line.setContentsMargins(2 * UNIT, 2, 2 * UNIT, 0)
        line.setSpacing(2 * UNIT)
        line.addWidget(self._mark)
        line.addWidget(self.name, 2)
        line.addWidget(self.state, 3)
        line.addWidget(self.time, 1)
        line.addWidget(self.pause_button)
        line.addWidget(self.stop_button)
        self.hide()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Of the run that trains."""
        run = snapshot.run
        trains = run.phase.running and (snapshot.live or run.phase is RunPhase.LAUNCHED)
        self.setVisible(trains)
        if not trains:
            return
        words, done = header_text(snapshot, NOT_READY), percent_done(run)
        self._share = None if done is None else done / 100
        self._mark.set_glyph(words.glyph)
        self.name.set_text(run_name(snapshot) or "Training")
        how_far = words.stage if done is None else f"{done} %"
        calm = words.glyph == "ok"
        self.state.set_text(how_far if calm else f"{how_far}  ·  {words.normal}")
        self.state.set_role("text" if calm else ROLES[words.glyph])
        self.time.set_text(words.time)
        self.pause_button.setText("Resume" if run.paused else "Pause")
        self.pause_button.setAccessibleName("Resume the training" if run.paused else "Pause the training")
        self.pause_button.setEnabled(run.phase is RunPhase.TRAINING)
        self.stop_button.setEnabled(run.stop_asked_at is None)
        self.setAccessibleName(f"Training {self.name.text()}: {self.state.text()}, {words.time}")
        self.setAccessibleDescription("Enter shows it")
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.go_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.go_asked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        c, painter = theme.colours(), QPainter(self)
        painter.fillRect(self.rect(), QColor(c.surface))
        painter.fillRect(0, 0, self.width(), 2, QColor(c.hairline))
        if self._share:
            painter.fillRect(0, 0, round(self._share * self.width()), 2, QColor(c.accent))
        if self.hasFocus():
            painter.setPen(QColor(c.accent))
            painter.drawRect(self.rect().adjusted(1, 3, -2, -2))
        painter.end()
