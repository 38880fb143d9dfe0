"""The stages before training: each is one step, seen, timed and checked; what is wrong shows in seconds."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import torch
from torch import nn

from waste_gui.config import EPOCHS, ConfigError, RunConfig, failure_budget, load
from waste_gui.dataset.file_stats import FileStats, file_stats
from waste_gui.dataset.photo_cache import PhotoCache
from waste_gui.dataset.resized import resized_size
from waste_gui.dataset.samples import DatasetError, Sample, Scan
from waste_gui.dataset.split import Split, load_split, save_split, split_samples
from waste_gui.engine import checkpoint, models
from waste_gui.engine.augment import STRENGTHS, Phase, crop_size, training_phase
from waste_gui.engine.context import Context, StageReport
from waste_gui.engine.devices import Device
from waste_gui.engine.downloads import watch_downloads
from waste_gui.engine.errors import BadSettings, UnusableDataset, WrongCheckpoint
from waste_gui.engine.evaluation import predict_at_once
from waste_gui.engine.loading import (
    Batch,
    Batches,
    Failures,
    Loader,
    batches_of,
    training_order,
)
from waste_gui.engine.models import Classifier, ModelSpec, has_attention
from waste_gui.engine.reading import (
    describe_scan,
    exclude,
    find_photos,
    open_cache,
    start_pool,
    worker_count,
)
from waste_gui.protocol import Activity, Warned
from waste_gui.rundir import RunDir

VAL_BATCH_FACTOR = 2
"""Validation keeps no gradients: twice the batch fits (the lab: 32 and 64)."""

USUAL_IMAGE_SIZE = 224
"""What most models want: good enough to begin with."""

IMBALANCE_WORTH_A_WORD = 10

OF_THE_PHOTOS = ("source", "classes", "mapping", "class_folders", "val_fraction", "test_fraction", "seed")
"""The settings on which the division into training and validation depends."""


@dataclass
class Prepared:
    """What the start-up gives to training."""

    device: Device
    split: Split
    classes: tuple[str, ...]
    model: Classifier
    spec: ModelSpec
    loader: Loader
    failures: Failures
    stats: FileStats
    least_batch: int = 1  # Photos of a training step.


def prepare(
    config: RunConfig,
    context: Context,
    folder: RunDir,
    device: Device,
    closing: contextlib.ExitStack,
    *,
    resumes: bool = False,
) -> Prepared:
    """All stages from `scan` to `model_check`. What must be closed at the end is pushed on `closing`. In the
    folder of a run that `resumes` nothing is changed: its checkpoint may not fit."""
    found, loading = scan_and_split(config, context, folder, device, closing, resumes=resumes)
    scan, split = found.scan, found.split
    filled = resumes and checkpoint.has_last(folder)
    model, spec = build_model(config, context, device, scan.classes, filled_later=filled)
    loading = prepare_loading(config, context, split, spec, loading)
    prepared = Prepared(
        device, split, scan.classes, model, spec, loading.loader, loading.failures, found.stats
    )
    load_single_sample(prepared, config, context, loading)
    load_first_batches(prepared, config, context, loading.first)
    loading.first.close()
    check_labels(prepared, context)
    check_model(prepared, config, context)
    return prepared


def scan_and_split(
    config: RunConfig,
    context: Context,
    folder: RunDir,
    device: Device,
    closing: contextlib.ExitStack,
    *,
    resumes: bool,
) -> tuple[Found, Loading]:
    """Reading begins here, so that the first batch is there once the model is built."""
    with context.stage("scan", None, "photos") as stage:
        try:
            if resumes and is_of_the_same_photos(config, folder):
                found = context.in_thread(lambda: find_again(config, context, stage, folder))
            else:
                found = context.in_thread(lambda: find_anew(config, context, stage))
        except DatasetError as error:
            raise UnusableDataset(error.text, error.hint) from None
        found = replace(found, again=resumes)
        scan, split = found.scan, found.split
        if not resumes:
            save_split(folder.split, split, scan.classes)
        stage.progress(len(scan.samples), total=len(scan.samples))

        def begin(side: int) -> Loading:
            return begin_loading(config, context, folder, found, side, device, closing)

        loading = begin(resized_size(config.image_size or USUAL_IMAGE_SIZE))
        loading.begin_anew = begin
        stage.summary = describe_scan(scan, split)
    return found, loading


@dataclass(frozen=True)
class Found:
    """The photos of a run and where each belongs; `aside` are those of them that were set aside since."""

    scan: Scan
    split: Split
    stats: FileStats
    aside: frozenset[str] = frozenset()
    again: bool = False  # By a run that goes on.


def find_anew(config: RunConfig, context: Context, stage: StageReport) -> Found:
    scan, stats = find_photos(config, context, stage)
    split = split_samples(scan, config.val_fraction, config.test_fraction, config.seed, stats)
    return Found(scan, split, stats)


def is_of_the_same_photos(config: RunConfig, folder: RunDir) -> bool:
    """Whether the run to go on with was of these folders, divided in this way."""
    if not folder.split.exists():
        return False
    try:
        before = load(folder.config)
    except ConfigError:
        return False
    return all(getattr(before, name) == getattr(config, name) for name in OF_THE_PHOTOS)


def find_again(config: RunConfig, context: Context, stage: StageReport, folder: RunDir) -> Found:
    """As the run divided them, so that no photo that was trained on is ever validated with."""
    split, classes = load_split(folder.split)
    samples = (*split.train, *split.val, *split.test)
    stage.progress(len(samples), "the photos of the run before", total=len(samples))
    paths = [sample.path for sample in samples]
    stats = file_stats(paths, lambda n: stage.progress(n, f"looked at {n} of {len(paths)} files"))
    return Found(Scan(samples, classes, {}, ()), split, stats, exclude(config, context) & frozenset(paths))


def build_model(
    config: RunConfig,
    context: Context,
    device: Device,
    classes: tuple[str, ...],
    *,
    filled_later: bool = False,
) -> tuple[Classifier, ModelSpec]:
    """`filled_later`: a checkpoint will put all weights in, so that none are fetched or read before."""
    wanted = msgspec.structs.replace(config, pretrained="none") if filled_later else config
    with context.stage("model", None, "bytes") as stage:
        context.heart.does(f"building {config.model}")
        torch.manual_seed(config.seed)
        with watch_downloads(stage.progress):
            model, spec = context.in_thread(lambda: models.build(wanted, classes))
        model.to(device.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        count = sum(p.numel() for p in model.parameters())
        weights = "from scratch" if config.pretrained == "none" else f"from {config.pretrained}"
        weights = "from its checkpoint" if filled_later else weights
        stage.summary = (
            f"{spec.name} ({spec.library}), {count / 1e6:.1f} M parameters, {weights}, {spec.image_size} px"
        )
    return model, spec


@dataclass
class Loading:
    """The pipelines at work: the photos of `first` (a sample, a training batch, a validation batch) are being
    read. Resized images are `side` pixels wide; should the model want others, `begin_anew` is the way."""

    side: int
    loader: Loader
    failures: Failures
    resized_images: PhotoCache | None
    first: Batches
    closing: contextlib.ExitStack
    begin_anew: Callable[[int], Loading] = field(init=False)


def begin_loading(
    config: RunConfig,
    context: Context,
    folder: RunDir,
    found: Found,
    side: int,
    device: Device,
    closing: contextlib.ExitStack,
) -> Loading:
    own, split = closing.enter_context(contextlib.ExitStack()), found.split
    resized_images = open_cache(config, context, found.stats, side, own)
    paths = [sample.path for sample in _all_samples(split)]
    failures = Failures(failure_budget(len(paths)), context.report, folder.failures, found.aside)
    pool = start_pool(config, context, side, own, paths, failures.may_lack, failures.are_back)
    if found.again:
        recall(failures, split, context)
    names = found.scan.classes
    failures.watch_classes(
        {sample.path: names[sample.label] for sample in _all_samples(split)},
        lambda text, hint: context.report(Warned(text=text, hint=hint)),
    )
    own.callback(failures.write_csv)
    loader = Loader(
        pool,
        side,
        failures,
        context.obey,
        bad_image=config.bad_image,
        replacements=split.train,
        seed=config.seed,
        pin=device.is_cuda,
        resized_images=resized_images,
    )
    context.restart_workers = loader.restart
    first = loader.load(first_batches(split, config))
    loading = Loading(side, loader, failures, resized_images, first, own)
    own.callback(lambda: loading.first.close())
    return loading


def recall(failures: Failures, split: Split, context: Context) -> None:
    """What the run's earlier starts could not read."""
    paths = frozenset(sample.path for sample in _all_samples(split))
    known = context.in_thread(lambda: failures.recall(paths))
    if known:
        photos = "1 photo" if known == 1 else f"{known} photos"
        text = f"{photos} could not be read before, and others take their places again."
        context.report(Warned(text=text, hint="One that is repaired is read again when the run goes on."))


