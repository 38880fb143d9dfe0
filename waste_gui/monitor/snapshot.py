"""A run at one moment, as it is shown: what is known, what is expected, and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from waste_gui.config import RunConfig
from waste_gui.monitor.evidence import NOTHING_KNOWN, Evidence
from waste_gui.monitor.report import Report
from waste_gui.monitor.run import Run
from waste_gui.monitor.timeline import Timeline
from waste_gui.monitor.watch import View


@dataclass(frozen=True)
class Snapshot:
    """`now` is on the engine's clock, whose zero was at `zero_unix`; `view` is None while nothing runs."""

    run: Run
    now: float = 0.0
    zero_unix: float = 0.0
    view: View | None = None
    evidence: Evidence = NOTHING_KNOWN
    config: RunConfig | None = None
    folder: Path | None = None
    attached: bool = False
    elsewhere: str = ""  # The computer on which it runs, where that is not this one.
    live: bool = False  # It runs now, and all that it has said is known.
    log_tail: str = ""  # Of the engine's own log, once it ended badly.
    usual: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # By stage, on this computer.
    first_run: bool = False  # No training has finished on this computer yet.
    epoch_left_s: float | None = None  # Until the epoch that runs has ended, validated and saved.
    stops_after_epoch: bool = False
    fine_tuning_s: float | None = None  # What all layers would take, after a training of the last one.
    timeline: Timeline = field(default_factory=Timeline)

    def unix(self, at: float) -> float:
        """A time of the engine's clock as Unix time."""
        return self.zero_unix + at

    def report(self) -> Report:
        """To be copied or saved."""
        verdict = self.view.verdict if self.view else None
        return Report(self.run, self.now, verdict, self.evidence, self.folder, self.log_tail)
