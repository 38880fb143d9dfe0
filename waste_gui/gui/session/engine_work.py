"""Work on the photos in an engine of its own beside a training: a check, a preview. It can be stopped."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui import config as configs
from waste_gui import files
from waste_gui.config import ConfigError, RunConfig
from waste_gui.gui.session.dataset_choice import DatasetChoice
from waste_gui.gui.session.engine_process import TERMINATE_S, EngineProcess
from waste_gui.gui.session.run_controller import PAINT_MS, TICK_MS
from waste_gui.gui.session.run_ends import phase_shown
from waste_gui.monitor.countdown import remaining
from waste_gui.monitor.crash import ProcessOutcome, explain
from waste_gui.monitor.history import History
from waste_gui.monitor.last_log import read_tail
from waste_gui.monitor.run import Run, RunPhase
from waste_gui.monitor.session import LAST_LOG_BYTES, SHOWN_LOG_BYTES
from waste_gui.protocol import AnyMessage, Stop, Unreadable

ASK_S = 5.0
"""Such work has nothing to save but its last second, so it is asked for a shorter time than a training."""

Command = Callable[[Path], list[str]]
"""What starts an engine with the settings in this file."""


class EngineWork(QObject):
    """`changed` comes at most ten times a second; `ended` when its process is gone."""

    changed = Signal()
    ended = Signal()

    name = ""
    """What the engine is there for, as said when it ends badly."""
    stage = ""
    """In which it goes from photo to photo."""

    def __init__(
        self,
        parent: QObject | None,
        command: Command,
        clock: Callable[[], float] = time.monotonic,
        ask_s: float = ASK_S,
        terminate_s: float = TERMINATE_S,
    ) -> None:
        super().__init__(parent)
        self.command = command
        self._clock = clock
        self._ask_s, self._terminate_s = ask_s, terminate_s
        self._engine: EngineProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._paint_timer = QTimer(self)
        self._paint_timer.setSingleShot(True)
        self._paint_timer.setInterval(PAINT_MS)
        self._paint_timer.timeout.connect(self.changed)
        self._tick_timer = QTimer(self)
        self._tick_timer.setInterval(TICK_MS)
        self._tick_timer.timeout.connect(self.changed)
        self._reset(None)

    def _reset(self, choice: DatasetChoice | None) -> None:
        self.run = Run()
        self.choice = choice  # What it is, or was, about.
        self.refused = ""  # Why it could not even be started.
        self.outcome: ProcessOutcome | None = None
        self.log_tail = ""
        self.ended_at = 0.0  # Unix time.
        self.stopped_for_training = False
        self._zero: float | None = None

    @property
    def running(self) -> bool:
        return self._engine is not None and self._engine.running

    @property
    def pid(self) -> int:
        return self._engine.pid if self._engine is not None else 0

    @property
    def stopping(self) -> bool:
        return self.running and self.run.stop_asked_at is not None

    @property
    def stopped(self) -> bool:
        """Ended because it was asked to, if need be by force."""
        return phase_shown(self.run) is RunPhase.STOPPED

    @property
    def photos(self) -> int:
        """How many it is about; 0 before it knows."""
        stage = self.run.stages.get(self.stage)
        return (stage.total or 0) if stage else 0

    @property
    def done(self) -> int:
        stage = self.run.stages.get(self.stage)
        return stage.done if stage else 0

    @property
    def left_s(self) -> float | None:
        """Seconds until it is done; None where nothing can be said."""
        if self.done == 0 or self.run.away:
            return None
        return remaining(self.run, self.now(), History()).run_s

    def now(self) -> float:
        """Seconds on the engine's clock."""
        return 0.0 if self._zero is None else max(0.0, self._clock() - self._zero)

    def start(self, config: RunConfig, choice: DatasetChoice) -> None:
        """With these photos. What was read before and has not changed since is not read again."""
        if self.running:
            return
        self._reset(choice)
        try:
            self._launch(config)
        except UnicodeEncodeError:
            self.refused = "The name of a folder is not readable as text; rename the folder."
        except ConfigError as error:
            self.refused = str(error)
        except OSError as error:
            self.refused = f"The temporary folder cannot be written ({error.strerror}). Free some space."
        self.changed.emit()

    def refuse(self, reason: str, choice: DatasetChoice) -> None:
        """Not started, and why."""
        self._reset(choice)
        self.refused = reason
        self.changed.emit()

    def _launch(self, config: RunConfig) -> None:
        content = configs.dump(configs.check(config))
        prefix = f"waste-gui-{self.name}-"
        self._folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
        settings = Path(self._folder.name, "config.json")
        files.write_atomically(settings, content)
        engine = EngineProcess(self, ask_s=self._ask_s, terminate_s=self._terminate_s, work=self.name)
        engine.messages_received.connect(self._on_messages)
        engine.ended.connect(self._on_ended)
        self._engine = engine
        self.run.launched()
        self._zero = self._clock()
        engine.start(self.command(settings), self._log)
        self._tick_timer.start()

    @property
    def _log(self) -> Path:
        assert self._folder is not None
        return Path(self._folder.name, "engine.log")

    def stop(self, *, for_training: bool = False) -> None:
        """Ask it to stop, and end it by force if it does not answer. It goes on where it was."""
        if self._engine is not None and self._engine.running:
            self.stopped_for_training = for_training
            self.run.stop_asked(self.now())
            self._engine.stop(Stop(when="now"), firmly=True)
            self.changed.emit()

    def kill_now(self) -> None:
        """For a window that is going for good."""
        if self._engine is not None:
            self._engine.kill_now()

    def _on_messages(self, messages: list[AnyMessage | Unreadable]) -> None:
        for message in messages:
            self.receive(message)

    def receive(self, message: AnyMessage | Unreadable) -> None:
        if not isinstance(message, Unreadable):
            zero = self._clock() - message.at
            self._zero = zero if self._zero is None or not self.run.messages else min(self._zero, zero)
        self.run.receive(message)
        if not isinstance(message, Unreadable):
            self._take(message)
        if not self._paint_timer.isActive():
            self._paint_timer.start()

    def _take(self, message: AnyMessage) -> None:
        """What this kind of work tells beside how far it is."""

    def _on_ended(self, outcome: ProcessOutcome) -> None:
        self.outcome = outcome
        log = read_tail(self._log, most=LAST_LOG_BYTES) if self._folder is not None else ""
        crash = explain(outcome, log, home=Path.home())
        self.run.process_gone(crash.text, crash)
        self._tick_timer.stop()
        self._paint_timer.stop()
        self.ended_at = time.time()
        if self._folder is not None:
            self.log_tail = log[-SHOWN_LOG_BYTES:]
            self._folder.cleanup()
            self._folder = None
        if self._engine is not None:
            self._engine.deleteLater()
            self._engine = None
        self.changed.emit()
        self.ended.emit()