def first_batches(split: Split, config: RunConfig) -> list[Sequence[Sample]]:
    train = training_order(split.train, 1, config.seed, config.balance == "sampler")
    return [split.train[:1], train[: config.batch_size], split.val[: config.batch_size * VAL_BATCH_FACTOR]]


def prepare_loading(
    config: RunConfig, context: Context, split: Split, spec: ModelSpec, loading: Loading
) -> Loading:
    with context.stage("loaders") as stage:
        if loading.side != resized_size(spec.image_size):
            loading.closing.close()
            loading = loading.begin_anew(resized_size(spec.image_size))
        train = len(batches_of(split.train, config.batch_size))
        val = len(batches_of(split.val, config.batch_size * VAL_BATCH_FACTOR))
        resized_images = loading.resized_images
        cached = (
            f", {len(resized_images)} photos in the cache"
            if resized_images is not None
            else ", no photo cache"
        )
        stage.summary = (
            f"{train} train batches of {config.batch_size}, {val} validation batches of "
            f"{config.batch_size * VAL_BATCH_FACTOR}, {worker_count(config)} workers{cached}"
        )
    return loading


def load_single_sample(prepared: Prepared, config: RunConfig, context: Context, loading: Loading) -> None:
    with context.stage("single_sample", 1, "photos") as stage:
        context.heart.does("waiting for photos", Activity.WAITING_FOR_PHOTOS)
        batch = next(loading.first)
        if not batch.samples:  # nothing of its whole class can be read
            loading.first.close()
            batch = first_readable(prepared)
            loading.first = loading.loader.load(first_batches(prepared.split, config)[1:])
        label = int(batch.labels_B[0])
        stage.progress(1)
        shape = " × ".join(map(str, (3, prepared.spec.image_size, prepared.spec.image_size)))
        stage.summary = f"{shape}, label {label} ({prepared.classes[label]})"


