"""Replays of healthy runs: deterministic, in order, and calm; a stall in one is seen."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.faults.stalls.replay import BUSY_FACTOR, SLOWEST, Clock, messages_of, on_its_clock, replay
from waste_gui.protocol import Heartbeat

RECORDED = Path(__file__).parents[1] / "transcripts"
HEALTHY = RECORDED / "healthy.jsonl"


@pytest.mark.parametrize("name", ["healthy.jsonl", "slow_epoch.jsonl"])
def test_drawn_computers_raise_no_alarm(name: str) -> None:
    messages = messages_of(RECORDED / name)
    done = [replay(RECORDED / name, messages, seed) for seed in range(12)]
    assert [alarm for each in done for alarm in each.alarms] == []
    assert sum(each.hours for each in done) > 0.2
    assert done[3] == replay(RECORDED / name, messages, 3)


def test_messages_keep_their_order_and_hearts_beat_each_second() -> None:
    clock = Clock(random.Random(5), SLOWEST)
    told = list(on_its_clock(messages_of(HEALTHY), clock))
    assert all(one.seq + 1 == other.seq and one.at <= other.at for one, other in pairwise(told))
    beats = [message.at for message in told if isinstance(message, Heartbeat)]
    asleep = sum(slept for _, slept in clock.sleeps)
    longest = max(other - one for one, other in pairwise(beats))
    assert longest <= 1.01 or asleep
    assert told[-1].at - asleep <= messages_of(HEALTHY)[-1].at * SLOWEST * BUSY_FACTOR + 60


def test_a_run_that_stands_still_in_a_replay_is_called_stuck() -> None:
    """Its last message comes ten minutes late, and the system tells of no work."""
    messages = messages_of(HEALTHY)
    late = [*messages[:-1], msgspec.structs.replace(messages[-1], at=messages[-1].at + 600)]
    done = [replay(HEALTHY, late, seed, healthy=messages) for seed in range(8)]
    assert any(each.alarms for each in done)
