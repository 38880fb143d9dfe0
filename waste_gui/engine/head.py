"""The last layer on embeddings: a regression, whose decay is chosen by cross-validation.

Multinomial logistic regression by L-BFGS on what the backbone makes of each photo. It is convex: no learning
rate, no epochs, and the same photos give the same head. Seconds for some thousand photos, where training the
same layer through the network takes minutes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

DECAYS = (3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
"""From the plainest to the most detailed: each fit begins from the one before."""

FOLDS = 4
ITERATIONS = 100
TOLERANCE = 1e-5
SILENT = 1e-4
"""A feature that varies by no more than this share says nothing, and is not made loud."""


@dataclass(frozen=True)
class Head:
    """A linear layer: `weight` (classes, features), `bias` (classes,), float32."""

    weight: Tensor
    bias: Tensor

    def logits(self, features_NF: Tensor) -> Tensor:
        return features_NF @ self.weight.T + self.bias


@dataclass(frozen=True)
class Fit:
    """`accuracy` is that of the cross-validation; `loss` the mean cross-entropy on what it was fitted to."""

    head: Head
    decay: float
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Rows:
    """Embeddings (N, features) with their labels and what each weighs; `photos_N` numbers the photo that a
    row is a view of, so that no photo stands on both sides of a division."""

    features_NF: Tensor
    labels_N: Tensor
    weights_N: Tensor
    photos_N: Tensor

    def __getitem__(self, which: Tensor) -> Rows:
        return Rows(
            self.features_NF[which], self.labels_N[which], self.weights_N[which], self.photos_N[which]
        )


def fit(
    rows: Rows,
    classes: int,
    seed: int,
    tell: Callable[[int, int], object] = lambda done, of: None,
) -> Fit:
    """The head with the decay that fits best to photos it was not fitted to. `tell(done, of)` is called
    between fits and may raise, to stop."""
    with one_thread():
        return _fit(rows, classes, seed, tell)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Thousands of small products: threads that wait for each other at each of them make two seconds into two
    minutes where the processors have other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit(rows: Rows, classes: int, seed: int, tell: Callable[[int, int], object]) -> Fit:
    scale = Scale.of(rows.features_NF)
    scaled = Rows(scale(rows.features_NF), rows.labels_N, rows.weights_N, rows.photos_N)
    folds = divide(rows, seed)
    of = len(DECAYS) * (len(folds) + 1)
    done = 0
    right = torch.zeros(len(DECAYS), dtype=torch.float64)
    loss = torch.zeros(len(DECAYS), dtype=torch.float64)
    for held_out_N in folds:
        head = None
        for place, decay in enumerate(DECAYS):
            head = solve(scaled[~held_out_N], classes, decay, head)
            part = scaled[held_out_N]
            logits = head.logits(part.features_NF)
            right[place] += ((logits.argmax(1) == part.labels_N) * part.weights_N).sum().double()
            losses = nn.functional.cross_entropy(logits, part.labels_N, reduction="none")
            loss[place] += (losses * part.weights_N).sum().double()
            done += 1
            tell(done, of)
    total = rows.weights_N.sum().double() if folds else torch.tensor(1.0)
    best = int(loss.argmin()) if folds else DECAYS.index(1e-3)
    head = None
    for decay in DECAYS[: best + 1]:
        head = solve(scaled, classes, decay, head)
    assert head is not None
    tell(of, of)
    fitted = nn.functional.cross_entropy(head.logits(scaled.features_NF), rows.labels_N).item()
    accuracy = (right[best] / total).item() if folds else math.nan
    return Fit(scale.unscaled(head), DECAYS[best], accuracy, fitted)


@dataclass(frozen=True)
class Scale:
    """To mean 0 and deviation 1 a feature, and a head for such features back to what it is for plain ones."""

    mean_F: Tensor
    deviation_F: Tensor

    @classmethod
    def of(cls, features_NF: Tensor) -> Scale:
        deviation_F, mean_F = torch.std_mean(features_NF, dim=0, correction=0)
        silent_F = deviation_F <= SILENT * (mean_F.abs() + deviation_F.max())
        return cls(mean_F, torch.where(silent_F, 1.0, deviation_F))

    def __call__(self, features_NF: Tensor) -> Tensor:
        return (features_NF - self.mean_F) / self.deviation_F / math.sqrt(features_NF.shape[1])

    def unscaled(self, head: Head) -> Head:
        weight = head.weight / self.deviation_F / math.sqrt(head.weight.shape[1])
        return Head(weight, head.bias - weight @ self.mean_F)


def divide(rows: Rows, seed: int) -> list[Tensor]:
    """Which rows are held out each time: every photo once, of each class about as many. None where a class
    has a single photo of which nothing could be learnt then."""
    photos = torch.unique(rows.photos_N)
    label_of = dict(zip(rows.photos_N.tolist(), rows.labels_N.tolist(), strict=True))
    generator = torch.Generator().manual_seed(seed % 2**63)
    order = photos[torch.randperm(len(photos), generator=generator)].tolist()
    by_class: dict[int, list[int]] = {}
    for photo in order:
        by_class.setdefault(label_of[photo], []).append(photo)
    folds = min(FOLDS, *(len(each) for each in by_class.values())) if by_class else 0
    if folds < 2:
        return []
    fold_of = {photo: i % folds for each in by_class.values() for i, photo in enumerate(each)}
    fold_N = torch.tensor([fold_of[photo] for photo in rows.photos_N.tolist()])
    return [fold_N == fold for fold in range(folds)]


def solve(rows: Rows, classes: int, decay: float, begin: Head | None = None) -> Head:
    """The least mean cross-entropy plus `decay` times half the weights' squares; the bias is spared."""
    features_NF, labels_N = rows.features_NF, rows.labels_N
    share_N = rows.weights_N / rows.weights_N.sum()
    weight = torch.zeros(classes, features_NF.shape[1]) if begin is None else begin.weight.clone()
    bias = torch.zeros(classes) if begin is None else begin.bias.clone()
    parameters: Sequence[Tensor] = (weight.requires_grad_(), bias.requires_grad_())
    optimizer = torch.optim.LBFGS(
        parameters,
        max_iter=ITERATIONS,
        tolerance_grad=TOLERANCE,
        tolerance_change=TOLERANCE,
        history_size=10,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = nn.functional.cross_entropy(features_NF @ weight.T + bias, labels_N, reduction="none")
        loss = (losses * share_N).sum() + 0.5 * decay * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Head(weight.detach(), bias.detach())
