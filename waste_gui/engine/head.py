"""The last layer on embeddings: a regression, whose decay is chosen by cross-validation.

Multinomial logistic regression by L-BFGS on what the backbone makes of each photo. It is convex: no learning
rate, no epochs, and the same photos give the same head. Seconds for some thousand photos, where training the
same layer through the network takes minutes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

DECAYS = (3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
"""From the plainest to the most detailed: each fit begins from the one before."""

FOLDS = 4
COMPARED = 10_000
"""Photos, at most, on which decays are compared: more would take long and choose the same."""

ITERATIONS = 100
TOLERANCE = 1e-5
SILENT = 1e-4
"""A feature that varies by no more than this share says nothing, and is not made loud."""

VIEWED = 2
CHUNK = 16_384
"""Rows of a set that is large, which are looked at between two words: some 160 MB, a tenth of a second."""

LARGE = 1_000_000_000
"""Products in a look at all rows, from which on several threads are quicker."""


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
    row is a view of, so that no photo stands on both sides of a division. Features may be float16, as they
    are kept: half the memory."""

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
    """The head with the decay that fits best to photos it was not fitted to. `tell(done, of)` is called at
    each look at all rows and may raise, to stop."""
    many = is_large(rows)
    pace = Pace(tell, len(DECAYS) * (FOLDS + 1) + many)
    with few_threads(rows.features_NF.numel() * classes):
        scale = Scale.of(rows.features_NF, pace)
        scaled = replace(rows, features_NF=scale(rows.features_NF, pace))
        compared = some(scaled, seed)
        decay, accuracy = best_decay(compared, classes, seed, pace)
        head = None
        for each in DECAYS[: DECAYS.index(decay) + 1]:
            head = solve(compared if many else scaled, classes, each, head, pace)
        if many:  # From near the optimum: one fit to all of them, not one for each decay.
            head = solve(scaled, classes, decay, head, pace)
    assert head is not None
    return Fit(scale.unscaled(head), decay, accuracy, mean_loss(scaled, head))


def best_decay(rows: Rows, classes: int, seed: int, pace: Pace) -> tuple[float, float]:
    """That with the least loss on photos that were held out; and the share of them that it has right."""
    losses, rights = torch.zeros(len(DECAYS)), torch.zeros(len(DECAYS))
    for held_out_N in divide(rows, seed):
        head, kept, part = None, rows[~held_out_N], rows[held_out_N]
        for place, decay in enumerate(DECAYS):
            head = solve(kept, classes, decay, head, pace)
            logits = head.logits(part.features_NF)
            each = nn.functional.cross_entropy(logits, part.labels_N, reduction="none")
            losses[place] += (each * part.weights_N).sum()
            rights[place] += ((logits.argmax(1) == part.labels_N) * part.weights_N).sum()
    best = int(losses.argmin())
    return DECAYS[best], (rights[best] / rows.weights_N.sum()).item()


def some(rows: Rows, seed: int) -> Rows:
    """All of them, or those of so many photos that decays are compared on, drawn by the seed."""
    photos = torch.unique(rows.photos_N)
    if len(photos) <= COMPARED:
        return rows
    drawn = torch.randperm(len(photos), generator=torch.Generator().manual_seed(seed % 2**63))[:COMPARED]
    return rows[torch.isin(rows.photos_N, photos[drawn])]


