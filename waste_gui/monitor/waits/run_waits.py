"""What the processes of one run wait for: the engine's decisive thread first, then its workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waste_gui.monitor.stack_words import decisive
from waste_gui.monitor.waits.chain import resolve
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.link import Chain
from waste_gui.protocol import ThreadStack

MOST_WORKERS = 16


def waits_of_run(engine: int, roles: Mapping[int, str], stacks: Sequence[ThreadStack]) -> tuple[Chain, ...]:
    """`roles` are those of its processes, the engine's own among them."""
    computer = Computer(roles)
    thread = decisive([stack for stack in stacks if stack.pid == engine])
    first = resolve(engine, thread.native if thread else 0, stacks=stacks, roles=roles, computer=computer)
    workers = [pid for pid, role in roles.items() if role == "worker"][:MOST_WORKERS]
    return (first, *(resolve(pid, stacks=stacks, roles=roles, computer=computer) for pid in workers))
