"""Loading from the second epoch on, and the tile cache that it reads."""

from __future__ import annotations

from functools import partial
from statistics import median

from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal, Rate, interleave
from tests.benchmarks.photos import Bench

LAB_WORKERS = 2


def epoch_2(bench: Bench) -> list[Comparison]:
    """Batches as the training loop gets them, against the lab's pipeline with workers that stay."""
    paths, epochs = bench.paths(), 1 if bench.quick else 3
    cache = bench.scratch / "cache"
    measured = interleave(
        bench.rounds,
        {
            "ours": partial(in_child, "ours:epoch", paths=paths, cache=str(cache), epochs=10 * epochs),
            "lab": partial(in_child, "lab:epoch", paths=paths, workers=LAB_WORKERS, epochs=epochs),
        },
    )
    ours, lab = ([each["seconds"] for each in measured[side]] for side in ("ours", "lab"))
    viewed = [each["viewed_s"] for each in measured["ours"]]
    rate = Rate(len(paths), "photos")
    other = f"the lab's pipeline ({LAB_WORKERS} workers)"
    return [
        Comparison("loading in epoch 2 and after", other, ours, lab, Goal("at least", 20), rate),
        Comparison("the same, augmented and normalised", other, viewed, lab, rate=rate),
    ]


def tile_cache(bench: Bench) -> list[Comparison]:
    """Against the same bytes in a plain file; and opening one with many records."""
    tiles, records = (64, 1_000) if bench.quick else (2_000, 100_000)
    folder = bench.scratch / "tile_cache"
    folder.mkdir()
    measured = interleave(
        bench.rounds,
        {"": partial(in_child, "ours:cached_tiles", folder=str(folder), tiles=tiles, records=records)},
    )[""]
    ours, plain = ([each[key] for each in measured] for key in ("ours_s", "memmap_s"))
    opening = median(each["open_s"] for each in measured)
    return [
        Comparison(
            "reading from the tile cache",
            "numpy.memmap of the same bytes",
            ours,
            plain,
            rate=Rate(tiles, "tiles"),
            note=f"a cache of {records:,} records is opened in {1000 * opening:.0f} ms",
        )
    ]
