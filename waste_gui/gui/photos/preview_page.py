"""What a preview told: how many will be right, each class, more photos, another place, photos to look at."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from waste_gui.gui.common.class_bars import ClassBars
from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import count
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.common.thumbnails import Thumbnails
from waste_gui.gui.photos import preview_text as words
from waste_gui.gui.photos.doubt_strip import DoubtStrip
from waste_gui.gui.photos.doubts import Doubt, DoubtKind
from waste_gui.gui.photos.finding_rows import KINDS, Entry, entry_of
from waste_gui.gui.photos.preview_plot import LearningCurve
from waste_gui.gui.photos.preview_text import Known
from waste_gui.protocol import Previewed

WIDE = 1200
"""From here on there is room for three columns, in pixels."""

IN_STRIP = 24
"""Photos of each kind that are shown here: all of them are in the list of findings."""

BEFORE = (
    "Here will stand, before any training: how many photos will be right, class by class; which classes are "
    "confused; what more photos would bring, and of which class first; whether it will hold in another "
    "place; and the photos whose labels you should look at. Nothing is changed by itself."
)
KEYS = "Space excludes  ·  I keeps the label  ·  Enter or two clicks show the photo larger  ·  Ctrl+Z undoes"
NONE_DOUBTED = "No label looks wrong, no photo is like no others, and none shows what another one shows."


class PreviewPage(QScrollArea):
    """One way in: `show_known`, then `show_doubts`."""

    opened = Signal(object)  # Entry: show the photo larger.
    asked = Signal(object, object)  # Act, Entry
    group_asked = Signal(str)  # All of this kind, in the list of findings.
    left = Signal()  # The photos to look at, by the keyboard.

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Preview of the training")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Its coming would make the page narrower, and move what stands on it.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.note = PlainLabel(wrap=True)
        self.before = PlainLabel(BEFORE, role="muted", wrap=True)
        self.sentence = PlainLabel(size="figure", bold=True)
        self.basis = PlainLabel(role="muted", wrap=True)
        self.parts = _Parts(thumbnails)
        self.parts.doubts.opened.connect(self.opened)
        self.parts.doubts.asked.connect(self.asked)
        self.parts.doubts.group_asked.connect(self.group_asked)
        self.parts.doubts.left.connect(self.left)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, UNIT, UNIT, UNIT)
        rows.setSpacing(UNIT)
        for each in (self.note, self.before, self.sentence, self.basis):
            rows.addWidget(each)
        rows.addSpacing(2 * UNIT)
        rows.addWidget(self.parts)
        rows.addStretch(1)
        self.setWidget(content)
        self.show_known(None, "")

    def _on_range(self, low: int, high: int) -> None:
        """Where nothing can be scrolled, the place of the bar stays empty."""
        self.verticalScrollBar().setEnabled(high > low)

    def show_known(self, known: Known | None, trouble: str) -> None:
        """`trouble` is why the last preview came to no end, if it did."""
        warned = " ".join(known.warned) if known is not None else ""
        self.note.set_role("stuck" if trouble else "slow")
        self.note.set_text(trouble or warned)
        self.note.setVisible(bool(trouble or warned))
        self.before.setVisible(known is None)
        for each in (self.sentence, self.basis, self.parts):
            each.setVisible(known is not None)
        if known is not None:
            self.sentence.set_text(f"{words.expected(known.told)}.")
            self.basis.set_text(words.basis(known.told))
            self.parts.show_told(known.told)

    @property
    def in_doubts(self) -> bool:
        """Whether the person goes through the photos to look at."""
        return any(group.strip.hasFocus() for group in self.parts.doubts.groups.values())

    def show_doubts(self, doubts: Sequence[Doubt], aside: Mapping[str, str]) -> None:
        """Those still to be looked at."""
        self.parts.doubts.show_doubts(doubts, aside)


class _Part(QWidget):
    """A title, and what stands below it."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(UNIT)
        self.rows.addWidget(PlainLabel(title, bold=True))


