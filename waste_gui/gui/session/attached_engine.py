"""An engine that another window started: followed by its events file, commanded by its commands file."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import BinaryIO

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from waste_gui import files, protocol
from waste_gui.gui.session.engine_process import ASK_S, TERMINATE_S, StopEscalation
from waste_gui.monitor.crash import ProcessOutcome
from waste_gui.owner import Owner, kill_tree, prove, terminate
from waste_gui.protocol import AnyCommand, LineBuffer
from waste_gui.rundir import RunDir

SLICE_BYTES = 256 * 1024
SLICE_S = 0.008
LOOK_MS = 500
"""The net under QFileSystemWatcher, which tells nothing on some network drives."""


class AttachedEngine(QObject):
    """Has the signals and the ways in of EngineProcess. Also shows a run that ended long ago.

    Who the engine is, and whether it is gone, it is told by `saw`."""

    messages_received = Signal(object)  # list[AnyMessage | Unreadable]
    ended = Signal(object)  # ProcessOutcome
    not_sent = Signal(object, str)  # The command, and why.

    def __init__(
        self,
        folder: RunDir,
        parent: QObject | None = None,
        *,
        ask_s: float = ASK_S,
        terminate_s: float = TERMINATE_S,
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._owner: Owner | None = None
        self._gone = False
        self._file: BinaryIO | None = None
        self._lines = LineBuffer()
        self._over = self._behind = self._caught_up = False
        self._forced = self._torn = False
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._read_on)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._next_slice = QTimer(self)
        self._next_slice.setSingleShot(True)
        self._next_slice.timeout.connect(self._read_slice)
        self._escalation = StopEscalation(self._terminate, self._kill, ask_s, terminate_s, self)

    @property
    def running(self) -> bool:
        return not self._over

    @property
    def behind(self) -> bool:
        """Whether there is more in the file, to be read in the next turns."""
        return self._behind

    @property
    def caught_up(self) -> bool:
        """Whether all that was there at first is read: what comes now was just written."""
        return self._caught_up

    @property
    def owner(self) -> Owner | None:
        return self._owner

    def saw(self, owner: Owner | None, *, gone: bool) -> None:
        """Who has the folder; whether nobody has, so that it ends once all is read."""
        self._owner = owner or self._owner
        self._gone = gone
        if gone:
            self._read_on()

    def start(self) -> None:
        self._watcher.addPath(str(self._folder.events))
        self._timer.start()
        self._next_slice.start(0)

    def send(self, command: AnyCommand) -> None:
        """`not_sent` says if it could not be written."""
        line = protocol.encode(command)
        try:
            self._append(b"\n" + line if self._torn else line)
        except OSError as error:
            self._torn = True  # A full disk may have taken half of it.
            self.not_sent.emit(command, error.strerror or str(error))
        else:
            self._torn = False

    def _append(self, line: bytes) -> None:
        descriptor = files.open_to_append(self._folder.commands, self._folder.path)
        try:
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def stop(self, command: AnyCommand, *, firmly: bool) -> None:
        """An engine that cannot be told is ended all the same, if it is proven ours: which may be known only
        later, and is asked again before each signal."""
        self.send(command)
        if firmly and (self._owner is None or self._owner.ours):
            self._escalation.begin()

    def force_stop(self) -> None:
        if self._signallable:
            self._escalation.skip_to_terminate()

    def kill_now(self) -> None:
        if not self._over:
            self._kill()

    @property
    def _signallable(self) -> bool:
        return self._owner is not None and self._owner.ours

    def close(self) -> None:
        """Stop looking; the engine goes on."""
        self._timer.stop()
        self._next_slice.stop()
        self._escalation.end()
        self._over = True
        if self._file is not None:
            self._file.close()
            self._file = None

    def _terminate(self) -> None:
        terminate(self._owner)

    def _kill(self) -> None:
        if prove(self._owner) is not None:
            self._forced = True
            kill_tree(self._owner)

    def _read_on(self) -> None:
        if not self._over:
            self._next_slice.start(0)

    def _look(self) -> None:
        self._read_on()

    def _read_slice(self) -> None:
        """As much as fits into a frame; the rest, and the end, after the window had its turn."""
        if self._file is None:
            with contextlib.suppress(OSError):
                self._file = files.open_to_read(self._folder.events)
        self._behind = self._read_some()
        if self._behind:
            self._next_slice.start(0)
        else:
            self._caught_up = True
            if self._gone:
                self._end()

    def _read_some(self) -> bool:
        """Whether anything was there."""
        until, found = time.monotonic() + SLICE_S, False
        while self._file is not None and time.monotonic() < until:
            chunk = self._file.read(SLICE_BYTES)
            if not chunk:
                break
            found = True
            messages = protocol.decode_all(self._lines.whole(chunk))
            if messages:
                self.messages_received.emit(messages)
        return found

    def _end(self) -> None:
        if self._file is not None and self._file.read(1):  # Written between the last read and the look.
            self._file.seek(-1, 1)
            self._next_slice.start(0)
            return
        self.close()
        self.ended.emit(ProcessOutcome(forced=self._forced))
