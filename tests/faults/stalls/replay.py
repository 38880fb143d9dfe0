"""Healthy runs, replayed at speed: nobody may call one of them stuck.

`python -m tests.faults.stalls.replay FILE.jsonl … --hours 100 --seed 0`. The files are the messages of real
runs (`python -m tests.faults.stalls --healthy --keep DIR` records some). Each replay draws another computer
for one of them: five times faster to twenty times slower; other programs that take turns of minutes; a disk
that is slow for a while; a lid that is closed; and what the system tells of the processes: that they work, or
nothing at all, which leaves the silence alone to judge by. It is drawn so that nothing healthy is silent for
longer than four minutes while it is seen to work, and for 25 s where nothing is seen: who is silent for
longer than that is asked for, and rightly. The clock is ours, the monitor is the real one.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from waste_gui import protocol
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.history import History
from waste_gui.monitor.machine import Machine
from waste_gui.monitor.run import Run
from waste_gui.monitor.verdict import VerdictState
from waste_gui.monitor.watch import Watch
from waste_gui.protocol import AnyMessage, Heartbeat, Unreadable

FASTEST, SLOWEST = 0.2, 20.0
"""Between a computer with a graphics card and an old one: by so much all takes longer."""

SILENT_S, SILENT_UNSEEN_S = 240.0, 25.0

HICCUP_S, MOST_HICCUP_S = 4.0, 20.0
"""A disk that writes back, a folder on a network that is busy: the mean and the longest."""

HICCUPS_PER_H, BUSY_PER_H, SLEEPS_PER_H = 6.0, 2.0, 0.3
BUSY_S, BUSY_FACTOR = 180.0, 5.0
"""Other programs: for so long on average, by at most so much slower."""

SLEPT_S = (40.0, 30_000.0)

NOTHING = (Evidence(), Evidence(cpu_percent=1, io_bytes_per_s=0, states=("sleeping",)))
WORK = (
    Evidence(cpu_percent=97, io_bytes_per_s=0, states=("running",)),
    Evidence(cpu_percent=30, io_bytes_per_s=3e6, states=("running", "disk-sleep")),
    Evidence(cpu_percent=12, states=("running",), machine=Machine(cpu_percent=100, processors=2)),
)


@dataclass
class Replay:
    """What came of one: its length in seconds of its own clock, alarms and notes by cause."""

    file: str
    hours: float = 0.0
    alarms: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def messages_of(file: Path) -> list[AnyMessage]:
    read = [protocol.decode(line) for line in file.read_bytes().splitlines()]
    return [message for message in read if not isinstance(message, Unreadable)]


def longest_silence(messages: Sequence[AnyMessage]) -> float:
    """Between two signs of progress, in seconds; at least one."""
    run, longest = Run(), 1.0
    run.launched()
    for message in messages:
        before = run.moved_at
        run.receive(message)
        longest = max(longest, run.moved_at - before)
    return longest


class Clock:
    """Recorded times → those of the drawn computer."""

    def __init__(self, chance: random.Random, slowest: float) -> None:
        """`slowest` is by how much all takes longer at most."""
        slowest = min(SLOWEST, slowest)
        self._factor = math.exp(chance.uniform(math.log(min(FASTEST, slowest)), math.log(slowest)))
        self._busiest = max(1.0, min(BUSY_FACTOR, slowest / self._factor))
        self._chance, self._at, self._before = chance, 0.0, 0.0
        self._busy_until, self._busy = 0.0, 1.0
        self.sleeps: list[tuple[float, float]] = []

    def __call__(self, recorded: float) -> float:
        passed = max(0.0, recorded - self._before) * self._factor
        self._before = max(self._before, recorded)
        chance, hours = self._chance, passed / 3600
        if self._at >= self._busy_until and chance.random() < BUSY_PER_H * hours:
            self._busy_until = self._at + chance.expovariate(1 / BUSY_S)
            self._busy = chance.uniform(1, self._busiest)
        self._at += passed * (self._busy if self._at < self._busy_until else 1.0)
        if chance.random() < HICCUPS_PER_H * hours:
            self._at += min(MOST_HICCUP_S, chance.expovariate(1 / HICCUP_S))
        if chance.random() < SLEEPS_PER_H * hours:
            slept = chance.uniform(*SLEPT_S)
            self.sleeps.append((self._at, slept))
            self._at += slept
        return self._at


def on_its_clock(messages: Sequence[AnyMessage], clock: Clock) -> Iterator[AnyMessage]:
    """In order, with a heartbeat each second in place of the recorded ones, except where it slept."""
    seq, beat, next_beat = 0, None, 0.0
    for message in messages:
        if isinstance(message, Heartbeat):
            beat = message
            continue
        at = clock(message.at)
        asleep_to = max((begin + slept for begin, slept in clock.sleeps if begin <= at), default=0.0)
        while beat is not None and next_beat < at:
            if not any(begin <= next_beat < begin + slept for begin, slept in clock.sleeps):
                yield msgspec.structs.replace(beat, at=next_beat, seq=seq)
                seq += 1
                next_beat += 1.0
            else:
                next_beat = asleep_to
        if beat is None:
            next_beat = at
        yield msgspec.structs.replace(message, at=at, seq=seq)
        seq += 1


def replay(
    file: Path, messages: Sequence[AnyMessage], seed: int, healthy: Sequence[AnyMessage] = ()
) -> Replay:
    """`healthy` are the messages by which the computer is drawn, where these are not."""
    chance = random.Random(seed)
    tells = chance.choice(NOTHING + WORK)
    allowed = (SILENT_S if tells in WORK else SILENT_UNSEEN_S) - MOST_HICCUP_S
    longest = longest_silence(healthy or messages)
    slowest = allowed / longest
    if slowest < 1 and tells in NOTHING:  # What it did was seen, when it was recorded.
        tells, slowest = WORK[0], (SILENT_S - MOST_HICCUP_S) / longest
    clock = Clock(chance, slowest)
    run, watch, told = Run(), Watch(History()), Replay(file.name)
    run.launched()
    now, last = 0.0, None
    for message in on_its_clock(messages, clock):
        while now + 1.0 <= message.at:
            now += 1.0
            slept = next((s for begin, s in clock.sleeps if begin <= now < begin + 1), 0.0)
            if slept:
                now += slept
            seen = replace(tells, slept_s=slept)
            verdict = watch.look(run, seen, now).verdict
            said = (verdict.state, verdict.cause)
            if said != last and verdict.state is VerdictState.LIKELY_STUCK:
                told.alarms.append(f"{verdict.cause} at {now:.0f} s: {verdict.title}")
            elif said != last and verdict.state is VerdictState.SLOW:
                told.notes[verdict.cause] += 1
            last = said
        run.receive(message)
    told.hours = (now - sum(slept for _, slept in clock.sleeps)) / 3600
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.stalls.replay", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--hours", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    recorded = [(file, messages_of(file)) for file in options.files]
    hours, alarms, notes, runs = 0.0, 0, Counter[str](), 0
    while hours < options.hours:
        file, messages = recorded[runs % len(recorded)]
        done = replay(file, messages, options.seed * 1_000_003 + runs)
        hours, runs, alarms = hours + done.hours, runs + 1, alarms + len(done.alarms)
        notes += done.notes
        for alarm in done.alarms:
            print(f"{file.name}, replay {runs - 1}: ALARM {alarm}", flush=True)
    print(f"{runs} replays, {hours:.0f} h: {alarms} false alarms; {rate(alarms, hours)}")
    print("notes: " + (", ".join(f"{cause} {count}" for cause, count in notes.most_common()) or "none"))
    return 1 if alarms else 0


def rate(alarms: int, hours: float) -> str:
    """With the bound below which it lies with 95 % (of none seen, three in that time: the rule of three)."""
    most = (3.0 if not alarms else alarms + 2 * math.sqrt(alarms + 1)) / hours
    return f"fewer than {100 * most:.1f} in 100 h"


if __name__ == "__main__":
    sys.exit(main())
