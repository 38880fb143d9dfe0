"""A batch that has no room is halved: the run goes on from the same photo, to the same weights."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.engine.process import ENVIRONMENT, Finished, read_messages
from tests.photos import make_photos
from waste_gui import engine, tables
from waste_gui.config import RunConfig
from waste_gui.engine import checkpoint, models
from waste_gui.engine.augment import STRENGTHS, Strength, augment
from waste_gui.engine.devices import Device
from waste_gui.engine.errors import OutOfMemory
from waste_gui.engine.room import Part, Room, all_or_nothing
from waste_gui.protocol import AnyMessage, EpochFinished, Metric, RunFailed, RunFinished, Warned
from waste_gui.rundir import RunDir

CARD = Device(torch.device("cuda", 0), "A card", 8 * 2**30, None)
PROCESSOR = Device(torch.device("cpu"), "A processor", 8 * 2**30, None)
NO_ROOM = "CUDA out of memory. Tried to allocate 2.00 GiB."
NO_NORM = "timm:test_vit"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty to train on, ten to validate."""
    folder = tmp_path_factory.mktemp("room") / "photos"
    return make_photos(folder, classes=("glass", "paper"), per_class=25)


# --- the parts


@given(
    fits=st.integers(1, 70),
    batches=st.lists(st.integers(1, 70), min_size=1, max_size=6),
    least=st.sampled_from([1, 2]),
    known=st.integers(0, 40),
)
@settings(max_examples=300)
def test_each_photo_is_done_once_in_parts_that_fit(
    fits: int, batches: list[int], least: int, known: int
) -> None:
    said: list[Warned] = []
    room = Room(PROCESSOR, "training", said.append, least=least, at_once=known, per_update=64)

    def work(part: Part) -> Part:
        if part.photos > fits:
            raise torch.OutOfMemoryError(NO_ROOM)
        return part

    for photos in batches:
        if photos < least:
            continue
        try:
            parts = room.parts(photos, work)
        except OutOfMemory:
            assert fits < 2 * least
            return
        assert [i for part in parts for i in range(part.start, part.stop)] == list(range(photos))
        assert all(least <= part.photos <= fits and part.of == photos for part in parts)
    assert len(said) <= math.log2(70), "once for each time it got fewer"


def test_what_is_no_lack_of_memory_is_raised_as_it_is() -> None:
    room = Room(PROCESSOR, "training", lambda message: None)

    def work(part: Part) -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        room.parts(8, work)
    assert room.at_once == 0


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError(NO_ROOM),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB, max allowed: 9.07 GB)."),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_every_kind_of_full_memory_halves_the_batch_and_is_told_once(failure: Exception) -> None:
    said: list[Warned] = []
    room = Room(CARD, "training", said.append, per_update=32)

    def work(part: Part) -> int:
        if part.photos > 16:
            raise failure
        return part.photos

    assert room.parts(32, work) == [16, 16] and room.parts(32, work) == [16, 16]
    assert [message.text for message in said] == [
        "The graphics card had no room for 32 photos at a time: training goes on with 16 at a time, two for "
        "each update, to the same effect."
    ]


def test_where_not_one_photo_fits_the_words_lead_on() -> None:
    def work(part: Part) -> None:
        raise torch.OutOfMemoryError(NO_ROOM)

    with pytest.raises(OutOfMemory) as raised:
        Room(CARD, "training", lambda message: None).parts(32, work)
    assert raised.value.kind == "out_of_memory"
    assert (
        raised.value.text == "Training stopped: the graphics card ran out of memory with one photo at a time."
    )
    assert raised.value.hint.startswith("Choose a smaller image size or a smaller model, or the device cpu")


@given(
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    strength=st.sampled_from([*STRENGTHS.values(), Strength(erase=0.7, brightness=0.2, rotate=20.0)]),
)
@settings(max_examples=40)
def test_photo_is_augmented_alike_in_whatever_part_it_comes(
    seed: int, cuts: list[int], strength: Strength
) -> None:
    of = sum(cuts)
    photos = torch.randint(0, 256, (of, 24, 24, 3), generator=torch.Generator().manual_seed(seed)).byte()
    whole = augment(photos, 16, torch.Generator().manual_seed(seed), strength)
    parts, start = [], 0
    for cut in cuts:
        part = Part(start, start + cut, of)
        generator = torch.Generator().manual_seed(seed)
        parts.append(augment(photos[part.slice], 16, generator, strength, part))
        start += cut
    assert torch.allclose(torch.cat(parts), whole, atol=1e-6)


