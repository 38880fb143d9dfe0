"""Whole runs: what the process and the notebook call. Torch is imported inside, as a stage of its own."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from waste_gui import exports
from waste_gui.config import BEGIN_WITH_HEAD, STARTER_MODEL, RunConfig, dump, may_embed
from waste_gui.engine import garbage
from waste_gui.engine.context import Context
from waste_gui.engine.errors import BadSettings, StopRequested, UnusableDataset, WrongCheckpoint
from waste_gui.files import write_atomically
from waste_gui.protocol import (
    DeviceChosen,
    Predicted,
    RunFinished,
    RunStopped,
    StageInfo,
    Warned,
)
from waste_gui.request import RunRequest
from waste_gui.rundir import RunDir, RunFolderError, cannot_be_written, new_run_dir
from waste_gui.stages import training_stages

if TYPE_CHECKING:
    from waste_gui.dataset.samples import Sample
    from waste_gui.engine.checkpoint import CheckpointInfo
    from waste_gui.engine.devices import Device
    from waste_gui.engine.loading import Loader
    from waste_gui.engine.models import Classifier
    from waste_gui.engine.startup import Prepared

HEAVY_LIBRARIES = ("torch", "torchvision", "open_clip")
FOR_STARTER = ("torch", "torchvision", "timm")
"""What takes seconds to import."""
OWN_MODULES = ("waste_gui.engine.training", "waste_gui.engine.evaluation")
TOP = 5
PREDICT_BATCH = 32
CHECKPOINTS = ("last", "previous")
WORDS = {"val": "validation", "test": "test"}


def open_folder(request: RunRequest) -> RunDir:
    """The run's folder, locked; a new one is made, with `config.json` in it. Raises RunFolderError."""
    if request.resume:
        return _open_again(RunDir(Path(request.resume)))
    folder = RunDir(Path(request.run_dir or new_run_dir(request.config.name)))
    _refuse_a_run(folder)
    folder.refuse_others()
    folder.create()
    folder.acquire()
    try:
        _refuse_a_run(folder)  # Another may have trained in it just now.
        write_atomically(folder.config, dump(request.config))
    except OSError as error:
        folder.release()
        raise cannot_be_written(folder.path, error, folder.config) from None
    except RunFolderError:
        folder.release()
        raise
    return folder


def _open_again(folder: RunDir) -> RunDir:
    """Its `config.json` stays as it is until its checkpoint has turned out to fit the settings asked for."""
    if not folder.holds_run:
        raise RunFolderError(
            f"{folder.path} is no run folder: it holds no run of this program.",
            "Choose the folder of an earlier run.",
        )
    folder.create()
    folder.acquire()
    try:
        folder.put_events_aside()
    except OSError as error:
        folder.release()
        raise cannot_be_written(folder.path, error) from None
    return folder


def _refuse_a_run(folder: RunDir) -> None:
    """Events or a model in it: a run that is resumed, or left alone."""
    if folder.events.exists() or folder.earlier_events() or any(folder.checkpoints.glob("*.safetensors")):
        raise RunFolderError(
            f"The folder {folder.path} already holds a run.",
            "Choose another run folder, or go on with that run (--resume).",
        )


def train(request: RunRequest, context: Context, folder: RunDir) -> RunFinished | RunStopped:
    """Train as asked into `folder`; the last message. Raises EngineError."""
    tensorboard = request.config.tensorboard
    missing = exports.tensorboard_missing() if tensorboard else None
    if missing is not None:
        raise BadSettings(missing.text, f"{missing.hint}, or train without it.")
    live = exports.Live(context.report, folder, tensorboard=tensorboard)
    try:
        return _train(request, context, folder)
    except StopRequested as stop:
        return RunStopped(checkpoint=_what_is_there(folder), reason=stop.reason)
    finally:
        live.close()


def _what_is_there(folder: RunDir) -> str | None:
    """The best model, else the last one, if any was saved."""
    for name in ("best", "last"):
        path = folder.checkpoints / f"{name}.safetensors"
        with contextlib.suppress(OSError):
            if path.exists():
                return str(path)
    return None


def goes_on(request: RunRequest, folder: RunDir | None) -> bool:
    """Whether it is resumed, and there is a state to go on from."""
    if request.resume is None or folder is None:
        return False
    return any((folder.checkpoints / f"{name}.safetensors").exists() for name in CHECKPOINTS)


def stages_of(request: RunRequest, folder: RunDir | None) -> tuple[StageInfo, ...]:
    """Those that may come, as far as is known before the device is."""
    return training_stages(embeds=may_embed(request.config) and not goes_on(request, folder))


