"""Runs on disk as a lab has them after years: `make_runs` fills the folder of runs.

Each has settings, a split of 2,500 photos, the facts of a checkpoint, and 1–2 MB of events with both ends of
their own. What lies between the ends is a hole in the file, and runs on the same photos share their split by
hard links, so that 2,000 runs take 0.2 GB of disk.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from tests.benchmarks.long_run import lines
from waste_gui import config as configs
from waste_gui import protocol as p
from waste_gui.config import RunConfig
from waste_gui.monitor.annotations import Annotations, write_annotations
from waste_gui.rundir import RunDir
from waste_gui.stages import STAGES

PHOTOS, CLASSES, DATASETS = 2500, 30, 20
EVENTS_MB = (1.0, 2.0)
TAIL_BYTES = 80 * 1024
BEGAN, EVERY_S = 1_700_000_000.0, 9 * 3600.0
MODELS = ("ViT-B-32", "resnet18", "resnet50", "mobilenet_v3_large", "convnext_tiny")


def make_runs(folder: Path, count: int) -> None:
    """Each ended in one of four ways; some have a name, a note, a star, or are archived."""
    chance = np.random.default_rng(0)
    splits = [_write_split(folder.parent / f"split_{number}.json", number) for number in range(DATASETS)]
    tail = b"".join(lines(20_000, 2.0))[-TAIL_BYTES:].partition(b"\n")[2]
    tail = tail[: tail.rfind(b"\n", 0, -1) + 1]  # Without its last message.
    for number in range(count):
        dataset = number * DATASETS // count
        run = RunDir(folder / f"2025-01-01_{number:06}")
        run.checkpoints.mkdir(parents=True)
        run.config.write_bytes(configs.dump(_config(number, dataset)))
        os.link(splits[dataset], run.split)
        best = float(chance.uniform(0.4, 0.97))
        (run.checkpoints / "last.json").write_text(json.dumps({"progress": {"best_accuracy": best}}))
        _write_events(run.events, number, best, float(chance.uniform(*EVENTS_MB)), tail)
        if number % 10 == 0:
            name, note = f"named {number}", "with the new lamp" * (number % 20 == 0)
            write_annotations(
                run, Annotations(name=name, note=note, starred=number % 40 == 0, archived=number % 50 == 0)
            )


def _config(number: int, dataset: int) -> RunConfig:
    return RunConfig(
        source=(f"/data/waste_{dataset}", "/data/more"),
        name=f"try {number}" if number % 3 else "",
        model=MODELS[number % len(MODELS)],
        epochs=10 + number % 30,
        lr=1e-3 / (1 + number % 7),
        classes=tuple(f"class_number_{i}" for i in range(CLASSES)),
    )


def _write_split(path: Path, number: int) -> Path:
    samples = [
        [
            f"/data/waste_{number}/class_{i % CLASSES}/IMG_{i:06}.jpg",
            i % CLASSES,
            0,
            f"class_{i % CLASSES}",
            None,
        ]
        for i in range(PHOTOS + number)
    ]
    cut = PHOTOS // 5
    content = {"seed": 0, "fingerprint": f"{number:016x}", "classes": [], "sources": []}
    path.write_text(json.dumps({**content, "train": samples[cut:], "val": samples[:cut], "test": []}))
    return path


def _write_events(path: Path, number: int, best: float, megabytes: float, tail: bytes) -> None:
    started = p.RunStarted(
        protocol=p.PROTOCOL_VERSION,
        run=path.parent.name,
        pid=1,
        host="lab",
        started_at=BEGAN + number * EVERY_S,
        device="auto",
        world_size=1,
        stages=STAGES,
        versions={"torch": "2.9.1", "torchvision": "0.24.1", "waste-gui": "0.1.0"},
        resumed_from=None,
    )
    last: tuple[p.AnyMessage, ...] = (
        p.RunFinished(checkpoint="best", metrics={"val_accuracy": best}, elapsed_s=1.0, at=600.0 + number),
        p.RunStopped(checkpoint="best", reason="asked (now)", at=300.0 + number),
        p.RunFailed(kind="x", text="Out of memory.", hint="", traceback="at\n" * 500, at=60.0 + number),
    )
    with open(path, "wb") as file:
        file.write(p.encode(started))
        file.seek(round(megabytes * 2**20) - len(tail))
        file.write(b"\n" + tail)
        if number % 4 < len(last):
            file.write(p.encode(last[number % 4]))
