"""With this folder on PYTHONPATH, marked photos do to a reading process what a bad decoder does.

Python imports it at the start of every process; it does nothing but in those that read photos. The marks are
written by tests/faults/decoder.py.
"""

import sys

MARK = b"decoder, please "


def _obey(fault: str) -> None:
    import collections
    import contextlib
    import ctypes
    import itertools
    import os
    import signal
    import threading

    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no core file is left behind
    if fault == "crash":
        ctypes.string_at(0)
    elif fault == "abort":
        os.abort()
    elif fault == "die":  # as at the hands of the out-of-memory killer
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "sleep":
        threading.Event().wait()
    elif fault == "spin":  # in C, holding the GIL
        collections.deque(itertools.repeat(0), maxlen=0)
    elif fault == "devour":
        _devour()


def _devour() -> None:
    """Ask for more memory than a limit of half a gigabyte above what is in use."""
    import resource

    with open("/proc/self/statm") as numbers:
        used = int(numbers.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 500_000_000, before[1]))
    try:
        bytearray(1_000_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _patch() -> None:
    from typing import Any

    from PIL import Image

    open_well = Image.open

    def open_as_marked(fp: Any, *args: Any, **options: Any) -> Any:
        head = fp.read(256)
        fp.seek(0)
        _, mark, rest = head.partition(MARK)
        if mark:
            _obey(rest.split(b".")[0].decode())
        return open_well(fp, *args, **options)

    Image.open = open_as_marked


if "waste_gui.dataset.worker" in sys.orig_argv:
    _patch()
