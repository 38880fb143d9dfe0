"""What a preview works out, from embeddings that are drawn; and from real ones, whether it holds."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.preview_held import check_halves, check_suspects, mislabelled, photos_of
from waste_gui import protocol
from waste_gui.dataset.samples import Sample
from waste_gui.dataset.split import Split
from waste_gui.engine.errors import StopRequested, UnusableDataset
from waste_gui.engine.forecast import ridge
from waste_gui.engine.forecast.all import forecast
from waste_gui.engine.forecast.curve import Curve, ahead
from waste_gui.engine.forecast.interval import interval
from waste_gui.engine.forecast.photos import EmbeddedPhotos, gather
from waste_gui.engine.previewing import some
from waste_gui.protocol import Previewed


def drawn(
    seed: int, sizes: list[int], features: int = 24, signal: float = 1.0, sources: int = 1
) -> EmbeddedPhotos:
    """So many photos of each class, a cloud of points each; the last source shows all of them otherwise."""
    generator = torch.Generator().manual_seed(seed)
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    centres = torch.randn(len(sizes), features, generator=generator) * signal
    views_VNF = centres[labels] + torch.randn(2, len(labels), features, generator=generator) * 0.1
    views_VNF += torch.randn(len(labels), features, generator=generator)
    samples = []
    for place, label in enumerate(labels):
        source = place % sources
        if sources > 1 and source == sources - 1:
            views_VNF[:, place] = views_VNF[:, place].flip(1)
        samples.append(Sample(f"/s{source}/{label}/{place}.jpg", label, f"/s{source}", str(label)))
    order = torch.randperm(len(labels), generator=generator).tolist()
    names = tuple(f"class {label}" for label in range(len(sizes)))
    return EmbeddedPhotos(
        tuple(samples[place] for place in order),
        views_VNF[:, order].half(),
        max(1, round(0.8 * len(order))),
        names,
        features * 2 // 3,
        len(order),
    )


def told(photos: EmbeddedPhotos, seed: int = 0) -> Previewed:
    return forecast(photos, seed, lambda done, of, detail: None)


@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.integers(0, 30), min_size=2, max_size=6).filter(
        lambda sizes: sum(size > 0 for size in sizes) >= 2 and max(sizes) >= 2
    ),
    features=st.sampled_from([1, 3, 40]),
    signal=st.sampled_from([0.0, 1.0, 30.0]),
    sources=st.integers(1, 3),
)
@settings(max_examples=25)
def test_whatever_the_photos_are_something_that_can_be_read_is_told(
    seed: int, sizes: list[int], features: int, signal: float, sources: int
) -> None:
    message = told(drawn(seed, sizes, features, signal, sources), seed)
    read = protocol.decode(protocol.encode(message))
    assert isinstance(read, Previewed)
    assert 0 <= message.interval[0] <= message.interval[1] <= 1
    assert message.interval[0] <= message.accuracy <= message.interval[1]
    assert sum(each.photos for each in message.per_class) == message.photos == sum(sizes)
    if message.with_twice is not None:
        assert 0 <= message.with_twice[0] <= message.with_twice[1] <= 1


@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_embeddings_that_are_all_the_same_tell_nothing(constant: float) -> None:
    photos = drawn(1, [10, 10])
    same = replace(photos, views_VNF=torch.full_like(photos.views_VNF, constant))
    assert told(same).accuracy <= 0.6


def test_same_photos_and_seed_tell_the_same_and_another_seed_nearly() -> None:
    photos = drawn(4, [30, 40, 50], signal=0.4)
    first = told(photos, 5)
    assert told(photos, 5) == first
    other = told(photos, 6)
    assert other != first and abs(other.accuracy - first.accuracy) < 0.1


def test_nothing_to_learn_is_forecast_as_chance() -> None:
    message = told(drawn(2, [60, 60, 60], signal=0.0))
    assert abs(message.accuracy - 1 / 3) < 0.15
    assert message.interval[0] < 1 / 3 < message.interval[1]


def test_wrong_labels_are_suspected_first() -> None:
    changed, wrong = mislabelled(drawn(3, [60, 60, 60], signal=2.0), 0.05, 1)
    suspects = told(changed).suspects
    assert len(wrong) == 9
    assert len(wrong & {suspect.path for suspect in suspects[:9]}) >= 8
    labels = {sample.path: sample.label for sample in drawn(3, [60, 60, 60], signal=2.0).samples}
    right = [suspect.suggested == f"class {labels[suspect.path]}" for suspect in suspects[:5]]
    assert all(right)


def test_without_wrong_labels_few_are_suspected() -> None:
    assert len(told(drawn(3, [60, 60, 60], signal=2.0)).suspects) <= 3


def test_source_that_shows_things_otherwise_is_told_to_be_harder() -> None:
    message = told(drawn(5, [60, 60, 60], sources=3, signal=1.0))
    accuracies = [each.accuracy for each in message.sources]
    assert [each.source for each in message.sources] and len(accuracies) == 3
    by_source = {each.source: each.accuracy or 0 for each in message.sources}
    assert by_source["/s2"] < 0.6 < by_source["/s0"]


def test_validation_photos_that_show_other_things_are_forecast_as_they_are() -> None:
    """Where a person has put them into a folder of their own, they may be of another camera."""
    photos = drawn(5, [60, 60, 60], signal=1.0)
    views_VNF = photos.views_VNF.clone()
    views_VNF[:, photos.to_train :] = views_VNF[:, photos.to_train :].flip(2)
    mixed = told(replace(photos, views_VNF=views_VNF))
    ready = tuple(
        msgspec.structs.replace(sample, split="train" if place < photos.to_train else "val")
        for place, sample in enumerate(photos.samples)
    )
    apart = told(replace(photos, views_VNF=views_VNF, samples=ready))
    assert apart.accuracy < 0.6 < mixed.accuracy
    assert apart.interval[0] <= apart.accuracy <= apart.interval[1]
    assert apart.with_twice is not None and apart.with_twice[0] < 0.7


def test_one_source_says_nothing_of_others() -> None:
    assert told(drawn(5, [20, 20])).sources == ()


def test_source_whose_classes_the_others_lack_has_no_forecast() -> None:
    photos = drawn(6, [20, 20, 20])
    apart = tuple(
        msgspec.structs.replace(sample, source="/a" if sample.label < 2 else "/b")
        for sample in photos.samples
    )
    by_source = {each.source: each.accuracy for each in told(replace(photos, samples=apart)).sources}
    assert by_source == {"/a": None, "/b": None}


def test_more_of_a_class_that_is_told_apart_already_brings_nothing() -> None:
    """Two classes lie close together; a third one far away."""
    photos = drawn(7, [80, 80, 80], features=60, signal=0.35)
    views_VNF = photos.views_VNF.clone()
    views_VNF[:, photos.labels_N == 2] += 10
    message = told(replace(photos, views_VNF=views_VNF))
    gain_of = {each.label: each.gain for each in message.wanted}
    assert -0.01 < gain_of["class 2"][0] <= 0 <= gain_of["class 2"][1] < 0.01
    assert {each.photos for each in message.wanted} == {40}
    gains = [each.gain for each in message.wanted]
    assert all(low <= high for low, high in gains)
    assert [low <= 0 for low, _ in gains] == sorted(low <= 0 for low, _ in gains)


def test_pictures_of_something_else_come_first_and_ordinary_ones_not_at_all() -> None:
    photos = drawn(8, [100, 100], features=60)
    assert told(photos).outliers == ()
    odd = [3, 50, 120]
    views_VNF = photos.views_VNF.clone()
    views_VNF[:, odd] = 12 * torch.randn(1, 3, 60, generator=torch.Generator().manual_seed(1)).half()
    found = [each.path for each in told(replace(photos, views_VNF=views_VNF)).outliers]
    assert set(found) == {photos.samples[place].path for place in odd}


@pytest.mark.parametrize("mirrored", [False, True])
def test_twins_across_training_and_validation_are_found(mirrored: bool) -> None:
    photos = drawn(9, [50, 50], features=60)
    views_VNF = photos.views_VNF.clone()
    here, there = 10, photos.to_train + 5
    views_VNF[:, there] = views_VNF[:, here].flip(0) if mirrored else views_VNF[:, here]
    views_VNF[:, 11] = views_VNF[:, 12]  # Both in training: that is no leak.
    expected = (photos.samples[here].path, photos.samples[there].path)
    assert expected in told(replace(photos, views_VNF=views_VNF)).twins
    assert all(
        {train, val} != {photos.samples[11].path, photos.samples[12].path}
        for train, val in told(replace(photos, views_VNF=views_VNF)).twins
    )


def test_stop_is_obeyed_within_the_forecast() -> None:
    told_of: list[int] = []

    def tell(done: int, of: int, detail: str) -> None:
        told_of.append(done)
        if len(told_of) == 20:
            raise StopRequested("Stopped on request.")

    threads = torch.get_num_threads()
    with pytest.raises(StopRequested):
        forecast(drawn(1, [20, 20]), 0, tell)
    assert len(told_of) == 20 and told_of == sorted(told_of)
    assert torch.get_num_threads() == threads


# --- its parts


@given(st.integers(0, 2**32), st.integers(5, 40), st.integers(2, 50), st.integers(2, 6))
@settings(max_examples=30)
def test_each_part_is_asked_of_a_fit_to_all_others(seed: int, photos: int, features: int, parts: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features_NK = torch.randn(photos, features, generator=generator)
    labels_N = torch.randint(3, (photos,), generator=generator)
    part_N = ridge.divide(labels_N, parts, generator)
    times_N = torch.zeros(photos)
    for asked, (weight_PKC, bias_PC) in ridge.each_part(features_NK, labels_N, 3, part_N, (1e-2,)):
        times_N[asked] += 1
        mean_K = features_NK[~asked].mean(0)
        is_class_NC = torch.nn.functional.one_hot(labels_N[~asked], 3).double()
        centred_NK = (features_NK[~asked] - mean_K).double()
        held = centred_NK.T @ centred_NK + (1e-2 * len(centred_NK) + 1e-6) * torch.eye(features)
        expected_KC = torch.linalg.solve(held, centred_NK.T @ (is_class_NC - is_class_NC.mean(0)))
        assert torch.allclose(weight_PKC[0].double(), expected_KC, atol=2e-3)
        assert torch.allclose(
            bias_PC[0].double(), is_class_NC.mean(0) - mean_K.double() @ expected_KC, atol=5e-3
        )
    assert (times_N == 1).all()


def falling(power: float, floor: float, photos: int = 4_000) -> Curve:
    """Photos that are right as often as an error says that falls so."""
    sizes_S = torch.tensor([40.0, 80.0, 160.0, 320.0, 480.0, 640.0])
    error_S = floor + (1 - floor) * 2 * sizes_S**-power
    return Curve(sizes_S, (torch.arange(photos) / photos >= error_S[:, None]).float())


@pytest.mark.parametrize(("power", "floor"), [(0.5, 0.0), (0.3, 0.0), (0.5, 0.1), (1.0, 0.2)])
def test_curve_goes_on_as_it_began(power: float, floor: float) -> None:
    found = ahead(falling(power, floor), 1_280, 0)
    assert found is not None
    expected = floor + (1 - floor) * 2 * 1_280**-power
    assert abs(found.error - expected) < 0.015
    assert 0 < found.deviation < 0.02


def test_interval_is_of_what_will_be_counted() -> None:
    low, high = interval(1.0, 0.005, 24, 5)
    assert low == 0.7999 and high == 1  # One of five may be wrong, although none of 24 was.
    low, high = interval(0.975, 0.01, 200, 40)
    assert 0.9 <= low < 0.975 and high == 1
    low, high = interval(0.0, 0.1, 24, 50)
    assert low == 0 and 0 < high < 0.5
    low, high = interval(0.85, 0.03, 600, 20_000)
    assert abs(low - (0.85 - 1.645 * 0.03)) < 0.01 and abs(high - (0.85 + 1.645 * 0.03)) < 0.01
    low, high = interval(0.85, 0.001, 600, 100)
    assert (low, high) == (0.7899, 0.9101)


@given(
    st.floats(0, 1),
    st.floats(0, 0.3),
    st.integers(2, 10**6),
    st.floats(0.5, 1e9),
    st.sampled_from([1.0, 0.0]),
)
@settings(max_examples=60)
def test_interval_holds_what_was_measured(
    share: float, deviation: float, measured: int, counted: float, end: float
) -> None:
    for each in (share, end):
        low, high = interval(each, deviation, measured, counted)
        assert 0 <= low <= each <= high <= 1


def split_of(sizes: list[int]) -> Split:
    samples = [
        Sample(f"/{label}/{n}", label, "/", str(label))
        for label, size in enumerate(sizes)
        for n in range(size)
    ]
    return Split(tuple(samples), tuple(samples[::7]), (), 0, "")


def test_of_very_many_photos_each_class_gives_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waste_gui.engine.previewing.MOST", 200)
    split = split_of([1_000, 500, 5])
    drawn_split = some(split, 3)
    assert some(split, 3) == drawn_split and some(split, 4) != drawn_split
    counts = [sum(sample.label == label for sample in drawn_split.train) for label in range(3)]
    assert 110 <= counts[0] <= 125 and 55 <= counts[1] <= 65 and counts[2] >= 1
    assert set(drawn_split.train) <= set(split.train)
    few = split_of([20, 20])
    assert some(few, 3) is few


def test_photos_of_one_class_or_one_of_each_are_refused() -> None:
    found = {sample.path: torch.zeros(2, 4) for sample in split_of([3, 3]).train}
    with pytest.raises(UnusableDataset):
        gather(split_of([3]), found, ("a", "b"), 4, 3)
    with pytest.raises(UnusableDataset):
        gather(split_of([1, 1]), found, ("a", "b"), 4, 2)
    with pytest.raises(UnusableDataset):
        gather(split_of([1, 1]), {}, ("a", "b"), 4, 2)


@pytest.mark.slow
def test_forecasts_from_half_of_real_photos_hold_and_wrong_labels_are_found(
    trashnet: Path, tmp_path: Path
) -> None:
    """`python -m tests.engine.preview_held` does it for all photos and more seeds, and prints each."""
    for folder in sorted(path for path in trashnet.iterdir() if path.is_dir()):
        (tmp_path / "photos" / folder.name).mkdir(parents=True)
        for photo in sorted(folder.iterdir())[:40]:
            shutil.copy(photo, tmp_path / "photos" / folder.name)
    photos = photos_of([tmp_path / "photos"])
    assert len(photos.samples) == 240
    for held in check_halves(photos, [20, 21]):
        assert held.holds(held.validated), held.in_words()
    found, _ = check_suspects(photos, 0.05, [20, 21])
    assert found >= 0.5