def first_readable(prepared: Prepared) -> Batch:
    """A photo of any class; UnusableDataset if there is none."""
    for sample in {sample.label: sample for sample in prepared.split.train}.values():
        batch = prepared.loader.one(sample)
        if batch.samples:
            return batch
    raise UnusableDataset("Not one photo could be read.", "Open a few of them to see what is wrong.")


def load_first_batches(prepared: Prepared, config: RunConfig, context: Context, first: Batches) -> None:
    for name, size in (
        ("first_train_batch", min(config.batch_size, len(prepared.split.train))),
        ("first_val_batch", min(config.batch_size * VAL_BATCH_FACTOR, len(prepared.split.val))),
    ):
        with context.stage(name, size, "photos") as stage:
            context.heart.does("waiting for photos", Activity.WAITING_FOR_PHOTOS)
            first.on_read = stage.progress
            stage.summary = describe(next(first), prepared.spec)


def describe(batch: Batch, spec: ModelSpec) -> str:
    """`32 × 3 × 224 × 224, labels 0–29, 18 classes`."""
    shape = f"{len(batch.samples)} × 3 × {spec.image_size} × {spec.image_size}"
    if not batch.samples:
        return "no photo could be read"
    low, high = int(batch.labels_B.min()), int(batch.labels_B.max())
    return f"{shape}, labels {low}–{high}, {len(set(batch.labels_B.tolist()))} classes"


