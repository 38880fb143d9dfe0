"""What every part of a run shares: reporting, stages, the heartbeat, and obedience to commands."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from waste_gui import protocol
from waste_gui.engine.commands import Commands
from waste_gui.engine.errors import StopRequested
from waste_gui.engine.heartbeat import Heart
from waste_gui.engine.stacks import stacks
from waste_gui.protocol import Activity, Progress, StageFinished, StageInfo, StageStarted
from waste_gui.reporting import Reporter
from waste_gui.stages import STAGES

PROGRESS_EVERY_S = 0.1
POLL_S = 0.1

T = TypeVar("T")


class StageReport:
    """An open stage: `progress` at most ten times a second, and a `summary` for its end."""

    def __init__(self, context: Context, info: StageInfo, total: int | None) -> None:
        self._context, self._info, self._total = context, info, total
        self._said_at = -1.0
        self._unsaid: Progress | None = None
        self.summary = ""

    def progress(self, done: int, detail: str = "", total: int | None = None) -> None:
        """Says it now, or with the next that is due; also a sign that the stage moves."""
        self._total = self._total if total is None else total
        self._unsaid = Progress(stage=self._info.id, done=done, total=self._total, detail=detail)
        now = self._context.report.now()
        if now - self._said_at >= PROGRESS_EVERY_S:
            self.flush()
            self._said_at = now

    def flush(self) -> None:
        """Says the last progress if it is still unsaid."""
        if self._unsaid is not None:
            self._context.report(self._unsaid)
            self._unsaid = None
            self._context.expect(self._info)


class Context:
    """One run's voice and ears. Made by the process or the notebook, handed to everything."""

    def __init__(
        self,
        report: Reporter,
        commands: Commands | None = None,
        stages: Sequence[StageInfo] = STAGES,
    ) -> None:
        self.report = report
        self.commands = commands or Commands(report)
        self.heart = Heart(report)
        self.commands.at_once[protocol.DumpStacks] = lambda: report(stacks())
        self.skip_photo: Callable[[str], None] = lambda path: None
        self.restart_workers: Callable[[], None] = lambda: None
        self.save_asked = False
        self.stop_at_epoch_end = False
        self.paused_s = 0.0
        self.failed_in = ""  # The title of the stage that an error left.
        self._stages = {info.id: info for info in stages}
        self._open: list[StageInfo] = []

    def worked_s(self) -> float:
        """Seconds since the engine began, without those of pauses."""
        return self.report.now() - self.paused_s

    @contextlib.contextmanager
    def stage(self, stage: str, total: int | None = None, unit: str = "") -> Iterator[StageReport]:
        """A stage from its `stage_started` to its `stage_finished`; an error leaves it unfinished."""
        info = self._stages[stage]
        began = self.worked_s()
        self.report(StageStarted(stage=stage, total=total, unit=unit))
        self.heart.does(info.title)
        self._open.append(info)
        self.expect(info)
        open_stage = StageReport(self, info, total)
        try:
            yield open_stage
        except BaseException:
            self.failed_in = self.failed_in or info.title
            raise
        finally:
            self._open.pop()
            self.heart.stacks_due_at = None
        open_stage.flush()
        elapsed = round(self.worked_s() - began, 4)
        self.report(StageFinished(stage=stage, elapsed_s=elapsed, summary=open_stage.summary))
        if self._open:
            self.expect(self._open[-1])
            self.heart.does(self._open[-1].title)

    def awaited(self, coming: Iterator[T]) -> Iterator[T]:
        """The same, with a word to everybody while the next is waited for."""
        while True:
            main = self.heart.main
            self.heart.does("waiting for photos", Activity.WAITING_FOR_PHOTOS)
            try:
                each = next(coming)
            except StopIteration:
                return
            finally:
                self.heart.main = main
            yield each

    def expect(self, info: StageInfo) -> None:
        """From now on, silence for longer than the stage's limit brings the stacks by themselves."""
        if self._open:
            self.heart.stacks_due_at = self.report.now() + info.stuck_after_s

    def obey(self) -> None:
        """Carry out what was asked. Waits while paused. Raises StopRequested after a `stop`."""
        paused, before = False, self.heart.main
        began = self.report.now()
        while True:
            command = self.commands.take()
            match command:
                case protocol.Stop(when="epoch_end"):
                    self.stop_at_epoch_end = True
                    paused = False
                case protocol.Stop():
                    raise StopRequested(self.commands.stop_reason)
                case protocol.Pause():
                    paused = True
                    self.heart.does("paused", Activity.PAUSED)
                case protocol.Resume():
                    paused = False
                case protocol.SaveNow():
                    self.save_asked = True
                case protocol.SkipPhoto(path=path):
                    self.skip_photo(path)
                case protocol.RestartWorkers():
                    self.restart_workers()
                case None:
                    if not paused:
                        break
                    if self._open:
                        self.expect(self._open[-1])
                    time.sleep(POLL_S)
        if self.heart.main.activity is Activity.PAUSED:
            self.paused_s += self.report.now() - began
            self.heart.main = before

    def in_thread(self, work: Callable[[], T]) -> T:
        """`work` in a thread of its own, so that commands are obeyed although it may never return."""
        result: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                result.append(work())
            except BaseException as error:  # Raised again below, in the main thread.
                errors.append(error)

        thread = threading.Thread(target=run, name=self.heart.where, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_S)
            self.obey()
        if errors:
            raise errors[0]
        return result[0]
