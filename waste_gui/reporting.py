"""Reporter: what the engine says, in order, to the events file and to a clean stdout, slowing nobody.

`report(message)` numbers the message, stamps it and hands it to two writer threads. A window that reads
slowly fills only the pipe's queue (a full pipe once cost a training step 4.3 s), and a disk that hangs
stops only the events file.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import msgspec

from waste_gui import files, protocol
from waste_gui.plain_text import say_error
from waste_gui.protocol import AnyMessage

PIPE_QUEUE_LINES = 200_000
"""About 40 MB of lines; what a reader misses beyond that stands in the events file."""

RETRY_S = 1.0
HEAD_BYTES = 64 * 2**10
"""Of the events file: its first messages."""
MOST_KEPT_BYTES, AT_ONCE_BYTES = 64 * 2**20, 2**20
"""What is kept of a file that cannot be written, and how much is written at once."""

Clock = Callable[[], float]


def open_standard_descriptors() -> None:
    """Where a caller has closed stdin, stdout or stderr, nothing stands there in their place: no file that is
    opened later may get their number, and be read or written as if it were they."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, flags)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)


def claim_stdout() -> int:
    """Keep a private copy of descriptor 1 for the protocol and point 1 at 2: prints land in the log.

    Called before any heavy import. Returns the private descriptor.
    """
    private = os.dup(1)
    os.dup2(2, 1)
    return private


class _Log(io.RawIOBase):
    """Descriptor 2. What a full disk does not take is lost: it is no reason to end a training."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            os.write(2, data)
        return len(data)


def forgiving_stderr() -> TextIO:
    """A stderr for a program whose log may lie on a disk that is full or gone."""
    return io.TextIOWrapper(io.BufferedWriter(_Log()), "utf-8", "backslashreplace", line_buffering=True)


OWN_LINE = "[waste-gui] "
"""So begins each line that this program itself writes into its log: none of them says why a process died."""


def note(text: str) -> None:
    """A line for the log. Raises OSError."""
    say_error(f"{OWN_LINE}{' '.join(text.split())}")


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
        self._of_listeners: list[Output] = []
        self._closed = False

    def now(self) -> float:
        """Seconds since the engine began."""
        return self._clock() - self._zero

    def add_output(self, output: Output) -> None:
        with self._lock:
            self._outputs.append(output)

    def add_listener(self, listener: Callable[[AnyMessage], None], through: Output | None = None) -> None:
        """Call `listener` with each stamped message, in the reporting thread; what it says `through` an
        output is written before the end."""
        with self._lock:
            self._listeners.append(listener)
            self._of_listeners += [through] if through else []

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
            outputs, self._outputs, self._of_listeners = [*self._outputs, *self._of_listeners], [], []
        deadline = self._clock() + timeout_s
        for output in outputs:
            output.close(max(0.0, deadline - self._clock()))


class Output:
    """One destination with its own thread and a bounded queue."""

    def __init__(
        self,
        name: str,
        write: Callable[[bytes], int | None],
        max_lines: int = 0,
        finish: Callable[[], None] = lambda: None,
        retry_s: float = 0.0,
    ) -> None:
        """`write` takes whole lines and gives how many bytes it wrote, or None for all. An OSError from it
        ends this output alone; with `retry_s`, what is left is kept and tried again after so many seconds.
        `finish` comes last."""
        self._write, self._finish, self._retry_s = write, finish, retry_s
        self._queue: queue.Queue[bytes | None] = queue.Queue(max_lines)
        self._left = bytearray()  # Taken from the queue and not written yet.
        self._told = ""
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
        working, ended = True, False
        while not ended or (working and self._left):
            lines, over = self._take(ended)
            ended = ended or over
            if working:
                self._keep(lines)
                working = self._write_out() or self._retry_s > 0
            if not working:
                self._left.clear()  # Nobody will read it; from here on lines are only taken out of the way.
        self._finish()

    def _keep(self, lines: list[bytes]) -> None:
        if len(self._left) > MOST_KEPT_BYTES:
            self.dropped += len(lines)
        else:
            self._left += b"".join(lines)

    def _write_out(self) -> bool:
        """As much as can be written. Whether it was all: the window may be gone, or the disk full."""
        try:
            while self._left:
                written = self._write(bytes(self._left[:AT_ONCE_BYTES]))
                del self._left[: AT_ONCE_BYTES if written is None else written]
        except BrokenPipeError:  # Nobody reads it any more, which is their right.
            return False
        except OSError as error:
            self._tell(str(error))
            return False
        self._told = ""
        return True

    def _tell(self, error: str) -> None:
        """Once, however often it is tried again."""
        if error != self._told:
            self._told = error
            with contextlib.suppress(OSError):  # The log may be on the same disk.
                note(f"{self._thread.name}: {error}")

    def _take(self, ended: bool) -> tuple[list[bytes], bool]:
        """Wait for a line, or until what is left can be tried again; then take what else is there."""
        lines: list[bytes] = []
        if ended:
            time.sleep(self._retry_s)
            return lines, True
        try:
            line = self._queue.get(timeout=self._retry_s if self._left else None)
            while line is not None:
                lines.append(line)
                line = self._queue.get_nowait()
        except queue.Empty:
            return lines, False
        return lines, True


def pipe_output(descriptor: int) -> Output:
    """Lines to a pipe, as far as somebody reads it."""
    return Output("the window's pipe", lambda data: os.write(descriptor, data), PIPE_QUEUE_LINES)


class _ToOutput(io.RawIOBase):
    """What is written goes to an output, which slows nobody and ends nobody."""

    def __init__(self, output: Output, descriptor: int) -> None:
        self._output, self._is_terminal = output, os.isatty(descriptor)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, data: Any) -> int:
        self._output.put(bytes(data))
        return len(data)


def text_output(descriptor: int) -> tuple[Output, TextIO]:
    """A terminal, or whatever reads text; and the stream that leads there."""
    output = Output("the text", lambda data: os.write(descriptor, data), PIPE_QUEUE_LINES)
    raw = io.BufferedWriter(_ToOutput(output, descriptor))
    return output, io.TextIOWrapper(raw, "utf-8", "backslashreplace")


class _EventsFile:
    """Opened at once, so that a bad folder is an error then. Where somebody has removed it, a new one begins
    with the first lines of the old one: who reads it must know what run it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._open()
        self._head = b""

    def _open(self) -> int:
        return files.open_to_append(self._path)

    def write(self, data: bytes) -> int:
        if not os.path.lexists(self._path):
            self._begin_anew()
        written = os.write(self._descriptor, data)
        if len(self._head) < HEAD_BYTES:
            self._head += data[:written]
        return written

    def _begin_anew(self) -> None:
        """Not in a folder whose own folder is gone: its drive may come back."""
        files.make_folder(self._path.parent)
        old, self._descriptor = self._descriptor, self._open()
        os.close(old)
        if os.fstat(self._descriptor).st_size == 0:  # Else the old one is back at this very moment.
            os.write(self._descriptor, self._head[: self._head.rfind(b"\n") + 1])

    def close(self) -> None:
        os.close(self._descriptor)


def events_output(path: Path) -> Output:
    """Lines to the end of the run's events file. What a full disk does not take is kept until it does."""
    file = _EventsFile(path)
    return Output("the events file", file.write, finish=file.close, retry_s=RETRY_S)
