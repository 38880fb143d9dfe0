"""A drive that is slow, falls silent, or vanishes and returns: a folder mirrored by a FUSE server of our own.

Linux, root and /dev/fuse are needed. A test that is marked `@in_own_namespace` runs in a thread with a mount
namespace of its own: no other process meets its drives but those that it starts, and nothing stays behind.

    @in_own_namespace
    def test_photo_on_a_silent_drive_is_set_aside(tmp_path: Path) -> None:
        with Drive(tmp_path / "drive", mirrors=folder) as drive:
            drive.behave("glass/one.jpg", "silent")
            ...
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, ParamSpec

import pytest

Behaviour = Literal["normal", "slow", "delayed", "silent", "unkillable", "failing"]
"""What a file does when it is read.

- slow: it comes at a byte a second
- delayed: 128 kB take `delay_s`, one reader after the other, as a throttled disk
- silent: a read is not answered; whoever waits for it can be killed
- unkillable: a read is not answered, and who waits for it cannot be killed until the drive answers or goes
- failing: a read is an input/output error
"""

SourceOutage = Literal["unmounted", "unplugged", "silent"]
"""How a drive is gone: as an empty folder, with an error for everything, or without any answer."""

SERVER = Path(__file__).with_name("drive_server.py")
P = ParamSpec("P")


class Drive:
    """The folder `mirrors`, seen at `at`; while in the `with` block, and in this namespace only."""

    def __init__(self, at: Path, mirrors: Path, delay_s: float = 0.2) -> None:
        at.mkdir(parents=True, exist_ok=True)
        self.at = at
        self._server = subprocess.Popen(
            [sys.executable, "-I", str(SERVER), str(at), str(mirrors), str(delay_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._await_answer()

    def behave(self, path: str, behaviour: Behaviour) -> None:
        """Of a file below the drive, from the next read on; what waits for an answer now gets one."""
        self._tell(f"behave {behaviour} {path}")

    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return int(self._tell("count"))

    def vanish(self, how: SourceOutage = "unplugged") -> None:
        self._tell(f"vanish {how}")

    def come_back(self) -> None:
        self._tell("return")

    def close(self) -> None:
        """Whoever waits for an answer gets an error."""
        self._server.kill()
        self._server.communicate()
        ctypes.CDLL(None).umount2(os.fsencode(self.at), 2)  # MNT_DETACH

    def __enter__(self) -> Drive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, command: str) -> str:
        assert self._server.stdin is not None
        self._server.stdin.write(command + "\n")
        self._server.stdin.flush()
        return self._await_answer()

    def _await_answer(self) -> str:
        assert self._server.stdout is not None
        answer = self._server.stdout.readline()
        if not answer:
            raise OSError(f"the drive's server ended with {self._server.wait()}")
        return answer


# --- a namespace of one's own


def in_own_namespace(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test and all that it starts where nobody else sees its mounts; skip it where that cannot be.

    Processes that it starts and that follow their parent's death (PR_SET_PDEATHSIG) end with the test.
    """

    @functools.wraps(test)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        if reason := why_no_drive():
            pytest.skip(reason)
        _in_own_namespace(lambda: test(*args, **kwargs))

    wrapped.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return wrapped


@functools.cache
def why_no_drive() -> str | None:
    """Why there can be no such drive here, found out by making one."""
    if sys.platform != "linux":
        return "there is no FUSE here"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse for this user"
    try:
        _in_own_namespace(_read_from_a_drive)
    except OSError as error:
        return f"mounting is refused ({error})"
    return None


def _in_own_namespace(run: Callable[[], None]) -> None:
    def run_there() -> None:
        own_namespace()
        run()

    with ThreadPoolExecutor(1, "own namespace") as thread:
        thread.submit(run_there).result()


def own_namespace() -> None:
    """As `unshare -m --propagation private`, for this thread and what it starts."""
    CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _read_from_a_drive() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mirrored = Path(folder, "mirrored")
        mirrored.mkdir()
        (mirrored / "file").write_bytes(b"content")
        with Drive(Path(folder, "drive"), mirrored) as drive:
            assert (drive.at / "file").read_bytes() == b"content"
