"""What a training starts from: the model's recommended weights, an earlier run, a file, or nothing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from waste_gui.config import WEIGHT_FILES
from waste_gui.gui.common.fields import ChoiceBox
from waste_gui.gui.settings.card_text import weights_state
from waste_gui.gui.settings.surroundings import Surroundings
from waste_gui.model_choices import recommended

RECOMMENDED, SCRATCH = "Recommended weights", "Train from scratch"
RUN, FILE = "An earlier run…", "A file…"
ASKS = (RUN, FILE)


class StartFrom(ChoiceBox):
    """Anything may be typed; two entries of its list ask for more, and are never its text themselves."""

    run_asked = Signal()
    file_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.addItems([RECOMMENDED, RUN, FILE, SCRATCH])
        self._before = RECOMMENDED
        self.editTextChanged.connect(self._on_text)
        self.textActivated.connect(self._on_activated)

    def currentText(self) -> str:
        text = super().currentText()
        return self._before if text in ASKS else text

    def _on_text(self, text: str) -> None:
        if text not in ASKS:
            self._before = text

    def _on_activated(self, text: str) -> None:
        if text in ASKS:
            self.setEditText(self._before)
        if text == RUN:
            self.run_asked.emit()
        elif text == FILE:
            self._ask_for_file()

    def _ask_for_file(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in (*WEIGHT_FILES, ".ckpt"))
        shown = Path(self._before).expanduser()
        start = str(shown.parent if shown.is_absolute() else Path.home())
        file, _ = QFileDialog.getOpenFileName(
            self.window(), "Choose weights", start, f"Weights ({kinds});;All files (*)"
        )
        if file:
            self.file_chosen.emit(file)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down open the list: to pass an entry that asks must not ask."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.showPopup()
        else:
            super().keyPressEvent(event)


def help_for(pretrained: str, model: str, run: str, seen: Surroundings) -> str:
    """The line beside it; `run` is the name of the earlier run whose weights these are."""
    if run:
        return f"The best weights of the earlier run {run}."
    if pretrained == "none":
        return "From nothing: it needs more photos and epochs."
    if pretrained != "default":
        is_file = Path(pretrained).suffix in WEIGHT_FILES or "/" in pretrained or "\\" in pretrained
        return "The weights in this file." if is_file else "Weights that the model's library calls so."
    if recommended(model) is None:
        return "The weights that the model's library recommends, downloaded once."
    return f"{weights_state(model, seen)[1]}."
