"""The engine with one fault: `python -m tests.faults.stalls.faulty_engine FAULT train …`.

The fault strikes in the main thread, once training has made a few steps or where a stage begins, and writes
when it did into the file that WASTE_GUI_FAULT_AT names. All else is the engine as it is.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import hashlib
import itertools
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from waste_gui.engine import __main__ as engine
from waste_gui.engine.context import Context, StageReport

STEPS = 12
"""Enough for the usual gap between two steps to be known."""

LOST_FROM = 200
LOST = 10
"""So many photos arrive, and so many do not."""

FOREVER_S = 1_000_000


def struck() -> None:
    Path(os.environ["WASTE_GUI_FAULT_AT"]).write_text(str(time.monotonic()))


# --- what the main thread does instead of going on


def python_loop() -> None:
    while True:
        pass


def regular_expression() -> None:
    """Backtracks for longer than anybody lives, in C, holding the GIL."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def loop_in_c_holding_the_gil() -> None:
    collections.deque(itertools.repeat(0), maxlen=0)


def sleep_in_c_holding_the_gil() -> None:
    ctypes.PyDLL(None).sleep(FOREVER_S)


def loop_in_c() -> None:
    """Without the GIL."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    loop_in_c()


def lock_taken_twice() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def file_lock_of_another() -> None:
    """Held by a process that does not let go of it."""
    import subprocess

    from filelock import FileLock

    path = os.path.join(os.environ["WASTE_GUI_HOME"], "weights.lock")
    holds = (
        "import sys, filelock\nlock = filelock.FileLock(sys.argv[1])\n"
        "lock.acquire()\nprint(flush=True)\ninput()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", holds, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    FileLock(path).acquire()


def build_lock_of_a_crashed_run() -> None:
    from torch.utils.file_baton import FileBaton

    path = os.path.join(os.environ["WASTE_GUI_HOME"], "lock")
    Path(path).touch()
    FileBaton(path).wait()


def other_gpu_never_comes() -> None:
    """A group of two, of which the other never starts."""
    from torch import distributed

    distributed.init_process_group("gloo", "tcp://127.0.0.1:29611", rank=0, world_size=2)


def gives_up() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crashes() -> None:
    ctypes.string_at(0)


def illegal_instruction() -> None:
    os.kill(os.getpid(), signal.SIGILL)


IN_TRAINING: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        python_loop,
        regular_expression,
        loop_in_c_holding_the_gil,
        sleep_in_c_holding_the_gil,
        loop_in_c,
        lock_taken_twice,
        build_lock_of_a_crashed_run,
        other_gpu_never_comes,
        gives_up,
        crashes,
        illegal_instruction,
    )
}
AT_STAGE: dict[str, tuple[str, Callable[[], None]]] = {
    "file_lock_of_another": ("model", file_lock_of_another),
    "import_hangs": ("import", lock_taken_twice),
    "embedding_hangs": ("embed", lock_taken_twice),
}


# --- slow and healthy


def busy_for(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000)


def long_first_step() -> None:
    """The first step of all prepares something for longer than a stage may be silent."""
    from waste_gui.engine import training

    augmented, called = training.Trainer.augmented, itertools.count()

    def augmented_slowly(self: Any, *rest: Any, **named: Any) -> Any:
        if next(called) == 0:
            struck()
            busy_for(80)
        return augmented(self, *rest, **named)

    training.Trainer.augmented = augmented_slowly  # type: ignore[method-assign]


def slow_save() -> None:
    """Writes a little now and then before it goes on."""
    from waste_gui.engine import checkpoint

    save = checkpoint.save

    def save_slowly(*rest: Any, **named: Any) -> Any:
        if not os.path.exists(os.environ["WASTE_GUI_FAULT_AT"]):
            struck()
            slow = Path(os.environ["WASTE_GUI_HOME"], "slow")
            for _ in range(140):
                with open(slow, "ab") as file:
                    file.write(bytes(200_000))
                time.sleep(0.5)
        return save(*rest, **named)

    checkpoint.save = save_slowly


def at_each_save(wait: Callable[[], object]) -> None:
    """Something that takes its time, and comes to an end each time."""
    from waste_gui.engine import checkpoint

    save = checkpoint.save

    def wait_and_save(*rest: Any, **named: Any) -> Any:
        if not os.path.exists(os.environ["WASTE_GUI_FAULT_AT"]):
            struck()
        wait()
        return save(*rest, **named)

    checkpoint.save = wait_and_save


def file_lock_for_moments() -> None:
    """Another program has it for 25 s each time."""
    import subprocess

    path = os.path.join(os.environ["WASTE_GUI_HOME"], "shared.lock")

    def wait() -> None:
        from filelock import FileLock

        with subprocess.Popen(
            ["flock", path, "sh", "-c", "echo; exec sleep 25"], stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            other.stdout.readline()
            with FileLock(path):
                pass

    at_each_save(wait)


def program_that_takes_long() -> None:
    """Started and waited for: it computes for 45 s."""
    import subprocess

    work = "import time\nend = time.time() + 45\nwhile time.time() < end: pass"
    at_each_save(lambda: subprocess.run([sys.executable, "-c", work], check=True))


def holds_the_gil_in_bursts() -> None:
    """A library in C keeps every other thread from running for 8 s at a time."""
    at_each_save(lambda: ctypes.PyDLL(None).sleep(8))


def sleeps_between_epochs() -> None:
    """As where somebody lets the graphics card cool down."""
    at_each_save(lambda: time.sleep(25))


SLOW: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        long_first_step,
        slow_save,
        file_lock_for_moments,
        program_that_takes_long,
        holds_the_gil_in_bursts,
        sleeps_between_epochs,
    )
}


def strike_in_training(fault: Callable[[], None]) -> None:
    """After some steps, where the loop tells of its progress."""
    progress = StageReport.progress

    def progress_and_strike(self: StageReport, done: int, *rest: Any, **named: Any) -> None:
        progress(self, done, *rest, **named)
        if self._info.id == "train" and done >= STEPS:
            self.flush()
            struck()
            fault()

    StageReport.progress = progress_and_strike  # type: ignore[method-assign]


def strike_at_stage(wanted: str, fault: Callable[[], None]) -> None:
    stage = Context.stage

    @contextlib.contextmanager
    def stage_and_strike(self: Context, name: str, *rest: Any, **named: Any) -> Iterator[StageReport]:
        with stage(self, name, *rest, **named) as report:
            if name == wanted:
                struck()
                fault()
            yield report

    Context.stage = stage_and_strike  # type: ignore[assignment,method-assign]


def before_stage(wanted: str, prepare: Callable[[], None]) -> None:
    """Once torch is there: it is not imported before the engine itself does."""
    stage = Context.stage

    def stage_prepared(self: Context, name: str, *rest: Any, **named: Any) -> Any:
        if name == wanted:
            prepare()
        return stage(self, name, *rest, **named)

    Context.stage = stage_prepared  # type: ignore[assignment,method-assign]


def cache_disk_is_silent() -> None:
    """A read from the cache's file does not return, once some have."""
    preadv, counted = os.preadv, itertools.count()

    def preadv_once_more(*rest: Any) -> int:
        if next(counted) == LOST_FROM:
            struck()
            threading.Event().wait()
        return preadv(*rest)

    os.preadv = preadv_once_more


def lose_photos() -> None:
    """Photos that were read do not arrive any more once some steps are made."""
    from waste_gui.dataset.pool import ReadingPool

    finish = ReadingPool._finish
    counted = itertools.count()

    def finish_and_lose(self: ReadingPool, photo: Any, *rest: Any) -> None:
        number = next(counted)
        if number == LOST_FROM:
            struck()
        told, lost = self._finished, type(self._finished)()
        self._finished = lost if LOST_FROM <= number < LOST_FROM + LOST else told
        finish(self, photo, *rest)
        self._finished = told

    ReadingPool._finish = finish_and_lose  # type: ignore[assignment,method-assign]


def main() -> None:
    fault, arguments = sys.argv[1], sys.argv[2:]
    if fault in IN_TRAINING:
        strike_in_training(IN_TRAINING[fault])
    elif fault in AT_STAGE:
        strike_at_stage(*AT_STAGE[fault])
    elif fault == "lost_photos":
        lose_photos()
    elif fault == "cache_disk_is_silent":
        cache_disk_is_silent()
    elif fault in SLOW:
        before_stage("train", SLOW[fault])
    else:
        sys.exit(f"no such fault: {fault}")
    status = engine.run(arguments)
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
