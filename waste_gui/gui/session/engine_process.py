"""The one file with QProcess: starts an engine, reads its lines, sends it commands, ends it for certain."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from waste_gui import files, isolation, protocol
from waste_gui.monitor.crash import ProcessOutcome
from waste_gui.owner import Owner, child, kill_group, kill_tree
from waste_gui.plain_text import say_error
from waste_gui.protocol import AnyCommand, LineBuffer

ASK_S, TERMINATE_S = 10.0, 5.0
"""How long a polite stop may take, and how long the process may then take to die."""


def engine_command(config: Path) -> list[str]:
    return isolation.module_command("waste_gui.engine", "train", str(config))


def check_command(config: Path) -> list[str]:
    return isolation.module_command("waste_gui.engine", "check", str(config))


def preview_command(config: Path) -> list[str]:
    return isolation.module_command("waste_gui.engine", "preview", str(config))


class StopEscalation(QObject):
    """From asking to killing, a rung at a time; each rung may be called by hand."""

    def __init__(
        self,
        terminate: Callable[[], None],
        kill: Callable[[], None],
        ask_s: float,
        terminate_s: float,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._terminate, self._kill = terminate, kill
        self._ask_s, self._terminate_s = ask_s, terminate_s
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)
        self._terminated = False

    @property
    def climbing(self) -> bool:
        return self._timer.isActive() or self._terminated

    def begin(self) -> None:
        """The engine was asked; give it time."""
        if not self.climbing:
            self._timer.start(round(1000 * self._ask_s))

    def skip_to_terminate(self) -> None:
        self._timer.stop()
        self._on_timeout()

    def end(self) -> None:
        """The process is gone."""
        self._timer.stop()

    def _on_timeout(self) -> None:
        if self._terminated:
            self._kill()
        else:
            self._terminated = True
            self._terminate()
        self._timer.start(round(1000 * self._terminate_s))  # Again and again: a kill may have to wait.


class EngineProcess(QObject):
    """One engine, one process. `ended` comes once, after its last message and when the process is gone."""

    messages_received = Signal(object)  # list[AnyMessage | Unreadable]: as many as came at once.
    ended = Signal(object)  # ProcessOutcome
    not_sent = Signal(object, str)  # The command, and why.

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        ask_s: float = ASK_S,
        terminate_s: float = TERMINATE_S,
        work: str = "training",
    ) -> None:
        """`work` is what the engine is there for, as said when it ends badly."""
        super().__init__(parent)
        self._work = work
        self._lines = LineBuffer()
        self._owner: Owner | None = None
        self._forced = False
        self._over = False
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._on_output)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._escalation = StopEscalation(self._process.terminate, self._kill, ask_s, terminate_s, self)

    @property
    def running(self) -> bool:
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def owner(self) -> Owner | None:
        """Its process, once it is started."""
        return self._owner

    @property
    def pid(self) -> int:
        return self._owner.pid if self._owner else 0

    def start(self, command: Sequence[str], log: Path) -> None:
        """`log` takes the engine's stderr: a file, since a full pipe would block it."""
        environment = QProcessEnvironment()
        wanted = dict.fromkeys(("PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER"), "1")
        for name, value in isolation.environment(wanted).items():
            environment.insert(name, value)
        self._process.setWorkingDirectory(isolation.safe_folder())
        self._process.setProcessEnvironment(environment)
        self._append_errors_to(log)
        if sys.platform != "win32":
            session = QProcess.UnixProcessParameters()
            session.flags = QProcess.UnixProcessFlag.CreateNewSession
            self._process.setUnixProcessParameters(session)
        self._process.start(command[0], list(command[1:]))
        if pid := int(self._process.processId()):
            self._owner = child(pid)

    def _append_errors_to(self, log: Path) -> None:
        """A file of our own that is no link: Qt would follow one. Without it they are lost."""
        try:
            os.close(files.open_to_append(log))
        except OSError as error:
            say_error(f"The engine's log is not kept: {error}")
            self._process.setStandardErrorFile(QProcess.nullDevice())
        else:
            self._process.setStandardErrorFile(str(log), QProcess.OpenModeFlag.Append)

    def send(self, command: AnyCommand) -> None:
        if self.running and self._process.write(protocol.encode(command)) < 0:
            self.not_sent.emit(command, self._process.errorString())

    def stop(self, command: AnyCommand, *, firmly: bool) -> None:
        """Ask it to stop; with `firmly` it is ended when it does not answer in time."""
        self.send(command)
        if firmly:
            self._escalation.begin()

    def force_stop(self) -> None:
        self._escalation.skip_to_terminate()

    def kill_now(self) -> None:
        """Without asking: for a window that must go now."""
        if self.running:
            self._kill()

    def _kill(self) -> None:
        self._forced = True
        kill_tree(self._owner)
        self._process.kill()

    def _on_output(self) -> None:
        self._read(self._lines.whole(bytes(self._process.readAllStandardOutput().data())))

    def _read(self, lines: bytes) -> None:
        """No more than a pipe holds, so that the window keeps its pace."""
        messages = protocol.decode_all(lines)
        if messages:
            self.messages_received.emit(messages)

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._escalation.end()
        self._on_output()
        self._read(self._lines.whole(b"\n"))  # The last line may have no end.
        killed = status == QProcess.ExitStatus.CrashExit
        outcome = ProcessOutcome(
            None if killed else code, code if killed else None, forced=self._forced, work=self._work
        )
        if outcome.crashed and self._owner is not None:
            kill_group(self._owner)  # What a crashed engine leaves behind would hold files and GPU memory.
        self._end(outcome)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # No `finished` follows.
            self._end(ProcessOutcome(not_started=self._process.errorString(), work=self._work))

    def _end(self, outcome: ProcessOutcome) -> None:
        if not self._over:
            self._over = True
            self.ended.emit(outcome)