def check_labels(prepared: Prepared, context: Context) -> None:
    with context.stage("label_check") as stage:
        split, classes = prepared.split, prepared.classes
        wrong = [s for s in _all_samples(split) if not 0 <= s.label < len(classes)]
        if wrong:
            raise UnusableDataset(
                f"{len(wrong)} labels lie outside 0–{len(classes) - 1}, for example that of {wrong[0].path}.",
                "Check the mapping of folders to classes.",
            )
        counts = Counter(sample.label for sample in split.train)
        fewest, most = min(counts.values()), max(counts.values())
        stage.summary = f"labels 0–{len(classes) - 1}, {fewest}–{most} training photos a class"
        if most > IMBALANCE_WORTH_A_WORD * fewest:
            rare = classes[min(counts, key=lambda label: counts[label])]
            context.report(
                Warned(
                    text=f"The classes are of very unequal size: {rare} has {fewest} training photos, "
                    f"the largest class {most}.",
                    hint="Balance classes (weights or sampler) helps the rare ones.",
                )
            )


def check_model(prepared: Prepared, config: RunConfig, context: Context) -> None:
    with context.stage("model_check") as stage:
        side = resized_size(prepared.spec.image_size)
        blank = Batch(torch.zeros(1, side, side, 3, dtype=torch.uint8), torch.zeros(1), [], 0.0)
        prepared.model.eval()
        shape = list(predict_at_once(prepared.model, prepared.spec, prepared.device, blank).shape)
        if shape != [1, len(prepared.classes)]:
            raise WrongCheckpoint(
                f"The model's output has the shape {shape} instead of {[1, len(prepared.classes)]}.",
                "Choose another model.",
            )
        prepared.least_batch = least_batch(prepared, config)
        if min(config.batch_size, len(prepared.split.train)) < prepared.least_batch:
            raise BadSettings(
                f"{prepared.spec.name} cannot be trained on one photo at a time at this image size: its "
                "batch norm compares the photos of a batch.",
                f"Choose a batch size of {prepared.least_batch} or more, or a model without batch norm.",
            )
        stage.summary = f"output {shape}"


def phase_of(config: RunConfig, model: Classifier, spec: ModelSpec, epoch: int) -> Phase:
    """Small images first, where the model learns from nothing and takes any size; where it already knows
    photos at one size, crops show things at that."""
    if has_attention(model):
        return Phase(spec.image_size, 1)
    if config.small_first and config.pretrained == "none":
        return training_phase(spec.image_size, epoch, config.epochs or EPOCHS)
    if config.tune == "head_then_all":
        return Phase(crop_size(spec.image_size, STRENGTHS[config.augment]), 1)
    return Phase(spec.image_size, 1)


@torch.inference_mode()
def least_batch(prepared: Prepared, config: RunConfig) -> int:
    """2 where a batch norm that is trained sees one value a channel of a single photo, which has no
    deviation; else 1."""
    model, spec, device = prepared.model, prepared.spec, prepared.device
    epochs = range(1, min(config.epochs or EPOCHS, 1000) + 1)
    sizes = {phase_of(config, model, spec, epoch).size for epoch in epochs}
    values: list[int] = []

    def look(norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        values.append(inputs[0][0, 0].numel())

    if config.tune == "head":  # Nothing is trained by batches.
        return 1
    norms = [each for each in model.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    try:
        if norms:
            size = min(sizes)
            with device.compute():
                model(torch.zeros(1, 3, size, size, device=device.device))
    finally:
        for hook in hooks:
            hook.remove()
    return 2 if 1 in values else 1


def _all_samples(split: Split) -> Sequence[Sample]:
    return (*split.train, *split.val, *split.test)
