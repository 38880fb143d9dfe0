"""Loading from the second epoch on, and the cache of resized images that it reads."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks import ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, Rate, interleave
from tests.benchmarks.photos import Bench

LAB_WORKERS = 2
SMALL = 16
"""Side of the resized images where only their number counts."""


def epoch_2(bench: Bench) -> list[Comparison]:
    """Batches as the training loop gets them, against the lab's pipeline with workers that stay."""
    in_both = {"paths": bench.paths()}
    epochs, cache = 1 if bench.quick else 3, str(bench.scratch / "cache")
    measured = interleave(
        bench.rounds,
        {
            "ours": partial(in_child, "loading:ours_epoch", **in_both, cache=cache, epochs=10 * epochs),
            "lab": partial(in_child, "lab:epoch", **in_both, workers=LAB_WORKERS, epochs=epochs),
        },
    )
    own, lab = ([each["seconds"] for each in measured[side]] for side in ("ours", "lab"))
    viewed = [each["viewed_s"] for each in measured["ours"]]
    rate = Rate(len(bench.paths()), "photos")
    other = f"the lab's pipeline ({LAB_WORKERS} workers)"
    return [
        Comparison("loading in epoch 2 and after", other, own, lab, Goal("at least", 20), rate),
        Comparison("the same, augmented and normalised", other, viewed, lab, rate=rate),
    ]


def resized_cache(bench: Bench) -> list[Comparison]:
    """Against the same bytes in a plain file; and opening one with many records."""
    resized_images, records = (64, 1_000) if bench.quick else (2_000, 100_000)
    folder = bench.scratch / "tile_cache"
    folder.mkdir()
    measured = interleave(
        bench.rounds,
        {
            "": partial(
                in_child,
                "loading:cached_tiles",
                folder=str(folder),
                resized_images=resized_images,
                records=records,
            )
        },
    )[""]
    own, plain = ([each[key] for each in measured] for key in ("ours_s", "memmap_s"))
    opening = median(each["open_s"] for each in measured)
    return [
        Comparison(
            "reading from the tile cache",
            "numpy.memmap of the same bytes",
            own,
            plain,
            rate=Rate(resized_images, "tiles"),
            note=f"a cache of {records:,} records is opened in {1000 * opening:.0f} ms",
        )
    ]


def ours_epoch(paths: list[str], cache: str, epochs: int) -> dict[str, float]:
    """Seconds an epoch of loading takes from the second on; and with the training view of each batch."""
    import torch

    from tests.benchmarks.lab import finish, warm_device

    device, samples = warm_device(), ours.samples_of(paths)
    generator, seconds = torch.Generator().manual_seed(0), list[float]()
    with ours.open_loader(samples, Path(cache)) as (loader, resized_images):
        ours.load_all(loader, resized_images, samples)
        for viewed in (False, True):
            began = time.perf_counter()
            for batch in loader.load(ours.training_order(samples, epochs)):
                resized_BHWC = batch.resized_BHWC.to(device, non_blocking=True)
                batch.labels_B.to(device, non_blocking=True)
                if viewed:
                    ours.view(resized_BHWC, generator)
            finish(device)
            seconds.append((time.perf_counter() - began) / epochs)
    return {"seconds": seconds[0], "viewed_s": seconds[1]}


def cached_resized_images(folder: str, resized_images: int, records: int) -> dict[str, float]:
    """Seconds to read so many resized images in random order, from a cache and from a plain file, both in
    memory; and seconds to open a cache of so many records."""
    side, random = ours.side_of_resized(ours.SIZE), np.random.default_rng(0)
    keys = [number.to_bytes(16, "big") for number in range(records)]
    content = random.integers(0, 256, (resized_images, side, side, 3), dtype=np.uint8)
    np.save(Path(folder) / "plain.npy", content)
    plain = np.load(Path(folder) / "plain.npy", mmap_mode="r")
    resized, order = np.empty((side, side, 3), np.uint8), random.permutation(resized_images).tolist()
    with ours.open_cache(Path(folder), side, keys[:resized_images]) as cache:
        ours.fill_cache(cache, zip(keys, content, strict=False))
        for _ in range(2):  # The first time brings both files into memory.
            began = time.perf_counter()
            assert all(cache.read_into(keys[i], resized) for i in order)
            read = time.perf_counter()
            for i in order:
                resized[...] = plain[i]
            copied = time.perf_counter()
    return {"ours_s": read - began, "memmap_s": copied - read, "open_s": opening(Path(folder), keys)}


def opening(folder: Path, keys: list[bytes]) -> float:
    """Seconds to open a cache that holds all these keys."""
    blank = np.zeros((SMALL, SMALL, 3), np.uint8)
    with ours.open_cache(folder, SMALL, keys) as cache:
        ours.fill_cache(cache, ((key, blank) for key in keys))
        assert len(cache) == len(keys)
    began = time.perf_counter()
    with ours.open_cache(folder, SMALL, keys):
        return time.perf_counter() - began
