"""A run is counted in photos: with whatever batches it goes on, each epoch sees each photo once, and the
learning rate ends where it should."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import msgspec
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from tests.photos import make_photos
from waste_gui import engine
from waste_gui.config import RunConfig
from waste_gui.dataset.samples import Sample
from waste_gui.engine import checkpoint, training
from waste_gui.engine.course import Course, Schedule
from waste_gui.engine.errors import BadSettings, StopRequested
from waste_gui.engine.loading import Batch
from waste_gui.engine.room import Part
from waste_gui.engine.training import Learnt, Trainer
from waste_gui.protocol import (
    AnyMessage,
    EpochFinished,
    Metric,
    RunFinished,
    RunStarted,
    StageFinished,
    Warned,
)
from waste_gui.rundir import RunDir

NO_NORM = "timm:test_vit"
"""Layer norm alone: it does not matter which photos share a batch."""


def order_of(photos: int) -> list[Sample]:
    return [Sample(path=str(i), label=0, source="", folder="", split=None) for i in range(photos)]


def schedule(course: Course) -> Schedule:
    return Schedule(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0), course)


@dataclass
class Counted:
    """A training without a model: what it sees of each epoch, and the rates of its updates."""

    seen: list[Counter[str]] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)  # (share of all photos, factor)


def walk(
    course: Course, epoch: int, begin: int, told: Counted, stop_after: int | None = None
) -> tuple[int, int]:
    """From there on, to the end or for so many batches; where it stopped."""
    rates, order, made = schedule(course), order_of(course.photos), 0
    while epoch < course.epochs:
        while len(told.seen) <= epoch:
            told.seen.append(Counter())
        began = begin
        for batch in course.batches(order, begin):
            if made == stop_after:
                return epoch, begin
            made += 1
            if begin - began >= course.per_update:
                began = begin
            seen = epoch * course.photos + began
            told.rates.append((seen / course.all_photos, rates.factor(seen, course.per_update)))
            told.seen[epoch].update(sample.path for sample in batch)
            begin += len(batch)
        epoch, begin = epoch + 1, 0
    return epoch, begin


small = st.integers(1, 12)


@hypothesis.settings(deadline=None)
@given(
    photos=st.integers(2, 70),
    batches=st.tuples(small, small),
    accumulates=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    epochs=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    stop=st.integers(0, 60),
    least=st.sampled_from([1, 2]),
    warmup=st.floats(0, 4),
)
@example(photos=2, batches=(1, 1), accumulates=(1, 2), epochs=(1, 1), stop=1, least=1, warmup=1.0)
def test_each_epoch_sees_each_photo_once_whatever_changes_on_the_way(
    photos: int,
    batches: tuple[int, int],
    accumulates: tuple[int, int],
    epochs: tuple[int, int],
    stop: int,
    least: int,
    warmup: float,
) -> None:
    first, second = (
        Course(
            RunConfig(
                batch_size=max(least, batch), accumulate=accumulate, epochs=count, warmup_epochs=warmup
            ),
            photos,
            least,
        )
        for batch, accumulate, count in zip(batches, accumulates, epochs, strict=True)
    )
    told = Counted()
    epoch, begin = walk(first, 0, 0, told, stop)
    before, told.rates = told.rates, []
    steps = second.steps(begin) + (second.epochs - epoch - 1) * second.steps()
    walk(second, epoch, begin, told)
    if epoch >= second.epochs:  # Nothing was left.
        assert not told.rates
        return
    assert len(told.rates) == steps, "as many steps as were announced"
    for each in told.seen:
        assert each == Counter(str(i) for i in range(photos))
    assert all(0 < rate <= 1 for _, rate in (*before, *told.rates))
    falling = [rate for share, rate in told.rates if share >= min(0.3, warmup / second.epochs)]
    assert falling == sorted(falling, reverse=True)
    floor = schedule(second).factor(second.all_photos, 0)
    assert floor == pytest.approx(0, abs=1e-9)
    last = second.all_photos - min(second.per_update + least - 1, photos)
    if last / second.all_photos >= min(0.3, warmup / second.epochs):  # Else it may still have risen.
        assert told.rates[-1][1] <= schedule(second).factor(last, second.per_update) + 1e-9


def test_rate_begins_above_nothing_and_never_falls_while_it_warms_up() -> None:
    course = Course(RunConfig(batch_size=4, epochs=10, warmup_epochs=3), 40, 1)
    rates = [schedule(course).factor(seen, 4) for seen in range(0, 400, 4)]
    assert rates[0] > 0
    peak = rates.index(max(rates))
    assert rates[:peak] == sorted(rates[:peak]) and rates[peak:] == sorted(rates[peak:], reverse=True)
    assert schedule(Course(RunConfig(epochs=1, warmup_epochs=0), 32, 1)).factor(0, 32) == 1


@pytest.mark.parametrize(
    ("photos", "size", "least", "sizes"),
    [
        (64, 32, 2, [32, 32]),
        (65, 32, 2, [32, 33]),
        (65, 32, 1, [32, 32, 1]),
        (66, 32, 2, [32, 32, 2]),
        (3, 32, 2, [3]),
        (3, 1, 1, [1, 1, 1]),
    ],
)
def test_batches_of_an_epoch(photos: int, size: int, least: int, sizes: list[int]) -> None:
    course = Course(RunConfig(batch_size=size), photos, least)
    assert [len(batch) for batch in course.batches(order_of(photos), 0)] == sizes
    assert course.steps() == len(sizes)


# --- with the real engine


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Two that wait for each other in turns take minutes where other tests use the processors."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty to train on, ten to validate."""
    folder = tmp_path_factory.mktemp("course") / "photos"
    return make_photos(folder, classes=("glass", "paper"), per_class=25)