def _train(request: RunRequest, context: Context, folder: RunDir) -> RunFinished:
    resumes, saved = request.resume is not None, goes_on(request, folder)
    device, config = import_to_train(request.config, context, goes_on=saved)
    asked = request.config
    epochs = asked.epochs if config.tune == "head" else config.epochs
    to_keep = msgspec.structs.replace(asked, tune=config.tune, epochs=epochs)
    if not resumes and to_keep != asked:
        write_decided(to_keep, folder)
    from waste_gui.engine.evaluation import finite
    from waste_gui.engine.startup import prepare
    from waste_gui.engine.training import Trainer

    with contextlib.ExitStack() as closing:
        prepared = prepare(config, context, folder, device, closing, resumes=resumes)
        trainer = Trainer(config, prepared, context, folder, to_keep)
        if resumes:
            trainer.restore()
            if trainer.outcome.epoch < trainer.course.epochs:
                trainer.begin_folder()  # Else it stays what it is: a run of as many epochs as it has.
        if config.tune in BEGIN_WITH_HEAD and not saved:
            trainer.begin_with_head()
        outcome = trainer.outcome if trainer.is_done else trainer.train()
        metrics: dict[str, float | None] = {
            "val_accuracy": outcome.best_accuracy,
            "best_epoch": float(outcome.best_epoch),
            "train_loss": finite(outcome.train_loss),
        }
        if outcome.best is not None:
            metrics |= {"val_loss": finite(outcome.best.loss), "val_photos": float(len(outcome.best.samples))}
        if prepared.split.test:
            metrics |= _test(prepared, config, context, folder)
    return RunFinished(
        checkpoint=_what_is_there(folder), metrics=metrics, elapsed_s=round(context.worked_s(), 3)
    )


def write_decided(to_keep: RunConfig, folder: RunDir) -> None:
    """What of the network is trained, once the device has decided it: a resumed run goes on with that."""
    with contextlib.suppress(OSError):  # What was asked for stands there: it can be run again by that.
        write_atomically(folder.config, dump(to_keep))


def _test(prepared: Prepared, config: RunConfig, context: Context, folder: RunDir) -> dict[str, float | None]:
    """How the best model does on the photos kept for the end."""
    from waste_gui.engine.evaluation import evaluate, finite
    from waste_gui.engine.loading import batches_of
    from waste_gui.engine.room import Room
    from waste_gui.engine.startup import VAL_BATCH_FACTOR

    photos = prepared.split.test
    with context.stage("validate", len(photos), "photos") as stage:
        info, model = _best_model(folder, prepared.device)
        batches = prepared.loader.load(batches_of(photos, config.batch_size * VAL_BATCH_FACTOR))
        room = Room(prepared.device, "the test", context.report)
        test = evaluate(model, info.spec, prepared.device, context.awaited(batches), room, stage.progress)
        stage.summary = test.in_words("test photos")
    if not test.samples:
        text = "Not one test photo can be read, so there is no test accuracy."
        context.report(Warned(text=text, hint="Look at the photos, or their drive."))
    return {"test_accuracy": finite(test.accuracy), "test_loss": finite(test.loss)}


def import_to_train(config: RunConfig, context: Context, *, goes_on: bool) -> tuple[Device, RunConfig]:
    """Stage `import`, and the settings with all decided that depends on the device."""
    decided: list[RunConfig] = []

    def decide(device: Device) -> RunConfig:
        from waste_gui.engine.tuning import resolved

        decided.append(resolved(config, device, goes_on=goes_on))
        return decided[0]

    device = import_libraries(config, context, decide)
    return device, decided[0]


def import_libraries(
    config: RunConfig, context: Context, decide: Callable[[Device], RunConfig | None] = lambda device: None
) -> Device:
    """Stage `import`: torch and its companions, then the device. `decide` gives the settings of a training,
    whose way of tuning is told with it."""
    libraries = FOR_STARTER if config.model == STARTER_MODEL else HEAVY_LIBRARIES
    with context.stage("import", len(libraries), "libraries") as stage:
        with garbage.kept():
            for number, library in enumerate(libraries):
                stage.progress(number, f"importing {library}")
                stage.flush()
                importlib.import_module(library)
                context.obey()
            for module in OWN_MODULES:  # Else their second would lie outside every stage.
                importlib.import_module(module)
        from waste_gui.engine import devices

        stage.progress(len(libraries), "looking for a graphics card")
        device = devices.choose(config)
        context.heart.gpu = device.gpu_state
        tuned = decide(device)
        context.report(
            DeviceChosen(
                device=device.type,
                name=device.name,
                memory_bytes=device.memory_bytes,
                world_size=1,
                tune=tuned.tune if tuned else "",
                epochs=(tuned.epochs or 0) if tuned else 0,
            )
        )
        stage.summary = device.name
    return device


def preview(config: RunConfig, context: Context) -> RunFinished:
    """What training would come to, as a `previewed`. Nothing is written but what the caches keep."""
    device = import_libraries(config, context)
    from waste_gui.engine import previewing

    return previewing.preview(config, device, context)


