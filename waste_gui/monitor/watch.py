"""Watch: looks at one run again and again, and remembers what a single look cannot know."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from waste_gui.monitor import formatting
from waste_gui.monitor.countdown import Remaining, remaining
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run
from waste_gui.monitor.stall import diagnose
from waste_gui.monitor.verdict import Verdict, VerdictState

RECOVERED_FOR_S = 10.0
"""How long "It goes on" is told."""

KEEP_WAITING_S = 300.0

STOOD_STILL_S = 20.0
"""Looks come each second; after a longer gap we stood still ourselves, and with us perhaps the run."""

WAKE_UP_S = 15.0
"""How long a run may take to go on after that."""

HEART_STOPPED_S = 10.0
"""A heart that beats each second has stopped."""

STEADY_LOOKS, LOOK_S = 5, 1.0

STACKS_SOON_S, STACKS_LATER_S = 8.0, 60.0
"""Between two questions for the stacks in a silence: for its first minute, and from then on."""


@dataclass(frozen=True)
class View:
    """What to show now; `recovered` is the sentence after a pause, for 10 s; `quiet` says that the person has
    read a note on learning and chose to go on; `stacks_wanted`, that they would tell more of this silence;
    `stands_still`, that its heart has stopped while we looked on: Python in it does not run."""

    remaining: Remaining
    verdict: Verdict
    recovered: str | None = None
    quiet: bool = False
    stacks_wanted: bool = False
    stands_still: bool = False


class Watch:
    """One for each run. The window and the terminal both show what its `look` gives."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._paused_from: float | None = None  # The last progress before the trouble.
        self._recovered: tuple[float, str] | None = None  # Until when to tell it, and the words.
        self._patient_until: float | None = None
        self._accepted: set[str] = set()  # Notes on learning that the person has read, by cause.
        self._looked_at: tuple[float, float] | None = None  # On its own steady clock, and on the engine's.
        self._looks: deque[Evidence] = deque(maxlen=STEADY_LOOKS)
        self._took_at = -math.inf
        self._waking_until = -math.inf
        self._asked_for_stacks_at = -math.inf

    def look(self, run: Run, evidence: Evidence, now: float, steady: float | None = None) -> View:
        """`now` is on the engine's clock, which leaps when more is learned of it; `steady`, where there is
        another, on the clock of who looks."""
        left = remaining(run, now, self.history)
        self._take_look(evidence, now)
        verdict = diagnose(run, left, _steady(self._looks), now)
        self._note_pause(run, verdict, now)
        self._note_sleep(run, evidence, now, now if steady is None else steady)
        patient = self._patient_until is not None and now < self._patient_until
        if patient or now < self._waking_until:
            verdict = _patient(verdict)
        recovered = None
        if self._recovered and now <= self._recovered[0] and run.phase.running:
            recovered = self._recovered[1]
        quiet = verdict.cause in self._accepted
        wanted = self._wants_stacks(run, verdict, now)
        return View(left, verdict, recovered, quiet, wanted, self._stands_still(run, now))

    def keep_waiting(self, now: float, for_s: float = KEEP_WAITING_S) -> None:
        """The person chose to wait: until then nothing is called stuck, unless it goes on and stops anew."""
        self._patient_until = now + for_s

    def keep_going(self, cause: str) -> None:
        """The person has read that note on learning; it is not told again in this run."""
        self._accepted.add(cause)

    def _take_look(self, evidence: Evidence, now: float) -> None:
        """Looks come each second, and the window asks more often."""
        if self._looks and self._looks[-1] is evidence and now < self._took_at + LOOK_S:
            return
        self._looks.append(evidence)
        self._took_at = now

    def _note_pause(self, run: Run, verdict: Verdict, now: float) -> None:
        if self._paused_from is not None and run.moved_at > self._paused_from:
            pause = formatting.clock(run.moved_at - self._paused_from)
            self._recovered = (now + RECOVERED_FOR_S, f"It goes on. The pause was {pause}.")
            self._paused_from = self._patient_until = None
        if verdict.silent and self._paused_from is None:
            self._paused_from = run.moved_at
            self._recovered = None

    def _note_sleep(self, run: Run, evidence: Evidence, now: float, steady: float) -> None:
        """A computer that slept, or stood still, makes no run stuck."""
        gap, jump = _passed((steady, now), self._looked_at)
        self._looked_at = steady, now
        if evidence.slept_s > 0:
            text = f"The computer was asleep for {formatting.span(evidence.slept_s)}. The clocks were reset."
        elif gap > STOOD_STILL_S:
            text = f"The computer was asleep or stood still for {formatting.span(gap)}."
        else:
            return
        run.slept(max(0.0, jump - LOOK_S))  # Not every clock goes on while a computer sleeps.
        self._waking_until = now + WAKE_UP_S
        self._recovered = (now + RECOVERED_FOR_S, text)

    def _stands_still(self, run: Run, now: float) -> bool:
        beat = run.heartbeat
        return beat is not None and now - beat.at > HEART_STOPPED_S and now > self._waking_until

    def _wants_stacks(self, run: Run, verdict: Verdict, now: float) -> bool:
        if not verdict.silent:
            return False
        since = self._asked_for_stacks_at
        pause = STACKS_SOON_S if now - run.moved_at < STACKS_LATER_S else STACKS_LATER_S
        if since > run.moved_at and now - since < pause:
            return False
        self._asked_for_stacks_at = now
        return True


def _passed(now: tuple[float, float], before: tuple[float, float] | None) -> tuple[float, float]:
    """On each clock; nothing at the first look."""
    return (now[0] - before[0], now[1] - before[1]) if before is not None else (0.0, 0.0)


def _steady(looks: Sequence[Evidence]) -> Evidence:
    """The last look, with the rates of the last few: a busy process does not get its turn each second."""
    cpu = [look.cpu_percent for look in looks if look.cpu_percent is not None]
    io = [look.io_bytes_per_s for look in looks if look.io_bytes_per_s is not None]
    return replace(
        looks[-1], cpu_percent=fmean(cpu) if cpu else None, io_bytes_per_s=fmean(io) if io else None
    )


def _patient(verdict: Verdict) -> Verdict:
    if verdict.state is not VerdictState.LIKELY_STUCK or verdict.cause == "not_stopping":
        return verdict
    title = verdict.title.replace("Likely stuck", "Slower than usual", 1)
    return replace(verdict, state=VerdictState.SLOW, title=title)
