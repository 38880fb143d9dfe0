"""How sure a verdict is, and what else it may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.monitor.test_waiting import BUSY, CONV, judged, looked_at, stack, training
from waste_gui.monitor import chances
from waste_gui.monitor.chances import ONLY_SLOW, RIGHT, Basis
from waste_gui.monitor.verdict import Verdict, VerdictState
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link

HELD = Chain(
    (Link(4242, 4242, Kind.FILE_LOCK, role="main", name="/x/f.lock", holders=(Holder(7, command="sh"),)),)
)
READ = Chain((Link(4242, 4242, Kind.SIGNAL, role="main"),))


def with_chain(chain: Chain) -> Verdict:
    run = training(40)
    run.saw_waits((chain,), run.heard_at - 1)
    return judged(run)


def test_what_was_read_with_its_holder_is_surer_than_names_in_a_stack_and_than_nothing() -> None:
    by_stack = training(40)
    by_stack.saw_stacks(
        (stack(("/home/lab/site-packages/filelock/_api.py", "acquire")),), by_stack.heard_at - 5
    )
    held, stacks, nothing = with_chain(HELD), judged(by_stack), judged(training(40))
    assert [chances.basis_of(each) for each in (held, stacks, nothing)] == [
        Basis.HELD,
        Basis.STACK,
        Basis.NOTHING,
    ]
    assert held.sure is not None and stacks.sure is not None and nothing.sure is not None
    assert 1 > held.sure > stacks.sure > nothing.sure == 0


def test_chances_are_those_that_were_counted() -> None:
    for basis, (right, of) in RIGHT.items():
        assert 0 <= right <= of
        assert abs(chances.sure(basis) - (right + 1) / (of + 2)) < 1e-9
    assert chances.sure(Basis.TOLD) == 1


def test_second_best_is_what_the_next_rule_says() -> None:
    run = training(40)
    run.saw_stacks(
        (stack(("/usr/lib/python3.11/site-packages/filelock/_api.py", "acquire")),), run.heard_at - 5
    )
    run.saw_waits((HELD,), run.heard_at - 1)
    verdict = judged(run)
    assert verdict.cause == "lock_file"
    assert verdict.second and verdict.second != ONLY_SLOW
    assert verdict.evidence[-1].startswith("How sure: about ") and verdict.second in verdict.evidence[-1]


def test_loop_may_also_be_slow_work() -> None:
    run = training(60)
    looked_at(run, [CONV], 60, 6)
    verdict = judged(run, BUSY)
    assert verdict.cause == "loop" and "it still works" in verdict.second


@pytest.mark.parametrize("state", VerdictState)
def test_what_the_training_tells_itself_is_not_in_doubt(state: VerdictState) -> None:
    told = chances.with_chances(Verdict(state, "any", "Any", "Any."), iter(()))
    assert told.sure == 1 and not told.second and not told.evidence


def test_wait_without_a_holder_is_called_stuck_or_only_slow() -> None:
    verdict = with_chain(READ)
    assert chances.basis_of(verdict) is Basis.READ and verdict.sure is not None
    assert verdict.second == ONLY_SLOW  # That the cause is not known is no other cause.
    slow = chances.with_chances(replace(verdict, state=VerdictState.SLOW, evidence=()), iter(()))
    assert not slow.second


def test_second_best_is_said_within_a_sentence() -> None:
    assert chances.short("No progress for 40 s. The program waits. It passes.") == "the program waits"
    assert chances.short("No progress for 40 s.") == "no progress for 40 s"
