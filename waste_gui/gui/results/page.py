"""The results page: the accuracy of each class, and which classes are mistaken for which."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from waste_gui import files, tables
from waste_gui.gui.common import theme
from waste_gui.gui.common.background import Background
from waste_gui.gui.common.class_bars import ClassBars
from waste_gui.gui.common.escaping import one_line, tooltip
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.run_picker import RunPicker
from waste_gui.gui.common.theme import UNIT
from waste_gui.rundir import RunDir

if TYPE_CHECKING:  # The window opens without numpy.
    import numpy as np
    from numpy.typing import NDArray

CENTRE = int(Qt.AlignmentFlag.AlignCenter)
CAPTION, NAMED = 24, 14
"""The height of the line above the columns, and the width from which they have names, in pixels."""
LOWEST, NARROWEST, LARGEST = 14, 7, 40
"""Of a cell, in pixels: a name must fit beside it, while columns are told by their place."""


@dataclass(frozen=True)
class Results:
    """What the engine wrote: the share right of each class that has photos, and counts true × predicted."""

    recall: dict[str, float]
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """`confusion` as an array. A reader's thread makes it, for thousands of classes."""
        import numpy as np

        rows = [row for row in self.confusion if len(row) == len(self.classes)]
        counts = np.zeros((len(rows), len(self.classes)), np.int64)
        for i, row in enumerate(rows):  # All in one call would stop the window meanwhile.
            counts[i] = row
        return counts

    @property
    def weakest(self) -> tuple[str, float] | None:
        """The class of which the smallest share is right; None where all photos are."""
        found = min(self.recall.items(), key=lambda pair: pair[1]) if self.recall else None
        return found if found and found[1] < 1 else None

    @cached_property
    def mistakes(self) -> list[tuple[int, str, str]]:
        """(count, actual, predicted), the commonest first."""
        import numpy as np

        rows, columns = np.nonzero(self.counts)
        wrong = rows != columns
        rows, columns = rows[wrong], columns[wrong]
        counts = self.counts[rows, columns]
        order = np.argsort(-counts, kind="stable")
        return [
            (n, self.classes[i], self.classes[j])
            for n, i, j in zip(*(each[order].tolist() for each in (counts, rows, columns)), strict=True)
        ]


