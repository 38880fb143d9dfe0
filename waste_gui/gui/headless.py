"""The demo without a screen: the same window, its stages told on stdout, its end as the exit status."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.run_text import notice
from waste_gui.monitor.formatting import clock
from waste_gui.monitor.run import RunPhase, StageState
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.plain_text import plain
from waste_gui.protocol import RunFailed

CRASHED = 2
STATUS = {RunPhase.FINISHED: 0, RunPhase.STOPPED: 3, RunPhase.FAILED: 1, RunPhase.CRASHED: CRASHED}


def _say(line: str) -> None:
    """Names and errors are plain text in a terminal."""
    print(plain(line), flush=True)


class _Teller:
    """Prints each stage and epoch once."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self._told: set[str] = set()
        self._epochs = 0

    def on_changed(self, snapshot: Snapshot) -> None:
        for stage in snapshot.run.stages.values():
            if stage.state is StageState.DONE and not stage.inside_train and stage.id not in self._told:
                self._told.add(stage.id)
                _say(f"{stage.title}: {stage.summary} ({stage.elapsed_s:.1f} s)")
        for epoch in [] if snapshot.run.head_only else snapshot.run.epochs[self._epochs :]:
            accuracy = "–" if epoch.val_accuracy is None else f"{100 * epoch.val_accuracy:.1f} %"
            print(f"Epoch {epoch.epoch}: {accuracy} right ({epoch.elapsed_s:.1f} s)", flush=True)
        self._epochs = len(snapshot.run.epochs)

    def on_ended(self, snapshot: Snapshot) -> None:
        self.on_changed(snapshot)
        said = notice(snapshot)
        how = said.title if said else snapshot.run.phase.value
        how = how.removesuffix(".").replace("\u202f", " ")  # Which a terminal might not know.
        _say(f"{how}, after {clock(snapshot.run.heard_at)}")
        if isinstance(snapshot.run.last, RunFailed):
            for line in snapshot.run.last.traceback.splitlines():
                _say(line)
        self._app.exit(STATUS.get(snapshot.run.phase, CRASHED))

    def on_failed(self, error: Exception) -> None:
        _say(f"The example's photos cannot be drawn: {error}")
        self._app.exit(CRASHED)


def follow_demo(app: QApplication, window: MainWindow) -> int:
    """Train the small example; the run's own exit status (0, 3, 1), 2 for a crash."""
    teller = _Teller(app)
    window.rooms.session.changed.connect(teller.on_changed)
    window.rooms.session.ended.connect(teller.on_ended)
    window.rooms.example.failed.connect(teller.on_failed)
    window.commands.try_example(and_train=True)
    return app.exec()
