"""What helps against a wait, by what it was read to be: the likeliest helpful action first."""

from __future__ import annotations

from collections.abc import Container

from waste_gui.monitor.verdict import HANGS, REPORT, RESTART, Action
from waste_gui.monitor.waits.link import Chain, Kind

GO_ON = (Action.RESUME, Action.SHOW_WHERE, Action.KEEP_WAITING, Action.STOP)

WITHIN_THE_PROGRAM = frozenset(
    (
        *(Kind.LOCK, Kind.CONDITION, Kind.QUEUE, Kind.FULL_QUEUE, Kind.EVENT, Kind.SEMAPHORE, Kind.BARRIER),
        *(Kind.RESULT, Kind.POOL, Kind.THREAD, Kind.SIGNAL),
    )
)
"""What begins anew with the program."""


def against(chain: Chain, ours: Container[int]) -> tuple[Action, ...]:
    """`ours` are the processes of this run: they are continued from here, others are not."""
    last = chain.last
    if last.kind is Kind.STOPPED and last.pid in ours:
        return GO_ON
    if any(link.role == "worker" for link in chain.links) and chain.circle is None:
        return RESTART
    nobody = last.holder is not None and last.holder.nobody
    if chain.circle is not None or nobody or last.holder is None and last.kind in WITHIN_THE_PROGRAM:
        return HANGS
    return REPORT
