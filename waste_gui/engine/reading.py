"""What a check and a training do alike to find and read photos. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection

from waste_gui.config import RunConfig
from waste_gui.dataset import cautions
from waste_gui.dataset.catalog import Catalog, CatalogError, leave_out
from waste_gui.dataset.file_stats import FileStats, file_stats
from waste_gui.dataset.photo_cache import PhotoCache, open_photo_resized_images
from waste_gui.dataset.pool import ReadingPool, Spare
from waste_gui.dataset.samples import Scan
from waste_gui.dataset.scan import check_trainable, scan_sources
from waste_gui.dataset.split import Split
from waste_gui.engine.context import Context, StageReport
from waste_gui.protocol import SourceBack, SourceGone, Warned

SLOTS = 64
"""Resized images in memory between the readers and us."""


def find_photos(
    config: RunConfig, context: Context, stage: StageReport, *, to_train: bool = True
) -> tuple[Scan, FileStats]:
    """The photos to use, without those set aside, and their files' sizes and times. Raises DatasetError."""
    scan = scan_sources(
        config.source,
        config.classes,
        config.mapping,
        stage.progress,
        require_trainable=to_train,
        class_folders=config.class_folders,
    )
    for caution in scan.cautions:
        context.report(Warned(text=caution.text, hint=caution.hint))
    catalog = Catalog(on_problem=lambda text: context.report(Warned(text=text)))
    catalog.follow([sample.path for sample in scan.samples])
    aside = catalog.aside(config.source)
    _tell_lost(scan, aside, context)
    scan = leave_out(scan, aside)
    if to_train:
        check_trainable(scan)
    found = len(scan.samples)
    paths = [sample.path for sample in scan.samples]
    return scan, file_stats(paths, lambda n: stage.progress(found, f"looked at {n} of {found} files"))


def _tell_lost(scan: Scan, aside: Collection[str], context: Context) -> None:
    """What was set aside and is not among the photos any more."""
    there = {sample.path for sample in scan.samples}
    lost = [path for path in aside if path not in there and not os.path.lexists(path)]
    if lost:
        several = len(lost) > 1
        context.report(
            Warned(
                text=f"{len(lost)} {'photos that were' if several else 'photo that was'} excluded "
                f"{'are' if several else 'is'} not found any more, {lost[0]} for one.",
                hint="If their names were changed, look whether they are to be excluded again.",
            )
        )


def exclude(config: RunConfig, context: Context) -> frozenset[str]:
    """The photos of these folders that a person, or a training, has set aside."""
    catalog = Catalog(on_problem=lambda text: context.report(Warned(text=text)))
    return frozenset(catalog.aside(config.source))


def describe_scan(scan: Scan, split: Split) -> str:
    """`600 photos in 6 classes: 480 to train, 120 to validate; not split by folders; classes: …; passed over:
    hidden files (3)`."""
    parts = f"{len(split.train)} to train, {len(split.val)} to validate"
    parts += f", {len(split.test)} to test" if split.test else ""
    text = f"{len(scan.samples)} photos in {len(scan.classes)} classes: {parts}"
    text += f"; {cautions.in_words(scan)}"
    if scan.skipped:
        passed = ", ".join(f"{reason} ({count})" for reason, count in scan.skipped.items())
        text += f"; passed over: {passed}"
    return text


def open_cache(
    config: RunConfig, context: Context, stats: FileStats, side: int, closing: contextlib.ExitStack
) -> PhotoCache | None:
    def tell(text: str, hint: str) -> None:
        context.report(Warned(text=text, hint=hint))

    context.heart.does("opening the photo cache")
    resized_images = context.in_thread(lambda: open_photo_resized_images(stats, side, config.cache_gb, tell))
    if resized_images is not None:
        closing.callback(resized_images.cache.close)
    return resized_images


def start_pool(
    config: RunConfig,
    context: Context,
    side: int,
    closing: contextlib.ExitStack,
    paths: Collection[str],
    may_lack: Callable[[set[str]], bool],
    on_back: Callable[[set[str]], object] = lambda paths: None,
) -> ReadingPool:
    """The readers, with everybody told who wants to know of them. Of the `paths` of the whole dataset those
    that it `may_lack` are done without while their drive is away; `on_back` hears of those that are there
    again."""
    report = context.report

    def do_without(folder: str, photos: int) -> None:
        several = f"{photos} photos in it are" if photos != 1 else "one photo in it is"
        text = f"{folder} is away: {several} left out until it is back."
        report(Warned(text=text, hint="Bring it back, or exclude the photos."))

    pool = ReadingPool(
        worker_count(config),
        side,
        SLOTS,
        config.photo_timeout,
        lambda folder, why: report(SourceGone(folder=folder, reason=why)),
        lambda folder, seconds: report(SourceBack(folder=folder, elapsed_s=round(seconds, 3))),
        Spare(paths, may_lack, do_without, on_back),
    )
    closing.enter_context(pool)
    context.heart.workers, context.heart.queued, context.heart.away = pool.states, pool.queued, pool.away

    def skip(path: str) -> None:
        pool.skip(path)
        threading.Thread(target=remember_aside, args=(path, context), name="catalog", daemon=True).start()

    context.skip_photo, context.restart_workers = skip, pool.restart
    return pool


def remember_aside(path: str, context: Context) -> None:
    """So that the next run leaves it out, too; the photos page takes it back."""
    try:
        Catalog().exclude([path], "excluded during a training")
    except CatalogError as error:
        context.report(Warned(text=error.text, hint=error.hint))


def worker_count(config: RunConfig) -> int:
    """As asked, or one a core, eight at most: decoding is what they do, and it keeps a core busy."""
    return config.workers or max(1, min(8, os.cpu_count() or 1))
