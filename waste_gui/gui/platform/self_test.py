"""The self-test as a page: each line as it comes, what is seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from waste_gui.gui.common.background import Background
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.common.glyphs import ROLES, GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.window_size import open_at
from waste_gui.monitor.installation import Check, CheckState
from waste_gui.monitor.self_test import NAMES, as_text, checks, summary
from waste_gui.rundir import data_dir

SIGNS: dict[CheckState, tuple[Glyph, str]] = {
    "ok": ("done", "ok"),
    "warn": ("slow", "look"),
    "fail": ("failed", "fails"),
}
LOOKS = "Checking this computer. PyTorch takes a few seconds."
WORDS = ("waiting", "checking…", *(word for _, word in SIGNS.values()))


class _Line(QWidget):
    """One check: sign, word, name, what is seen, what to do."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.mark = GlyphMark(side=14)
        self.word = PlainLabel(role="muted")
        self.word.setFixedWidth(_widest(self.word, WORDS))
        title = PlainLabel(name, bold=True)
        title.setFixedWidth(_widest(title, NAMES))
        self.seen = PlainLabel(wrap=True)
        self.advice = PlainLabel(role="muted", wrap=True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.seen)
        words.addWidget(self.advice)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, UNIT // 2, 0, UNIT // 2)
        row.setSpacing(UNIT)
        for part in (self.mark, self.word, title):
            row.addWidget(part, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.show_waiting("waiting", "waiting")

    def show_waiting(self, glyph: Glyph, word: str) -> None:
        self._show(glyph, word, "", "")

    def show_check(self, check: Check) -> None:
        glyph, word = SIGNS[check.state]
        self._show(glyph, word, check.seen, check.advice)

    def _show(self, glyph: Glyph, word: str, seen: str, advice: str) -> None:
        self.mark.set_glyph(glyph)
        self.word.set_text(word)
        self.word.set_role(ROLES[glyph])
        self.seen.set_text(seen)
        self.advice.set_text(advice)
        self.advice.setVisible(bool(advice))
        self.setAccessibleName(f"{self._name}: {word}. {seen} {advice}".strip())


def _widest(label: PlainLabel, texts: Iterable[str]) -> int:
    """So that columns begin on one line, in every font."""
    return max(label.fontMetrics().horizontalAdvance(text) for text in texts) + UNIT


class SelfTestDialog(QDialog):
    """Not modal: a training goes on behind it."""

    def __init__(self, parent: QWidget, first: bool = False) -> None:
        """`first` on a computer it is opened by itself, and says why."""
        super().__init__(parent)
        self.found: list[Check] = []
        self.setWindowTitle("Self-test")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setSizeGripEnabled(True)
        open_at(self, 760, 600)
        self.title = PlainLabel("Can this computer train?", size="title", bold=True)
        self.text = PlainLabel(wrap=True, role="muted")
        self._why = "This opens once by itself; later you find it under Help. " if first else ""
        self.lines = {name: _Line(name) for name in NAMES}
        self.copy_button = QPushButton("C&opy")
        self.again_button = QPushButton("&Run again")
        self.close_button = QPushButton("&Close")
        self._looking = Background(self._on_failed, self)
        self._lay_out()
        self._connect()
        self.run()

    def _lay_out(self) -> None:
        holder = QWidget()
        lines = QVBoxLayout(holder)
        lines.setContentsMargins(0, 0, UNIT, 0)
        lines.setSpacing(0)
        for line in self.lines.values():
            lines.addWidget(line)
        lines.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("What was looked at")
        area.setWidget(holder)
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        buttons.addStretch(1)
        for button in (self.copy_button, self.again_button, self.close_button):
            button.setAutoDefault(button is self.close_button)
            buttons.addWidget(button)
        self.close_button.setDefault(True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        rows.setSpacing(UNIT)
        rows.addWidget(self.title)
        rows.addWidget(self.text)
        rows.addWidget(area, 1)
        rows.addLayout(buttons)
        self.close_button.setFocus()

    def _connect(self) -> None:
        self.copy_button.clicked.connect(lambda: QApplication.clipboard().setText(as_text(self.found)))
        self.again_button.clicked.connect(self.run)
        self.close_button.clicked.connect(self.accept)
        self.finished.connect(self._looking.cancel)
        self._looking.progressed.connect(self._on_check)
        self._looking.finished.connect(self._on_finished)

    def run(self) -> None:
        self.found = []
        self.text.set_text(self._why + LOOKS)
        for line in self.lines.values():
            line.show_waiting("waiting", "waiting")
        self._show_next()
        self.again_button.setEnabled(False)
        self.copy_button.setEnabled(False)
        folder = data_dir()

        def look(tell: Callable[[object], None]) -> None:
            for check in checks(folder):
                tell(check)

        self._looking.start(look)

    def _show_next(self) -> None:
        """The one that is looked at now."""
        if len(self.found) < len(NAMES):
            self.lines[NAMES[len(self.found)]].show_waiting("running", "checking…")

    def _on_check(self, check: Check) -> None:
        self.found.append(check)
        self.lines[check.name].show_check(check)
        self._show_next()

    def _on_finished(self) -> None:
        self._end(summary(self.found))

    def _on_failed(self, error: Exception) -> None:
        self._end(f"The self-test itself failed: {error}")

    def _end(self, words: str) -> None:
        self.text.set_text(self._why + words)
        self.again_button.setEnabled(True)
        self.copy_button.setEnabled(True)
