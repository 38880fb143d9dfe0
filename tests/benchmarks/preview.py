"""A preview whose photos were embedded before: the command, and what it works out of many."""

from __future__ import annotations

import time

from tests.benchmarks import ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal
from tests.benchmarks.photos import Bench
from waste_gui.rundir import HOME_VARIABLE

LIMIT, LIMIT_S = "the limit", 5.0
PHOTOS, FEATURES, LAST, CLASSES = 2_527, 2_128, 1_280, 6
"""All of TrashNet, as the starter model sees it."""


def preview(bench: Bench) -> list[Comparison]:
    """After a change of the mapping or a label nothing else is new."""
    settings, home = bench.scratch / "preview.json", {HOME_VARIABLE: str(bench.scratch / "home")}
    ours.head_settings(bench.photos, settings)
    first = ours.preview_seconds_of(str(settings), home)
    again = [ours.preview_seconds_of(str(settings), home) for _ in range(bench.rounds)]
    photos = 300 if bench.quick else PHOTOS
    many = [float(in_child("preview:seconds_of_a_forecast", photos=photos)) for _ in range(bench.rounds)]
    limits, goal = [LIMIT_S] * bench.rounds, Goal("at most", 1)
    known = f"a preview, {len(bench.all_paths())} photos known before, the whole command"
    large = f"… what it works out of {photos:,} × {FEATURES:,} features"
    return [
        Comparison(known, LIMIT, again, limits, goal, note=f"the first time it takes {first:.1f} s"),
        Comparison(large, LIMIT, many, limits, goal, note="on one core"),
    ]


def seconds_of_a_forecast(photos: int) -> float:
    """Of classes that lie within each other, so that there is something to find."""
    import torch

    from waste_gui.dataset.samples import Sample
    from waste_gui.engine.forecast.all import forecast
    from waste_gui.engine.forecast.photos import EmbeddedPhotos

    generator = torch.Generator().manual_seed(0)
    labels = [place % CLASSES for place in range(photos)]
    centres = torch.randn(CLASSES, FEATURES, generator=generator)
    views_VNF = 0.15 * centres[labels] + torch.randn(2, photos, FEATURES, generator=generator)
    samples = tuple(Sample(f"{place}.jpg", label, "", "") for place, label in enumerate(labels))
    names = tuple("abcdef"[:CLASSES])
    drawn = EmbeddedPhotos(samples, views_VNF.half(), round(0.8 * photos), names, LAST, photos)
    began = time.perf_counter()
    forecast(drawn, 0, lambda done, of, detail: None)
    return time.perf_counter() - began
