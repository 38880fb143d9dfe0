"""Runs beside one another: the ends of their epochs, and their settings with what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from waste_gui import config as configs
from waste_gui import files
from waste_gui.config import ConfigError, RunConfig
from waste_gui.monitor.run_list import RunSummary, epochs_in
from waste_gui.protocol import EpochFinished, LineBuffer
from waste_gui.rundir import SLICE_BYTES, RunDir

NOT_COMPARED = ("name",)
"""How a run is called says nothing of how it learned."""


@dataclass(frozen=True)
class PastRun:
    """`trouble` says why the settings are not known."""

    summary: RunSummary
    epochs: tuple[EpochFinished, ...]
    config: RunConfig | None = None
    trouble: str = ""

    @property
    def best(self) -> EpochFinished | None:
        known = [epoch for epoch in self.epochs if epoch.val_accuracy is not None]
        return max(known, key=lambda epoch: epoch.val_accuracy or 0.0, default=None)


def read_past(tell: Callable[[object], None], runs: Sequence[RunSummary]) -> list[PastRun]:
    """For a thread: the events of each are looked through from end to end."""
    found: list[PastRun] = []
    for summary in runs:
        tell(len(found))
        epochs = read_epochs(summary.run, lambda: tell(len(found)))
        try:
            found.append(PastRun(summary, epochs, configs.load(summary.run.config)))
        except ConfigError as error:
            found.append(PastRun(summary, epochs, trouble=str(error)))
    return found


def read_epochs(folder: RunDir, on_slice: Callable[[], object] = lambda: None) -> tuple[EpochFinished, ...]:
    """In order. Of an epoch that was trained again after a resumption, the later one counts."""
    found: dict[int, EpochFinished] = {}
    for path in (*folder.earlier_events(), folder.events):
        lines = LineBuffer()
        try:
            with files.open_to_read(path) as file:
                while chunk := file.read(SLICE_BYTES):
                    on_slice()
                    found |= {epoch.epoch: epoch for epoch in epochs_in(lines.whole(chunk))}
        except OSError:
            continue
    return tuple(found[number] for number in sorted(found))


@dataclass(frozen=True)
class Setting:
    """One setting of several runs; a value is None where a run's settings are not known."""

    name: str
    title: str
    values: tuple[object, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)


def compare_settings(runs: Sequence[PastRun]) -> list[Setting]:
    """All settings, those that differ first."""
    settings = [
        Setting(
            field.name,
            field.title,
            tuple(getattr(run.config, field.name) if run.config else None for run in runs),
        )
        for field in configs.fields()
        if field.name not in NOT_COMPARED
    ]
    return sorted(settings, key=lambda setting: not setting.differs)
