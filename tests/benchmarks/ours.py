"""The program as the benchmarks see it: every use of its interfaces stands here, and nowhere else."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from tests.benchmarks.child import run
from waste_gui.config import RunConfig, dump
from waste_gui.dataset.demo import draw_dataset
from waste_gui.dataset.file_stats import file_stats
from waste_gui.dataset.photo_cache import PhotoCache, open_photo_resized_images
from waste_gui.dataset.resized import ResizedImage, read_resized, resized_size
from waste_gui.dataset.resized_cache import ResizedImageCache
from waste_gui.dataset.samples import Sample
from waste_gui.dataset.scan import scan_sources
from waste_gui.protocol import EpochFinished, Metric, StageFinished, StageStarted, decode
from waste_gui.rundir import HOME_VARIABLE

if TYPE_CHECKING:  # the parent process measures nothing and starts without torch
    import torch
    from torch import Tensor

    from waste_gui.engine.loading import Loader

SIZE, BATCH = 224, 32
FLUSH_S = 60


def import_all() -> None:
    """What is imported late otherwise: before a clock starts, as the other side's libraries are."""
    from waste_gui.dataset import pool  # noqa: F401
    from waste_gui.engine import augment, loading, models, reading  # noqa: F401


def draw_photos(folder: Path, per_class: int) -> None:
    """Six classes of drawn photos, none damaged."""
    draw_dataset(folder, per_class, damaged=0)


def scan(folder: str) -> int:
    """Photos found."""
    return len(scan_sources([folder]).samples)


def side_of_resized(image_size: int) -> int:
    """Of the resized image that a photo is kept as, for models of this image size."""
    return resized_size(image_size)


def photo_to_resized(path: str, side: int) -> ResizedImage:
    """(side, side, 3), RGB."""
    return read_resized(path, side)


def worker_count() -> int:
    """Reading processes on this machine by default."""
    from waste_gui.engine.reading import worker_count

    return worker_count(RunConfig())


def samples_of(paths: list[str]) -> list[Sample]:
    """Labelled by folder."""
    names = sorted({Path(path).parent.name for path in paths})
    return [Sample(path, names.index(Path(path).parent.name), "", Path(path).parent.name) for path in paths]


def training_order(samples: list[Sample], epochs: int) -> Iterator[Sequence[Sample]]:
    """The batches of so many epochs, each shuffled anew."""
    from waste_gui.engine import loading

    for epoch in range(1, epochs + 1):
        order = loading.training_order(samples, epoch, seed=0, balance=False)
        yield from loading.batches_of(order, BATCH)


def view(resized_BHWC: Tensor, generator: torch.Generator) -> Tensor:
    """Augmented and normalised: what a model of 224 pixels gets to train on."""
    from waste_gui.engine.augment import STRENGTHS, training_view
    from waste_gui.engine.models import IMAGENET_MEAN, IMAGENET_STD, ModelSpec

    spec = ModelSpec(library="", name="", image_size=SIZE, mean=IMAGENET_MEAN, std=IMAGENET_STD, classes=())
    return training_view(resized_BHWC, spec, SIZE, STRENGTHS["standard"], generator)


@contextlib.contextmanager
def open_loader(samples: list[Sample], cache: Path) -> Iterator[tuple[Loader, PhotoCache]]:
    """As a run opens it: workers and cache of resized images."""
    import torch

    from waste_gui.dataset.pool import ReadingPool
    from waste_gui.engine.loading import Failures, Loader
    from waste_gui.engine.reading import SLOTS

    side, settings = side_of_resized(SIZE), RunConfig()
    resized_images = open_photo_resized_images(
        file_stats([s.path for s in samples]), side, settings.cache_gb, folder=cache
    )
    assert resized_images is not None
    with resized_images.cache, ReadingPool(worker_count(), side, SLOTS, settings.photo_timeout) as pool:
        loader = Loader(
            pool,
            side,
            Failures(0, lambda message: None, None),
            lambda: None,
            bad_image="replace",
            replacements=samples,
            seed=0,
            pin=torch.cuda.is_available(),
            resized_images=resized_images,
        )
        yield loader, resized_images


