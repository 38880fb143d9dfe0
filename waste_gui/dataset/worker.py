"""The process that reads photos: requests on stdin, resized images into shared memory, replies on stdout.

It imports Pillow and nothing else, so that a new one is ready in a twentieth of a second, and it
shares no lock or queue with anybody: killing it at any moment harms nobody. pool.py starts and watches it.

    python -P -m waste_gui.dataset.worker PARENT_PID ARENA ROW TILES_OFFSET TILE_SIZE

ARENA is an inherited descriptor's number or a file's path. The shared buffer holds a status row for each
worker, then the resized image slots. Of a photo in flight its row names the ticket before the file is opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import struct
import sys
import time
from typing import BinaryIO

from waste_gui import stack_file

REQUEST = struct.Struct("<qiI")
"""ticket, slot, length of the path; the path follows."""

REPLY = struct.Struct("<qi12sdIII")
"""ticket, slot, kind of failure (empty if read), seconds, the photo's width and height, length of the reason;
the reason follows."""

ROW = struct.Struct("<qqd")
"""state, ticket, and since when (time.monotonic(), the same clock in all processes)."""

MAX_REASON = 1000
"""Bytes of a reason in words."""

ROW_BYTES = 64
"""A row to itself on a cache line."""

STARTING, IDLE, READING = 0, 1, 2

HELLO = -1
"""The slot in a worker's first reply: it is ready, or (with a reason) can never be."""

LOOK = -2
"""The slot of a request to look whether the photo's folder is there; if not, the reply's reason names it, and
after a zero byte says why."""


def main(arguments: list[str]) -> int:
    replies = _private_stdout()
    parent, shared_buffer_name, row, resized_offset, resized_size = arguments
    _die_with_parent(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to answer
    _tell_stacks()
    try:
        import waste_gui.dataset.images  # noqa: F401
    except ImportError as error:
        _reply(replies, 0, HELLO, reason=_text(str(error)))
        return 1
    _reply(replies, 0, HELLO)
    shared_buffer = _map_shared_buffer(shared_buffer_name)
    _serve(
        sys.stdin.buffer, replies, shared_buffer, int(row) * ROW_BYTES, int(resized_offset), int(resized_size)
    )
    return 0


def _serve(
    requests: BinaryIO, replies: int, shared_buffer: mmap.mmap, row: int, resized_offset: int, size: int
) -> None:
    """Answer until the end of stdin."""
    from waste_gui.dataset.images import ImageError, read_image
    from waste_gui.dataset.source_outage import missing_folder

    resized_bytes = size * size * 3
    ROW.pack_into(shared_buffer, row, IDLE, 0, time.monotonic())
    while header := requests.read(REQUEST.size):
        ticket, slot, length = REQUEST.unpack(header)
        path = os.fsdecode(requests.read(length))
        began = time.monotonic()
        ROW.pack_into(shared_buffer, row, READING, ticket, began)
        kind, reason = "", b""
        width = height = 0
        if slot == LOOK:
            if missing := missing_folder(path):
                kind, reason = "vanished", os.fsencode(missing[0]) + b"\0" + _text(missing[1])
        else:
            try:
                image, width, height = read_image(path, size)
                begin = resized_offset + slot * resized_bytes
                shared_buffer[begin : begin + resized_bytes] = image.tobytes()
            except ImageError as error:
                kind, reason = error.kind, _text(error.reason)
        ended = time.monotonic()
        ROW.pack_into(shared_buffer, row, IDLE, 0, ended)
        _reply(replies, ticket, slot, kind, ended - began, width, height, reason)


def _reply(
    replies: int,
    ticket: int,
    slot: int,
    kind: str = "",
    seconds: float = 0.0,
    width: int = 0,
    height: int = 0,
    reason: bytes = b"",
) -> None:
    os.write(replies, REPLY.pack(ticket, slot, kind.encode(), seconds, width, height, len(reason)) + reason)


def _text(words: str) -> bytes:
    return words.encode("utf-8", "backslashreplace")[:MAX_REASON]


def _private_stdout() -> int:
    """A descriptor of our own for the replies; what a library prints goes to stderr from here on."""
    replies = os.dup(1)
    os.dup2(2, 1)
    return replies


def _die_with_parent(parent: int) -> None:
    """No worker outlives a killed engine, not even one stuck in a photo (Linux; elsewhere: end of stdin)."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)


def _tell_stacks() -> None:
    """Where it was stuck can be asked of it, if its run keeps stacks."""
    path = os.environ.get(stack_file.VARIABLE)
    if path:
        with contextlib.suppress(OSError):
            stack_file.StackFile(path, "worker").answer_signals()


def _map_shared_buffer(name: str) -> mmap.mmap:
    descriptor = int(name) if name.isdecimal() else os.open(name, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        return mmap.mmap(descriptor, 0)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