class _Parts(QWidget):
    """Side by side, as many as have room, and photos as wide as the page."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._told: Previewed | None = None
        self.classes, self.more = ClassPart(), MorePart()
        self.elsewhere, self.doubts = ElsewherePart(), DoubtPart(thumbnails)
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(3 * UNIT)
        self._grid.setVerticalSpacing(3 * UNIT)
        self._lay_out(2)

    def _lay_out(self, columns: int) -> None:
        """In two columns, another place stands below more photos, where it is told for many classes, too."""
        if columns == self._columns:
            return
        self._columns = columns
        grid = self._grid
        for part in (self.classes, self.more, self.elsewhere, self.doubts):
            grid.removeWidget(part)
        grid.addWidget(self.classes, 0, 0, 3, 1)
        grid.addWidget(self.more, 0, 1, 3 if columns == 3 else 1, 1)
        if columns == 3:
            grid.addWidget(self.elsewhere, 0, 2, 3, 1)
        else:
            grid.addWidget(self.elsewhere, 1, 1)
        grid.addWidget(self.doubts, 3, 0, 1, columns)
        grid.setRowStretch(2, 1)
        for column in range(3):
            grid.setColumnStretch(column, 1 if column < columns else 0)
            grid.setColumnMinimumWidth(column, 1 if column < columns else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out(3 if self.width() >= WIDE else 2)

    def show_told(self, told: Previewed) -> None:
        if told is not self._told:
            self._told = told
            for part in (self.classes, self.more, self.elsewhere):
                part.show_told(told)


class ClassPart(_Part):
    def __init__(self) -> None:
        super().__init__("Each class")
        self.bars = ClassBars("Expected accuracy by class")
        self.hidden = PlainLabel(size="caption", role="muted")
        self.confused = _Lines()
        for each in (self.bars, self.hidden, self.confused):
            self.rows.addWidget(each)
        self.rows.addStretch(1)

    def show_told(self, told: Previewed) -> None:
        self.bars.show_shares(words.class_shares(told), "too few")
        self.hidden.set_text(words.more_classes(told))
        self.hidden.setVisible(bool(self.hidden.text()))
        self.confused.show_lines(words.confusions(told) or ["No two classes are often confused."])


class MorePart(_Part):
    def __init__(self) -> None:
        super().__init__("More photos")
        self.curve = LearningCurve()
        self.twice = PlainLabel(wrap=True)
        self.wanted = _Lines()
        self.axes = PlainLabel("Right of 100, by the number of photos", size="caption", role="muted")
        for each in (self.axes, self.curve, self.twice, self.wanted):
            self.rows.addWidget(each)
        self.rows.addStretch(1)

    def show_told(self, told: Previewed) -> None:
        for each in (self.axes, self.curve):
            each.setVisible(bool(told.curve))
        self.curve.show_told(told)
        self.twice.set_text(words.no_curve(told) or words.twice(told))
        self.wanted.show_lines(words.wanted(told))


class ElsewherePart(_Part):
    def __init__(self) -> None:
        super().__init__("In another place")
        self.words = PlainLabel(wrap=True)
        self.bars = ClassBars("Expected accuracy by folder that is left out")
        self.rows.addWidget(self.words)
        self.rows.addWidget(self.bars)
        self.rows.addStretch(1)

    def show_told(self, told: Previewed) -> None:
        shares = words.source_shares(told)
        self.words.set_text(words.elsewhere(told))
        self.bars.show_shares(shares, "can't be told")
        self.bars.setVisible(bool(shares))


class DoubtPart(_Part):
    """Of each kind some photos, and a button that leads to all of them."""

    opened = Signal(object)
    asked = Signal(object, object)
    group_asked = Signal(str)
    left = Signal()

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__("Photos to look at")
        self.keys = PlainLabel(KEYS, size="caption", role="muted")
        self.rows.addWidget(self.keys)
        self.none = PlainLabel(NONE_DOUBTED, role="muted", wrap=True)
        self.rows.addWidget(self.none)
        self.groups = {kind: _Group(kind, thumbnails) for kind in ORDER}
        beside = QHBoxLayout()
        beside.setSpacing(3 * UNIT)
        for kind, group in self.groups.items():
            group.strip.opened.connect(self.opened)
            group.strip.asked.connect(self.asked)
            group.strip.left.connect(self.left)
            group.all.clicked.connect(lambda _=False, kind=kind: self.group_asked.emit(kind))
            if kind == "suspect":
                self.rows.addWidget(group)
            else:
                beside.addWidget(group, 1)
        self.rows.addLayout(beside)
        self.rows.addStretch(1)

    def show_doubts(self, doubts: Sequence[Doubt], aside: Mapping[str, str]) -> None:
        self.none.setVisible(not doubts)
        self.keys.setVisible(bool(doubts))
        for kind, group in self.groups.items():
            group.show_doubts([doubt for doubt in doubts if doubt.kind == kind], aside)


ORDER: tuple[DoubtKind, ...] = ("suspect", "twins", "outlier")


class _Group(QWidget):
    def __init__(self, kind: DoubtKind, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._kind = kind
        self.strip = DoubtStrip(KINDS[kind].title, thumbnails)
        self.title = PlainLabel()
        self.all = QPushButton("Show all")
        self.all.setProperty("link", True)
        self.all.setAccessibleName(f"Show all: {KINDS[kind].title}")
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(self.title, 1)
        line.addWidget(self.all)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(line)
        rows.addWidget(self.strip)

    def show_doubts(self, doubts: Sequence[Doubt], aside: Mapping[str, str]) -> None:
        self.setVisible(bool(doubts))
        self.title.set_text(f"{KINDS[self._kind].title} ({count(len(doubts))})")
        first = doubts[:IN_STRIP]
        entries: list[Entry] = [entry_of(doubt, aside) for doubt in first]
        self.strip.show_entries(entries, [_caption(doubt) for doubt in first])


def _caption(doubt: Doubt) -> str:
    """Two lines: what it is labelled, and what it looks like."""
    match doubt.kind:
        case "suspect":
            return f"{doubt.label}\n{doubt.suggested}?"
        case "twins":
            one, other = (one_line(os.path.basename(path)) for path in doubt.paths)
            return f"{one}\n= {other}"
        case "outlier":
            return doubt.label


class _Lines(QWidget):
    """Sentences below one another."""

    def __init__(self) -> None:
        super().__init__()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(UNIT // 2)
        self.labels: list[PlainLabel] = []

    def show_lines(self, lines: Sequence[str]) -> None:
        while len(self.labels) < len(lines):
            label = PlainLabel(wrap=True)
            self.labels.append(label)
            self._rows.addWidget(label)
        for i, label in enumerate(self.labels):
            label.set_text(lines[i] if i < len(lines) else "")
            label.setVisible(i < len(lines))
        self.setVisible(bool(lines))
