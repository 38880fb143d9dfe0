"""What multiprocessing waits for: a process of it, its queue, its lock, its pool."""

from __future__ import annotations

import multiprocessing as mp
import sys
import time
import warnings
from collections.abc import Callable
from concurrent import futures
from typing import Any

from tests.faults.stalls.drawn.kinds.kind import CHILD, NOT_IN_WORKER, Kind, Wait
from tests.faults.stalls.drawn.scene import SLEEPS_S, Scene

if sys.platform != "win32":
    FORK = mp.get_context("fork")


def idle(*_: object) -> None:
    """Has what was given to it, and does nothing with it."""
    time.sleep(SLEEPS_S)


def held(ready: Any, lock: Any) -> None:
    with lock:
        ready.set()
        time.sleep(SLEEPS_S)


def started(scene: Scene, target: Callable[..., None], *arguments: object) -> Any:
    process = FORK.Process(target=target, args=arguments, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of forking beside threads, as programs do.
        process.start()
    told(scene, process.pid)
    return process


def told(scene: Scene, pid: int | None) -> None:
    assert pid is not None
    scene.remember(pid)
    scene.held_by = [[str(pid)]]


def join(scene: Scene) -> Wait:
    process = started(scene, idle)
    scene.objects = scene.held_by
    return process.join  # type: ignore[no-any-return]


def queue_get(scene: Scene) -> Wait:
    queue = FORK.Queue()
    started(scene, idle, queue)
    scene.objects = [["re:queue|pipe"]]
    return queue.get


def receive(scene: Scene) -> Wait:
    mine, others = FORK.Pipe()
    started(scene, idle, others)
    others.close()
    scene.objects = [["re:connection|socket|pipe"]]
    return mine.recv


def lock(scene: Scene) -> Wait:
    wanted, ready = FORK.Lock(), FORK.Event()
    started(scene, held, ready, wanted)
    ready.wait()
    scene.objects = [[r"re:\block\b|semaphore"]]
    return wanted.acquire


def pool_map(scene: Scene) -> Wait:
    pool = FORK.Pool(1)
    told(scene, pool._pool[0].pid)  # type: ignore[attr-defined]
    scene.objects = [["re:pool|result"]]
    return lambda: pool.map(time.sleep, [SLEEPS_S])


def pool_result(scene: Scene) -> Wait:
    pool = futures.ProcessPoolExecutor(1, FORK)
    promised = pool.submit(time.sleep, SLEEPS_S)
    told(scene, next(iter(pool._processes)))
    scene.objects = [["re:pool|result|future"]]
    return promised.result


FUTEX = ("futex",)
KINDS: tuple[Kind, ...] = ()
if sys.platform != "win32":
    KINDS = tuple(
        Kind(name, ready, holders=(CHILD,), places=NOT_IN_WORKER, wchan=wchan, told_by_python=wchan == FUTEX)
        for name, ready, wchan in (
            ("mp_join", join, ("do_wait",)),
            ("mp_queue_get", queue_get, ("anon_pipe_read", "pipe_read")),
            ("mp_recv", receive, ("unix_stream_read_generic",)),
            ("mp_lock", lock, FUTEX),
            ("mp_pool_map", pool_map, FUTEX),
            ("pool_result", pool_result, FUTEX),
        )
    )
