"""`check`: read every photo before training, compare them, and say what is wrong. Imports no torch."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from waste_gui.config import RunConfig, failure_budget
from waste_gui.dataset.catalog import Catalog, Checked
from waste_gui.dataset.check import PASSING, read_photos
from waste_gui.dataset.file_stats import FileStats
from waste_gui.dataset.findings import ORDER, find
from waste_gui.dataset.images import ERRORS
from waste_gui.dataset.lost_classes import lost_classes
from waste_gui.dataset.resized import ResizedImage, resized_size
from waste_gui.dataset.samples import DatasetError, Sample, Scan
from waste_gui.dataset.split import Split, split_samples
from waste_gui.engine.context import Context, StageReport
from waste_gui.engine.errors import UnusableDataset
from waste_gui.engine.reading import SLOTS, describe_scan, find_photos, open_cache, start_pool
from waste_gui.protocol import Activity, ImageFailed, RunFinished, Warned

IMAGE_SIZE = 224
"""Of most models: the resized images kept for training are of the right size then."""

REMEMBER_S = 1.0


def check(config: RunConfig, context: Context) -> RunFinished:
    """A `finding` for each thing that is wrong. Raises EngineError and StopRequested."""
    catalog = Catalog(on_problem=lambda text: context.report(Warned(text=text)))
    scan, split, stats = scan_and_split(config, context)
    checked = check_photos(scan, stats, catalog, config, context)
    counts = compare(scan, split, checked, catalog, context)
    metrics: dict[str, float | None] = {"photos": float(len(scan.samples))}
    metrics |= {kind: float(counts[kind]) for kind in ORDER}
    return RunFinished(checkpoint=None, metrics=metrics, elapsed_s=round(context.report.now(), 3))


def scan_and_split(config: RunConfig, context: Context) -> tuple[Scan, Split, FileStats]:
    """As training would: what is in validation there is so here."""
    with context.stage("scan", None, "photos") as stage:
        try:
            scan, stats = context.in_thread(lambda: find_photos(config, context, stage, to_train=False))
        except DatasetError as error:
            raise UnusableDataset(error.text, error.hint) from None
        split = split_samples(scan, config.val_fraction, config.test_fraction, config.seed, stats)
        stage.progress(len(scan.samples), total=len(scan.samples))
        stage.summary = describe_scan(scan, split)
    return scan, split, stats


def check_photos(
    scan: Scan, stats: FileStats, catalog: Catalog, config: RunConfig, context: Context
) -> dict[str, Checked]:
    """How every photo is read, by path; from memory if it has not changed since the last check."""
    with context.stage("check", len(scan.samples), "photos") as stage:
        checked = context.in_thread(lambda: catalog.recall(stats))
        known = len(checked)
        results = _Results(scan.samples, checked, stage, context)
        if known:
            stage.progress(known, f"{known} remembered from the last check")
            stage.flush()
        unread = [sample.path for sample in scan.samples if sample.path not in checked]
        if unread:
            read_and_remember(unread, stats, catalog, results, config, context)
        stage.summary = f"{len(scan.samples)} photos, {results.failures} cannot be read"
        stage.summary += f"; {known} remembered from the last check" if known else ""
    return checked


def read_and_remember(
    paths: Sequence[str],
    stats: FileStats,
    catalog: Catalog,
    results: _Results,
    config: RunConfig,
    context: Context,
) -> None:
    """Whatever ends it, what was read until then is remembered; the resized images are kept for training."""
    side = resized_size(config.image_size or IMAGE_SIZE)
    fresh: list[Checked] = []
    remembered_at = time.monotonic()
    with contextlib.ExitStack() as closing:
        resized_images = open_cache(config, context, stats, side, closing)

        def keep(path: str, resized: ResizedImage) -> None:
            if resized_images is not None and path not in resized_images:
                resized_images.put(path, resized.copy())

        budget = failure_budget(len(paths))
        pool = start_pool(config, context, side, closing, paths, lambda lacking: len(lacking) <= budget)
        context.heart.does("waiting for photos", Activity.WAITING_FOR_PHOTOS)
        try:
            for photo in read_photos(paths, stats, pool, SLOTS, context.obey, keep):
                results.add(photo, by_person=pool.was_set_aside(photo.path))
                if photo.kind not in PASSING:
                    fresh.append(photo)
                if time.monotonic() - remembered_at >= REMEMBER_S:
                    catalog.remember(fresh)
                    fresh, remembered_at = [], time.monotonic()
        finally:
            catalog.remember(fresh)


class _Results:
    """What is known so far, and the telling of it."""

    def __init__(
        self, samples: Sequence[Sample], checked: dict[str, Checked], stage: StageReport, context: Context
    ) -> None:
        self._sources = {sample.path: sample.source for sample in samples}
        self._checked, self._stage, self._context = checked, stage, context
        self._done = len(checked)
        self.failures = 0
        for photo in checked.values():
            self._tell_failure(photo)

    def add(self, photo: Checked, *, by_person: bool) -> None:
        self._done += 1
        self._stage.progress(self._done, photo.path)
        if not by_person:  # just now: nothing to tell them
            self._checked[photo.path] = photo
            self._tell_failure(photo)

    def _tell_failure(self, photo: Checked) -> None:
        if not photo.kind:
            return
        self.failures += 1
        self._context.report(
            ImageFailed(
                path=photo.path,
                source=self._sources[photo.path],
                reason=photo.reason,
                kind=ERRORS[photo.kind].kind,
                action="listed",
                failures=self.failures,
                limit=len(self._sources),
            )
        )


def compare(
    scan: Scan, split: Split, checked: Mapping[str, Checked], catalog: Catalog, context: Context
) -> Counter[str]:
    """Says each finding; how many there are of each kind."""
    with context.stage("compare", None, "pairs") as stage:
        findings = context.in_thread(lambda: find(scan, split, checked, stage.progress))
        dismissed = context.in_thread(catalog.dismissed)
        counts: Counter[str] = Counter(finding.kind for finding in findings)
        lost = list(lost_classes(scan, checked))
        well = "nothing is wrong" if not lost and not scan.cautions else "no findings among the photos"
        stage.summary = f"{len(findings)} findings" if findings else well
    for caution in lost:
        context.report(Warned(text=caution.text, hint=caution.hint))
    for finding in findings:
        context.report(msgspec.structs.replace(finding, dismissed=finding.key in dismissed))
    return counts
