"""Who could end a wait: who holds the lock, who has the other end of a pipe or a connection, which child."""

from __future__ import annotations

from collections.abc import Iterable

from waste_gui.monitor.waits import kernel, locks, sockets, unix_diag
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.descriptors import Descriptor
from waste_gui.monitor.waits.link import Holder
from waste_gui.monitor.waits.locks import Lock
from waste_gui.monitor.waits.sockets import Address, Socket

NOBODY, ITSELF = Holder(nobody=True), Holder(nobody=True, verb="itself")
MOST = 8
"""A pipe may be open in each of a thousand children."""


def process(pid: int, verb: str = "holds", *, tid: int = 0, thread: str = "") -> Holder:
    found = kernel.task(pid)
    return Holder(
        pid=pid,
        tid=tid,
        command=kernel.command(pid),
        thread=thread,
        age_s=kernel.age_s(pid),
        folder=kernel.folder_of(pid),
        stopped=found is not None and found.stopped,
        verb=verb,
    )


def of_processes(pids: Iterable[int], verb: str) -> tuple[Holder, ...]:
    return tuple(process(pid, verb) for pid in list(dict.fromkeys(pids))[:MOST])


def of_locks(held: list[Lock], path: str, computer: Computer, waiting: int) -> tuple[Holder, ...]:
    """The kernel names who took a lock; a child may have it by now, with the open file."""
    named = [lock.pid for lock in held if lock.pid > 0 and kernel.is_living(lock.pid)]
    if not named and held:
        inode = held[0].inode
        named = [
            each.pid
            for each in computer.who_has(path)
            if any(lock.inode == inode for lock in locks.noted(each.notes))
        ]
    if named:
        return of_processes(named, "holds")
    if any(lock.pid <= 0 for lock in held):
        return (Holder(host="another container or computer"),)
    return (NOBODY,) if held else ()


def of_pipe(end: Descriptor, waiting: int, *, to_read: bool, computer: Computer) -> tuple[Holder, ...]:
    """Who could write into it, or read from it. A process that waits for itself alone waits for nobody."""
    others = [each.pid for each in computer.who_has(end.name) if (each.writes if to_read else each.reads)]
    return ends(others, waiting, "can write into it" if to_read else "can read from it", computer)


def ends(pids: list[int], waiting: int, verb: str, computer: Computer) -> tuple[Holder, ...]:
    others = [pid for pid in pids if pid != waiting]
    started = set(kernel.children(waiting)) & set(others)
    if started:  # What they have started in turn has it of them.
        return of_processes((pid for pid in others if pid in started), verb)
    if others:
        return of_processes(_who_act(others), verb)
    if computer.not_all_scanned:
        return ()
    return (ITSELF,) if pids else (NOBODY,)


def _who_act(pids: list[int]) -> list[int]:
    """Without those that merely wait for one of the others: a shell for the program that it started."""
    idle = {kernel.parent(pid) for pid in pids}
    acting = [pid for pid in pids if pid not in idle or not _waits_for_a_child(pid)]
    return acting or pids


def _waits_for_a_child(pid: int) -> bool:
    task = kernel.task(pid)
    return task is not None and ("do_wait" in task.wchan or "sigsuspend" in task.wchan)


def of_socket(end: Socket, waiting: int, computer: Computer) -> tuple[Holder, ...]:
    if end.kind == "unix":
        peer = unix_diag.peer_of(end.inode)
        if not peer and (listener := unix_diag.listener_for(end.inode)):
            listening = [each.pid for each in computer.who_has(f"socket:[{listener}]")]
            return of_processes(listening, "listens there, and has not accepted")
        pids = [each.pid for each in computer.who_has(f"socket:[{peer}]")] if peer else []
        return ends(pids, waiting, "has the other end", computer)
    if end.remote is None or end.remote.is_any:
        return ()
    return at_address(end.remote, end, waiting, computer)


def at_address(address: Address, end: Socket | None, waiting: int, computer: Computer) -> tuple[Holder, ...]:
    """The process of this computer that is there, or else the other computer."""
    known = computer.sockets(waiting)
    peer = sockets.other_end(end, known) if end else None
    if peer is not None and peer.inode > 0:
        pids = [each.pid for each in computer.who_has(f"socket:[{peer.inode}]")]
        if pids:
            return ends(pids, waiting, "has the other end", computer)
    listener = sockets.listener(address, known)
    if (address.is_local or peer is not None) and listener is not None:
        pids = [each.pid for each in computer.who_has(f"socket:[{listener.inode}]")]
        if pids:
            return ends(pids, waiting, "listens there", computer)
    if address.is_local:
        return () if computer.not_all_scanned else (NOBODY,)
    return (Holder(host=address.host),)


def of_child(pid: int, waiting: int) -> tuple[Holder, ...]:
    """`pid` as wait4(2) takes it: a child, or -1 for any, or a group's number negative."""
    if pid > 0:
        return of_processes([pid], "is its child") if kernel.is_living(pid) else (NOBODY,)
    living = [child for child in kernel.children(waiting) if kernel.is_living(child)]
    return of_processes(living, "is its child") or (NOBODY,)
