"""What one resolution reads of the whole computer, each once: locks, sockets, mounts, descriptors."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from waste_gui.monitor.stacks import py_spy_stacks
from waste_gui.monitor.waits import descriptors, kernel, locks, mounts, sockets
from waste_gui.monitor.waits.descriptors import Descriptor
from waste_gui.protocol import ThreadStack

SCAN_S = 0.5
"""For the descriptors of all processes of this person, however many there are."""

MOST_SPIED = 3
"""Programs whose stacks are read by py-spy: each takes some 0.05 s, or 3 s if it does not come back."""


class Computer:
    """Read when first asked for, and kept: a chain is of one moment."""

    def __init__(self, first: Iterable[int] = ()) -> None:
        """`first` are looked at before all others: the processes of the run itself."""
        self._first = tuple(first)
        self._sockets: dict[str, dict[int, sockets.Socket]] = {}
        self._stacks: dict[int, tuple[ThreadStack, ...]] = {}
        self._mounts: dict[str, list[mounts.Mount]] = {}
        self.not_all_scanned = False

    @cached_property
    def locks(self) -> list[locks.Lock]:
        return locks.all_locks()

    def stacks(self, pid: int) -> tuple[ThreadStack, ...]:
        """Of a Python program that tells none itself, by py-spy, where that is installed and may look."""
        if pid not in self._stacks:
            wanted = kernel.is_python(pid) and len(self._stacks) < MOST_SPIED
            self._stacks[pid] = py_spy_stacks(pid) if wanted else ()
        return self._stacks[pid]

    def sockets(self, pid: int) -> dict[int, sockets.Socket]:
        space = kernel.link(f"/proc/{pid}/ns/net")
        if space not in self._sockets:
            self._sockets[space] = sockets.sockets(pid)
        return self._sockets[space]

    def mounts(self, pid: int) -> list[mounts.Mount]:
        space = kernel.link(f"/proc/{pid}/ns/mnt")
        if space not in self._mounts:
            self._mounts[space] = mounts.mounts(pid)
        return self._mounts[space]

    @cached_property
    def _open(self) -> dict[str, list[tuple[int, int]]]:
        """Process and number of each descriptor, by what it leads to."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        until = time.monotonic() + SCAN_S
        others = (pid for pid in kernel.same_user() if pid not in self._first)
        for pid in (*self._first, *others):
            if time.monotonic() > until:
                self.not_all_scanned = True
                break
            for number in descriptors.numbers(pid):
                name = kernel.link(f"/proc/{pid}/fd/{number}")
                if name:
                    found[name.removesuffix(" (deleted)")].append((pid, number))
        return found

    @cached_property
    def family(self) -> tuple[int, ...]:
        """The processes of the run, with all that are below and above them."""
        found = list(self._first)
        for pid in found:
            found += [child for child in kernel.children(pid) if child not in found]
        above = [kernel.parent(pid) for pid in self._first[:1]]
        return tuple(dict.fromkeys((*found, *filter(None, above))))

    def who_has(self, name: str) -> list[Descriptor]:
        """Every descriptor of this person's processes that leads there."""
        return [descriptors.descriptor(pid, number) for pid, number in self._open.get(name, ())]