@contextlib.contextmanager
def few_threads(products: int) -> Iterator[None]:
    """One, for thousands of small products: threads that wait for each other at each of them make two seconds
    into two minutes where the processors have other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if products >= LARGE else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def is_large(rows: Rows) -> bool:
    """Whether a look at all rows takes long, and has to be interrupted."""
    return len(rows.labels_N) > VIEWED * COMPARED


def in_chunks(rows: int, pace: Pace | None) -> Iterator[slice]:
    """All of so few rows at once, as ever; more of them bit by bit, with a word between."""
    size = CHUNK if rows > VIEWED * COMPARED else max(1, rows)
    for start in range(0, rows, size):
        if pace is not None and start:
            pace.breathe()
        yield slice(start, start + size)


def mean_loss(rows: Rows, head: Head) -> float:
    if not is_large(rows):
        return nn.functional.cross_entropy(head.logits(rows.features_NF), rows.labels_N).item()
    sums = [
        nn.functional.cross_entropy(
            head.logits(rows.features_NF[part]), rows.labels_N[part], reduction="sum"
        ).item()
        for part in in_chunks(len(rows.labels_N), None)
    ]
    return sum(sums) / len(rows.labels_N)


class Pace:
    """How far so many fits are. One takes `ITERATIONS` looks at all rows, or fewer."""

    def __init__(self, tell: Callable[[int, int], object], fits: int) -> None:
        self._tell, self._of = tell, fits * ITERATIONS
        self._fits = self._looks = 0

    def look(self) -> None:
        self._looks = min(self._looks + 1, ITERATIONS - 1)
        self._tell(self._fits * ITERATIONS + self._looks, self._of)

    def breathe(self) -> None:
        """Within a look."""
        self._tell(self._fits * ITERATIONS + self._looks, self._of)

    def end_fit(self) -> None:
        self._fits, self._looks = self._fits + 1, 0


@dataclass(frozen=True)
class Scale:
    """To mean 0 and deviation 1 a feature, and a head for such features back to what it is for plain ones."""

    mean_F: Tensor
    deviation_F: Tensor

    @classmethod
    def of(cls, features_NF: Tensor, pace: Pace | None = None) -> Scale:
        parts = list(in_chunks(len(features_NF), pace))
        if len(parts) == 1:
            deviation_F, mean_F = torch.std_mean(features_NF.float(), dim=0, correction=0)
        else:
            deviation_F, mean_F = _std_mean_of_many(features_NF, pace)
        silent_F = deviation_F <= SILENT * (mean_F.abs() + deviation_F.max())
        return cls(mean_F, torch.where(silent_F, 1.0, deviation_F))

    def __call__(self, features_NF: Tensor, pace: Pace | None = None) -> Tensor:
        scaled_NF = torch.empty(features_NF.shape)
        for part in in_chunks(len(features_NF), pace):
            torch.sub(features_NF[part].float(), self.mean_F, out=scaled_NF[part])
            scaled_NF[part].div_(self.deviation_F * math.sqrt(features_NF.shape[1]))
        return scaled_NF

    def unscaled(self, head: Head) -> Head:
        weight = head.weight / self.deviation_F / math.sqrt(head.weight.shape[1])
        return Head(weight, head.bias - weight @ self.mean_F)


def _std_mean_of_many(features_NF: Tensor, pace: Pace | None) -> tuple[Tensor, Tensor]:
    """By sums in double precision: no second copy of the rows."""
    count, features = features_NF.shape
    sum_F, squares_F = torch.zeros(features, dtype=torch.float64), torch.zeros(features, dtype=torch.float64)
    for part in in_chunks(count, pace):
        chunk = features_NF[part].double()
        sum_F += chunk.sum(0)
        squares_F += chunk.square_().sum(0)
    mean_F = sum_F / count
    deviation_F = (squares_F / count - mean_F.square()).clamp(min=0).sqrt()
    return deviation_F.float(), mean_F.float()


def divide(rows: Rows, seed: int) -> list[Tensor]:
    """Which rows are held out each time: every photo once, of each class about as many."""
    photos = torch.unique(rows.photos_N)
    label_of = dict(zip(rows.photos_N.tolist(), rows.labels_N.tolist(), strict=True))
    generator = torch.Generator().manual_seed(seed % 2**63)
    shuffled = photos[torch.randperm(len(photos), generator=generator)].tolist()
    by_class = sorted(shuffled, key=lambda photo: label_of[photo])  # In a class, as they were shuffled.
    folds = min(FOLDS, len(photos))
    fold_of = {photo: place % folds for place, photo in enumerate(by_class)}
    fold_N = torch.tensor([fold_of[photo] for photo in rows.photos_N.tolist()])
    return [fold_N == fold for fold in range(folds)]


def solve(
    rows: Rows, classes: int, decay: float, begin: Head | None = None, pace: Pace | None = None
) -> Head:
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
        if pace is not None:
            pace.look()
        optimizer.zero_grad()
        whole = torch.zeros(())
        for part in in_chunks(len(labels_N), pace):
            logits_NC = features_NF[part] @ weight.T + bias
            losses = nn.functional.cross_entropy(logits_NC, labels_N[part], reduction="none")
            loss = (losses * share_N[part]).sum()
            if part.stop >= len(labels_N):
                loss = loss + 0.5 * decay * weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            whole += loss.detach()
        return whole

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    if pace is not None:
        pace.end_fit()
    return Head(weight.detach(), bias.detach())
