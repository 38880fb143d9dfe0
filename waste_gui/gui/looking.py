"""Which run each page shows, and says so: the one that trains, or another that was chosen there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from waste_gui.gui.common.run_picker import EARLIER_RUN, LAST_RUN, PAUSED, TRAINS_NOW
from waste_gui.gui.results.page import Results, ResultsPage
from waste_gui.gui.session.recent_runs import RecentRuns
from waste_gui.gui.session.session_text import run_name
from waste_gui.gui.session.shown_run import ShownRun
from waste_gui.gui.session.training_session import TrainingSession
from waste_gui.gui.training.page import RunPage
from waste_gui.monitor.run import RunPhase
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.rundir import RunDir


class Looking(QObject):
    """A finished run's results stay until those of another are there, or are asked for."""

    weakest = Signal(str, float)  # Of the training that has just finished: class, and share right.

    def __init__(
        self, session: TrainingSession, shown: ShownRun, training: RunPage, results: ResultsPage
    ) -> None:
        super().__init__(session)
        self._session, self._shown, self._training, self._results = session, shown, training, results
        self._names: dict[str, str] = {}  # By folder, of runs that were offered.
        self._recent = RecentRuns(self)
        self._recent.found.connect(self._on_recent)
        for picker in (training.picker, results.picker):
            picker.asked.connect(self._recent.read)
        training.picker.chosen.connect(self._on_run)
        results.picker.chosen.connect(self._on_results)
        results.found.connect(self._on_found)
        shown.replaced.connect(self._on_replaced)
        session.ended.connect(self._on_ended)

    def _on_recent(self, runs: list[tuple[str, str]]) -> None:
        self._names |= dict(runs)
        own = str(self._session.folder.path) if self._session.folder else None
        others = [run for run in runs if run[0] != own]
        for picker in (self._training.picker, self._results.picker):
            picker.show_runs(others)

    def _on_run(self, folder: str | None) -> None:
        if folder is None:
            self._shown.follow()
        else:
            self._session.open(RunDir(Path(folder)))

    def _on_results(self, folder: str | None) -> None:
        chosen = RunDir(Path(folder)) if folder else self._session.folder
        if chosen is not None:
            self._results.read(chosen)

    def _on_replaced(self) -> None:
        if not self._shown.follows and self._shown.folder is not None:
            self._results.read(self._shown.folder)

    def _on_ended(self, snapshot: Snapshot) -> None:
        if snapshot.folder is not None:
            self._results.read(RunDir(snapshot.folder), keep=not self._shown.follows)

    def _on_found(self, found: Results) -> None:
        if self._results.folder is not None:
            self._training.show_classes(self._results.folder.path, found.recall)
        ended = self._session.controller.run.phase is RunPhase.FINISHED
        if ended and found.weakest and self._results.folder == self._session.folder:
            self.weakest.emit(*found.weakest)

    def name_runs(self, shown: Snapshot, *, trains: bool) -> None:
        """On the pages, and what each run is; `shown` is the one that is looked at."""
        now = PAUSED if self._session.snapshot.run.paused else TRAINS_NOW
        if self._shown.follows:
            note = now if trains else LAST_RUN if shown.folder else ""
        else:
            note = EARLIER_RUN
        self._training.picker.show_run(run_name(shown), note, trains=trains)
        results = self._results.folder
        if results is None:
            self._results.picker.show_run("", trains=trains)
        elif results == self._session.folder:
            note = now if trains else LAST_RUN
            self._results.picker.show_run(run_name(self._session.snapshot), note, trains=trains)
        else:
            self._results.picker.show_run(self._named(results, shown), EARLIER_RUN, trains=trains)

    def _named(self, folder: RunDir, shown: Snapshot) -> str:
        if shown.folder == folder.path:
            return run_name(shown)
        return self._names.get(str(folder.path), folder.path.name)
