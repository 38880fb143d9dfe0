"""The regression on embeddings: it is the optimum, whatever the features, and its decay suits the photos."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from waste_gui.engine import head as head_module
from waste_gui.engine.head import DECAYS, FOLDS, ITERATIONS, Head, Rows, Scale, divide, fit, solve, some


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
    assert len(folds) == min(FOLDS, sum(sizes))
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


def test_class_of_one_photo_keeps_no_decay_from_being_chosen() -> None:
    """One class of many with a single photo is what real folders look like."""
    noise = rows_of(5, 61, 200, 3, signal=0.0)
    labels_N = noise.labels_N.clone()
    labels_N[-1] = 3
    found = fit(replace(noise, labels_N=labels_N), 4, 0)
    assert found.decay == max(DECAYS) and 0 <= found.accuracy <= 1
    few = rows_of(5, 7, 10, 3)[torch.tensor([0, 1, 2, 3, 4])]  # one of class 2
    assert (fit(few, 3, 0).head.logits(few.features_NF).argmax(1) == few.labels_N).all()


def test_decays_are_compared_on_some_photos_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_module, "COMPARED", 40)
    rows = rows_of(3, 120, 6, 3, views=2)
    chosen = some(rows, 7)
    assert len(torch.unique(chosen.photos_N)) == 40 and len(chosen.photos_N) == 80
    assert torch.equal(some(rows, 7).photos_N, chosen.photos_N)
    assert not torch.equal(some(rows, 8).photos_N, chosen.photos_N)
    right = fit(rows, 3, 7).accuracy * len(chosen.photos_N)  # Of those, and of no others.
    assert right == pytest.approx(round(right), abs=1e-3)


def test_fit_can_be_stopped_within_a_part_of_it() -> None:
    """A part may take a minute where photos are many: it is told of, and may be stopped, at each look."""

    class Asked(Exception):
        pass

    told: list[tuple[int, int]] = []

    def tell(done: int, of: int) -> None:
        told.append((done, of))
        if len(told) == 3:
            raise Asked

    threads = torch.get_num_threads()
    with pytest.raises(Asked):
        fit(rows_of(1, 20, 5, 2), 2, 0, tell)
    of = len(DECAYS) * (FOLDS + 1) * ITERATIONS
    assert told == [(1, of), (2, of), (3, of)]
    assert torch.get_num_threads() == threads


def test_progress_of_a_fit_never_goes_back_nor_past_its_end() -> None:
    told: list[tuple[int, int]] = []
    fit(rows_of(1, 40, 30, 3), 3, 0, lambda done, of: told.append((done, of)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] < told[-1][1]


def test_large_set_is_looked_at_bit_by_bit_and_comes_to_the_same_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = rows_of(3, photos=400, features=12, classes=4, views=2, signal=0.5)
    halves = replace(rows, features_NF=rows.features_NF.half())
    exact = replace(rows, features_NF=halves.features_NF.float())
    whole = fit(exact, 4, seed=1)
    assert torch.equal(fit(halves, 4, seed=1).head.weight, whole.head.weight), "float16 costs nothing"
    monkeypatch.setattr(head_module, "COMPARED", 399)
    monkeypatch.setattr(head_module, "CHUNK", 64)
    told: list[tuple[int, int]] = []
    parted = fit(halves, 4, seed=1, tell=lambda done, of: told.append((done, of)))
    assert parted.decay == whole.decay
    assert torch.allclose(parted.head.weight, whole.head.weight, atol=2e-3)
    assert parted.loss == pytest.approx(whole.loss, abs=1e-4)
    assert told == sorted(told) and told[-1][0] <= told[-1][1]
    assert told.count(told[0]) >= 2 * (800 // 64), "before the first look, too"


def test_large_set_is_left_at_once_when_a_stop_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_module, "COMPARED", 20)
    monkeypatch.setattr(head_module, "CHUNK", 16)
    rows = rows_of(3, photos=100, features=5, classes=2, views=2)
    told: list[int] = []

    def stop(done: int, of: int) -> None:
        told.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(rows, 2, seed=1, tell=stop)
    assert told == [0]
