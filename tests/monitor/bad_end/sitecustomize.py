"""On PYTHONPATH, and with WASTE_GUI_TEST_END set, the engine ends badly as it imports torch."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable


def wait_until_said() -> None:
    """Messages are written by a thread of their own."""
    while True:
        with open(os.environ["WASTE_GUI_TEST_EVENTS"]) as events:
            if "importing torch" in events.read():
                return
        time.sleep(0.01)


def spill() -> None:
    """Fill memory until the kernel ends this process: it may use little more than it has."""
    with open(os.environ["WASTE_GUI_TEST_GROUP"], "w") as group:
        group.write(str(os.getpid()))
    kept = []
    while True:
        kept.append(b"\1" * 2**20)


def run_into_limit() -> None:
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
    bytearray(2**30)


def free_twice() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    block = ctypes.c_void_p(libc.malloc(64))
    libc.free(block)
    libc.free(block)


def torch_is_missing() -> None:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


ENDS: dict[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "terminate": lambda: ctypes.CDLL("libstdc++.so.6")._ZSt9terminatev(),
    "free_twice": free_twice,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "illegal": lambda: os.kill(os.getpid(), signal.SIGILL),
    "bus": lambda: os.kill(os.getpid(), signal.SIGBUS),
    "exit": lambda: os._exit(7),
    "spill": spill,
    "limit": run_into_limit,
    "no_torch": torch_is_missing,
    "no_library": lambda: ctypes.CDLL("libfoo.so.1"),
}


class Strike:
    """Asked first by every import."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "torch":
            wait_until_said()
            ENDS[os.environ["WASTE_GUI_TEST_END"]]()


if "WASTE_GUI_TEST_END" in os.environ:
    sys.meta_path.insert(0, Strike())
