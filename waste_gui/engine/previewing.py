"""`preview`: what training on these photos would come to, from what the backbone makes of them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from waste_gui.config import RunConfig, failure_budget
from waste_gui.dataset.resized import resized_size
from waste_gui.dataset.samples import DatasetError, Sample
from waste_gui.dataset.split import Split
from waste_gui.engine.context import Context
from waste_gui.engine.deep_features import last_features
from waste_gui.engine.devices import Device
from waste_gui.engine.embeddings import VIEWS, Embedder, open_store
from waste_gui.engine.errors import UnusableDataset
from waste_gui.engine.forecast.all import forecast
from waste_gui.engine.forecast.photos import EmbeddedPhotos, gather
from waste_gui.engine.loading import Failures, Loader
from waste_gui.engine.models import Classifier, ModelSpec
from waste_gui.engine.reading import describe_scan, open_cache, start_pool
from waste_gui.engine.startup import Found, build_model, find_anew
from waste_gui.protocol import Previewed, RunFinished, Warned

MOST = 10_000
"""Photos that a preview is made of: more would take long and change its figures by little."""


def resolved(config: RunConfig, context: Context) -> RunConfig:
    """With what is previewed: the last layer on weights that have learnt something."""
    if config.pretrained != "none":
        return msgspec.structs.replace(config, tune="head")
    default = RunConfig()
    context.report(
        Warned(
            text="These settings train from nothing, of which there is no preview: this one is of the "
            "weights that come with the program.",
            hint="A model that learns from nothing is usually right less often.",
        )
    )
    return msgspec.structs.replace(
        config, tune="head", model=default.model, pretrained=default.pretrained, image_size=None
    )


def preview(config: RunConfig, device: Device, context: Context) -> RunFinished:
    """Stages `scan` to `forecast`, one `previewed`. Raises EngineError and StopRequested."""
    photos = embedded(config, device, context)
    with context.stage("forecast", unit="steps") as stage:
        context.heart.does("working out the preview")

        def tell(done: int, of: int, detail: str) -> None:
            stage.progress(done, detail, of)
            context.obey()

        told = forecast(photos, config.seed, tell)
        context.report(told)
        stage.summary = in_words(told)
    metrics: dict[str, float | None] = {"photos": float(told.photos), "accuracy": told.accuracy}
    return RunFinished(checkpoint=None, metrics=metrics, elapsed_s=round(context.worked_s(), 3))


def embedded(config: RunConfig, device: Device, context: Context) -> EmbeddedPhotos:
    """Stages `scan` to `embed`."""
    config = resolved(config, context)
    with contextlib.ExitStack() as closing:
        found = find(config, context)
        model, spec = build_model(config, context, device, found.scan.classes)
        return embed(config, found, model, spec, device, context, closing)


def find(config: RunConfig, context: Context) -> Found:
    """As training finds and divides them."""
    with context.stage("scan", None, "photos") as stage:
        try:
            found = context.in_thread(lambda: find_anew(config, context, stage))
        except DatasetError as error:
            raise UnusableDataset(error.text, error.hint) from None
        stage.progress(len(found.scan.samples), total=len(found.scan.samples))
        stage.summary = describe_scan(found.scan, found.split)
    return found


def embed(
    config: RunConfig,
    found: Found,
    model: Classifier,
    spec: ModelSpec,
    device: Device,
    context: Context,
    closing: contextlib.ExitStack,
) -> EmbeddedPhotos:
    """Those that can be read. What training embeds is embedded: the photos kept for the end are not looked
    at."""
    model.eval()
    total = len(found.split.train) + len(found.split.val)
    split = some(found.split, config.seed)
    samples = (*split.train, *split.val)
    if len(samples) < total:
        context.report(
            Warned(
                text=f"The preview is made of {len(samples)} of the {total} photos, drawn at random.",
                hint="What it says of single photos, it says of these alone; training uses all.",
            )
        )
    with context.stage("embed", len(samples), "photos") as stage:
        side = resized_size(spec.image_size)
        resized_images = open_cache(config, context, found.stats, side, closing)
        failures = Failures(failure_budget(len(samples)), context.report, None)
        paths = [sample.path for sample in samples]
        pool = start_pool(config, context, side, closing, paths, failures.may_lack, failures.are_back)
        loader = Loader(
            pool,
            side,
            failures,
            context.obey,
            bad_image="replace",
            replacements=(),  # A photo that cannot be read is left out.
            seed=config.seed,
            pin=device.is_cuda,
            resized_images=resized_images,
        )
        context.restart_workers = loader.restart
        context.heart.does("opening the store of embeddings")
        store = open_store(config, context, model, spec, device, found.stats, closing)
        embedder = Embedder(
            model, spec, device, loader, store, found.stats, lambda path: not failures.known(path)
        )
        rows, known = embedder.embed(samples, context, stage)
        from_store = f", {known} of them known before" if known else ""
        stage.summary = f"{len(rows)} photos{from_store}, {VIEWS} views each"
    last = last_features(model.backbone) if model.inner else model.head.in_features
    return gather(split, rows, found.scan.classes, last, total)


def some(split: Split, seed: int) -> Split:
    """All of it, or so many photos as a preview is made of, of each class and part its share."""
    share = MOST / max(1, len(split.train) + len(split.val))
    if share >= 1:
        return split
    random = np.random.default_rng(seed % 2**63)

    def draw(samples: Sequence[Sample]) -> tuple[Sample, ...]:
        order = random.permutation(len(samples)).tolist()
        left = {label: float(count) for label, count in Counter(s.label for s in samples).items()}
        kept = []
        for place in order:
            label = samples[place].label
            if left[label] > 0:
                kept.append(place)
                left[label] -= 1 / share
        return tuple(samples[place] for place in sorted(kept))

    return replace(split, train=draw(split.train), val=draw(split.val))


def in_words(told: Previewed) -> str:
    """`84.2 % of new photos right (80.0 to 88.0 %)`."""
    low, high = told.interval
    return f"{told.accuracy:.1%} of validation photos right expected ({low:.1%} to {high:.1%})"
