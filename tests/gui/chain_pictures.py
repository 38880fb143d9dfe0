"""Runs whose waits were read: a lock of another program at the end of a chain, a circle, nobody there."""

from __future__ import annotations

from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link, Place

HOLDER = Holder(7452, command="python3 eval.py --all", age_s=190, folder="/home/lab/x")
OURS = Holder(4242, 4242, thread="MainThread")
MAIN = Link(
    4242,
    4242,
    Kind.CHILD,
    role="main",
    command="waste-engine train",
    holders=(Holder(4810, command="sh convert.sh", age_s=74),),
    place=Place("/home/lab/plugin/utils.py", 41, "convert"),
    evidence=("/proc/4242/task/4242/syscall: wait4(4810)", "wchan: do_wait"),
)
LOCK = "/home/lab/photos/2026/glass/really_long_name_of_a_lock_file_of_somebody.lock"
CHAINS = {
    "lock": Chain(
        (
            MAIN,
            Link(
                4810,
                4810,
                Kind.FILE_LOCK,
                command="sh convert.sh",
                name=LOCK,
                holders=(HOLDER,),
                evidence=("/proc/4810/task/4810/syscall: flock(9)", "/proc/locks: 7452 holds it for writing"),
            ),
            Link(7452, 7452, Kind.STOPPED, command="python3 eval.py --all", evidence=("state: T (stopped)",)),
        )
    ),
    "circle": Chain(
        (
            Link(4242, 4242, Kind.THREAD, role="main", holders=(Holder(4242, 4250, thread="mixer"),)),
            Link(4242, 4250, Kind.LOCK, role="engine", thread="mixer", name="Pool.lock", holders=(OURS,)),
        ),
        circle=0,
    ),
    "nobody": Chain(
        (
            Link(
                4242,
                4242,
                Kind.FIFO_OPEN,
                role="main",
                name="/home/lab/photos/answers.fifo",
                holders=(Holder(nobody=True),),
                evidence=("wchan: wait_for_partner",),
            ),
        )
    ),
}