# --- gradients


class _FullInBackward(torch.autograd.Function):
    """The card is full when the gradient comes by here."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        raise torch.OutOfMemoryError(NO_ROOM)


def same(gradient: Tensor | None, expected: Tensor) -> bool:
    return gradient is not None and torch.allclose(gradient, expected)


@pytest.mark.parametrize("gathered", [False, True])
def test_backward_pass_that_fails_halfway_adds_nothing(gathered: bool) -> None:
    torch.manual_seed(0)
    first, last = nn.Linear(4, 4), nn.Linear(4, 1)
    parameters = [*first.parameters(), *last.parameters()]
    images = torch.randn(8, 4)
    if gathered:
        last(first(images)).sum().backward()
    before = [None if p.grad is None else p.grad.clone() for p in parameters]
    with pytest.raises(torch.OutOfMemoryError), all_or_nothing(parameters):
        last(_FullInBackward.apply(first(images))).sum().backward()
    for parameter, was in zip(parameters, before, strict=True):
        assert parameter.grad is was or (was is not None and same(parameter.grad, was))
    with all_or_nothing(parameters):
        last(first(images)).sum().backward()
    assert all(p.grad is not None for p in parameters)
    for parameter, was in zip(parameters, before, strict=True):
        assert was is None or same(parameter.grad, 2 * was)


# --- whole runs


class FullCard:
    """Stands in for a card: a pass of more photos than have room fails, in the backbone or, where gradients
    are computed, on the way back as well. What passes is a real pass."""

    def __init__(self, fits: int, monkeypatch: pytest.MonkeyPatch, *, backward: bool = False) -> None:
        self.fits, self._backward = fits, backward
        self.passes: Counter[int] = Counter()
        build = models.build

        def built(*arguments: Any) -> Any:
            model, spec = build(*arguments)
            model.register_forward_pre_hook(self._look)
            return model, spec

        monkeypatch.setattr(models, "build", built)

    def _look(self, model: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        photos = len(inputs[0])
        self.passes[photos] += 1
        if photos <= self.fits:
            return None
        if not self._backward or not torch.is_grad_enabled():
            raise torch.OutOfMemoryError(NO_ROOM)
        return (_FullInBackward.apply(inputs[0].requires_grad_()),)


def config_of(photos: Path, **more: object) -> RunConfig:
    config = RunConfig(
        source=(str(photos),),
        model=NO_NORM,
        pretrained="none",
        image_size=32,
        batch_size=16,
        epochs=2,
        workers=1,
        device="cpu",
        cache_gb=0,
        small_first=False,
        lr=1e-3,
    )
    return msgspec.structs.replace(config, **more)


def weights_of(folder: Path) -> dict[str, Tensor]:
    tensors = load_file(RunDir(folder).checkpoints / "last.safetensors")
    return {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}


def assert_nearly_same(one: Path, other: Path) -> None:
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.allclose(tensor, second[name], atol=2e-4), name


@pytest.mark.slow
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize(
    ("fits", "accumulate", "balance"), [(8, 1, "none"), (5, 2, "weights"), (1, 3, "sampler")]
)
def test_halved_run_comes_to_the_weights_of_one_that_had_room(
    fits: int,
    accumulate: int,
    balance: str,
    backward: bool,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = config_of(photos, accumulate=accumulate, balance=balance, augment="strong", label_smoothing=0.1)
    heard: list[AnyMessage] = []
    engine.train(config, heard.append, run_dir=tmp_path / "whole")
    roomy = [m for m in heard if isinstance(m, Metric | EpochFinished)]
    heard.clear()
    with monkeypatch.context() as patch:
        card = FullCard(fits, patch, backward=backward)
        engine.train(config, heard.append, run_dir=tmp_path / "halved")
    halved = [m for m in heard if isinstance(m, Metric | EpochFinished)]
    assert max(size for size in card.passes if size <= fits) >= (fits + 1) // 2
    assert_nearly_same(tmp_path / "whole", tmp_path / "halved")
    said = [m.text for m in heard if isinstance(m, Warned) and "no room" in m.text]
    assert len(said) == 2 and "16 photos at a time: training goes on" in said[0]
    assert "validation goes on" in said[1]
    assert roomy[-1].train_loss == pytest.approx(halved[-1].train_loss, abs=1e-3)  # type: ignore[union-attr]


@pytest.mark.slow
def test_run_that_goes_on_remembers_what_had_room(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = FullCard(4, monkeypatch)
    config = config_of(photos, epochs=1)
    engine.train(config, lambda m: None, run_dir=tmp_path / "run")
    info, _ = checkpoint.load(RunDir(tmp_path / "run").checkpoints / "last.safetensors")
    assert info.progress.at_once == 4
    card.passes.clear()
    heard: list[AnyMessage] = []
    engine.train(msgspec.structs.replace(config, epochs=2), heard.append, resume=tmp_path / "run")
    assert not card.passes[16] and isinstance(heard[-1], RunFinished)
    assert not [m for m in heard if isinstance(m, Warned) and "training goes on" in m.text]


@pytest.mark.slow
def test_evaluation_and_prediction_go_on_with_fewer_at_a_time(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = engine.train(config_of(photos, epochs=1), lambda m: None, run_dir=tmp_path / "run")
    before = engine.evaluate(folder)
    some = [str(path) for path in sorted(photos.rglob("*.jpg"))]
    labels = [each.label for each in engine.predict(folder, some)]
    load = checkpoint.load_best
    card = FullCard(3, monkeypatch)

    def loaded(run: RunDir) -> Any:
        info, model = load(run)
        model.register_forward_pre_hook(card._look)
        return info, model

    monkeypatch.setattr(checkpoint, "load_best", loaded)
    assert engine.evaluate(folder) == pytest.approx(before, abs=1e-5)
    assert [each.label for each in engine.predict(folder, some)] == labels
    assert 0 < max(size for size in card.passes if size <= 3)


def predicted(run: RunDir) -> dict[str, float]:
    """How sure it is of `glass`, by photo."""
    rows = tables.decoded((run.results / "predictions.csv").read_bytes())
    sure = {row[0]: (row[2], float(row[3])) for row in list(rows)[1:]}
    return {path: share if label == "glass" else 1 - share for path, (label, share) in sure.items()}


@pytest.mark.slow
def test_embedding_goes_on_with_fewer_at_a_time_to_the_same_features(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(photos, model="timm:test_efficientnet", tune="head")
    engine.train(config, lambda m: None, run_dir=tmp_path / "whole")
    sizes: list[int] = []
    features = models.Classifier.features

    def full(self: models.Classifier, images_BCHW: Tensor) -> Tensor:
        sizes.append(len(images_BCHW))
        if len(images_BCHW) > 8:
            raise torch.OutOfMemoryError(NO_ROOM)
        return features(self, images_BCHW)

    monkeypatch.setattr(models.Classifier, "features", full)
    heard: list[AnyMessage] = []
    engine.train(config, heard.append, run_dir=tmp_path / "halved")
    assert set(sizes[sizes.index(8) :]) <= {8, 1}
    said = [m.text for m in heard if isinstance(m, Warned) and "no room" in m.text]
    assert len(said) == 1 and "32 photos at a time" in said[0] and "8 at a time." in said[0]
    one, other = (predicted(RunDir(tmp_path / name)) for name in ("whole", "halved"))
    assert one.keys() == other.keys() and len(one) == 10
    assert all(one[photo] == pytest.approx(other[photo], abs=0.01) for photo in one)


# --- memory that is really full


def limited(photos: Path, folder: Path, megabytes: int, batch: int) -> Finished:
    command = [sys.executable, "-m", "tests.engine.limited", photos, folder, megabytes, batch]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=300, env=environment)
    return Finished(done.returncode, read_messages(done.stdout), done.stderr.decode("utf-8", "replace"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits are set as Linux has them")
def test_process_whose_memory_is_limited_trains_on_with_fewer_photos(photos: Path, tmp_path: Path) -> None:
    finished = limited(photos, tmp_path / "run", 400, 40)
    assert isinstance(finished.last, RunFinished), (finished.last, finished.stderr[-2000:])
    said = [m.text for m in finished.of(Warned)]
    assert any("The memory of this computer had no room for 40 photos at a time" in text for text in said)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits are set as Linux has them")
def test_process_without_room_for_one_photo_says_what_to_do(photos: Path, tmp_path: Path) -> None:
    finished = limited(photos, tmp_path / "run", 10, 40)
    assert isinstance(finished.last, RunFailed) and finished.last.kind == "out_of_memory"
    assert "ran out of memory with one photo at a time" in finished.last.text
    assert finished.last.hint.startswith("Choose a smaller image size or a smaller model, and close")
