"""The last layer: every photo through the network once, then a regression on what it made of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from waste_gui.config import RunConfig
from waste_gui.dataset.samples import Sample
from waste_gui.engine.context import Context
from waste_gui.engine.embeddings import VIEWS, Embedder, open_store
from waste_gui.engine.errors import UnusableDataset
from waste_gui.engine.evaluation import Evaluation, finite
from waste_gui.engine.head import Fit, Rows, fit
from waste_gui.engine.models import Classifier
from waste_gui.engine.optimisation import loss_weights
from waste_gui.engine.startup import Prepared
from waste_gui.protocol import HeadFitted


@dataclass(frozen=True)
class TrainedHead:
    """A head that stands in the model by now, and how it does on the validation photos."""

    fit: Fit
    evaluation: Evaluation


def train_head(config: RunConfig, prepared: Prepared, context: Context) -> TrainedHead:
    """Stages `embed` and `fit`. Raises StopRequested, TooManyFailures, UnusableDataset."""
    found = embed(config, prepared, context)
    classes, split = len(prepared.classes), prepared.split
    with context.stage("fit", unit="steps") as stage:
        context.heart.does("fitting the last layer")
        rows = training_rows(config, split.train, found, classes)

        def tell(done: int, of: int) -> None:
            stage.progress(done, "choosing how far the last layer follows the photos", of)
            context.obey()

        fitted = fit(rows, classes, config.seed, tell)
        put(fitted, prepared.model)
        evaluation = evaluate(fitted, split.val, found, classes)
        context.report(
            HeadFitted(
                val_loss=finite(evaluation.loss), val_accuracy=finite(evaluation.accuracy), decay=fitted.decay
            )
        )
        stage.summary = f"decay {fitted.decay:g}; {evaluation.in_words('validation photos')}"
    return TrainedHead(fitted, evaluation)


def embed(config: RunConfig, prepared: Prepared, context: Context) -> dict[str, Tensor]:
    """(views, features) of each photo that can be read, by path."""
    split, model = prepared.split, prepared.model
    model.eval()
    photos = (*split.train, *split.val)
    with (
        context.stage("embed", len(photos), "photos") as stage,
        contextlib.ExitStack() as closing,
    ):
        context.heart.does("opening the store of embeddings")
        spec, device, stats = prepared.spec, prepared.device, prepared.stats
        store = open_store(config, context, model, spec, device, stats, closing)
        embedder = Embedder(
            model, spec, device, prepared.loader, store, stats, lambda path: not prepared.failures.known(path)
        )
        found, known = embedder.embed(photos, context, stage)
        from_store = f", {known} of them known before" if known else ""
        stage.summary = (
            f"{len(found)} photos{from_store}, {VIEWS} views each, {model.head.in_features} features"
        )
    return found


def training_rows(
    config: RunConfig, samples: Sequence[Sample], found: Mapping[str, Tensor], classes: int
) -> Rows:
    """A row for each view of each photo that could be read, weighed as `balance` asks."""
    kept = [sample for sample in {s.path: s for s in samples}.values() if sample.path in found]
    if len({sample.label for sample in kept}) < 2:
        raise UnusableDataset(
            "Photos of fewer than two classes can be read.",
            "Look at the photos: failures.csv in the run folder lists those that cannot be read.",
        )
    features_NF = torch.stack([found[sample.path] for sample in kept], dim=1).flatten(0, 1)
    labels = [sample.label for sample in kept]
    weights_N = torch.ones(len(kept))
    if config.balance != "none":
        weights_N = loss_weights(labels, classes)[torch.tensor(labels)]
    photos_N = torch.arange(len(kept))
    return Rows(
        features_NF, torch.tensor(labels).repeat(VIEWS), weights_N.repeat(VIEWS), photos_N.repeat(VIEWS)
    )


@torch.no_grad()
def put(fitted: Fit, model: Classifier) -> None:
    """Into the model's head, where an optimizer may know its tensors."""
    head = model.head
    head.weight.copy_(fitted.head.weight)
    head.bias.copy_(fitted.head.bias)


def evaluate(fitted: Fit, samples: Sequence[Sample], found: Mapping[str, Tensor], classes: int) -> Evaluation:
    """Of the photos as they are, not mirrored: as the model will see them."""
    kept = [sample for sample in samples if sample.path in found]
    features_NF = torch.stack([found[s.path][0] for s in kept]).float() if kept else torch.empty(0, 1)
    logits_NC = fitted.head.logits(features_NF) if kept else torch.empty(0, classes)
    labels_N = torch.tensor([sample.label for sample in kept], dtype=torch.int64)
    loss = nn.functional.cross_entropy(logits_NC, labels_N).item() if kept else math.nan
    accuracy = (logits_NC.argmax(1) == labels_N).float().mean().item() if kept else math.nan
    return Evaluation(loss, accuracy, kept, logits_NC.softmax(1))
