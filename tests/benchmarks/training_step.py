"""A step of the whole engine (loading, augmenting, training, reporting) against a plain loop in memory."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from statistics import median

from tests.benchmarks import ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, Rate, interleave
from tests.benchmarks.photos import Bench


def training_step(bench: Bench) -> list[Comparison]:
    """ResNet-18 from nothing, batch 32; both read the same settings."""
    cuda = in_child("training_step:has_cuda")
    image_size = 64 if bench.quick else 224 if cuda else 128
    epochs = 2 if bench.quick else 40 if cuda else 4
    settings = bench.scratch / "training.json"
    ours.training_settings(bench.photos, image_size, epochs, settings)
    measured = interleave(
        bench.rounds,
        {
            "engine": partial(_engine, bench.scratch / "run", settings),
            "plain": partial(in_child, "plain:plain_step", paths=bench.all_paths(), settings=str(settings)),
        },
    )
    engine, plain = ([each["seconds"] for each in measured[side]] for side in ("engine", "plain"))
    wait_s, copy_s = (median(each[key] for each in measured["engine"]) for key in ("wait_s", "copy_s"))
    return [
        Comparison(
            f"a training step, ResNet-18 at {image_size} px, batch {ours.BATCH}",
            "a plain loop on tensors in memory",
            engine,
            plain,
            Goal("at least", 0.97),
            Rate(1, "steps"),
            note=f"ours waits {1000 * wait_s:.1f} ms a step for photos; copying takes {1000 * copy_s:.1f} ms",
        )
    ]


def _engine(folder: Path, settings: Path) -> dict[str, float]:
    shutil.rmtree(folder, ignore_errors=True)
    return ours.engine_step(str(settings), str(folder))


def has_cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())
