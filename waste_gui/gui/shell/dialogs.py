"""Questions before something ends: the safe answer is the default, and Esc means it too."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.window_size import open_at
from waste_gui.gui.session.interfaces import Answer, Question


class QuestionDialog(QDialog):
    """Opened with `open()`, never `exec()`: the training goes on behind it. `answered` comes once."""

    answered = Signal(object)  # Answer

    def __init__(self, parent: QWidget, question: Question) -> None:
        super().__init__(parent)
        self._safe = safe = question.answers[-1]
        self.setWindowTitle(question.title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleDescription(question.text)
        self.buttons: dict[Answer, QPushButton] = {}
        rows = QVBoxLayout(self)
        rows.setContentsMargins(3 * UNIT, 3 * UNIT, 3 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        heading = PlainLabel(question.title, size="title", bold=True, wrap=True)
        heading.setMinimumWidth(400)
        rows.addWidget(heading)
        rows.addWidget(PlainLabel(question.text, wrap=True))
        rows.addSpacing(2 * UNIT)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addStretch(1)
        for answer in question.answers:
            button = QPushButton(answer.value + question.notes.get(answer, ""))
            button.setAutoDefault(answer is safe)
            button.setDefault(answer is safe)
            button.setProperty("primary", answer is safe)
            button.clicked.connect(lambda _=False, answer=answer: self._answer(answer))
            self.buttons[answer] = button
            line.addWidget(button)
        rows.addLayout(line)
        self.buttons[safe].setFocus()
        self.rejected.connect(lambda: self.answered.emit(self._safe))

    def _answer(self, answer: Answer) -> None:
        self.answered.emit(answer)
        self.accept()


class DetailsDialog(QDialog):
    """Text to read and to copy; where its lines have tabs, in two columns."""

    copy_asked = Signal(str)

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        open_at(self, 760, 520)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(title)
        self.text.setTabStopDistance(_first_column(text, self.text.fontMetrics()) + 3 * UNIT)
        copy = QPushButton("Co&py")
        copy.clicked.connect(lambda: self.copy_asked.emit(self.text.toPlainText()))
        close = QPushButton("&Close")
        close.clicked.connect(self.accept)
        close.setDefault(True)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addStretch(1)
        line.addWidget(copy)
        line.addWidget(close)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel(title, size="title", bold=True))
        rows.addWidget(self.text, 1)
        rows.addLayout(line)


def _first_column(text: str, metrics: QFontMetrics) -> int:
    """How wide it is, in pixels."""
    lines = (line.partition("\t") for line in text.splitlines())
    return max((metrics.horizontalAdvance(first) for first, tab, _ in lines if tab), default=0)
