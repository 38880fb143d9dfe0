"""Drives one RunSession in the window: starts or attaches an engine, brings its messages, and says at a fixed
pace what to paint."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui import config as configs
from waste_gui import request as requests
from waste_gui.config import ConfigError, RunConfig
from waste_gui.files import write_atomically
from waste_gui.gui.session.attached_engine import AttachedEngine
from waste_gui.gui.session.beside import BesideTheWindow
from waste_gui.gui.session.engine_process import ASK_S, TERMINATE_S, EngineProcess, engine_command
from waste_gui.gui.session.previous_events import PreviousEvents
from waste_gui.monitor import forecast
from waste_gui.monitor.crash import ProcessOutcome
from waste_gui.monitor.engine_clock import EngineClock
from waste_gui.monitor.rules.life import not_ended_from_here
from waste_gui.monitor.run import Run
from waste_gui.monitor.session import RunSession
from waste_gui.monitor.snapshot import Snapshot
from waste_gui.monitor.verdict import VerdictState
from waste_gui.owner import continue_tree
from waste_gui.protocol import (
    AnyCommand,
    AnyMessage,
    DumpStacks,
    Pause,
    RestartWorkers,
    Resume,
    SaveNow,
    SkipPhoto,
    Stop,
    Unreadable,
)
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError, new_run_dir

PAINT_MS, BEHIND_MS = 100, 600
"""While a run is read from its file, painting would only delay its end."""
TICK_MS = 1000
LOOK_FIRST_MS = 100
"""Who has a folder is asked more often until the answer is there: an ended run is shown at once."""


class RunController(QObject):
    """The truth is in `run`; `changed` comes at most ten times a second with the snapshot to paint."""

    changed = Signal(object)  # Snapshot
    ended = Signal(object)  # Snapshot
    stuck = Signal(object)  # Snapshot, once for each time that it gets stuck.
    trouble = Signal(str, str)  # What could not be asked of the engine and why, and what to do.

    def __init__(
        self,
        parent: QObject | None = None,
        command: Callable[[Path], list[str]] = engine_command,
        clock: Callable[[], float] = time.monotonic,
        ask_s: float = ASK_S,
        terminate_s: float = TERMINATE_S,
    ) -> None:
        super().__init__(parent)
        self._ask_s, self._terminate_s = ask_s, terminate_s
        self._command = command
        self._clock = clock
        self._engine: EngineProcess | AttachedEngine | None = None
        self._earlier: PreviousEvents | None = None
        self._paint_timer = QTimer(self)
        self._paint_timer.setSingleShot(True)
        self._paint_timer.timeout.connect(self._paint)
        self._tick_timer = QTimer(self)
        self._tick_timer.timeout.connect(self._on_tick)
        self._beside = BesideTheWindow(self)
        self._begin(None, None)

    @property
    def run(self) -> Run:
        return self.session.run

    @property
    def config(self) -> RunConfig | None:
        return self.session.config

    @property
    def folder(self) -> RunDir | None:
        return self.session.folder

    @property
    def running(self) -> bool:
        return self._engine is not None and self._engine.running

    @property
    def attached(self) -> bool:
        return isinstance(self._engine, AttachedEngine)

    def start(self, request: RunRequest) -> None:
        """Start training in a new run folder, or go on in an old one; RunFolderError or ConfigError says why
        not. The window writes `request.json`; `config.json` is the engine's."""
        folder = _folder_for(request)
        config = configs.check(request.config)
        place = None if request.resume else str(folder.path)
        request = RunRequest(config=config, run_dir=place, resume=request.resume)
        try:
            content = requests.dump(request)
        except UnicodeEncodeError:
            raise ConfigError("The name of a folder is not readable as text; rename the folder.") from None
        folder.create()
        try:
            write_atomically(folder.request, content)
        except OSError as error:
            raise RunFolderError(
                f"The settings cannot be written into {folder.path} ({error.strerror}).",
                "Free space on the disk, or choose another run folder.",
            ) from None
        self._begin(config, folder)
        self._resumes = request.resume is not None
        engine = EngineProcess(self, ask_s=self._ask_s, terminate_s=self._terminate_s)
        self._follow(engine)
        self.session.launched(log_begin=size_of(folder.log))
        engine.start(self._command(folder.request), folder.log)
        if engine.owner is not None:
            self.session.started_as(engine.owner)
        self._tick_timer.start(TICK_MS)
        self._paint_timer.start(0)

    def attach(self, folder: RunDir) -> None:
        """Show a run from its events file; one that still runs is followed and can be commanded."""
        config = None
        with contextlib.suppress(ConfigError):
            config = configs.load(folder.config)
        self._begin(config, folder)
        engine = AttachedEngine(folder, self, ask_s=self._ask_s, terminate_s=self._terminate_s)
        self._follow(engine)
        self.session.caught_up = False
        self.session.look()
        self._recall(folder).finished.connect(engine.start)
        self._tick_timer.start(LOOK_FIRST_MS)
        self._paint()

    def _begin(self, config: RunConfig | None, folder: RunDir | None) -> None:
        self.detach()
        self._beside.cancel()
        self._beside = BesideTheWindow(self)
        clock = EngineClock(self._clock)
        self.session = RunSession(self._beside, folder, config, clock=clock, keeps_log=True)
        self._was_stuck = self._resumes = False

    def _follow(self, engine: EngineProcess | AttachedEngine) -> None:
        self._engine = engine
        engine.messages_received.connect(self._on_messages)
        engine.ended.connect(self._on_ended)
        engine.not_sent.connect(self._on_not_sent)

    def _recall(self, folder: RunDir) -> PreviousEvents:
        """Read the curves of the run's earlier starts."""
        self._earlier = PreviousEvents(folder, self)
        self._earlier.messages_read.connect(self._on_recalled)
        self._earlier.start()
        return self._earlier

    def _on_recalled(self, messages: list[AnyMessage | Unreadable]) -> None:
        self.session.recall(messages)
        self._paint_soon()

    def detach(self) -> None:
        """Look no longer at an engine that another window started; it goes on."""
        if isinstance(self._engine, AttachedEngine):
            self._engine.close()
        if self._engine is not None:
            self._engine.messages_received.disconnect(self._on_messages)
            self._engine.ended.disconnect(self._on_ended)
            self._engine.not_sent.disconnect(self._on_not_sent)
            self._engine.deleteLater()
            self._engine = None
        if self._earlier is not None:
            self._earlier.stop()
            self._earlier = None
        self._tick_timer.stop()
        self._beside.cancel()

    # --- what the person asks of it

    def send(self, command: AnyCommand) -> None:
        if self._engine is not None and self._engine.running:
            self._engine.send(command)

    def _on_not_sent(self, command: AnyCommand, why: str) -> None:
        """Said, and what happens now."""
        owner, what = self.session.owner, type(command).__name__
        if self.session.elsewhere:
            hint = f"It runs on {self.session.elsewhere}: end it there."
        elif isinstance(command, Stop) and command.when == "now" and owner is not None and owner.ours:
            hint = "If it does not stop by itself, it is ended by force in a few seconds."
        else:
            hint = "Free space on the disk of the run folder, or make the folder writable, and try again."
        title = f"The training could not be told ({ASKED.get(what, what)}): {why}."
        self.session.say(title)
        self.trouble.emit(title, hint)

    def stop_now(self) -> None:
        """Ask, and end it by force if it does not answer."""
        self.session.stops_after_epoch = False
        self._stop(Stop(when="now"), firmly=True)

    def stop_after_epoch(self) -> None:
        self.session.stops_after_epoch = True
        self._stop(Stop(when="epoch_end"), firmly=False)

    def _stop(self, command: Stop, *, firmly: bool) -> None:
        if self._engine is not None and self._engine.running:
            self.session.stop_asked()
            self._engine.stop(command, firmly=firmly)
            self._paint_soon()

    def force_stop(self) -> None:
        if self._engine is None or not self._engine.running:
            return
        if self.session.elsewhere:
            where = self.session.elsewhere
            self.trouble.emit(f"It runs on {where} and cannot be ended from here.", f"End it on {where}.")
        elif (owner := self.session.owner) is not None and not owner.ours:
            self.trouble.emit(not_ended_from_here(owner.pid), "Look at it, and end it yourself.")
        else:
            self._engine.force_stop()

    def kill_now(self) -> None:
        """For a window that is going for good."""
        if self._engine is not None:
            self._engine.kill_now()

    def pause_or_resume(self) -> None:
        self.send(Resume() if self.run.paused else Pause())

    def save_now(self) -> None:
        """A checkpoint after this step; the log says when it is on disk."""
        self.send(SaveNow())

    def go_on(self) -> None:
        """After a pause: asked for here, or made from outside by stopping the process."""
        if self.run.paused:
            self.send(Resume())
        elif (owner := self.session.owner) is not None and not owner.ours:
            self.trouble.emit(not_ended_from_here(owner.pid), "Look at it, and continue it yourself.")
        elif self._engine is not None:
            continue_tree(owner)

    def skip_photo(self, path: str) -> None:
        self.send(SkipPhoto(path=path))

    def restart_workers(self) -> None:
        self.send(RestartWorkers())

    def ask_for_stacks(self) -> None:
        """Of the engine's own threads by itself, and of all its processes from outside."""
        self.send(DumpStacks())
        self.session.read_stacks()

    def keep_waiting(self) -> None:
        """The warning makes room for five minutes."""
        self.session.keep_waiting()
        self._paint()

    def keep_going(self) -> None:
        """The note on learning has been read, and is not shown again."""
        self.session.keep_going()
        self._paint()

    # --- what is known

    def now(self) -> float:
        """Seconds on the engine's clock."""
        return self.session.now()

    def snapshot(self) -> Snapshot:
        """Looking changes nothing."""
        return self.session.snapshot()

    @property
    def explained(self) -> bool:
        """Whether all is known of how it ended that can be found out."""
        return self.session.explained

    def expected(self, config: RunConfig, photos: int) -> tuple[float, int] | None:
        """Seconds that such a training will take by this computer's past, and by how many runs; else None."""
        return forecast.expected(config, photos, self.session.past)

    # --- what comes

    def _on_messages(self, messages: list[AnyMessage | Unreadable]) -> None:
        first = self.run.messages == 0
        if first and not self.attached and self.folder is not None and self._resumes:
            self._recall(self.folder)  # The engine has put what its earlier starts told aside by now.
        if isinstance(self._engine, AttachedEngine):
            self.session.caught_up = self._engine.caught_up
        self.session.receive(messages)
        self._tell_who_has_it()  # What was read may be its last word.
        self._paint_soon()

    def _tell_who_has_it(self) -> None:
        if isinstance(self._engine, AttachedEngine):
            self._engine.saw(self.session.owner, gone=self.session.gone)

    def _on_ended(self, outcome: ProcessOutcome) -> None:
        self._tick_timer.stop()
        self.session.end(outcome)
        self._paint()
        self.ended.emit(self.snapshot())

    def _paint_soon(self) -> None:
        if not self._paint_timer.isActive():
            behind = isinstance(self._engine, AttachedEngine) and self._engine.behind
            self._paint_timer.start(BEHIND_MS if behind else PAINT_MS)

    def _paint(self) -> None:
        self._paint_timer.stop()
        self.session.tick()
        snapshot = self.snapshot()
        said = snapshot.view is not None and snapshot.view.verdict.state is VerdictState.LIKELY_STUCK
        stuck = said and snapshot.live
        if stuck and not self._was_stuck:
            self._was_stuck = True
            self.stuck.emit(snapshot)
        self._was_stuck = stuck
        self.changed.emit(snapshot)

    def _on_tick(self) -> None:
        self.session.look()
        if isinstance(self._engine, AttachedEngine):
            self.session.caught_up = self._engine.caught_up
            self._tell_who_has_it()
            if self.session.located:
                self._tick_timer.setInterval(TICK_MS)
        self._paint()


ASKED = {
    "Stop": "stop",
    "Pause": "pause",
    "Resume": "go on",
    "SaveNow": "save now",
    "SkipPhoto": "skip the photo",
    "RestartWorkers": "restart the data workers",
    "DumpStacks": "say where it is",
}


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _folder_for(request: RunRequest) -> RunDir:
    """Looked at before anything is written into it."""
    if not request.resume:
        folder = RunDir(Path(request.run_dir) if request.run_dir else new_run_dir(request.config.name))
        folder.refuse_others()
        return folder
    folder = RunDir(Path(request.resume))
    if not folder.config.exists():
        raise RunFolderError(f"{folder.path} holds no run to go on with.", "Choose it from the list of runs.")
    if folder.owner() is not None:
        raise RunFolderError(
            f"The training in {folder.path.name} still runs.", "Show it from the list of runs."
        )
    return folder
