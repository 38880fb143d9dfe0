"""One large photo from file to 224 × 224 RGB on one core, in every way that is to hand."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.benchmarks import ours
from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, Goal
from tests.benchmarks.photos import BATCH, Bench

SIZE = 224
TURBO = "libjpeg-turbo, smallest scale"
DRAFT = "Image.draft, smallest scale (simplejpeg is not installed)"
CLOSE = Goal("at most", 1.2)


def decode(bench: Bench) -> list[Comparison]:
    """Ours, for a model's 224 pixels exactly and for the resized image that training crops from."""
    seconds = in_child("decode:time_ways", paths=bench.large()[:BATCH], rounds=bench.rounds)
    what, whole, resized = "decode one large photo to 224", "ours at 224", "our tile"
    yardstick = TURBO if TURBO in seconds else DRAFT
    others = [name for name in seconds if name not in (whole, resized, yardstick)]
    to_resized = f"decode one to a tile of {ours.side_of_resized(SIZE)}"
    return [
        Comparison(what, yardstick, seconds[whole], seconds[yardstick], CLOSE),
        Comparison(to_resized, yardstick, seconds[resized], seconds[yardstick], CLOSE),
        *(Comparison(what, other, seconds[whole], seconds[other]) for other in others),
    ]


def time_ways(paths: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds a photo, for each way and round; the ways take turns at each photo."""
    import torch

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    ways = all_ways()
    for way in ways.values():
        assert way(paths[0]) in ((SIZE, SIZE), (ours.side_of_resized(SIZE),) * 2)
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        seconds = dict.fromkeys(ways, 0.0)
        for path in paths:
            for name, way in ways.items():
                began = time.perf_counter()
                way(path)
                seconds[name] += time.perf_counter() - began
        for name, total in seconds.items():
            measured[name].append(total / len(paths))
    return measured


Way = Callable[[str], tuple[int, ...]]
"""Reads a photo and gives the result's height and width."""


def all_ways() -> dict[str, Way]:
    """By the name that the table shows."""
    side = ours.side_of_resized(SIZE)
    ways: dict[str, Way] = {
        "ours at 224": lambda path: ours.photo_to_resized(path, SIZE).shape[:2],
        "our tile": lambda path: ours.photo_to_resized(path, side).shape[:2],
        "Pillow, whole photo (the lab's)": whole_pillow,
        "torchvision decode_jpeg, whole photo": whole_torchvision(),
    }
    try:
        turbo = importlib.import_module("simplejpeg").decode_jpeg
    except ImportError:
        return ways | {DRAFT: drafted}
    return ways | {TURBO: lambda path: scaled_turbo(turbo, path)}


def whole_pillow(path: str) -> tuple[int, ...]:
    with Image.open(path) as photo:
        return photo.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR).size


def whole_torchvision() -> Way:
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms.v2.functional import resize

    def way(path: str) -> tuple[int, ...]:
        image_CHW = decode_jpeg(read_file(path), mode=ImageReadMode.RGB)
        return tuple(resize(image_CHW, [SIZE, SIZE], antialias=True).shape[1:])

    return way


def scaled_turbo(decode_jpeg: Any, path: str) -> tuple[int, ...]:
    """The smallest of libjpeg-turbo's scales that is no smaller than 224, and the cheapest resize."""
    pixels: np.ndarray[Any, np.dtype[np.uint8]] = decode_jpeg(
        Path(path).read_bytes(), "RGB", fastdct=True, fastupsample=True, min_height=SIZE, min_width=SIZE
    )
    return Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BOX).size


def drafted(path: str) -> tuple[int, ...]:
    """The same by Pillow alone."""
    with Image.open(path) as photo:
        photo.draft("RGB", (SIZE, SIZE))
        return photo.resize((SIZE, SIZE), Image.Resampling.BOX).size
