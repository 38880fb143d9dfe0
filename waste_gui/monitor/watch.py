"""Watch: looks at one run again and again, and remembers what a single look cannot know."""

from __future__ import annotations

from dataclasses import dataclass, replace

from waste_gui.monitor import words
from waste_gui.monitor.countdown import Remaining, remaining
from waste_gui.monitor.evidence import Evidence
from waste_gui.monitor.history import History
from waste_gui.monitor.run import Run
from waste_gui.monitor.stall import diagnose
from waste_gui.monitor.verdict import State, Verdict

RECOVERED_FOR_S = 10.0
"""How long "It goes on" is told."""

KEEP_WAITING_S = 300.0


@dataclass(frozen=True)
class View:
    """What to show now; `recovered` is the sentence after a pause, for 10 s; `quiet` says that the person has
    read a note on learning and chose to wait."""

    remaining: Remaining
    verdict: Verdict
    recovered: str | None = None
    quiet: bool = False


class Watch:
    """One for each run. The window and the terminal both show what its `look` gives."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._paused_from: float | None = None  # The last progress before the trouble.
        self._recovered: tuple[float, str] | None = None  # Until when to tell it, and the words.
        self._patient_until: float | None = None

    def look(self, run: Run, evidence: Evidence, now: float) -> View:
        """`now` is on the engine's clock."""
        left = remaining(run, now, self.history)
        verdict = diagnose(run, left, evidence, now)
        self._note_pause(run, verdict, now)
        patient = self._patient_until is not None and now < self._patient_until
        if patient:
            verdict = _patient(verdict)
        recovered = None
        if self._recovered and now <= self._recovered[0] and run.phase.running:
            recovered = self._recovered[1]
        return View(left, verdict, recovered, quiet=patient and bool(verdict.headline))

    def keep_waiting(self, now: float, for_s: float = KEEP_WAITING_S) -> None:
        """The person chose to wait: until then nothing is called stuck, unless it goes on and stops anew."""
        self._patient_until = now + for_s

    def _note_pause(self, run: Run, verdict: Verdict, now: float) -> None:
        if self._paused_from is not None and run.moved_at > self._paused_from:
            pause = words.clock(run.moved_at - self._paused_from)
            self._recovered = (now + RECOVERED_FOR_S, f"It goes on. The pause was {pause}.")
            self._paused_from = self._patient_until = None
        if verdict.silent and self._paused_from is None:
            self._paused_from = run.moved_at
            self._recovered = None


def _patient(verdict: Verdict) -> Verdict:
    if verdict.state is not State.LIKELY_STUCK or verdict.cause == "not_stopping":
        return verdict
    return replace(verdict, state=State.SLOW)
