"""What the processes of one run wait for: the engine's decisive thread first, then its workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from waste_gui.monitor.stack_words import Doing, decisive, doing_of
from waste_gui.monitor.waits.chain import resolve
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.frames import stack_of
from waste_gui.monitor.waits.link import Chain, Holder, Kind
from waste_gui.protocol import ThreadStack

MOST_WORKERS = 16

BRING_PHOTOS = ("loader", "photo pool")
"""The engine's threads between the training and its workers."""

AT_REST = frozenset((Doing.IDLE, Doing.PHOTOS, Doing.ROOM, Doing.AN_ORDER))


def waits_of_run(engine: int, roles: Mapping[int, str], stacks: Sequence[ThreadStack]) -> tuple[Chain, ...]:
    """`roles` are those of its processes, the engine's own among them."""
    computer = Computer(roles)

    def chain(pid: int, tid: int = 0) -> Chain:
        return resolve(pid, tid, stacks=stacks, roles=roles, computer=computer)

    workers = [chain(pid) for pid, role in roles.items() if role == "worker"][:MOST_WORKERS]
    thread = decisive([stack for stack in stacks if stack.pid == engine])
    first = chain(engine, thread.native if thread else 0)
    if thread is not None and doing_of(thread) is Doing.PHOTOS:
        busy = (each for each in stacks if each.pid == engine and each.thread in BRING_PHOTOS)
        stuck = next((each for each in busy if each.native and doing_of(each) not in AT_REST), None)
        behind = chain(engine, stuck.native) if stuck else _stuck_worker(workers, stacks)
        first = _for_photos(first, behind)
    return (first, *workers)


def _stuck_worker(workers: Sequence[Chain], stacks: Sequence[ThreadStack]) -> Chain | None:
    """One that is at something, while the others have nothing to do."""
    for chain in workers:
        stack = stack_of(stacks, chain.first.pid, chain.first.tid)
        if stack is not None and doing_of(stack) not in AT_REST:
            return chain
    return None


def _for_photos(first: Chain, behind: Chain | None) -> Chain:
    """The training waits for photos, and who is to bring them for something else."""
    link = replace(first.first, kind=Kind.PHOTOS, name="", detail="", holders=())
    if behind is None:
        return Chain((link,), tried=first.tried)
    who = behind.first
    holder = Holder(who.pid, who.tid, who.command, who.thread, verb="is to bring them")
    links = (replace(link, holders=(holder,)), *behind.links)
    circle = None if behind.circle is None else behind.circle + 1
    return Chain(links, circle, first.tried + behind.tried)