def read_results(folder: RunDir) -> Results | None:
    """None where there are no results yet, or none that can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, IndexError, csv.Error):
        recall = _read_recall(folder.results / "per_class.csv")
        results = Results(recall, *_read_confusion(folder.results / "confusion.csv"))
        _ = results.mistakes  # Worked out here, where nobody waits for it.
        return results
    return None


def _read_recall(path: Path) -> dict[str, float]:
    header, *rows = _rows(path)
    name, recall = header.index("class"), header.index("recall")
    return {row[name]: float(row[recall]) for row in rows if row[recall]}


def _rows(path: Path) -> list[list[str]]:
    return list(tables.decoded(files.read(path, files.SMALL_BYTES, path.parent.parent)))


def _read_confusion(path: Path) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    header, *rows = _rows(path)
    return tuple(header[1:]), tuple(tuple(int(n) for n in row[1 : len(header)]) for row in rows)


class ConfusionMatrix(QWidget):
    """Rows are the actual classes, columns the predicted ones; right in one colour, wrong in another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self._measured: tuple[object, int] = (None, 0)
        self.setAccessibleName("Confusion matrix")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_results(self, results: Results) -> None:
        self._results = results
        worst = ", ".join(f"{true} → {said}: {n}" for n, true, said in results.mistakes[:10])
        self.setAccessibleDescription(worst)
        self.setMinimumSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        n = len(self._results.classes) if self._results else 0
        return QSize(self._names_width() + n * NARROWEST + 8, CAPTION + n * LOWEST)

    def _names_width(self) -> int:
        """Measured once: a thousand names take some milliseconds."""
        names = self._results.classes if self._results else ()
        key = (id(names), self.font().key())
        if key != self._measured[0]:
            widest = max((self.fontMetrics().horizontalAdvance(name[:200]) for name in names), default=0)
            self._measured = key, min(150, widest + 8)
        return self._measured[1]

    def _cell(self) -> QSize:
        n = max(1, len(self._results.classes) if self._results else 1)
        height = min(LARGEST, (self.height() - self._top()) // n)
        return QSize(self._cell_width(), max(LOWEST, height))

    def _cell_width(self) -> int:
        n = max(1, len(self._results.classes) if self._results else 1)
        return max(NARROWEST, min(LARGEST, (self.width() - self._names_width() - 8) // n))

    def _top(self) -> int:
        """Where the first row begins: below the columns' names, where these have room."""
        n = len(self._results.classes) if self._results else 0
        names = min(self._names_width(), 100)
        room = self.height() - CAPTION - names >= n * LOWEST
        return CAPTION + (names if room and self._cell_width() >= NAMED else 0)

    def _cell_at(self, point: QPoint) -> tuple[int, int] | None:
        if self._results is None:
            return None
        cell = self._cell()
        j = (point.x() - self._names_width()) // cell.width()
        i = (point.y() - self._top()) // cell.height()
        n = len(self._results.classes)
        return (i, j) if 0 <= i < n and 0 <= j < n else None

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            where = self._cell_at(event.pos())
            if where and self._results:
                i, j = where
                true, said = self._results.classes[i], self._results.classes[j]
                n = many(self._results.confusion[i][j], "photo")
                words = f"Actual {true}, predicted {said}: {n}"
                QToolTip.showText(event.globalPos(), tooltip(words), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._results is None:
            return
        c, cell, left = theme.colours(), self._cell(), self._names_width()
        painter = QPainter(self)
        painter.setFont(theme.font("caption"))
        painter.setPen(QColor(c.muted))
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRect(0, 0, left - 8, 20), middle, "Actual ↓")
        painter.drawText(QRect(left, 0, self.width() - left, 20), middle, "Predicted →")
        metrics, above = painter.fontMetrics(), self._top()
        if above > CAPTION:
            self._paint_columns(painter, left, above, cell.width())
        seen = self._cells_in(event.rect())
        for i in range(seen.top(), seen.bottom() + 1):
            name = self._results.classes[i]
            top = above + i * cell.height()
            shown = metrics.elidedText(one_line(name), Qt.TextElideMode.ElideMiddle, left - 8)
            painter.setPen(QColor(c.text))
            painter.drawText(
                QRect(0, top, left - 8, cell.height()), int(Qt.AlignmentFlag.AlignVCenter), shown
            )
            self._paint_row(painter, i, seen, QRect(left, top, cell.width(), cell.height()))
        painter.end()

    def _cells_in(self, area: QRect) -> QRect:
        """The rows and columns that are in this part of it: of thousands only those are painted."""
        cell, left, above = self._cell(), self._names_width(), self._top()
        rows, columns = self._results.counts.shape if self._results else (0, 0)
        first = QPoint((area.left() - left) // cell.width(), (area.top() - above) // cell.height())
        last = QPoint((area.right() - left) // cell.width(), (area.bottom() - above) // cell.height())
        return QRect(first, last).intersected(QRect(0, 0, columns, rows))

    def _paint_row(self, painter: QPainter, i: int, seen: QRect, first: QRect) -> None:
        """`first` is the place of the row's first cell."""
        assert self._results is not None
        c, row = theme.colours(), self._results.counts[i]
        total = int(row.sum()) or 1
        for j in range(seen.left(), seen.right() + 1):
            n = int(row[j])
            box = QRect(first.left() + j * first.width(), first.top(), first.width() - 1, first.height() - 1)
            fill = QColor(c.train if i == j else c.validation)
            fill.setAlphaF(0.08 + 0.72 * n / total if n else 0.0)
            painter.fillRect(box, QColor(c.surface))
            painter.fillRect(box, fill)
            if n and first.width() >= 24:
                painter.setPen(QColor(c.text))
                painter.drawText(box, CENTRE, str(n))

    def _paint_columns(self, painter: QPainter, left: int, above: int, width: int) -> None:
        """The classes' names from below upwards."""
        painter.setPen(QColor(theme.colours().text))
        room = above - CAPTION - 8
        for j, name in enumerate(self._results.classes if self._results else ()):
            shown = painter.fontMetrics().elidedText(one_line(name), Qt.TextElideMode.ElideMiddle, room)
            painter.save()
            painter.translate(left + j * width, above - 4)
            painter.rotate(-90)
            painter.drawText(QRect(0, 0, room, width - 1), int(Qt.AlignmentFlag.AlignVCenter), shown)
            painter.restore()


class ResultsPage(QWidget):
    """`found` tells the Results of the run in `folder`, once they are read."""

    found = Signal(object)
    read_of = Signal(object)  # The RunDir that is shown from now on.

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.results: Results | None = None
        self.folder: RunDir | None = None
        self.picker = RunPicker("results")
        self._coming: RunDir | None = None  # What is being read.
        self._keeps = False
        self._reading = Background(self._on_not_read, self)
        self._reading.finished.connect(self._show)
        self._title = PlainLabel(
            "No results yet", size="title", bold=True, align=Qt.AlignmentFlag.AlignHCenter
        )
        self._empty = QWidget()
        lines = QVBoxLayout(self._empty)
        lines.addStretch(2)
        lines.addWidget(self._title)
        lines.addWidget(
            PlainLabel(
                "When a training is done, this page shows where the model is right and where it is wrong.",
                role="muted",
                align=Qt.AlignmentFlag.AlignHCenter,
            )
        )
        lines.addStretch(3)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._make_content())
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addWidget(self.picker)
        rows.addWidget(self._stack, 1)

    def _make_content(self) -> QWidget:
        self.bars = ClassBars("Accuracy by class")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(self.bars)
        area.setAccessibleName("Accuracy by class")
        self.matrix = ConfusionMatrix()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(self.matrix)
        scroll.setAccessibleName("Confusion matrix")
        self._summary = PlainLabel(wrap=True)
        content = QWidget()
        columns = QHBoxLayout()
        columns.setSpacing(3 * UNIT)
        for title, widget, stretch in (("Accuracy by class", area, 2), ("Confusion matrix", scroll, 3)):
            column = QVBoxLayout()
            column.setSpacing(UNIT)
            column.addWidget(PlainLabel(title, bold=True))
            column.addWidget(widget, 1)
            columns.addLayout(column, stretch)
        rows = QVBoxLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2 * UNIT)
        rows.addWidget(self._summary)
        rows.addLayout(columns, 1)
        return content

    def read(self, folder: RunDir, *, keep: bool = False) -> None:
        """Show what a run's folder holds; with `keep`, what is shown stays if it holds no results."""
        self._coming, self._keeps = folder, keep and self.results is not None
        self._reading.start(lambda tell: read_results(folder))

    def _on_not_read(self, error: Exception) -> None:
        """Files of another shape than ours."""
        self._show(None)
        self._title.set_text(f"The results cannot be read: {error}")

    def _show(self, results: Results | None) -> None:
        if results is None and self._keeps:
            return
        self.results, self.folder = results, self._coming
        self._stack.setCurrentIndex(1 if results else 0)
        self.read_of.emit(self.folder)
        if results is not None:
            self._show_results(results)
            self.found.emit(results)

    def _show_results(self, results: Results) -> None:
        weakest_first = sorted(results.recall.items(), key=lambda pair: pair[1])
        self.bars.show_shares(dict(weakest_first))
        self.matrix.show_results(results)
        words = []
        if results.weakest:
            words.append(f"Weakest class: {results.weakest[0]}, {100 * results.weakest[1]:.0f} %.")
        if results.mistakes:
            n, true, said = results.mistakes[0]
            words.append(f"Most common mistake: {true} → {said} ({many(n, 'photo')}).")
        self._summary.set_text(" ".join(words) or "Every photo is right.")
