"""Sleeping: once for long, again and again until a file comes or goes, until a signal."""

from __future__ import annotations

import os
import signal
import sys
import time

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.files import named
from tests.faults.stalls.drawn.kinds.kind import Kind, Wait
from tests.faults.stalls.drawn.scene import NOBODY as NOBODY_IN_WORDS
from tests.faults.stalls.drawn.scene import SLEEPS_S, Scene

SLEEP = ("hrtimer_nanosleep", "do_nanosleep")


def sleep(scene: Scene) -> Wait:
    scene.objects = [[r"re:\bsleeps?\b|time\.sleep"]]
    return lambda: time.sleep(SLEEPS_S)


def a_lock_left_behind(scene: Scene) -> None:
    """Its maker has ended: its number stands in the file, and belongs to nobody."""
    process = programs.start(scene, ["true"])
    process.wait()
    scene.path.write_text(f"{process.pid}\n")
    scene.objects, scene.held_by = [named(scene)], [NOBODY_IN_WORDS]


def until_it_goes(scene: Scene) -> Wait:
    def wait_for_lock(path: str) -> None:
        while os.path.exists(path):
            time.sleep(0.5)

    return lambda: wait_for_lock(str(scene.path))


def a_file_that_never_comes(scene: Scene) -> None:
    scene.objects = [named(scene)]


def until_it_comes(scene: Scene) -> Wait:
    def wait_for_file(path: str) -> None:
        while not os.path.exists(path):
            time.sleep(1)

    return lambda: wait_for_file(str(scene.path))


def until_any_signal(scene: Scene) -> Wait:
    scene.objects = [["re:signal"]]
    return signal.pause  # type: ignore[attr-defined,unused-ignore]


def until_a_signal(scene: Scene) -> Wait:
    if sys.platform == "win32":
        raise NotImplementedError
    scene.objects = [["re:signal"]]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
    return lambda: signal.sigwait([signal.SIGWINCH])


KINDS = (
    Kind("sleep", sleep, wchan=SLEEP),
    Kind("lock_left_behind", until_it_goes, a_lock_left_behind, wchan=SLEEP, told_by_python=True),
    Kind("file_never_comes", until_it_comes, a_file_that_never_comes, wchan=SLEEP, told_by_python=True),
    Kind("signal_pause", until_any_signal, wchan=("do_sys_pause", "__x64_sys_pause", "__do_sys_pause")),
    Kind("sigwait", until_a_signal, wchan=("do_sigtimedwait",)),
)
