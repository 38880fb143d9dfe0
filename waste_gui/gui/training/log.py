"""The log: every line of the run, as plain text, the newest below."""

from __future__ import annotations

from itertools import islice

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from waste_gui.gui.common import theme
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.monitor.formatting import clock
from waste_gui.monitor.run import LOG_LINES, LogLine, Run
from waste_gui.monitor.snapshot import Snapshot

AT_ONCE = 250
"""Lines of a thousand characters that are laid out in some 10 ms."""

MARKS = {"info": "  ", "warning": "! ", "error": "✕ "}


class Log(QWidget):
    """Takes from the run only the lines that are new."""

    close_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: Run | None = None
        self._count = 0
        self._next_turn = QTimer(self)
        self._next_turn.setSingleShot(True)
        self._next_turn.timeout.connect(self._take_some)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(LOG_LINES)
        self.text.setAccessibleName("Log")
        self.text.setPlaceholderText("What the training says appears here.")
        self.text.setUndoRedoEnabled(False)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        fixed.setPointSizeF(theme.font("caption").pointSizeF())
        self.text.setFont(fixed)
        hide = QPushButton("Hide   Ctrl+L")
        hide.setProperty("link", True)
        hide.setAccessibleName("Hide the log")
        hide.clicked.connect(self.close_asked)
        top = QHBoxLayout()
        top.setContentsMargins(0, UNIT // 2, 0, 0)
        top.addWidget(PlainLabel("Log", bold=True), 1)
        top.addWidget(hide)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT // 2)
        rows.addLayout(top)
        rows.addWidget(self.text, 1)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        run = snapshot.run
        if run is not self._run:
            self._run, self._count = run, 0
            self.text.clear()
        self._take_some()

    def _take_some(self) -> None:
        """What is more comes in the next turns, so that the window never waits for a run that says much."""
        run = self._run
        new = min(run.log_count - self._count, len(run.log)) if run else 0
        if run is None or new <= 0:
            return
        first = len(run.log) - new
        lines = list(islice(run.log, first, first + AT_ONCE))
        self._count = run.log_count - new + len(lines)
        if new > len(lines):
            self._next_turn.start(0)
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        self.text.appendPlainText("\n".join(map(line_text, lines)))
        if at_end:
            bar.setValue(bar.maximum())


def line_text(line: LogLine) -> str:
    return f"{clock(line.at):<8}{MARKS.get(line.level, '  ')}{one_line(line.text)}"