def load_all(loader: Loader, resized_images: PhotoCache, samples: list[Sample]) -> None:
    """The first epoch, repeated until the disk has kept up."""
    while len(resized_images) < len(samples):
        for _ in loader.load(training_order(samples, 1)):
            pass
        resized_images.cache.flush(FLUSH_S)


def open_cache(folder: Path, side: int, keys: list[bytes]) -> ResizedImageCache:
    """With room for these keys' resized images."""
    return ResizedImageCache(folder / f"{side}px", side, 2**34, keys)


def fill_cache(cache: ResizedImageCache, content: Iterable[tuple[bytes, ResizedImage]]) -> None:
    """Put what is missing, and wait: a cache drops what comes faster than the disk takes it."""
    for number, (key, resized) in enumerate(content):
        if key not in cache:
            cache.put(key, resized)
        if number % 128 == 127:
            cache.flush(FLUSH_S)
    cache.flush(FLUSH_S)


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


def head_settings(photos: Path, file: Path) -> None:
    """Write what a person asks for who asks for nothing but photos."""
    file.write_bytes(dump(RunConfig(source=(str(photos),))))


def engine_seconds_of(settings: str, folder: str, home: dict[str, str]) -> float:
    """A whole training, from the command to its end."""
    began = time.perf_counter()
    run([sys.executable, "-m", "waste_gui.engine", "train", settings, "--run-dir", folder], env=home)
    return time.perf_counter() - began


def preview_seconds_of(settings: str, home: dict[str, str]) -> float:
    """A whole preview, from the command to its end."""
    began = time.perf_counter()
    run([sys.executable, "-m", "waste_gui.engine", "preview", settings, "--format", "json"], env=home)
    return time.perf_counter() - began


def first_batch_in_a_run(photos: Path, batch: int, folder: Path) -> float:
    """Seconds that a training of a ResNet-18 waits between its model and its first batch, nothing cached."""
    config = RunConfig(
        source=(str(photos),),
        model="resnet18",
        pretrained="none",
        image_size=SIZE,
        batch_size=batch,
        epochs=1,
    )
    (folder / "config.json").write_bytes(dump(config))
    command = [sys.executable, "-m", "waste_gui.engine", "train", str(folder / "config.json")]
    command += ["--run-dir", str(folder / "run")]
    run([*command, "--format", "json"], env={HOME_VARIABLE: str(folder / "home")})
    began = 0.0
    for line in (folder / "run" / "events.jsonl").read_bytes().splitlines():
        match decode(line):
            case StageStarted(at=at, stage="loaders"):
                began = at
            case StageFinished(at=at, stage="first_train_batch"):
                return max(at - began, 1e-3)
    raise AssertionError("the run had no first batch")


def engine_step(settings: str, folder: str) -> dict[str, float]:
    """Train as set in a child process; seconds a step takes from the second epoch on, by its events,
    and how much of them it waited for photos and copied them to the device.

    An epoch's steps lie between the end of the epoch before (its checkpoint saved) and its validation.
    """
    command = [sys.executable, "-m", "waste_gui.engine", "train", settings, "--run-dir", folder]
    home = {HOME_VARIABLE: str(Path(folder).parent / "home")}  # its cache of resized images stands there, too
    run([*command, "--format", "json"], env=home)
    began, first_step, last_step, seconds = None, 0, 0, 0.0
    waits_s, copies_s = list[float](), list[float]()
    for line in (Path(folder) / "events.jsonl").read_bytes().splitlines():
        match decode(line):
            case EpochFinished(at=at, step=step):
                first_step = step if began is None else first_step
                began, last_step = at, step
            case StageStarted(at=at, stage="validate") if began is not None:
                seconds += at - began
            case Metric(timing=timing) if began is not None:
                waits_s.append(timing.wait_s)
                copies_s.append(timing.copy_s)
    return {
        "seconds": seconds / (last_step - first_step),
        "wait_s": fmean(waits_s),
        "copy_s": fmean(copies_s),
    }
