"""The regression on embeddings: it is the optimum, whatever the features, and its decay suits the photos."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from waste_gui.engine.head import DECAYS, FOLDS, Head, Rows, Scale, divide, fit, solve


def rows_of(seed: int, photos: int, features: int, classes: int, views: int = 1, signal: float = 1.0) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    labels_N = torch.arange(photos) % classes
    centres = torch.randn(classes, features, generator=generator) * signal
    noise = torch.randn(views, photos, features, generator=generator)
    features_NF = (centres[labels_N] + noise).flatten(0, 1)
    many = torch.arange(photos).repeat(views)
    return Rows(features_NF, labels_N.repeat(views), torch.ones(len(many)), many)


def objective(rows: Rows, head: Head, decay: float) -> Tensor:
    losses = torch.nn.functional.cross_entropy(head.logits(rows.features_NF), rows.labels_N, reduction="none")
    share_N = rows.weights_N / rows.weights_N.sum()
    return (losses * share_N).sum() + 0.5 * decay * head.weight.square().sum()


@given(
    seed=st.integers(0, 2**32),
    photos=st.integers(4, 60),
    features=st.integers(1, 40),
    classes=st.integers(2, 5),
    decay=st.sampled_from(DECAYS),
    weighs=st.booleans(),
)
@settings(max_examples=15)
def test_no_small_change_makes_a_solved_head_better(
    seed: int, photos: int, features: int, classes: int, decay: float, weighs: bool
) -> None:
    rows = rows_of(seed, photos, features, classes)
    if weighs:
        weights_N = torch.rand(photos, generator=torch.Generator().manual_seed(seed)) + 0.1
        rows = Rows(rows.features_NF, rows.labels_N, weights_N, rows.photos_N)
    head = solve(rows, classes, decay)
    weight, bias = head.weight.requires_grad_(), head.bias.requires_grad_()
    best = objective(rows, Head(weight, bias), decay)
    best.backward()  # type: ignore[no-untyped-call]
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        step = 0.05 * torch.randn(weight.shape, generator=generator)
        other = objective(rows, Head(weight.detach() + step, bias.detach()), decay)
        assert other > best.detach() - 1e-4
    assert bias.grad is not None and bias.grad.abs().max() < 5e-3


@given(st.integers(0, 2**32), st.integers(1, 30), st.booleans())
@settings(max_examples=30)
def test_head_of_scaled_features_says_the_same_of_plain_ones(seed: int, features: int, dead: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    plain_NF = torch.randn(20, features, generator=generator) * 50 + 7
    if dead:
        plain_NF[:, 0] = 3.0
    scale = Scale.of(plain_NF)
    head = Head(torch.randn(3, features, generator=generator), torch.randn(3, generator=generator))
    scaled_NF = scale(plain_NF)
    assert scaled_NF.isfinite().all()
    expected = head.logits(scaled_NF)
    assert torch.allclose(scale.unscaled(head).logits(plain_NF), expected, atol=1e-2, rtol=1e-3)


@given(st.integers(0, 2**32), st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(1, 3))
@settings(max_examples=60)
def test_each_photo_is_held_out_once_with_all_its_views(seed: int, sizes: list[int], views: int) -> None:
    labels = torch.tensor([label for label, size in enumerate(sizes) for _ in range(size)])
    photos_N = torch.arange(len(labels)).repeat(views)
    rows = Rows(torch.zeros(len(photos_N), 1), labels.repeat(views), torch.ones(len(photos_N)), photos_N)
    folds = divide(rows, seed)
    if min(sizes) == 1:
        assert folds == []
        return
    assert 2 <= len(folds) <= FOLDS
    assert (torch.stack(folds).sum(0) == 1).all()
    for photo in range(len(labels)):
        of_photo = torch.stack([fold[photos_N == photo] for fold in folds])
        assert (of_photo.all(1) == of_photo.any(1)).all()
    for label, size in enumerate(sizes):
        counts = [int((fold & (rows.labels_N == label)).sum()) // views for fold in folds]
        assert max(counts) - min(counts) <= 1 and sum(counts) == size


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_is_held_back_and_signal_is_not(seed: int) -> None:
    noise, signal = rows_of(seed, 60, 200, 3, signal=0.0), rows_of(seed, 60, 200, 3, signal=1.0)
    assert fit(noise, 3, seed).decay == max(DECAYS)
    clear = fit(signal, 3, seed)
    assert clear.decay < max(DECAYS) and clear.accuracy == 1.0


def test_same_photos_give_the_same_head() -> None:
    rows = rows_of(5, 40, 30, 4)
    first, second = fit(rows, 4, 0), fit(rows, 4, 0)
    assert torch.equal(first.head.weight, second.head.weight) and torch.equal(
        first.head.bias, second.head.bias
    )


def test_class_of_one_photo_is_learnt_without_a_cross_validation() -> None:
    rows = rows_of(5, 7, 10, 3)
    few = rows[torch.tensor([0, 1, 2, 3, 4])]  # one of class 2
    found = fit(few, 3, 0)
    assert math.isnan(found.accuracy)
    assert (found.head.logits(few.features_NF).argmax(1) == few.labels_N).all()


def test_fit_can_be_stopped_between_its_parts() -> None:
    class Asked(Exception):
        pass

    told: list[tuple[int, int]] = []

    def tell(done: int, of: int) -> None:
        told.append((done, of))
        if done == 3:
            raise Asked

    with pytest.raises(Asked):
        fit(rows_of(1, 20, 5, 2), 2, 0, tell)
    assert told == [(1, told[0][1]), (2, told[0][1]), (3, told[0][1])]
