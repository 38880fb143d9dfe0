"""Time to the first training batch of large photos, as the model's input, nothing being cached."""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from tests.benchmarks import machine, ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, interleave
from tests.benchmarks.photos import BATCH, GRAINS, Bench


def first_batch(bench: Bench) -> list[Comparison]:
    """Against the lab's pipeline with the number of workers that suits it best: 0, 2, or as many as ours.

    The pipelines by themselves, from starting the workers on; and what a run of ours still waits for once
    the model is built, since it reads meanwhile.
    """
    return [row for megabytes in GRAINS for row in _first_batch(bench, megabytes)]


def _first_batch(bench: Bench, megabytes: str) -> list[Comparison]:
    paths = bench.large(megabytes)
    batch = paths[:BATCH]
    counts = sorted({0, 2, min(8, machine.cores())})
    lab = {
        f"{count} workers": partial(in_child, "lab:first_batch", paths=batch, workers=count)
        for count in counts
    }
    ours_ = {
        "ours": partial(in_child, "first_batch:ours_first_batch", paths=batch),
        "in a run": partial(_in_a_run, bench, Path(paths[0]).parents[1], len(batch)),
    }
    measured = interleave(bench.rounds, ours_ | lab)
    times = {name: [each["seconds"] for each in all_s] for name, all_s in measured.items()}
    best = min(lab, key=lambda name: median(times[name]))
    what = f"{len(batch)} large photos of {megabytes}"
    return [
        Comparison(
            what=f"first train batch, {what}",
            other=f"the lab's pipeline ({best})",
            ours_s=times["ours"],
            other_s=times[best],
            goal=Goal("at least", 8),
            note=_note(batch, measured["ours"], {name: median(times[name]) for name in lab}),
        ),
        Comparison(
            what=f"the same in a run, once its model is built, {what}",
            other=f"the lab's pipeline ({best})",
            ours_s=times["in a run"],
            other_s=times[best],
            goal=Goal("at least", 8),
        ),
    ]


def _in_a_run(bench: Bench, photos: Path, batch: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
        return {"seconds": ours.first_batch_in_a_run(photos, batch, Path(folder))}


def ours_first_batch(paths: list[str]) -> dict[str, float]:
    """Seconds from starting the workers, the cache being empty, and how they were spent."""
    import torch

    from tests.benchmarks.lab import finish, warm_device

    ours.import_all()
    device, samples, seen = warm_device(), ours.samples_of(paths), list[float]()
    generator = torch.Generator().manual_seed(0)
    with tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        with ours.open_loader(samples, Path(cache)) as (loader, _):
            batch = next(loader.load([samples], lambda photos: seen.append(time.perf_counter() - began)))
            loaded_s = time.perf_counter() - began
            ours.view(batch.resized_BHWC.to(device, non_blocking=True), generator)
            finish(device)
            seconds = time.perf_counter() - began
    assert len(batch.samples) == len(paths)
    return {
        "seconds": seconds,
        "first_photo_s": seen[0],
        "others_s": loaded_s - seen[0],
        "view_s": seconds - loaded_s,
        "workers": ours.worker_count(),
    }


def _note(paths: list[str], measured: list[dict[str, float]], lab: dict[str, float]) -> str:
    """Where the time goes."""
    parts = {key: median(each[key] for each in measured) for key in measured[0]}
    size_mb = median(os.path.getsize(path) for path in paths) / 1e6
    return (
        f"photos of {size_mb:.1f} MB; first photo after {parts['first_photo_s']:.2f} s (workers started, one "
        f"photo decoded), the others {parts['others_s']:.2f} s later, augmented and normalised in "
        f"{parts['view_s']:.2f} s; {parts['workers']:.0f} reading processes. The lab's: "
        + ", ".join(f"{seconds:.2f} s with {name}" for name, seconds in lab.items())
        + ": a DataLoader's worker makes a whole batch, so more of them do not bring the first one sooner."
    )
