"""What a kind of blocking call says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.stalls.drawn.scene import Scene

Wait = Callable[[], object]
"""The call itself: it does not come back."""

OTHER, STOPPED, CHILD, GRANDCHILD = "other", "stopped", "child", "grandchild"
THREAD, ITSELF, NOBODY = "thread", "itself", "nobody"
PROCESSES = (OTHER, STOPPED, CHILD, GRANDCHILD)
OUTSIDE = (OTHER, STOPPED)
"""Started by the generator, before the engine; those below by the process that gets stuck."""

ANYWHERE = ("main", "thread", "child", "grandchild", "worker")
NOT_IN_WORKER = ("main", "thread", "child", "grandchild")


STAGES = (
    *("import", "scan", "model", "first_train_batch", "embed"),
    *("train", "train", "train", "validate", "save"),
)
"""Most of a training is training."""


def nothing(scene: Scene) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """`make` makes the object, in the generator's process, before anything is held. `program` is what a
    process runs that holds it and says so in a line of its output; `take` takes it in the process that gets
    stuck, or in a thread of it. `ready` prepares the call in the process that gets stuck, and gives it.

    `holders` are those that make sense, `places` the processes. `wchan` has beginnings of the names of the
    kernel's functions in which it is seen asleep; none for what burns. It can be known by so
    many seconds later than a silence can."""

    name: str
    ready: Callable[[Scene], Wait]
    make: Callable[[Scene], None] = nothing
    program: Callable[[Scene], list[str]] | None = None
    take: Callable[[Scene], object] | None = None
    holders: tuple[str, ...] = (NOBODY,)
    places: tuple[str, ...] = ANYWHERE
    wchan: tuple[str, ...] = ()
    needs_drive: bool = False
    told_by_python: bool = False
    stages: tuple[str, ...] = STAGES
    known_later_s: float = 0