def settings(photos: Path, **more: object) -> RunConfig:
    config = RunConfig(
        source=(str(photos),),
        model=NO_NORM,
        pretrained="none",
        image_size=32,
        batch_size=8,
        epochs=2,
        workers=1,
        device="cpu",
        cache_gb=0,
        augment="none",
        small_first=False,
    )
    return msgspec.structs.replace(config, **more)


@dataclass
class Watched:
    """What was trained on, in order, and what was said."""

    seen: list[str] = field(default_factory=list)
    messages: list[AnyMessage] = field(default_factory=list)
    stop_at: int | None = None

    def hear(self, message: AnyMessage) -> None:
        self.messages.append(message)
        if self.stop_at is not None and isinstance(message, Metric) and message.step >= self.stop_at:
            self.stop_at = None
            raise StopRequested("Enough.")

    @property
    def rates(self) -> list[float]:
        return [m.values["lr"] or 0.0 for m in self.messages if isinstance(m, Metric)]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    told, learn = Watched(), Trainer.learn

    def watch(
        self: Trainer, batch: Batch, asked: Sequence[Sample], size: int, view: int, part: Part
    ) -> Learnt:
        told.seen += [sample.path for sample in asked]
        return learn(self, batch, asked, size, view, part)

    monkeypatch.setattr(Trainer, "learn", watch)
    monkeypatch.setattr(training, "METRIC_EVERY_S", 0.0)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_run_that_goes_on_with_other_batches_sees_each_photo_once_an_epoch(
    seed: int, photos: Path, watched: Watched, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    old, new = ({"batch_size": chance.randint(1, 13), "accumulate": chance.randint(1, 3)} for _ in "ab")
    epochs, more = chance.randint(1, 2), chance.randint(2, 3)
    watched.stop_at = chance.randint(1, 40 // old["batch_size"])
    first = settings(photos, epochs=epochs, seed=seed, **old)
    engine.train(first, watched.hear, run_dir=tmp_path / "run")
    watched.stop_at = None
    last = engine.train(
        msgspec.structs.replace(first, epochs=more, **new), watched.hear, resume=tmp_path / "run"
    )
    counts = Counter(watched.seen)
    assert len(counts) == 40 and set(counts.values()) == {more}
    assert Counter(watched.seen[:40]) == Counter(counts.keys()), "the open epoch, too"
    assert 0 < watched.rates[-1] < max(watched.rates)
    done = [m for m in watched.messages if isinstance(m, EpochFinished)]
    assert [m.epoch for m in done] == [*range(1, more + 1)] and last == tmp_path / "run"


def updated(photos: Path, folder: Path, **more: object) -> dict[str, Tensor]:
    """The running mean of the gradients after one epoch."""
    engine.train(settings(photos, epochs=1, clip_norm=0.0, **more), lambda m: None, run_dir=folder)
    tensors = load_file(RunDir(folder).checkpoints / "last.safetensors")
    return {name: tensor for name, tensor in tensors.items() if name.endswith((".exp_avg", ".step"))}


@pytest.mark.slow
@pytest.mark.parametrize("balance", ["none", "weights"])
@pytest.mark.parametrize(("size", "parts"), [(40, 2), (40, 5), (24, 2), (24, 3)])
def test_so_many_parts_of_a_batch_are_the_whole(
    balance: str, size: int, parts: int, photos: Path, tmp_path: Path
) -> None:
    """Also of the last one of 16 photos, which is two thirds as large."""
    whole = updated(photos, tmp_path / "whole", batch_size=size, balance=balance)
    split = updated(photos, tmp_path / "parts", batch_size=size // parts, accumulate=parts, balance=balance)
    assert whole.keys() == split.keys()
    for name, tensor in whole.items():
        assert torch.allclose(tensor, split[name], rtol=1e-3, atol=1e-6), name


@pytest.mark.slow
def test_run_begun_again_with_half_the_batch_ends_its_schedule(
    photos: Path, watched: Watched, tmp_path: Path
) -> None:
    watched.stop_at = 3
    first = settings(photos, epochs=4)
    engine.train(first, watched.hear, run_dir=tmp_path / "run")
    watched.stop_at = None
    half = msgspec.structs.replace(first, batch_size=4, accumulate=2)
    engine.train(half, watched.hear, resume=tmp_path / "run")
    assert len(watched.seen) == 4 * 40
    whole = Watched()
    engine.train(first, whole.hear, run_dir=tmp_path / "whole")
    assert watched.rates[-1] == pytest.approx(whole.rates[-1])
    trained = [m for m in watched.messages if isinstance(m, StageFinished) and m.stage == "train"]
    assert trained[-1].summary.startswith("4 of 4 epochs")


@pytest.mark.parametrize("epochs", [1, 2])
def test_run_that_has_all_its_epochs_is_done(epochs: int, photos: Path, tmp_path: Path) -> None:
    told: list[AnyMessage] = []
    folder = RunDir(engine.train(settings(photos), lambda m: None, run_dir=tmp_path / "run"))
    before = folder.config.read_bytes(), folder.split.read_bytes()
    engine.train(settings(photos, epochs=epochs), told.append, resume=folder.path)
    last, said = told[-1], [m.text for m in told if isinstance(m, Warned)]
    assert isinstance(last, RunFinished) and last.metrics["val_accuracy"] is not None
    assert f"2 epochs are trained already, and {epochs} were asked for: nothing is left to train." in said
    assert not [m for m in told if isinstance(m, Metric)]
    assert [m.summary[:11] for m in told if isinstance(m, StageFinished) and m.stage == "train"] == [
        "2 of 2 epoc"
    ]
    assert (folder.config.read_bytes(), folder.split.read_bytes()) == before


@pytest.mark.slow
def test_checkpoint_of_before_photos_were_counted_goes_on_at_its_batch(
    photos: Path, watched: Watched, tmp_path: Path
) -> None:
    watched.stop_at = 2
    folder = RunDir(engine.train(settings(photos), watched.hear, run_dir=tmp_path / "run"))
    watched.stop_at = None
    path = folder.checkpoints / "last.safetensors"
    info, tensors = checkpoint.load(path)
    former = msgspec.structs.replace(
        info.progress, photos=None, of_photos=0, gathered=0, weight=0.0, per_update=0, began=0, batches=2
    )
    checkpoint.save(path, msgspec.structs.replace(info, progress=former), tensors)
    engine.train(settings(photos, batch_size=5), watched.hear, resume=folder.path)
    assert set(Counter(watched.seen).values()) == {2} and len(watched.seen) == 80


# --- single photos


def test_model_without_batch_norm_trains_on_single_photos(
    photos: Path, watched: Watched, tmp_path: Path
) -> None:
    engine.train(settings(photos, batch_size=1, epochs=1), watched.hear, run_dir=tmp_path / "run")
    assert len(watched.seen) == len(set(watched.seen)) == 40
    assert len([m for m in watched.messages if isinstance(m, Metric)]) == 40


def test_model_that_cannot_says_so_before_training(photos: Path, tmp_path: Path) -> None:
    said: list[AnyMessage] = []
    one = settings(photos, model="resnet18", batch_size=1)
    with pytest.raises(BadSettings, match="cannot be trained on one photo at a time") as error:
        engine.train(one, said.append, run_dir=tmp_path / "run")
    assert "batch size of 2 or more" in error.value.hint
    assert not [m for m in said if isinstance(m, Metric)]
    assert not any(RunDir(tmp_path / "run").checkpoints.iterdir())


@pytest.mark.slow
def test_batch_norm_that_sees_more_of_a_photo_takes_one(
    photos: Path, watched: Watched, tmp_path: Path
) -> None:
    config = settings(photos, model="resnet18", batch_size=1, epochs=1, image_size=64)
    engine.train(config, watched.hear, run_dir=tmp_path / "run")
    assert len(watched.seen) == 40


@pytest.mark.slow
def test_last_layer_alone_takes_batches_of_one(photos: Path, tmp_path: Path) -> None:
    """Nothing of it is trained by batches."""
    config = settings(photos, model="resnet18", batch_size=1, epochs=1, tune="head")
    said: list[AnyMessage] = []
    engine.train(config, said.append, run_dir=tmp_path / "run")
    assert isinstance(said[-1], RunFinished)
    told = next(message for message in said if isinstance(message, RunStarted))
    assert [s.id for s in told.stages if s.id in ("embed", "fit")] == ["embed", "fit"]


def test_last_single_photo_joins_the_batch_before_it(photos: Path, watched: Watched, tmp_path: Path) -> None:
    config = settings(photos, model="resnet18", batch_size=13, epochs=1)  # 13, 13 and 14
    engine.train(config, watched.hear, run_dir=tmp_path / "run")
    assert len(watched.seen) == len(set(watched.seen)) == 40
    assert len([m for m in watched.messages if isinstance(m, Metric)]) == 3
