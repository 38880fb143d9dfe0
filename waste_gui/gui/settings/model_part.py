"""Cards, the model by name and what it starts from: three widgets that say one thing."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QComboBox

from waste_gui.config import RunConfig
from waste_gui.gui.settings.card_text import all_states
from waste_gui.gui.settings.checked import Forecast, TimeHere
from waste_gui.gui.settings.model_cards import ModelCards
from waste_gui.gui.settings.run_dialog import BEST, RunDialog
from waste_gui.gui.settings.start_from import RECOMMENDED, SCRATCH, StartFrom, help_for
from waste_gui.gui.settings.surroundings import Surroundings, SurroundingsWatch
from waste_gui.monitor.run_list import RunSummary


class ModelPart(QObject):
    """Writes into the editors of model and weights; the form reads them."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.cards, self.start = ModelCards(), StartFrom()
        self.model: QComboBox | None = None
        self.forecast: Forecast = lambda config: None
        self.watch = SurroundingsWatch(self)
        self._config: RunConfig | None = None
        self._shown_model = ""
        self._runs: dict[str, str] = {}  # The names of those that were chosen here, by their file.
        self.watch.changed.connect(lambda _: self._show())
        self.cards.chosen.connect(self._on_card)
        self.start.run_asked.connect(self._ask_for_run)
        self.start.file_chosen.connect(self.start.setEditText)

    def show_config(self, model: str, config: RunConfig | None) -> None:
        """What the form says now; None while that cannot be used."""
        self._shown_model, self._config = model, config
        self._show()

    def _show(self) -> None:
        scratch = self.start.currentText() == SCRATCH
        self.cards.show_model(self._shown_model)
        self.cards.show_surroundings(self.watch.seen, self._expected, scratch=scratch)

    def _expected(self, model: str) -> TimeHere | None:
        if self._config is None:
            return None
        return self.forecast(msgspec.structs.replace(self._config, model=model))

    def help_for(self, pretrained: str) -> str:
        """The line beside what it starts from."""
        return help_for(pretrained, self._shown_model, self._runs.get(pretrained, ""), self.watch.seen)

    def _on_card(self, model: str) -> None:
        """Weights of another model would not fit: it starts from its own, or from nothing as before."""
        if self.model is None:
            return
        if self.start.currentText() != SCRATCH:
            self.start.setEditText(RECOMMENDED)
        self.model.setEditText(model)

    def _ask_for_run(self) -> None:
        dialog = RunDialog(self.start.window())
        dialog.chosen.connect(self._on_run)
        dialog.open()

    def _on_run(self, run: RunSummary) -> None:
        file = str(run.run.path / BEST)
        self._runs[file] = run.title
        if self.model is not None:
            self.model.setEditText(run.model)
        self.start.setEditText(file)


def all_helps() -> tuple[str, ...]:
    """All that may stand beside what it starts from, but names."""
    others = (help_for(asked, "", "", Surroundings()) for asked in ("default", "none", "tag", "file.pth"))
    return (*(f"{state}." for state in all_states()), *others)
