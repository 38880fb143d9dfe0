"""Which run a page shows, in a line above it, and a list of others to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from waste_gui.gui.common.escaping import label, shorten
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT

THE_TRAINING = "The training that runs"
THE_LAST = "The last training of this window"
TRAINS_NOW, PAUSED, LAST_RUN, EARLIER_RUN = "trains now", "paused", "the last training", "an earlier run"
NONE = "No run yet"
LONGEST = 60


class RunPicker(QWidget):
    asked = Signal()  # The list is opened: `show_runs` is to fill it.
    chosen = Signal(object)  # The folder of a run as str; None for the training of this window.

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        """`what` is shown of the run: its curves, its results."""
        super().__init__(parent)
        self._trains = False
        self.name = PlainLabel(bold=True, elide=Qt.TextElideMode.ElideMiddle)
        self.note = PlainLabel(role="muted", elide=Qt.TextElideMode.ElideRight)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._on_open)
        self.button = QPushButton("Another run")
        self.button.setMenu(self.menu)
        self.button.setAccessibleName(f"Choose the run whose {what} are shown")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(UNIT)
        self.prefix = PlainLabel(f"{what.capitalize()} of", role="muted")
        line.addWidget(self.prefix)
        line.addWidget(self.name)
        line.addWidget(self.note, 1)
        line.addWidget(self.button)

    def show_run(self, name: str, note: str = "", *, trains: bool) -> None:
        """`note` says what it is; `trains` is whether a training runs now."""
        self._trains = trains
        self.prefix.setVisible(bool(name))
        self.name.set_text(name or NONE)
        self.note.set_text(note)
        self.setAccessibleName(f"{self.prefix.text()} {name} {note}".strip() if name else NONE)

    def _on_open(self) -> None:
        self.show_runs([])
        self.asked.emit()

    def show_runs(self, runs: Sequence[tuple[str, str]]) -> None:
        """Folder and name of each, the newest first; the training of this window is none of them."""
        self.menu.clear()
        self.menu.addAction(THE_TRAINING if self._trains else THE_LAST, lambda: self.chosen.emit(None))
        self.menu.addSeparator()
        for folder, name in runs:
            action = self.menu.addAction(label(shorten(name, LONGEST)))
            action.triggered.connect(partial(self._on_chosen, folder))

    def _on_chosen(self, folder: str) -> None:
        self.chosen.emit(folder)
