"""What a scan doubts, a line each, with the button that mends it; the first of them in sight, the others on
request."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from waste_gui.dataset.samples import Caution
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.glyphs import GlyphMark
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT

FIRST = 2
"""In sight, so that the classes below keep their room."""


class CautionList(QWidget):
    remedy_asked = Signal(object)  # Remedy

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("To look at before training")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._shown: tuple[Caution, ...] = ()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(UNIT // 2)
        self._lines: list[QWidget] = []
        self.more = QPushButton("Show more")
        self.more.setProperty("link", True)
        self.more.clicked.connect(self._show_all)
        self._rows.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def show_cautions(self, cautions: Sequence[Caution]) -> None:
        if tuple(cautions) == self._shown:
            return
        self._shown = tuple(cautions)
        for line in self._lines:
            self._rows.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = [self._make_line(caution) for caution in cautions]
        for place, line in enumerate(self._lines):
            self._rows.insertWidget(place, line)
            line.setVisible(place < FIRST)
        left = len(self._lines) - FIRST
        self.more.setText(f"Show {left} more")
        self.more.setVisible(left > 0)
        self.setVisible(bool(self._lines))

    def _show_all(self) -> None:
        for line in self._lines:
            line.show()
        self.more.hide()

    def _make_line(self, caution: Caution) -> QWidget:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        mark = GlyphMark("slow")
        mark.set_glyph("slow", "slow")
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        words = PlainLabel(f"{caution.text} {caution.hint}", wrap=True)
        row.addWidget(words, 1)
        if caution.remedy is not None:
            button = QPushButton(caution.remedy.words)
            button.setAccessibleDescription(one_line(caution.text))
            button.clicked.connect(functools.partial(self.remedy_asked.emit, caution.remedy))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return line
