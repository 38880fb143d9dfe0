"""One preview of what a training would come to: what its engine has told."""

from __future__ import annotations

from PySide6.QtCore import QObject

from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.engine_process import preview_command
from waste_gui.gui.session.engine_work import Command, EngineWork
from waste_gui.protocol import AnyMessage, Previewed
from waste_gui.stages import EMBED


class Preview(EngineWork):
    name, stage = "preview", EMBED.id

    def __init__(self, parent: QObject | None = None, command: Command = preview_command) -> None:
        super().__init__(parent, command)

    def _reset(self, choice: DatasetChoice | None) -> None:
        super()._reset(choice)
        self.told: Previewed | None = None

    def forget(self) -> None:
        """Nothing was told of what is chosen now."""
        if not self.running:
            self._reset(None)

    @property
    def beside_photos_s(self) -> float:
        """What it takes again when every photo is known already."""
        stages = self.run.stages.values()
        return sum(stage.elapsed_s or 0.0 for stage in stages if stage.id != self.stage)

    def _take(self, message: AnyMessage) -> None:
        if isinstance(message, Previewed):
            self.told = message
