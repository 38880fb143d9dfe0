"""The kinds of calls that block, by what they wait for; `KINDS` has all of them by name."""

from __future__ import annotations

from tests.faults.stalls.drawn.kinds import (
    busy,
    children,
    circles,
    databases,
    drives,
    files,
    multiprocesses,
    pipes,
    selecting,
    sleeps,
    sockets,
    system_objects,
    threads,
)
from tests.faults.stalls.drawn.kinds.kind import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for module in (
        *(files, pipes, children, databases, threads, sleeps),
        *(sockets, selecting, multiprocesses, system_objects, circles, drives, busy),
    )
    for kind in module.KINDS
}
