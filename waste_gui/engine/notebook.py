"""The engine from a notebook or script: the same runs, told as text, in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from waste_gui.config import RunConfig, absolute, check
from waste_gui.engine import runs
from waste_gui.engine.console import Console
from waste_gui.engine.context import Context
from waste_gui.engine.supervision import announcement
from waste_gui.protocol import AnyMessage, Predicted, RunFinished, RunStopped
from waste_gui.reporting import Reporter, events_output
from waste_gui.rundir import RunDir

L = TypeVar("L", RunFinished, RunFinished | RunStopped)


def train(config: RunConfig, listener: Callable[[AnyMessage], None] | None = None) -> Path:
    """Train; the run folder. `listener` gets every message, by default they are printed.

    Raises ConfigError, RunFolderError, EngineError.
    """
    config = absolute(check(config))
    folder = runs.open_folder(config)
    try:
        report = _reporter(listener)
        report.add_output(events_output(folder.events))
        _tell(report, "train", config, folder, lambda context: runs.train(config, context, folder))
    finally:
        folder.release()
    return folder.path


def predict(run_folder: Path | str, photos: Sequence[str], device: str = "auto") -> list[Predicted]:
    """Each photo's class, in the order of the photos that could be read. Raises EngineError."""
    config = check(RunConfig(device=device))  # type: ignore[arg-type]
    found: list[Predicted] = []
    report = _reporter(lambda message: found.append(message) if isinstance(message, Predicted) else None)
    folder = RunDir(Path(run_folder))
    _tell(report, "predict", config, None, lambda context: runs.predict(folder, photos, context, config))
    return found


def evaluate(run_folder: Path | str, device: str = "auto") -> dict[str, float | None]:
    """A run's best model on its own validation (and test) photos. Raises EngineError."""
    config = check(RunConfig(device=device))  # type: ignore[arg-type]
    folder = RunDir(Path(run_folder))
    last = _tell(
        _reporter(None), "evaluate", config, None, lambda context: runs.evaluate(folder, context, config)
    )
    return last.metrics


def _reporter(listener: Callable[[AnyMessage], None] | None) -> Reporter:
    report = Reporter()
    report.add_listener(listener or Console(sys.stdout).show)
    return report


def _tell(
    report: Reporter, command: str, config: RunConfig, folder: RunDir | None, work: Callable[[Context], L]
) -> L:
    context = Context(report)
    report(announcement(command, config, folder))
    context.heart.start()
    try:
        last = work(context)
        report(last)
        return last
    finally:
        context.heart.stop()
        report.close()
