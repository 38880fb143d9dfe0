"""What helps most against a wait comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.gui.chain_pictures import CHAINS
from waste_gui.monitor.rules.helping import against
from waste_gui.monitor.verdict import Action
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link

OURS = {4242, 4250, 4300}


def link(kind: Kind, role: str = "main", pid: int = 4242, *holders: Holder) -> Link:
    return Link(pid, pid, kind, role=role, holders=holders)


@pytest.mark.parametrize(
    ("chain", "first"),
    [
        (CHAINS["circle"], Action.TRY_AGAIN),
        (CHAINS["nobody"], Action.TRY_AGAIN),
        (CHAINS["lock"], Action.SHOW_WHERE),  # Its end is stopped, and somebody else's.
        (Chain((link(Kind.EVENT),)), Action.TRY_AGAIN),
        (Chain((link(Kind.DISK),)), Action.SHOW_WHERE),
        (Chain((link(Kind.SOCKET_READ, "main", 4242, Holder(host="example.org")),)), Action.SHOW_WHERE),
        (Chain((link(Kind.PHOTOS), link(Kind.DISK, "worker", 4300))), Action.RESTART_WORKERS),
        (Chain((link(Kind.CHILD), link(Kind.STOPPED, "", 4250))), Action.RESUME),
    ],
)
def test_first_action_is_the_likeliest_to_help(chain: Chain, first: Action) -> None:
    assert against(chain, OURS)[0] is first
    assert Action.STOP in against(chain, OURS) and Action.KEEP_WAITING in against(chain, OURS)


def test_strangers_process_is_not_continued_from_here() -> None:
    chain = Chain((link(Kind.CHILD), link(Kind.STOPPED, "", 4250)))
    assert Action.RESUME not in against(chain, {4242})
    mended = replace(chain, links=chain.links[:1])
    assert Action.RESUME not in against(mended, OURS)
