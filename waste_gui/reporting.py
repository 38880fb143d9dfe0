"""Reporter: what the engine says, in order, to the events file and to a clean stdout, slowing nobody.

`report(message)` numbers the message, stamps it and hands it to two writer threads. A window that reads
slowly fills only the pipe's queue (a full pipe once cost a training step 4.3 s), and a disk that hangs
stops only the events file.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from waste_gui import protocol
from waste_gui.protocol import AnyMessage

PIPE_QUEUE_LINES = 200_000
"""About 40 MB of lines; what a reader misses beyond that stands in the events file."""

Clock = Callable[[], float]


def claim_stdout() -> int:
    """Keep a private copy of descriptor 1 for the protocol and point 1 at 2: prints land in the log.

    Called before any heavy import. Returns the private descriptor.
    """
    private = os.dup(1)
    os.dup2(2, 1)
    return private


class Reporter:
    """Sends messages from any thread. Outputs get every line in order; none can block the caller."""

    def __init__(self, clock: Clock = time.monotonic, started_at: float | None = None) -> None:
        """`started_at` is when the engine began, by `clock`; `at` counts from there, in seconds."""
        self._clock = clock
        self._zero = clock() if started_at is None else started_at
        self._lock = threading.Lock()
        self._seq = 0
        self._last_at = 0.0
        self._outputs: list[Output] = []
        self._listeners: list[Callable[[AnyMessage], None]] = []
        self._closed = False

    def now(self) -> float:
        """Seconds since the engine began."""
        return self._clock() - self._zero

    def add_output(self, output: Output) -> None:
        with self._lock:
            self._outputs.append(output)

    def add_listener(self, listener: Callable[[AnyMessage], None]) -> None:
        """Call `listener` with each stamped message, in the reporting thread."""
        with self._lock:
            self._listeners.append(listener)

    def __call__(self, message: AnyMessage) -> AnyMessage:
        """Number, stamp and send it; after `close` nothing more is said."""
        with self._lock:
            if self._closed:
                return message
            self._last_at = max(self._last_at, self.now())
            stamped = msgspec.structs.replace(message, seq=self._seq, at=round(self._last_at, 4))
            self._seq += 1
            line = protocol.encode(stamped)
            for output in self._outputs:
                output.put(line)
            for listener in self._listeners:
                listener(stamped)
            if isinstance(stamped, protocol.LAST_MESSAGES):
                self._closed = True
        return stamped

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued, waiting at most `timeout_s` for a reader or disk that does not answer."""
        with self._lock:
            self._closed = True
            outputs, self._outputs = self._outputs, []
        deadline = self._clock() + timeout_s
        for output in outputs:
            output.close(max(0.0, deadline - self._clock()))


class Output:
    """One destination with its own thread and a bounded queue."""

    def __init__(
        self,
        name: str,
        write: Callable[[bytes], object],
        max_lines: int = 0,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        """`write` takes whole lines; an OSError from it ends this output alone. `finish` comes last."""
        self._write, self._finish = write, finish
        self._queue: queue.Queue[bytes | None] = queue.Queue(max_lines)
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name=f"writer of {name}", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float) -> None:
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        broken = False
        while True:
            lines, ended = self._take()
            if not broken and lines:
                try:
                    self._write(b"".join(lines))
                except OSError as error:  # The window is gone, or the disk is full: training goes on.
                    broken = True
                    print(f"{self._thread.name}: {error}", file=sys.stderr)
            if ended:
                self._finish()
                return

    def _take(self) -> tuple[list[bytes], bool]:
        """Wait for a line, then take what else is there."""
        lines: list[bytes] = []
        line = self._queue.get()
        while line is not None:
            lines.append(line)
            try:
                line = self._queue.get_nowait()
            except queue.Empty:
                return lines, False
        return lines, True


def pipe_output(descriptor: int) -> Output:
    """Lines to a pipe, as far as somebody reads it."""

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    return Output("the window's pipe", write, PIPE_QUEUE_LINES)


def events_output(path: Path) -> Output:
    """Lines to the end of the run's events file; opened here, so that a bad folder is an error at once."""
    file = open(path, "ab")

    def write(data: bytes) -> None:
        file.write(data)
        file.flush()

    return Output("the events file", write, finish=file.close)
