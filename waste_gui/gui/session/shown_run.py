"""The run that is looked at: the one that trains, or any other, while that goes on. No widgets."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from waste_gui.gui.session.run_controller import RunController
from waste_gui.gui.session.training_session import TrainingSession
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.rundir import RunDir


class ShownRun(QObject):
    """`changed` tells its Snapshot; `replaced` comes when another run is looked at."""

    changed = Signal(object)
    replaced = Signal()

    def __init__(
        self,
        session: TrainingSession,
        parent: QObject | None = None,
        make: Callable[[QObject], RunController] = RunController,
    ) -> None:
        super().__init__(parent)
        self._session, self._make = session, make
        self._other: RunController | None = None
        session.changed.connect(self._on_session_changed)
        session.opened.connect(self.show)
        session.chosen.connect(self.follow)

    @property
    def follows(self) -> bool:
        """Whether it is the run that trains, or that trained last."""
        return self._other is None

    @property
    def controller(self) -> RunController:
        return self._other or self._session.controller

    @property
    def snapshot(self) -> Snapshot:
        return self.controller.snapshot()

    @property
    def folder(self) -> RunDir | None:
        return self.controller.folder

    def follow(self) -> None:
        """The run that trains, and the next ones that begin."""
        if self._other is not None:
            self._leave()
            self.replaced.emit()
            self.changed.emit(self.snapshot)

    def show(self, folder: RunDir) -> None:
        """Another one, from its folder alone."""
        if folder == self._session.folder:
            self.follow()
            return
        if self._other is not None and self._other.folder == folder:
            return
        self._leave()
        self._other = self._make(self)
        self._other.changed.connect(self.changed)
        self._other.attach(folder)
        self.replaced.emit()

    def _leave(self) -> None:
        if self._other is not None:
            self._other.changed.disconnect(self.changed)
            self._other.detach()
            self._other.deleteLater()
            self._other = None

    def _on_session_changed(self, snapshot: Snapshot) -> None:
        if self._other is None:
            self.changed.emit(snapshot)

    def close(self) -> None:
        if self._other is not None:
            self._other.detach()
