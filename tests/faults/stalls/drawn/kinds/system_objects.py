"""Objects of the system itself: counters, timers, watches, semaphores, message queues, mutexes in C."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import sys

from tests.faults.stalls.drawn import programs
from tests.faults.stalls.drawn.kinds.kind import CHILD, GRANDCHILD, ITSELF, PROCESSES, Kind, Wait
from tests.faults.stalls.drawn.scene import ITSELF as IN_WORDS
from tests.faults.stalls.drawn.scene import NOBODY as NOBODY_IN_WORDS
from tests.faults.stalls.drawn.scene import Scene

kept: list[object] = []


def system_name(scene: Scene) -> str:
    """Of its own, among those of the whole computer."""
    return f"/drawn-{scene.folder.parent.name}-{scene.folder.name}"


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if sys.platform == "linux":

    def eventfd(scene: Scene) -> Wait:
        counter = os.eventfd(0)
        scene.objects = [["re:event"]]
        if scene.holder == ITSELF:
            scene.held_by = [[*IN_WORDS, *NOBODY_IN_WORDS]]
        else:
            command = programs.python(scene, "reader", "nothing")
            programs.start_holder(scene, command, scene.holder, [counter])
        return lambda: os.eventfd_read(counter)

    def timerfd(scene: Scene) -> Wait:
        """Goes off in a quarter of an hour."""
        timer = libc().timerfd_create(1, 0)
        libc().timerfd_settime(timer, 0, struct.pack("qqqq", 0, 0, 900, 0), None)
        scene.objects = [["re:timer"]]
        return lambda: os.read(timer, 8)

    def signalfd(scene: Scene) -> Wait:
        mask = (ctypes.c_ulong * 16)(1 << 27)  # SIGWINCH
        libc().sigprocmask(0, mask, None)
        descriptor = libc().signalfd(-1, mask, 0)
        scene.objects = [["re:signal"]]
        return lambda: os.read(descriptor, 128)

    def inotify(scene: Scene) -> Wait:
        watch = libc().inotify_init()
        libc().inotify_add_watch(watch, os.fsencode(scene.path.parent), 0x100)
        scene.objects = [["re:inotify|watch|to change"]]
        return lambda: os.read(watch, 4096)

    def pidfd(scene: Scene) -> Wait:
        """Of a process of this person that has no reason to end."""
        process = os.pidfd_open(scene.values["holder"])
        polled = select.poll()
        polled.register(process, select.POLLIN)
        scene.objects = scene.held_by
        return polled.poll

    def some_process(scene: Scene) -> list[str]:
        return programs.python(scene, "convert", "nothing")

    def named_semaphore(scene: Scene) -> Wait:
        opened = libc().sem_open
        opened.restype = ctypes.c_void_p
        semaphore = opened(system_name(scene).encode(), os.O_CREAT, 0o600, 0)
        scene.objects = [["re:semaphore|sem\\."]]
        return lambda: libc().sem_wait(ctypes.c_void_p(semaphore))

    def semaphore_holder(scene: Scene) -> list[str]:
        return programs.python(scene, "scheduler", "named_semaphore", system_name(scene))

    def system_semaphore(scene: Scene) -> Wait:
        """Of System V: it goes with the process that made it, as a program does it that cleans up."""
        semaphore = int(scene.values["told"][0])
        scene.objects = [["re:semaphore"]]
        operation = struct.pack("Hhh", 0, -1, 0)
        return lambda: libc().semop(semaphore, operation, 1)

    def system_semaphore_holder(scene: Scene) -> list[str]:
        return programs.python(scene, "scheduler", "system_semaphore")

    def message_queue(scene: Scene) -> Wait:
        queue = int(scene.values["told"][0])
        scene.objects, scene.held_by = [["re:message|queue"]], []
        buffer = ctypes.create_string_buffer(1000)
        return lambda: libc().msgrcv(queue, buffer, 900, 0, 0)

    def message_queue_owner(scene: Scene) -> list[str]:
        return programs.python(scene, "scheduler", "message_queue")

    def posix_queue(scene: Scene) -> Wait:
        name = system_name(scene)
        queue = libc().mq_open(name.encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
        scene.objects = [["re:message|queue", name]]
        buffer = ctypes.create_string_buffer(10_000)
        return lambda: libc().mq_receive(queue, buffer, 10_000, None)

    def mutex(scene: Scene) -> Wait:
        """Taken twice."""
        kept.append(taken := ctypes.create_string_buffer(64))
        libc().pthread_mutex_lock(taken)
        scene.objects, scene.held_by = [[r"re:\block\b|mutex"]], [[*IN_WORDS, *NOBODY_IN_WORDS]]
        return lambda: libc().pthread_mutex_lock(taken)

    def read_holding_the_gil(scene: Scene) -> Wait:
        """As a library in C does that forgets to let go of it: no thread of Python goes on."""
        reading, writing = os.pipe()
        kept.append(writing)
        command = programs.python(scene, "resize", "nothing")
        programs.start_holder(scene, command, scene.holder, [writing])
        os.close(writing)
        scene.objects = [["re:pipe"]]
        buffer = ctypes.create_string_buffer(100)
        return lambda: ctypes.PyDLL(None).read(reading, buffer, 100)

    def flock_holding_the_gil(scene: Scene) -> Wait:
        file = os.open(scene.path, os.O_RDWR)
        return lambda: ctypes.PyDLL(None).flock(file, 2)


def remove(scene: Scene) -> None:
    """What would outlive all its processes."""
    with contextlib.suppress(OSError):
        os.unlink(f"/dev/shm/sem.{system_name(scene)[1:]}")
    if scene.kind == "posix_queue":
        libc().mq_unlink(system_name(scene).encode())
    destroy = {
        "system_semaphore": lambda number: libc().semctl(number, 0, 0),
        "message_queue": lambda number: libc().msgctl(number, 0, None),
    }.get(scene.kind)
    with contextlib.suppress(FileNotFoundError):
        for line in (scene.folder / "told.txt").read_text().splitlines():
            if destroy and line.strip().isdigit():
                destroy(int(line))


FUTEX = ("futex",)
COUNTERS = ("do_wait_intr_irq", "eventfd_read", "timerfd_read")
KINDS: tuple[Kind, ...] = ()
if sys.platform == "linux":
    from tests.faults.stalls.drawn.kinds.files import LOCK_WAITS, a_file, flock_program

    NEAR = (CHILD, GRANDCHILD)
    KINDS = (
        Kind("eventfd", eventfd, holders=(*NEAR, ITSELF), wchan=COUNTERS),
        Kind("timerfd", timerfd, wchan=COUNTERS),
        Kind("signalfd", signalfd, wchan=("signalfd",)),
        Kind("inotify", inotify, wchan=("wait_woken", "inotify_read")),
        Kind("pidfd", pidfd, program=some_process, holders=PROCESSES, wchan=("poll_schedule", "do_poll")),
        Kind("named_semaphore", named_semaphore, program=semaphore_holder, holders=PROCESSES, wchan=FUTEX),
        Kind(
            "system_semaphore",
            system_semaphore,
            program=system_semaphore_holder,
            holders=PROCESSES,
            wchan=("do_semtimedop", "__do_semtimedop"),
        ),
        Kind(
            "message_queue",
            message_queue,
            program=message_queue_owner,
            holders=PROCESSES,
            wchan=("do_msgrcv",),
        ),
        Kind("posix_queue", posix_queue, wchan=("wq_sleep",)),
        Kind("mutex_in_c", mutex, holders=(ITSELF,), wchan=FUTEX),
        Kind(
            "read_holding_the_gil", read_holding_the_gil, holders=NEAR, wchan=("anon_pipe_read", "pipe_read")
        ),
        Kind(
            "flock_holding_the_gil",
            flock_holding_the_gil,
            a_file,
            flock_program,
            holders=PROCESSES,
            wchan=LOCK_WAITS,
        ),
    )
