"""How a process ended that is not our child: its exit status or its signal, where the system still tells.

Linux keeps it in `/proc/PID/stat` until the parent has asked for it, and from 6.15 on behind a descriptor of
the process (pidfd) that was opened while it lived. Windows tells it to who had opened the process. Elsewhere
only the engine's own notes are left.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path

import psutil

PIDFD_GET_INFO = 0xC000FF0B | (64 << 16)
"""_IOWR(0xFF, 11, struct pidfd_info): mask, and at byte 60 what wait() would give."""

INFO_EXIT, INFO_BYTES, STATUS_AT = 8, 64, 60

CLOCK_S = 2.0
"""By so much the clock may be set while a process starts."""


class ExitWatch:
    """Made while the process lives, or right after its end."""

    def __init__(self, pid: int, started_at: float) -> None:
        """`started_at` is when it said so, in Unix time: a process that began later is another one."""
        self.pid = pid
        self._descriptor = -1
        self._process: psutil.Process | None = None
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            process = psutil.Process(pid)
            if process.create_time() < started_at + CLOCK_S:
                self._process = process
        if sys.platform == "linux" and self._process is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._descriptor = os.pidfd_open(pid)

    def look(self) -> int | None:
        """As subprocess tells it: a signal is negative. None while it lives, and where nobody tells."""
        if self._process is None:
            return None
        if sys.platform == "win32":
            return self._of_windows()
        if sys.platform != "linux":
            return None
        waited = self._of_zombie()
        if waited is None:
            waited = self._of_descriptor()
        return None if waited is None else os.waitstatus_to_exitcode(waited)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _of_windows(self) -> int | None:
        with contextlib.suppress(psutil.Error, OSError):
            return self._process.wait(timeout=0) if self._process else None
        return None

    def _of_zombie(self) -> int | None:
        """Until its parent has asked: the last field of its line."""
        with contextlib.suppress(psutil.Error, OSError, ValueError, IndexError):
            if self._process is None or self._process.status() != psutil.STATUS_ZOMBIE:
                return None
            text = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
            return int(text.rpartition(")")[2].split()[49])
        return None

    def _of_descriptor(self) -> int | None:
        """Afterwards."""
        if self._descriptor < 0 or sys.platform == "win32":
            return None
        import fcntl

        told = bytearray(struct.pack("QQ", INFO_EXIT, 0).ljust(INFO_BYTES, b"\0"))
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._descriptor, PIDFD_GET_INFO, told)
            if struct.unpack_from("Q", told)[0] & INFO_EXIT:
                return int(struct.unpack_from("i", told, STATUS_AT)[0])
        return None
