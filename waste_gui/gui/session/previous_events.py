"""What earlier starts of a run told, read a slice at a time: each start has events of its own."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import BinaryIO

from PySide6.QtCore import QObject, QTimer, Signal

from waste_gui import files, protocol
from waste_gui.gui.session.attached_engine import SLICE_BYTES, SLICE_S
from waste_gui.protocol import LineBuffer
from waste_gui.rundir import RunDir


class PreviousEvents(QObject):
    """`messages_read` comes with some of them at a time, in order; `finished` when there are no more."""

    messages_read = Signal(object)  # list[AnyMessage | Unreadable]
    finished = Signal()

    def __init__(self, folder: RunDir, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._files: list[Path] = folder.earlier_events()
        self._file: BinaryIO | None = None
        self._lines = LineBuffer()
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._read_slice)

    def start(self) -> None:
        self._turn.start(0)

    def stop(self) -> None:
        self._turn.stop()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read_slice(self) -> None:
        """As much as fits into a frame."""
        until = time.monotonic() + SLICE_S
        while time.monotonic() < until:
            if self._file is None and not self._open_next():
                self.finished.emit()
                return
            self._read_some()
        self._turn.start(0)

    def _open_next(self) -> bool:
        while self._files:
            with contextlib.suppress(OSError):
                self._lines = LineBuffer()
                self._file = files.open_to_read(self._files.pop(0))
                return True
        return False

    def _read_some(self) -> None:
        assert self._file is not None
        chunk = self._file.read(SLICE_BYTES)
        if not chunk:
            self._file.close()
            self._file = None
        elif messages := protocol.decode_all(self._lines.whole(chunk)):
            self.messages_read.emit(messages)
