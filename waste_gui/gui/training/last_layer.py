"""What a training of the last layer came to: it has no curves, as all of it is one regression."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from waste_gui.gui.common.class_bars import ClassBars
from waste_gui.gui.common.formatting import count, percent
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.monitor.run import Run
from waste_gui.protocol import RunFinished

WIDEST = 640
"""Bars of a class would be too long to compare, and lines to read."""


def last_layer_words(run: Run) -> tuple[str, str]:
    """The share that is right, and a sentence on what it is of."""
    baseline, best = run.baseline, run.best
    if best is None or best.val_accuracy is None:
        return "", "The last layer is trained. None of the validation photos could be read."
    read = run.last.metrics.get("val_photos") if isinstance(run.last, RunFinished) else None
    if read is None and baseline is not None:
        read = baseline.val_photos
    of = f"{count(int(read))} validation photos" if read else "the validation photos"
    words = f"of {of} are right."
    if baseline is not None:
        words += f" The last layer was trained on {count(baseline.train_photos)} photos"
        words += ", and all layers below it stay as they came."
    return percent(best.val_accuracy), words


class LastLayer(QWidget):
    """The accuracy, what it is of, and that of each class once the results are read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The last layer")
        self.accuracy = PlainLabel(size="figure", bold=True, role="done")
        self.words = PlainLabel(wrap=True)
        self.title = PlainLabel("Accuracy by class", bold=True)
        self.bars = ClassBars("Accuracy by class")
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidget(self.bars)
        self._area.setAccessibleName("Accuracy by class")
        column = QWidget()
        column.setMaximumWidth(WIDEST)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.addWidget(column, 1)
        columns.addStretch()
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(UNIT)
        rows.addWidget(PlainLabel("The last layer is trained", size="title", bold=True))
        rows.addWidget(self.accuracy)
        rows.addWidget(self.words)
        rows.addSpacing(UNIT)
        rows.addWidget(self.title)
        rows.addWidget(self._area, 1)
        rows.addStretch()
        self.show_classes({})

    def show_run(self, run: Run) -> None:
        accuracy, words = last_layer_words(run)
        self.accuracy.set_text(accuracy)
        self.accuracy.setVisible(bool(accuracy))
        self.words.set_text(words)

    def show_classes(self, recall: Mapping[str, float]) -> None:
        """The weakest first. Nothing while they are not known."""
        weakest_first = sorted(recall.items(), key=lambda pair: pair[1])
        self.bars.show_shares(dict(weakest_first))
        self._area.setMaximumHeight(self.bars.sizeHint().height() + UNIT)
        for widget in (self.title, self._area):
            widget.setVisible(bool(recall))
