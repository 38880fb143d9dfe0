"""Around a run: `run_started` before it, heartbeat and commands during it, one last message after it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from importlib import metadata

from waste_gui import __version__
from waste_gui.config import RunConfig, epochs_if_known
from waste_gui.engine import signals
from waste_gui.engine.commands import Commands
from waste_gui.engine.context import Context
from waste_gui.engine.errors import EngineError, StopRequested
from waste_gui.engine.failures import failed
from waste_gui.protocol import (
    PROTOCOL_VERSION,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    StageInfo,
)
from waste_gui.reporting import Reporter
from waste_gui.rundir import RunDir
from waste_gui.stages import STAGES

LIBRARIES = ("torch", "torchvision", "open_clip_torch", "timm", "pillow", "numpy")


def supervise(
    work: Callable[[Context], RunFinished | RunStopped],
    report: Reporter,
    *,
    command: str,
    config: RunConfig,
    folder: RunDir | None = None,
    resumed_from: str | None = None,
    error: EngineError | None = None,
    stages: tuple[StageInfo, ...] = STAGES,
) -> RunFinished | RunStopped | RunFailed:
    """The last message of `work`, or of the `error` that came before it. Never raises."""
    commands = Commands(report)
    context = Context(report, commands, stages)
    report(announcement(command, config, folder, stages, resumed_from))
    context.heart.start()
    commands.listen(folder.commands if folder else None)
    signals.ENGINE.obey(commands.stop_since)
    try:
        if error is not None:
            raise error
        return work(context)
    except StopRequested as stop:
        return RunStopped(checkpoint=None, reason=stop.reason)
    except BaseException as failure:  # Whatever it is, the window hears of it; a bug keeps its traceback.
        return failed(failure, config, command, folder, context.failed_in)
    finally:
        context.heart.stop()
        commands.close()


def announcement(
    command: str,
    config: RunConfig,
    folder: RunDir | None,
    stages: tuple[StageInfo, ...] = STAGES,
    resumed_from: str | None = None,
) -> RunStarted:
    """`run_started`, from what is known before anything heavy is imported."""
    return RunStarted(
        protocol=PROTOCOL_VERSION,
        run=config.name or (folder.path.name if folder else command),
        pid=os.getpid(),
        host=socket.gethostname(),
        started_at=time.time(),
        device=config.device,
        world_size=1,
        stages=stages,
        versions=versions(),
        resumed_from=resumed_from,
        folder=str(folder.path) if folder else "",
        model=config.model,
        image_size=config.image_size or 0,
        epochs=epochs_if_known(config) or 0,
        command=command,
        tune=config.tune if command == "train" else "",
    )


def versions() -> dict[str, str]:
    """From package metadata: nothing is imported for it."""
    found = {"waste-gui": __version__}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found
