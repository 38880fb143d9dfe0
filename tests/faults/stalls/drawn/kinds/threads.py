"""Locks, events, queues and threads of Python."""

from __future__ import annotations

import threading
import time

from tests.faults.stalls.drawn.kinds.kind import THREAD, Kind, Wait
from tests.faults.stalls.drawn.scene import SLEEPS_S, Scene

FUTEX = ("futex",)


def join(scene: Scene) -> Wait:
    name = f"exporter-{scene.number}"
    thread = threading.Thread(target=time.sleep, args=(SLEEPS_S,), name=name, daemon=True)
    thread.start()
    scene.objects = scene.held_by = [[name]]
    return thread.join


KINDS = (Kind("join_thread", join, holders=(THREAD,), wchan=FUTEX),)
