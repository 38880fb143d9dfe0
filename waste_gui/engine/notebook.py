"""The engine from a notebook or script: the same runs, told as text, in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from waste_gui import request as requests
from waste_gui.config import RunConfig, check
from waste_gui.engine import runs
from waste_gui.engine.console import Console
from waste_gui.engine.context import Context
from waste_gui.engine.supervision import announcement
from waste_gui.protocol import AnyMessage, Predicted, RunFinished, RunStarted, RunStopped
from waste_gui.reporting import Reporter, events_output
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir

L = TypeVar("L", RunFinished, RunFinished | RunStopped)


def train(
    config: RunConfig,
    listener: Callable[[AnyMessage], None] | None = None,
    *,
    run_dir: Path | str | None = None,
    resume: Path | str | None = None,
) -> Path:
    """Train into `run_dir`, by default a new folder among your runs, or go on with the run in the folder
    `resume`; the run folder. `listener` gets every message, by default they are printed.

    Raises ConfigError, RunFolderError, EngineError.
    """
    places = [os.fspath(place) if place is not None else None for place in (run_dir, resume)]
    request = requests.check(RunRequest(config=config, run_dir=places[0], resume=places[1]))
    folder = runs.open_folder(request)
    try:
        report = _reporter(listener)
        report.add_output(events_output(folder.events))
        _tell(
            report,
            announcement(
                "train", request.config, folder, runs.stages_of(request, folder), resumed_from=request.resume
            ),
            lambda context: runs.train(request, context, folder),
        )
    finally:
        folder.release()
    return folder.path


def predict(run_folder: Path | str, photos: Sequence[str], device: str = "auto") -> list[Predicted]:
    """Each photo's class, in the order of the photos that could be read. Raises EngineError."""
    config = check(RunConfig(device=device))  # type: ignore[arg-type]
    found: list[Predicted] = []
    report = _reporter(lambda message: found.append(message) if isinstance(message, Predicted) else None)
    folder = RunDir(Path(run_folder))
    _tell(
        report,
        announcement("predict", config, None),
        lambda context: runs.predict(folder, photos, context, config),
    )
    return found


def evaluate(run_folder: Path | str, device: str = "auto") -> dict[str, float | None]:
    """A run's best model on its own validation (and test) photos. Raises EngineError."""
    config = check(RunConfig(device=device))  # type: ignore[arg-type]
    folder = RunDir(Path(run_folder))
    last = _tell(
        _reporter(None),
        announcement("evaluate", config, None),
        lambda context: runs.evaluate(folder, context, config),
    )
    return last.metrics


def _reporter(listener: Callable[[AnyMessage], None] | None) -> Reporter:
    report = Reporter()
    report.add_listener(listener or Console(sys.stdout).show)
    return report


def _tell(report: Reporter, first: RunStarted, work: Callable[[Context], L]) -> L:
    context = Context(report, stages=first.stages)
    report(first)
    context.heart.start()
    try:
        last = work(context)
        report(last)
        return last
    finally:
        context.heart.stop()
        report.close()
