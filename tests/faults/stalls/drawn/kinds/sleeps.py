"""Sleeping, and waiting for a signal."""

from __future__ import annotations

import time

from tests.faults.stalls.drawn.kinds.kind import Kind, Wait
from tests.faults.stalls.drawn.scene import SLEEPS_S, Scene


def sleep(scene: Scene) -> Wait:
    scene.objects = [[r"re:(?<!-)\bsleeps?\b|time\.sleep|nanosleep"]]
    return lambda: time.sleep(SLEEPS_S)


KINDS = (Kind("sleep", sleep, wchan=("hrtimer",)),)
