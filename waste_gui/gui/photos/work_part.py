"""One kind of work on the chosen photos, check or preview: its bar, and when it may begin."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.photos.work_bar import WorkBar
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.engine_work import EngineWork


class WorkPart(QObject):
    """`settings` gives what is set for the training, or raises ConfigError: photos are split and read alike.

    Only one thing reads the photos at a time: this waits for a training, and for what `show_other` names."""

    browse_changed = Signal(bool)  # Whether what it found is to be shown instead of the classes.
    progressed = Signal()

    def __init__(self, work: EngineWork, bar: WorkBar, parent: QWidget) -> None:
        super().__init__(parent)
        self.settings: Callable[[], RunConfig] = RunConfig
        self.work, self.bar = work, bar
        self.browsing = False
        self._widget = parent
        self._choice = DatasetChoice()
        self._possible = False
        self._training = False
        self._other = ""
        bar.start_asked.connect(self.start)
        bar.stop_asked.connect(self.stop)
        bar.browse_asked.connect(lambda: self.browse(not self.browsing))
        work.changed.connect(self._on_work)

    @property
    def current(self) -> bool:
        """Whether what is known is about the photos and classes chosen now."""
        return self.work.choice == self._choice

    @property
    def waits_for(self) -> str:
        return "training" if self._training else self._other

    @property
    def can_start(self) -> bool:
        return self._possible and not self.waits_for and not self.work.running

    def show_choice(self, choice: DatasetChoice) -> None:
        """Other folders or classes: work on the old ones is over."""
        self._choice = choice
        if self.work.running and not self.current:
            self.work.stop()
        self._show()

    def show_possible(self, possible: bool) -> None:
        """Whether there are photos to work on."""
        self._possible = possible
        self._show()

    def show_training(self, training: bool) -> None:
        if training != self._training:
            self._training = training
            self._show()

    def show_other(self, other: str) -> None:
        """What else reads the photos now, if not ""."""
        if other != self._other:
            self._other = other
            self._show()

    def start(self) -> None:
        if self.can_start:
            self.browse(True)
            self._begin()

    def _begin(self) -> None:
        choice = self._choice
        try:
            config = self.settings()
        except ConfigError as error:
            self.work.refuse(str(error), choice)
            return
        self.work.start(choice.applied_to(config), choice)

    def stop(self, *, for_training: bool = False) -> None:
        self.work.stop(for_training=for_training)

    def browse(self, on: bool) -> None:
        """Show what it found, or the classes."""
        self.browsing = on
        self._show()
        self.browse_changed.emit(on)

    def close(self) -> None:
        """Before the window goes: no process stays."""
        self.work.kill_now()

    def _on_work(self) -> None:
        self._show()
        self.progressed.emit()

    def _show(self) -> None:
        """All of it, as it is now."""
        raise NotImplementedError
