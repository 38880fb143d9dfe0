"""Folders of runs as the engine leaves them, small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.config import RunConfig
from waste_gui.protocol import AnyMessage
from waste_gui.rundir import RunDir, runs_dir
from waste_gui.stages import STAGES

DONE = p.RunFinished(checkpoint=None, metrics={"val_accuracy": 0.9}, elapsed_s=60.0)
STOPPED = p.RunStopped(checkpoint=None, reason="Stopped at the end of the epoch, as asked.")
FAILED = p.RunFailed(kind="x", text="Out of memory.", hint="Use batch 16.", traceback="")


def started(at_unix: float = 1_763_906_512.0) -> p.RunStarted:
    return p.RunStarted(
        protocol=1,
        run="r",
        pid=1,
        host="h",
        started_at=at_unix,
        device="cpu",
        world_size=1,
        stages=STAGES,
        versions={},
        resumed_from=None,
    )


def epoch(number: int, accuracy: float | None, loss: float = 1.0) -> p.EpochFinished:
    return p.EpochFinished(
        epoch=number, train_loss=loss, val_loss=loss, val_accuracy=accuracy, elapsed_s=1.0, best=True
    )


def write_events(path: Path, messages: Sequence[AnyMessage], took_s: float = 60.0) -> None:
    """Numbered, and spread over the time it took."""
    last = max(1, len(messages) - 1)
    path.write_bytes(
        b"".join(
            p.encode(_numbered(message, seq, took_s * seq / last)) for seq, message in enumerate(messages)
        )
    )


def _numbered(message: AnyMessage, seq: int, at: float) -> AnyMessage:
    return msgspec.structs.replace(message, seq=seq, at=at)


def make_run(
    name: str,
    messages: Sequence[AnyMessage] = (started(), DONE),
    config: RunConfig | None = None,
    fingerprint: str = "",
    took_s: float = 60.0,
    *,
    named: bool = True,
) -> RunDir:
    """Among the user's runs; `named` as its folder, unless it has a name of its own."""
    run = RunDir(runs_dir() / name)
    run.create()
    config = config or RunConfig(model="resnet18", source=("/data/waste",))
    if named and not config.name:
        config = msgspec.structs.replace(config, name=name)
    run.config.write_bytes(configs.dump(config))
    if messages:
        write_events(run.events, messages, took_s)
    if fingerprint:
        write_split(run.split, fingerprint)
    return run


def write_split(path: Path, fingerprint: str, photos: int = 5) -> None:
    samples = [[f"/data/waste/glass/{i}.jpg", 0, 0, "glass", None] for i in range(photos)]
    parts = {"train": samples[2:], "val": samples[:2], "test": []}
    path.write_text(json.dumps({"seed": 0, "fingerprint": fingerprint, "classes": ["glass"], **parts}))
