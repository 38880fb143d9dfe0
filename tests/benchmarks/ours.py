"""The program as the benchmarks see it: every use of its interfaces stands here, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.child import run
from waste_gui.config import RunConfig, dump
from waste_gui.dataset.demo import draw_dataset
from waste_gui.dataset.images import Tile, read_tile, tile_size
from waste_gui.dataset.scan import Sample, scan_sources
from waste_gui.dataset.tiles import TileCache, tile_key
from waste_gui.protocol import EpochFinished, StageStarted, decode
from waste_gui.rundir import HOME_VARIABLE

if TYPE_CHECKING:  # the parent process measures nothing and starts without torch
    from torch import Tensor

    from waste_gui.engine.loading import Loader
    from waste_gui.engine.models import ModelSpec

SIZE, BATCH = 224, 32
SMALL = 16


def draw_photos(folder: Path, per_class: int) -> None:
    """Six classes of drawn photos, none damaged."""
    draw_dataset(folder, per_class, damaged=0)


def scan(folder: str) -> int:
    """Photos found."""
    return len(scan_sources([folder]).samples)


def side_of_tiles(image_size: int) -> int:
    """Of the tile that a photo is kept as, for models of this image size."""
    return tile_size(image_size)


def photo_to_tile(path: str, side: int) -> Tile:
    """(side, side, 3), RGB."""
    return read_tile(path, side)


def worker_count() -> int:
    """Reading processes on this machine by default."""
    from waste_gui.engine.startup import worker_count

    return worker_count(RunConfig())


def samples_of(paths: list[str]) -> list[Sample]:
    """Labelled by folder."""
    names = sorted({Path(path).parent.name for path in paths})
    return [Sample(path, names.index(Path(path).parent.name), "", Path(path).parent.name) for path in paths]


def model_spec() -> ModelSpec:
    """What a view needs to know of a model."""
    from waste_gui.engine.models import IMAGENET_MEAN, IMAGENET_STD, ModelSpec

    return ModelSpec(library="", name="", image_size=SIZE, mean=IMAGENET_MEAN, std=IMAGENET_STD, classes=())


@contextlib.contextmanager
def open_loader(samples: list[Sample]) -> Iterator[Loader]:
    """As a run opens it, with no photo read before."""
    import torch

    from waste_gui.dataset.pool import ReadingPool
    from waste_gui.engine.loading import Failures, Loader
    from waste_gui.engine.startup import SLOTS

    side = side_of_tiles(SIZE)
    with ReadingPool(worker_count(), side, SLOTS, RunConfig().photo_timeout) as pool:
        yield Loader(
            pool,
            side,
            Failures(0, lambda message: None, None),
            lambda: None,
            bad_image="replace",
            stand_ins=samples,
            seed=0,
            pin=torch.cuda.is_available(),
        )


def first_batch(paths: list[str]) -> dict[str, float]:
    """Seconds from starting the workers to the first batch as the model sees it, and how they were spent."""
    import torch

    from tests.benchmarks.lab import finish, warm_device
    from waste_gui.engine.augment import STRENGTHS, training_view

    device, samples, seen = warm_device(), samples_of(paths), list[float]()
    generator = torch.Generator().manual_seed(0)
    began = time.perf_counter()
    with open_loader(samples) as loader:
        batch = next(loader.load([samples[:BATCH]], lambda photos: seen.append(time.perf_counter() - began)))
        loaded_s = time.perf_counter() - began
        tiles_BHWC = batch.tiles_BHWC.to(device, non_blocking=True)
        training_view(tiles_BHWC, model_spec(), SIZE, STRENGTHS["standard"], generator)
        finish(device)
        seconds = time.perf_counter() - began
    assert len(batch.samples) == min(BATCH, len(paths))
    return {
        "seconds": seconds,
        "first_photo_s": seen[0],
        "decode_s": loaded_s - seen[0],
        "augment_s": seconds - loaded_s,
        "workers": worker_count(),
    }


def epoch(paths: list[str], cache: str, epochs: int) -> dict[str, float]:
    """Seconds an epoch of loading takes from the second on; and with the training view of each batch."""
    import torch

    from tests.benchmarks.lab import finish, warm_device
    from waste_gui.engine.augment import STRENGTHS, training_view

    device, samples = warm_device(), samples_of(paths)
    generator, seconds = torch.Generator().manual_seed(0), list[float]()
    with filled_cache(paths, Path(cache)) as tiles:
        for viewed in (False, True):
            began = time.perf_counter()
            for number in range(epochs):
                for tiles_BHWC in batches_from(tiles, samples, number):
                    tiles_BHWC = tiles_BHWC.to(device, non_blocking=True)
                    if viewed:
                        training_view(tiles_BHWC, model_spec(), SIZE, STRENGTHS["standard"], generator)
            finish(device)
            seconds.append((time.perf_counter() - began) / epochs)
    return {"seconds": seconds[0], "viewed_s": seconds[1]}


def batches_from(tiles: TileCache, samples: list[Sample], epoch: int) -> Iterator[Tensor]:
    """An epoch's batches of uint8 tiles. What `Loader.load` does with a cache, while it takes none itself."""
    import torch

    from waste_gui.engine.loading import batches_of, training_order

    side = side_of_tiles(SIZE)
    for batch in batches_of(training_order(samples, epoch, 0, False), BATCH):
        shape = (len(batch), side, side, 3)
        tiles_BHWC = torch.empty(shape, dtype=torch.uint8, pin_memory=torch.cuda.is_available())
        for sample, tile in zip(batch, tiles_BHWC.numpy(), strict=True):
            assert tiles.read_into(key_of(sample.path), tile)
        yield tiles_BHWC


