"""How good a model is, and on which photos it is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from waste_gui import files, tables
from waste_gui.dataset.samples import Sample
from waste_gui.engine.augment import evaluation_view
from waste_gui.engine.devices import Device
from waste_gui.engine.loading import Batch
from waste_gui.engine.models import ModelSpec
from waste_gui.engine.room import Room
from waste_gui.protocol import MostPredicted
from waste_gui.rundir import RunDir


@dataclass(frozen=True)
class Evaluation:
    """Mean loss, the fraction right, and for each sample its probabilities over the classes (N, C)."""

    loss: float
    accuracy: float
    samples: list[Sample]
    probabilities_NC: Tensor

    def in_words(self, of: str = "photos") -> str:
        """`91.4 % of 120 photos right`."""
        if not self.samples:
            return f"none of the {of} can be read"
        return f"{100 * self.accuracy:.1f} % of {len(self.samples)} {of} right"

    @property
    def predicted_N(self) -> Tensor:
        return self.probabilities_NC.argmax(1)

    def confusion(self) -> Tensor:
        """Counts (true class, predicted class)."""
        classes = self.probabilities_NC.shape[1]
        true = torch.tensor([s.label for s in self.samples], dtype=torch.int64)
        flat = torch.bincount(true * classes + self.predicted_N, minlength=classes**2)
        return flat.reshape(classes, classes)

    def most_predicted(self, classes: Sequence[str]) -> MostPredicted | None:
        """The commonest answer; None without photos."""
        if not self.samples:
            return None
        confusion, photos = self.confusion(), len(self.samples)
        answers_C = confusion.sum(0)
        label = int(answers_C.argmax())
        return MostPredicted(
            label=classes[label],
            share=round(int(answers_C[label]) / photos, 4),
            true_share=round(int(confusion[label].sum()) / photos, 4),
        )


def finite(value: float) -> float | None:
    """For messages: NaN and infinity are null."""
    return value if math.isfinite(value) else None


def predict_batch(model: nn.Module, spec: ModelSpec, device: Device, batch: Batch, room: Room) -> Tensor:
    """Logits (B, C) of a batch that has photos, by as many of them at a time as there is room for."""
    parts = room.parts(
        len(batch.samples), lambda part: predict_at_once(model, spec, device, batch[part.slice])
    )
    return parts[0] if len(parts) == 1 else torch.cat(parts)


@torch.inference_mode()
def predict_at_once(model: nn.Module, spec: ModelSpec, device: Device, batch: Batch) -> Tensor:
    """Logits (B, C), float32, on the CPU. Computed in float32 wherever that is affordable: on a CPU a
    prediction then does not depend on which photos share its batch."""
    resized_images = batch.resized_BHWC.to(device.device, non_blocking=True)
    images = evaluation_view(resized_images, spec).contiguous(memory_format=torch.channels_last)
    if device.is_cuda:
        with device.compute():
            return model(images).float().cpu()  # type: ignore[no-any-return]
    return model(images).float().cpu()  # type: ignore[no-any-return]


def evaluate(
    model: nn.Module,
    spec: ModelSpec,
    device: Device,
    batches: Iterable[Batch],
    room: Room,
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Run the model over the batches, without augmentation; `progress` is told how many photos are done."""
    was_training = model.training
    model.eval()
    samples: list[Sample] = []
    logits: list[Tensor] = [torch.empty(0, len(spec.classes))]
    for batch in batches:
        if batch.samples:
            logits.append(predict_batch(model, spec, device, batch, room))
            samples.extend(batch.samples)
        progress(len(samples))
    model.train(was_training)
    logits_NC = torch.cat(logits)
    labels_N = torch.tensor([sample.label for sample in samples], dtype=torch.int64)
    loss = nn.functional.cross_entropy(logits_NC, labels_N).item() if samples else float("nan")
    right = int((logits_NC.argmax(1) == labels_N).sum())
    accuracy = right / len(samples) if samples else float("nan")
    return Evaluation(loss, accuracy, samples, logits_NC.softmax(1))


def save_results(folder: RunDir, evaluation: Evaluation, classes: Sequence[str]) -> None:
    """`predictions.csv`, `confusion.csv` and `per_class.csv` in the run's results."""
    files.make_folder(folder.results, folder.path)  # Somebody may have removed it.
    _write(folder.results / "predictions.csv", _prediction_rows(evaluation, classes))
    confusion = evaluation.confusion()
    header: list[object] = ["true \\ predicted", *classes]
    counts: list[list[object]] = [[name, *row] for name, row in zip(classes, confusion.tolist(), strict=True)]
    _write(folder.results / "confusion.csv", [header, *counts])
    _write(folder.results / "per_class.csv", _per_class_rows(confusion, classes))


def _prediction_rows(evaluation: Evaluation, classes: Sequence[str]) -> list[list[object]]:
    rows: list[list[object]] = [["path", "true", "predicted", "confidence"]]
    confidence_N, predicted_N = evaluation.probabilities_NC.max(1)
    for sample, predicted, confidence in zip(
        evaluation.samples, predicted_N.tolist(), confidence_N.tolist(), strict=True
    ):
        rows.append([sample.path, classes[sample.label], classes[predicted], f"{confidence:.4f}"])
    return rows


def _per_class_rows(confusion: Tensor, classes: Sequence[str]) -> list[list[object]]:
    rows: list[list[object]] = [["class", "photos", "right", "recall", "precision"]]
    for index, name in enumerate(classes):
        photos, named = int(confusion[index].sum()), int(confusion[:, index].sum())
        right = int(confusion[index, index])
        recall = f"{right / photos:.4f}" if photos else ""
        precision = f"{right / named:.4f}" if named else ""
        rows.append([name, photos, right, recall, precision])
    return rows


def _write(path: Path, rows: Iterable[Sequence[object]]) -> None:
    files.write_atomically(path, tables.encoded(rows), path.parent.parent)
