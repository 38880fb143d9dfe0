"""Resolve: one thread's wait as a chain of links, from the kernel's files, its Python stack, or both.

Followed from each link to who could end it (the holder's process, the child, the other thread), at most
MOST_LINKS far, for at most LIMIT_S; a link that comes back to an earlier one makes a circle.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from waste_gui.monitor.stack_words import Doing, doing_of
from waste_gui.monitor.stacks import py_spy
from waste_gui.monitor.waits import frames, holders, kernel
from waste_gui.monitor.waits.calls import of_lock_file, waited_for
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.kernel import Task
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link
from waste_gui.monitor.waits.objects import Found
from waste_gui.monitor.waits.polling import of_napping_parent, of_polled_path
from waste_gui.protocol import ThreadStack

MOST_LINKS = 8
LONGEST_NAP_S = 10.0
"""Who sleeps for longer than that at a time is not waiting for a file."""

LIMIT_S = 1.0
"""Of one chain; a link takes a few milliseconds."""

OF_THREADS = frozenset((Kind.LOCK, Kind.SEVERAL, Kind.UNKNOWN, Kind.RUNS, Kind.EVENT))
"""What the kernel tells of these is less than what a Python stack does."""

WITHIN = frozenset(
    (
        *(Kind.THREAD, Kind.LOCK, Kind.CONDITION, Kind.QUEUE, Kind.FULL_QUEUE, Kind.EVENT, Kind.SEMAPHORE),
        *(Kind.BARRIER, Kind.RESULT, Kind.POOL),
    )
)
"""What only threads or processes of the same program can end."""

BETWEEN_PROCESSES = frozenset((Kind.PIPE_READ, Kind.PIPE_WRITE, Kind.SOCKET_READ, Kind.SEVERAL))
BY_PIPES = frozenset((Kind.QUEUE, Kind.FULL_QUEUE, Kind.POOL, Kind.RESULT))
"""What libraries make of pipes; and their words for it."""

ASKED_AGAIN = frozenset((Kind.FILE_LOCK, Kind.DATABASE, Kind.CHILD, Kind.QUEUE, Kind.RESULT, Kind.EVENT))
"""What is asked for again and again, with sleeps between."""


def resolve(
    pid: int,
    tid: int = 0,
    *,
    stacks: Sequence[ThreadStack] = (),
    roles: Mapping[int, str] | None = None,
    computer: Computer | None = None,
) -> Chain:
    """`tid` is the main thread, if it is not said. `roles` are those of a run's processes. Reads files of the
    kernel: milliseconds, but not for a window's own thread."""
    roles = roles or {}
    computer = computer or Computer(roles or (pid,))
    until = time.monotonic() + LIMIT_S
    links: list[Link] = []
    tried: list[str] = []
    seen: list[tuple[int, int]] = []
    at: tuple[int, int] | None = (pid, tid or pid)
    while at is not None and len(links) < MOST_LINKS and time.monotonic() < until:
        if at in seen:
            circle = seen.index(at) if _is_closed(links[seen.index(at) :]) else None
            return Chain(tuple(links), circle, tuple(tried))
        seen.append(at)
        link, unread = _link(*at, stacks, roles, computer)
        links.append(link)
        tried += unread
        at = _next(link)
    return Chain(tuple(links), None, tuple(dict.fromkeys(tried)))


def _is_closed(links: Sequence[Link]) -> bool:
    """Whether nobody outside could end it: of several writers of a pipe another may; of several who hold a
    lock each has to let go of it."""
    return all(len(link.holders) == 1 or link.kind is Kind.FILE_LOCK for link in links)


def _next(link: Link) -> tuple[int, int] | None:
    holder = link.holder
    if holder is None or not holder.pid or link.kind in (Kind.LISTENING, Kind.INPUT):
        return None
    if link.held_by_itself and len(kernel.threads(link.pid)) > 1:
        return None  # Another thread may let go of it.
    return holder.pid, holder.tid or holder.pid


