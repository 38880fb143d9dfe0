"""Commands to a running engine, from stdin and from `commands.jsonl`, in the order they come."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from waste_gui import protocol
from waste_gui.protocol import AnyCommand, LineBuffer, Unreadable, Warned
from waste_gui.rundir import GrowingFile

FILE_POLL_S = 0.25


class Commands:
    """Two threads read; `take` gives what has come. Unreadable commands are a `warned`, nothing else."""

    def __init__(self, warn: Callable[[Warned], object]) -> None:
        self._warn = warn
        self._queue: queue.SimpleQueue[AnyCommand] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._stops = False
        self.stop_reason = "Stopped on request."
        self.at_once: dict[type, Callable[[], object]] = {}  # Answered in the reading thread.

    def listen(self, file: Path | None) -> None:
        """Start reading: stdin unless it is a terminal, and `file` from its present end."""
        if sys.stdin is not None and not sys.stdin.closed and not os.isatty(0):
            threading.Thread(target=self._read_stdin, name="commands from stdin", daemon=True).start()
        if file is not None:
            start = file.stat().st_size if file.exists() else 0
            growing = GrowingFile(file, start)
            threading.Thread(
                target=self._follow, args=(growing,), name="commands from the run folder", daemon=True
            ).start()

    def put(self, command: AnyCommand) -> None:
        self._stops = self._stops or isinstance(command, protocol.Stop)
        answer = self.at_once.get(type(command))
        if answer:
            answer()
        else:
            self._queue.put(command)

    def stop_since(self, why: str) -> None:
        """As `stop`, asked for by somebody else than who gives the commands."""
        if not self._stops:
            self.stop_reason = f"Stopped by {why}."
        self.put(protocol.Stop())

    def take(self) -> AnyCommand | None:
        """The next command, or None; never waits."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        self._closed.set()

    def _read_stdin(self) -> None:
        lines = LineBuffer()
        while True:
            try:
                chunk = os.read(0, 65536)
            except OSError:
                chunk = b""
            for line in lines.feed(chunk) if chunk else lines.flush():
                self._on_line(line)
            if not chunk:  # The window is gone: training goes on.
                return

    def _follow(self, file: GrowingFile) -> None:
        while not self._closed.wait(FILE_POLL_S):
            for line in file.read() or ():
                self._on_line(line)

    def _on_line(self, line: bytes) -> None:
        command = protocol.decode_command(line)
        if isinstance(command, Unreadable):
            self._warn(
                Warned(
                    text=f"A command was not understood: {command.text[:200]}",
                    hint=f"It was passed over ({command.reason}).",
                )
            )
        else:
            self.put(command)