@contextlib.contextmanager
def filled_cache(paths: list[str], folder: Path) -> Iterator[TileCache]:
    """A cache that holds all photos: what the first epoch leaves behind."""
    side = side_of_tiles(SIZE)
    with open_cache(folder, side, [key_of(path) for path in paths]) as tiles:
        fill(
            tiles, ((key_of(path), photo_to_tile(path, side)) for path in paths if key_of(path) not in tiles)
        )
        yield tiles


def key_of(path: str) -> bytes:
    status = os.stat(path)
    return tile_key(path, status.st_size, status.st_mtime_ns)


def open_cache(folder: Path, side: int, keys: list[bytes]) -> TileCache:
    return TileCache(folder / str(side), side, 2**34, keys)


def fill(tiles: TileCache, content: Iterable[tuple[bytes, Tile]]) -> None:
    """Put all of it, and wait: a cache drops what comes faster than the disk takes it."""
    for number, (key, tile) in enumerate(content, 1):
        tiles.put(key, tile)
        if number % 128 == 0:
            tiles.flush(60)
    tiles.flush(60)


def cached_tiles(folder: str, tiles: int, records: int) -> dict[str, float]:
    """Seconds to read so many tiles in random order from a cache and from a plain file in memory's reach;
    and seconds to open a cache of so many records."""
    side, random = side_of_tiles(SIZE), np.random.default_rng(0)
    keys = [number.to_bytes(16, "big") for number in range(records)]
    content = random.integers(0, 256, (tiles, side, side, 3), dtype=np.uint8)
    np.save(Path(folder) / "plain.npy", content)
    plain = np.load(Path(folder) / "plain.npy", mmap_mode="r")
    tile, order = np.empty((side, side, 3), np.uint8), random.permutation(tiles)
    with open_cache(Path(folder), side, keys[:tiles]) as cache:
        fill(cache, ((keys[i], content[i]) for i in range(tiles) if keys[i] not in cache))
        for _ in range(2):  # The first time brings both files into memory.
            began = time.perf_counter()
            assert all(cache.read_into(keys[i], tile) for i in order)
            ours_s = time.perf_counter() - began
            began = time.perf_counter()
            for i in order:
                tile[...] = plain[i]
            plain_s = time.perf_counter() - began
    return {"ours_s": ours_s, "memmap_s": plain_s, "open_s": opening(Path(folder), keys)}


def opening(folder: Path, keys: list[bytes]) -> float:
    """Seconds to open a cache that holds all these keys (of small tiles: their number counts here)."""
    blank = np.zeros((SMALL, SMALL, 3), np.uint8)
    with open_cache(folder, SMALL, keys) as cache:
        fill(cache, ((key, blank) for key in keys if key not in cache))
        assert len(cache) == len(keys)
    began = time.perf_counter()
    with open_cache(folder, SMALL, keys):
        return time.perf_counter() - began


def training_settings(photos: Path, image_size: int, epochs: int, file: Path) -> None:
    """Write what both training loops run: a ResNet-18 from nothing, with images of one size throughout."""
    config = RunConfig(
        source=(str(photos),),
        model="resnet18",
        pretrained="none",
        small_first=False,
        image_size=image_size,
        batch_size=BATCH,
        epochs=epochs,
    )
    file.write_bytes(dump(config))


def engine_step(settings: str, folder: str) -> dict[str, float]:
    """Train as set in a child process; seconds a step takes from the second epoch on, by its events.

    An epoch's steps lie between the end of the epoch before (its checkpoint saved) and its validation.
    """
    command = [sys.executable, "-m", "waste_gui.engine", "train", settings, "--run-dir", folder]
    home = {HOME_VARIABLE: str(Path(folder).parent / "home")}  # its tile cache stands there, too
    run([*command, "--format", "json"], env=home)
    began, first_step, last_step, seconds = None, 0, 0, 0.0
    for line in (Path(folder) / "events.jsonl").read_bytes().splitlines():
        match decode(line):
            case EpochFinished(at=at, step=step):
                first_step = step if began is None else first_step
                began, last_step = at, step
            case StageStarted(at=at, stage="validate") if began is not None:
                seconds += at - began
    return {"seconds": seconds / (last_step - first_step)}
