"""The names of threads, told to the system: `ps -L` and htop know them then, and who reads the stacks of a
program in which Python does not run.

Python does so itself from 3.14 on. Linux keeps the first fifteen bytes of a name.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable

PR_SET_NAME = 15
MOST_BYTES = 15

STARTED = "_set_native_id"
"""What each thread of `threading` calls of itself as it begins. A hook there leaves no frame in its stack."""


def tell_names() -> None:
    """Of all threads that begin from now on."""
    started: Callable[[threading.Thread], None] | None = getattr(threading.Thread, STARTED, None)
    if sys.platform != "linux" or sys.version_info >= (3, 14) or started is None:
        return
    prctl = ctypes.CDLL(None).prctl

    def with_a_name(thread: threading.Thread) -> None:
        started(thread)
        prctl(PR_SET_NAME, thread.name.encode("utf-8", "replace")[:MOST_BYTES])

    setattr(threading.Thread, STARTED, with_a_name)