def _link(
    pid: int, tid: int, stacks: Sequence[ThreadStack], roles: Mapping[int, str], computer: Computer
) -> tuple[Link, tuple[str, ...]]:
    task = kernel.task(pid, tid)
    if not any(each.pid == pid for each in stacks):
        stacks = computer.stacks(pid)
    stack = frames.stack_of(stacks, pid, tid)
    seen = waited_for(task, computer) if task else Found(Kind.UNKNOWN)
    said = frames.said_by(stack) if stack else None
    kind, call = seen.kind, task.call if task else ""
    if said is not None and _says_more(said.kind, seen, pid):
        kind, call = said.kind, said.call
        seen = _by_name(kind, stack, seen, task, computer)
    of_ours = roles.get(pid) in ("engine", "worker")  # They wait for no child so.
    if kind is Kind.SLEEP and stack is None and not of_ours and task is not None:
        seen = of_napping_parent(task, seen.for_s) or seen
        kind = seen.kind
    by_path = _polled_path(kind, stack, seen)
    if by_path and task is not None:
        polled = of_polled_path(task, by_path, computer)
        kind, seen = (
            polled.kind,
            replace(polled, for_s=seen.for_s, evidence=(*seen.evidence, *polled.evidence)),
        )
    evidence = list(seen.evidence)
    place = frames.place_of(stack) if stack else None
    if stack is not None and place is not None:
        evidence.append(f"Python stack of {pid}, {stack.thread}: {place.function}, {place.file}:{place.line}")
    unread: tuple[str, ...] = ()
    if task is None:
        unread = (f"/proc/{pid}/task/{tid} tells nothing: the system has no such files",)
    if stack is None and kernel.is_python(pid):
        why = (
            "py-spy, which could read it, is not installed"
            if py_spy() is None
            else "py-spy could not read it"
        )
        unread += (f"process {pid} did not tell its Python stack, and {why}",)
    link = Link(
        pid=pid,
        tid=tid,
        kind=kind,
        role=_role(pid, tid, roles),
        thread=stack.thread if stack else task.name if task else "",
        command=kernel.command(pid),
        call=call,
        name=seen.name,
        detail=seen.detail,
        holders=seen.holders or _within_the_program(kind, pid, stack, stacks),
        for_s=seen.for_s,
        place=place,
        age_s=kernel.age_s(pid),
        evidence=tuple(evidence),
        parent=kernel.parent(pid),
    )
    return link, (*(task.unread if task else ()), *unread)


def _by_name(
    kind: Kind, stack: ThreadStack | None, seen: Found, task: Task | None, computer: Computer
) -> Found:
    """What the program itself calls it, and who has that."""
    name = stack.waits_on.name if stack and stack.waits_on else ""
    if kind is Kind.FILE_LOCK and name and task is not None:
        found = of_lock_file(task, name, computer)
        return replace(found, evidence=(*seen.evidence, *found.evidence))
    if kind is Kind.CHILD and not name and not seen.holders:
        return replace(seen, holders=holders.of_child(-1, task.pid if task else 0))
    own = "" if seen.name.startswith("pipe:") else seen.name
    return replace(seen, name=name or own, detail="" if kind is not seen.kind else seen.detail)


def _polled_path(kind: Kind, stack: ThreadStack | None, seen: Found) -> str:
    """The one path that a function knows which sleeps for moments."""
    naps = kind is Kind.SLEEP and seen.for_s is not None and seen.for_s <= LONGEST_NAP_S
    known = stack.waits_on if stack is not None and naps else None
    return known.name if known is not None and known.type == "path" else ""


def _role(pid: int, tid: int, roles: Mapping[int, str]) -> str:
    role = roles.get(pid, "")
    return "main" if role == "engine" and tid == pid else role


def _says_more(kind: Kind, seen: Found, pid: int) -> bool:
    """Whether the stack knows better than the kernel."""
    if seen.kind is Kind.SLEEP:
        return kind in ASKED_AGAIN
    if seen.kind in BETWEEN_PROCESSES and kind is Kind.CHILD:
        return any(holder.pid in kernel.children(pid) for holder in seen.holders)
    if seen.kind in BETWEEN_PROCESSES:
        return kind in BY_PIPES
    if seen.kind is Kind.LOCK and seen.holders:
        return False
    return seen.kind in OF_THREADS


def _within_the_program(
    kind: Kind, pid: int, stack: ThreadStack | None, stacks: Sequence[ThreadStack]
) -> tuple[Holder, ...]:
    """The thread of the same program for which this one waits, where the program itself tells which; of a
    pool its processes."""
    known = stack.waits_on if stack else None
    if known is not None and known.process and kind is Kind.CHILD:
        return holders.of_child(known.process, pid)
    numbers = known.threads if known is not None and kind in WITHIN else ()
    if kind is Kind.THREAD and stack is not None and not numbers:
        others = [each for each in stacks if each.pid == pid and each.native and each is not stack]
        numbers = tuple(each.native for each in sorted(others, key=_idles))
    if known is not None and numbers:
        verb = SURE.get(kind, "works on it") if known.sure else "uses it, too"
        return tuple(_thread(pid, number, verb, stacks) for number in numbers[: holders.MOST])
    if numbers:
        return tuple(_thread(pid, number, "is to end", stacks) for number in numbers[: holders.MOST])
    if kind is Kind.LOCK and known is not None and known.type in OWN_LOCKS:
        return (holders.NOBODY,)
    living = [child for child in kernel.children(pid) if kernel.is_living(child)]
    return holders.of_processes(living, "works for it") if kind in (Kind.POOL, Kind.RESULT) else ()


def _idles(stack: ThreadStack) -> bool:
    """Whether it is one of the engine's that wait for something to do."""
    return doing_of(stack) is Doing.IDLE


def _thread(pid: int, number: int, verb: str, stacks: Sequence[ThreadStack]) -> Holder:
    stack = next((each for each in stacks if each.pid == pid and each.native == number), None)
    return Holder(pid, number, thread=stack.thread if stack else "", verb=verb)


OWN_LOCKS = ("lock", "RLock")
"""Python's own: which threads have to do with one can be seen."""

SURE = {Kind.THREAD: "is to end", Kind.LOCK: "holds"}


def with_role(chain: Chain, role: str) -> Chain:
    return replace(chain, links=(replace(chain.links[0], role=role), *chain.links[1:]))