def predict(folder: RunDir, photos: Sequence[str], context: Context, config: RunConfig) -> RunFinished:
    """Say each photo's class, as a `predicted` each, from the run folder alone. `photos` are files, folders,
    patterns and lists."""
    device = import_libraries(config, context)
    from waste_gui.dataset.named_photos import named_photos
    from waste_gui.dataset.samples import DatasetError, Sample

    try:
        named = named_photos(photos, lambda text: context.report(Warned(text=text, hint="")))
    except DatasetError as error:
        raise UnusableDataset(error.text, error.hint) from None
    samples = [Sample(path=photo, label=0, source="", folder="", split=None) for photo in named]
    with contextlib.ExitStack() as closing:
        info, model, loader = _open_run(folder, len(named), device, context, closing, config)
        read = _predict_all(samples, model, info, device, loader, context)
    if not read:
        raise UnusableDataset("None of these photos could be read.", "The reason stands with each of them.")
    metrics: dict[str, float | None] = {"photos": float(read)}
    return RunFinished(checkpoint=None, metrics=metrics, elapsed_s=round(context.worked_s(), 3))


def _predict_all(
    samples: Sequence[Sample],
    model: Classifier,
    info: CheckpointInfo,
    device: Device,
    loader: Loader,
    context: Context,
) -> int:
    """Reports each; gives how many photos could be read."""
    from waste_gui.engine.evaluation import predict_batch
    from waste_gui.engine.loading import batches_of
    from waste_gui.engine.room import Room

    read, classes = 0, info.spec.classes
    room = Room(device, "predicting", context.report)
    for batch in loader.load(batches_of(samples, PREDICT_BATCH)):
        if not batch.samples:
            continue
        probabilities_BC = predict_batch(model, info.spec, device, batch, room).softmax(1)
        if not probabilities_BC.isfinite().all():
            raise WrongCheckpoint("The model answers with what is no number.", "Choose another run.")
        best = probabilities_BC.topk(min(TOP, len(classes)), dim=1)
        for sample, values, labels in zip(
            batch.samples, best.values.tolist(), best.indices.tolist(), strict=True
        ):
            top = tuple(
                (classes[label], round(value, 6)) for label, value in zip(labels, values, strict=True)
            )
            context.report(Predicted(path=sample.path, label=top[0][0], confidence=top[0][1], top=top))
        read += len(batch.samples)
    return read


def evaluate(folder: RunDir, context: Context, config: RunConfig) -> RunFinished:
    """Validate a run's best model once more on its own validation photos (and test photos, if any)."""
    device = import_libraries(config, context)
    from waste_gui.dataset.split import load_split
    from waste_gui.engine import evaluation
    from waste_gui.engine.loading import batches_of
    from waste_gui.engine.room import Room

    split, _ = load_split(folder.split)
    metrics: dict[str, float | None] = {}
    room = Room(device, "validation", context.report)
    found: dict[str, evaluation.Evaluation] = {}
    with contextlib.ExitStack() as closing:
        photos = len(split.val) + len(split.test)
        info, model, loader = _open_run(folder, photos, device, context, closing, config)
        for name, samples in (("val", split.val), ("test", split.test)):
            if not samples:
                continue
            with context.stage("validate", len(samples), "photos") as stage:
                batches = loader.load(batches_of(samples, PREDICT_BATCH))
                result = evaluation.evaluate(
                    model, info.spec, device, context.awaited(batches), room, stage.progress
                )
                stage.summary = result.in_words(f"{WORDS[name]} photos")
            if not result.samples:
                raise UnusableDataset(
                    f"Not one of the run's {len(samples)} {WORDS[name]} photos can be read, for example "
                    f"{samples[0].path}.",
                    "Bring the photos back to where they were; the results are as they were before.",
                )
            metrics |= {f"{name}_accuracy": result.accuracy, f"{name}_loss": result.loss}
            found[name] = result
        if not found:
            raise UnusableDataset("The run kept no photos to validate with.", "Choose another run.")
        if "val" in found:
            evaluation.save_results(folder, found["val"], info.spec.classes)
    return RunFinished(checkpoint=None, metrics=metrics, elapsed_s=round(context.worked_s(), 3))


def _open_run(
    folder: RunDir,
    photos: int,
    device: Device,
    context: Context,
    closing: contextlib.ExitStack,
    config: RunConfig,
) -> tuple[CheckpointInfo, Classifier, Loader]:
    """A finished run's model on the device, and a loader for its resized image size that leaves bad photos
    out."""
    from waste_gui.dataset.pool import ReadingPool
    from waste_gui.engine.loading import Failures, Loader
    from waste_gui.engine.reading import SLOTS, worker_count

    with context.stage("model") as stage:
        info, model = _best_model(folder, device)
        stage.summary = f"{info.spec.name}, epoch {info.progress.epoch}"
    pool = closing.enter_context(
        ReadingPool(worker_count(config), info.resized_size, SLOTS, config.photo_timeout)
    )
    context.heart.workers, context.heart.queued = pool.states, pool.queued
    loader = Loader(
        pool,
        info.resized_size,
        Failures(photos, context.report, None),
        context.obey,
        bad_image="replace",
        replacements=(),
        seed=0,
    )
    return info, model, loader


def _best_model(folder: RunDir, device: Device) -> tuple[CheckpointInfo, Classifier]:
    import torch

    from waste_gui.engine.checkpoint import load_best

    info, model = load_best(folder)
    model.to(device.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return info, model
