"""Locks, events, queues and threads of Python, for which other threads would have to do something."""

from __future__ import annotations

import queue
import threading
import time
from concurrent import futures

from tests.faults.stalls.drawn.kinds.kind import ITSELF, THREAD, Kind, Wait
from tests.faults.stalls.drawn.scene import CIRCLE, SLEEPS_S, Scene
from tests.faults.stalls.drawn.scene import ITSELF as IN_WORDS
from tests.faults.stalls.drawn.scene import NOBODY as NOBODY_IN_WORDS

FUTEX = ("futex",)


def other_thread(scene: Scene, run: object) -> threading.Thread:
    """Of a drawn name, with somebody in it who is in no hurry."""
    thread = threading.Thread(target=run, name=f"exporter-{scene.number}", daemon=True)  # type: ignore[arg-type]
    thread.start()
    scene.held_by = [[thread.name]]
    return thread


def held_by_other(scene: Scene, lock: threading.Lock | threading.Semaphore) -> None:
    taken = threading.Event()

    def export() -> None:
        with lock:
            taken.set()
            time.sleep(SLEEPS_S)

    other_thread(scene, export)
    taken.wait()


def join(scene: Scene) -> Wait:
    thread = other_thread(scene, lambda: time.sleep(SLEEPS_S))
    scene.objects = [[thread.name]]
    return thread.join


def lock(scene: Scene) -> Wait:
    wanted = threading.Lock()
    scene.objects = [[r"re:\block\b"]]
    if scene.holder == THREAD:
        held_by_other(scene, wanted)
    else:
        wanted.acquire()
        scene.held_by = [[*IN_WORDS, *NOBODY_IN_WORDS]]
    return wanted.acquire


def rlock(scene: Scene) -> Wait:
    wanted = threading.RLock()
    scene.objects = [[r"re:\block\b"]]
    held_by_other(scene, wanted)  # type: ignore[arg-type]
    return wanted.acquire


def semaphore(scene: Scene) -> Wait:
    wanted = threading.Semaphore(1)
    scene.objects = [["re:semaphore"]]
    held_by_other(scene, wanted)
    return wanted.acquire


def condition(scene: Scene) -> Wait:
    scene.objects = [["re:condition|notif"]]
    wanted = threading.Condition()

    def wait() -> None:
        with wanted:
            wanted.wait()

    return wait


def event(scene: Scene) -> Wait:
    scene.objects = [["re:event"]]
    return threading.Event().wait


def barrier(scene: Scene) -> Wait:
    scene.objects = [["re:barrier"]]
    return threading.Barrier(2).wait


def empty_queue(scene: Scene) -> Wait:
    scene.objects = [["re:queue"]]
    return queue.Queue[int]().get


def full_queue(scene: Scene) -> Wait:
    scene.objects = [["re:queue"]]
    full = queue.Queue[int](1)
    full.put(1)
    return lambda: full.put(2)


def result(scene: Scene) -> Wait:
    name = f"exporter-{scene.number}"
    pool = futures.ThreadPoolExecutor(1, name)
    scene.objects, scene.held_by = [["re:result|future"]], [[name]]
    return pool.submit(time.sleep, SLEEPS_S).result


def locks_in_a_circle(scene: Scene) -> Wait:
    """Two threads, two locks, each wants the other's."""
    mine, others = threading.Lock(), threading.Lock()
    taken = threading.Event()

    def export() -> None:
        with others:
            taken.set()
            with mine:
                pass

    def wait() -> None:
        with mine:
            other_thread(scene, export)
            taken.wait()
            with others:
                pass

    scene.objects, scene.held_by = [[r"re:\block\b"]], [[f"exporter-{scene.number}"], CIRCLE]
    return wait


KINDS = (
    Kind("join_thread", join, holders=(THREAD,), wchan=FUTEX, told_by_python=True),
    Kind("lock", lock, holders=(THREAD, ITSELF), wchan=FUTEX, told_by_python=True),
    Kind("rlock", rlock, holders=(THREAD,), wchan=FUTEX, told_by_python=True),
    Kind("semaphore", semaphore, holders=(THREAD,), wchan=FUTEX, told_by_python=True),
    Kind("condition", condition, wchan=FUTEX, told_by_python=True),
    Kind("event", event, wchan=FUTEX, told_by_python=True),
    Kind("barrier", barrier, wchan=FUTEX, told_by_python=True),
    Kind("queue_get", empty_queue, wchan=FUTEX, told_by_python=True),
    Kind("queue_put", full_queue, wchan=FUTEX, told_by_python=True),
    Kind("future_result", result, holders=(THREAD,), wchan=FUTEX, told_by_python=True),
    Kind("locks_in_a_circle", locks_in_a_circle, holders=(THREAD,), wchan=FUTEX, told_by_python=True),
)
