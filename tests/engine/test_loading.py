"""Batches come in the order asked for, whatever the photos do."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
import torch

from tests.faults import decoder
from tests.photos import damage, make_photos
from waste_gui.dataset.file_stats import file_stats
from waste_gui.dataset.image_errors import VanishedImage
from waste_gui.dataset.images import TruncatedImage
from waste_gui.dataset.photo_cache import PhotoCache, open_photo_resized_images
from waste_gui.dataset.pool import ReadingPool
from waste_gui.dataset.samples import Sample
from waste_gui.dataset.scan import scan_sources
from waste_gui.engine.errors import StopRequested, TooManyFailures
from waste_gui.engine.loading import Failures, Loader, batches_of, training_order
from waste_gui.protocol import ImageFailed

MakeLoader = Callable[..., Loader]


@pytest.fixture
def samples(tmp_path: Path) -> tuple[Sample, ...]:
    return scan_sources([str(make_photos(tmp_path / "photos", per_class=10))]).samples


@pytest.fixture
def reported() -> list[ImageFailed]:
    return []


@pytest.fixture
def make_loader(reported: list[ImageFailed], tmp_path: Path) -> Iterator[MakeLoader]:
    with ReadingPool(2, 32, 16, 20.0) as pool:

        def make(
            replacements: tuple[Sample, ...],
            bad_image: Literal["replace", "blank"] = "replace",
            limit: int = 100,
            waiting: Callable[[], None] = lambda: None,
            resized_images: PhotoCache | None = None,
        ) -> Loader:
            failures = Failures(limit, reported.append, tmp_path / "failures.csv")
            return Loader(
                pool,
                32,
                failures,
                waiting,
                bad_image=bad_image,
                replacements=replacements,
                seed=0,
                resized_images=resized_images,
            )

        yield make


def test_batches_keep_the_order_and_the_pixels(samples: tuple[Sample, ...], make_loader: MakeLoader) -> None:
    wanted = batches_of(samples, 7)
    loaded = list(make_loader(samples).load(wanted))
    assert [batch.samples for batch in loaded] == [list(batch) for batch in wanted]
    again = list(make_loader(samples).load(wanted))
    for first, second in zip(loaded, again, strict=True):
        assert torch.equal(first.resized_BHWC, second.resized_BHWC)
        assert first.labels_B.tolist() == [s.label for s in first.samples]
        assert first.resized_BHWC.float().std() > 10


def test_reading_can_be_left_in_the_middle_and_begun_again(
    samples: tuple[Sample, ...], make_loader: MakeLoader
) -> None:
    loader = make_loader(samples)
    endless = loader.load(batch for _ in iter(int, 1) for batch in batches_of(samples, 5))
    next(endless)
    endless.close()
    assert [b.samples for b in loader.load([samples[:3]])] == [list(samples[:3])]


def test_workers_that_are_replaced_meanwhile_cost_no_photo_and_change_none(
    samples: tuple[Sample, ...], make_loader: MakeLoader
) -> None:
    wanted = batches_of(samples, 7)
    undisturbed = list(make_loader(samples).load(wanted))
    calls = itertools.count()

    def restart() -> None:
        if next(calls) < 5:
            loader.restart()

    loader: Loader = make_loader(samples, waiting=restart)
    for first, second in zip(loader.load(wanted), undisturbed, strict=True):
        assert first.samples == second.samples
        assert torch.equal(first.resized_BHWC, second.resized_BHWC)


def test_an_error_in_the_loader_s_thread_is_raised_here_and_loading_can_begin_again(
    samples: tuple[Sample, ...], make_loader: MakeLoader
) -> None:
    loader = make_loader(samples)

    def wanted() -> Iterator[Sequence[Sample]]:
        yield samples[:4]
        raise ArithmeticError("in the sampler")

    batches = loader.load(wanted())
    with pytest.raises(ArithmeticError, match="in the sampler"):
        list(batches)
    assert list(batches) == []
    assert [b.samples for b in loader.load([samples[:3]])] == [list(samples[:3])]


def test_a_bad_training_photo_is_replaced_by_one_of_its_class_the_same_each_time(
    samples: tuple[Sample, ...], make_loader: MakeLoader, reported: list[ImageFailed]
) -> None:
    damage(Path(samples[3].path))
    (first,) = make_loader(samples).load([samples[:8]])
    (second,) = make_loader(samples).load([samples[:8]])
    assert first.samples[3].path != samples[3].path
    assert first.samples[3].label == samples[3].label
    assert second.samples == first.samples
    assert [m.action for m in reported] == ["replaced", "replaced"]


def test_a_bad_photo_is_read_and_told_of_only_once_and_how_often_it_was_wanted_is_counted(
    samples: tuple[Sample, ...], make_loader: MakeLoader, reported: list[ImageFailed], tmp_path: Path
) -> None:
    damage(Path(samples[0].path))
    loader = make_loader(samples)
    for _ in range(3):
        list(loader.load([samples[:4]]))
    assert len(reported) == 1
    loader._failures.write_csv()
    header, row = csv.reader((tmp_path / "failures.csv").read_text().splitlines())
    assert header == ["path", "kind", "reason", "times"]
    assert row == [samples[0].path, "truncated", "is incomplete, its end is missing", "3"]


def test_how_often_bad_photos_were_wanted_does_not_depend_on_when_that_was_found_out(
    samples: tuple[Sample, ...], make_loader: MakeLoader, tmp_path: Path
) -> None:
    bad = samples[:9]  # of the ten of a class: they are one another's replacements
    for sample in bad:
        damage(Path(sample.path))

    def counted(loads: Sequence[Sequence[Sequence[Sample]]]) -> dict[str, int]:
        loader = make_loader(samples)
        for batches in loads:
            list(loader.load(batches))
        loader._failures.write_csv()
        rows = csv.DictReader((tmp_path / "failures.csv").read_text().splitlines())
        return {row["path"]: int(row["times"]) for row in rows}

    assert counted([[bad, bad]]) == counted([[[sample]] for sample in bad + bad])


def test_a_bad_validation_photo_is_left_out(
    samples: tuple[Sample, ...], make_loader: MakeLoader, reported: list[ImageFailed]
) -> None:
    damage(Path(samples[1].path))
    (batch,) = make_loader(samples[10:]).load([samples[:4]])
    assert batch.samples == [samples[0], samples[2], samples[3]]
    assert batch.resized_BHWC.shape == (3, 32, 32, 3)
    assert reported[0].action == "left_out"


def test_blank_gives_a_black_image_with_its_label(
    samples: tuple[Sample, ...], make_loader: MakeLoader, reported: list[ImageFailed]
) -> None:
    damage(Path(samples[1].path))
    (batch,) = make_loader(samples, bad_image="blank").load([samples[:4]])
    assert batch.samples == list(samples[:4])
    assert int(batch.resized_BHWC[1].max()) == 0
    assert reported[0].action == "blank"


def test_a_class_of_which_nothing_can_be_read_is_left_out_and_loading_ends(
    samples: tuple[Sample, ...], make_loader: MakeLoader
) -> None:
    for sample in samples[:10]:
        damage(Path(sample.path))
    (batch,) = make_loader(samples).load([samples[8:12]])
    assert batch.samples == list(samples[10:12])


def test_more_failures_than_the_budget_name_reason_and_folder(
    samples: tuple[Sample, ...], make_loader: MakeLoader
) -> None:
    for sample in samples[:3]:
        damage(Path(sample.path))
    with pytest.raises(TooManyFailures) as raised:
        list(make_loader(samples, limit=2).load([samples[:10]]))
    assert "3 photos cannot be read" in raised.value.text
    assert str(Path(samples[0].path).parent) in raised.value.hint


def resized_images_of(samples: tuple[Sample, ...], folder: Path) -> PhotoCache:
    resized_images = open_photo_resized_images(file_stats([s.path for s in samples]), 32, 1.0, folder=folder)
    assert resized_images is not None
    return resized_images


def test_what_was_read_once_comes_from_the_cache_ever_after(
    samples: tuple[Sample, ...], make_loader: MakeLoader, tmp_path: Path
) -> None:
    wanted = batches_of(samples, 7)
    with (resized_images := resized_images_of(samples, tmp_path / "cache")).cache:
        first = list(make_loader(samples, resized_images=resized_images).load(wanted))
        resized_images.cache.flush(60)
        assert len(resized_images) == len(samples)
    again = resized_images_of(samples, tmp_path / "cache")
    for sample in samples:
        Path(sample.path).unlink()
    with again.cache:
        second = list(make_loader(samples, resized_images=again).load(wanted))
    assert [b.samples for b in second] == [b.samples for b in first]
    assert all(torch.equal(a.resized_BHWC, b.resized_BHWC) for a, b in zip(first, second, strict=True))


def test_a_changed_photo_is_read_anew(
    samples: tuple[Sample, ...], make_loader: MakeLoader, tmp_path: Path
) -> None:
    with (resized_images := resized_images_of(samples, tmp_path / "cache")).cache:
        list(make_loader(samples, resized_images=resized_images).load([samples]))
        resized_images.cache.flush(60)
    Path(samples[0].path).write_bytes(Path(samples[-1].path).read_bytes())
    with (resized_images := resized_images_of(samples, tmp_path / "cache")).cache:
        (batch,) = make_loader(samples, resized_images=resized_images).load([samples])
    assert torch.equal(batch.resized_BHWC[0], batch.resized_BHWC[-1])


def test_a_stand_in_does_not_depend_on_what_the_cache_holds(
    samples: tuple[Sample, ...], make_loader: MakeLoader, tmp_path: Path
) -> None:
    damage(Path(samples[3].path))
    with (resized_images := resized_images_of(samples, tmp_path / "cache")).cache:
        (first,) = make_loader(samples, resized_images=resized_images).load([samples[:8]])
        resized_images.cache.flush(60)
        (second,) = make_loader(samples, resized_images=resized_images).load([samples[:8]])
    assert second.samples == first.samples
    assert torch.equal(second.resized_BHWC, first.resized_BHWC)


@pytest.mark.slow
def test_a_slow_photo_s_stand_ins_are_read_before_it_has_failed(
    samples: tuple[Sample, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two photos that hang, one the replacement of the other, cost one time limit and not two."""
    for name, value in decoder.environment().items():
        monkeypatch.setenv(name, value)
    events: list[str] = []
    with ReadingPool(2, 32, 16, deadline_s=4.0) as pool:
        failures = Failures(100, lambda m: events.append(f"failed {m.path}"), None)
        loader = Loader(pool, 32, failures, lambda: None, bad_image="replace", replacements=samples, seed=0)
        damaged = Path(samples[0].path)
        intact = damaged.read_bytes()
        damage(damaged)
        (batch,) = loader.load([samples[:1]])
        (replacement,) = batch.samples
        failures.errors.clear()
        events.clear()
        for path in (damaged, Path(replacement.path)):
            path.write_bytes(decoder.marked(intact, "sleep"))
        submit = pool.submit

        def ask(ticket: int, path: str) -> None:
            events.append(f"asked for {path}")
            submit(ticket, path)

        monkeypatch.setattr(pool, "submit", ask)
        (batch,) = loader.load([samples[:1]])
    (last,) = batch.samples
    assert events == [
        f"asked for {damaged}",
        f"asked for {replacement.path}",
        f"asked for {last.path}",
        f"failed {damaged}",
        f"failed {replacement.path}",
    ]
    assert last.label == samples[0].label


def test_commands_are_looked_at_while_waiting_for_photos(
    samples: tuple[Sample, ...], make_loader: MakeLoader
) -> None:
    def stop() -> None:
        raise StopRequested("asked")

    with pytest.raises(StopRequested):
        next(make_loader(samples, waiting=stop).load([samples[:4]]))


def test_order_is_a_function_of_seed_and_epoch(samples: tuple[Sample, ...]) -> None:
    first = training_order(samples, 1, 0, False)
    assert first == training_order(samples, 1, 0, False)
    assert sorted(s.path for s in first) == sorted(s.path for s in samples)
    assert first != training_order(samples, 2, 0, False)
    assert first != training_order(samples, 1, 1, False)


def test_the_balanced_sampler_draws_rare_classes_as_often(samples: tuple[Sample, ...]) -> None:
    unequal = samples[:10] + samples[10:12] + samples[20:21]
    drawn = Counter(s.label for epoch in range(200) for s in training_order(unequal, epoch, 0, True))
    assert max(drawn.values()) < 1.2 * min(drawn.values())


def test_a_short_last_batch_is_dropped_but_never_the_only_one(samples: tuple[Sample, ...]) -> None:
    assert [len(b) for b in batches_of(samples[:10], 4)] == [4, 4, 2]


def lines_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.mark.slow
def test_each_failure_adds_one_line_to_the_list(tmp_path: Path) -> None:
    """Written whole each time, so many took hours."""
    told = 100_000
    failures = Failures(told, lambda message: None, tmp_path / "failures.csv")
    for i in range(told):
        failures.add(
            Sample(f"/photos/{i}.jpg", 0, "/photos", "glass"), TruncatedImage("", "is incomplete"), "replaced"
        )
    assert [row["path"] for row in lines_of(tmp_path / "failures.csv")][::9_999] == [
        f"/photos/{i}.jpg" for i in range(0, told, 9_999)
    ]


def test_list_of_failures_is_whole_lines_after_a_disk_was_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "failures.csv"
    path.write_text("path,kind,reason,times\nof an earlier start,damaged,x,1\n")
    failures = Failures(9, lambda message: None, path)
    samples = [Sample(f"/photos/{i}.jpg", 0, "/photos", "glass") for i in range(3)]
    failures.add(samples[0], TruncatedImage("", "is incomplete"), "replaced")
    monkeypatch.setattr(failures, "_csv_path", tmp_path / "away" / "deep" / "failures.csv")
    failures.add(samples[1], TruncatedImage("", "is incomplete"), "replaced")
    monkeypatch.setattr(failures, "_csv_path", path)
    with open(path, "ab") as file:
        file.write(b"/photos/1.jpg,dama")  # Half of what did not fit.
    failures.add(samples[2], TruncatedImage("", "is incomplete"), "replaced")
    assert [row["path"] for row in lines_of(path)] == [sample.path for sample in samples]
    failures.wanted_again(samples[1].path)
    failures.write_csv()
    assert [row["times"] for row in lines_of(path)] == ["1", "2", "1"]


def test_class_of_which_no_photo_can_be_read_is_told_once() -> None:
    samples = [Sample(f"/x/{n}/{i}.jpg", label, "/x", n) for label, n in enumerate("ab") for i in range(2)]
    told: list[str] = []
    failures = Failures(10, lambda message: None, None)
    failures.watch_classes({s.path: s.folder for s in samples}, lambda text, hint: told.append(text))
    for sample in samples[:2]:
        assert not told
        failures.add(sample, VanishedImage(sample.path, "is away"), "replaced")
    assert len(told) == 1 and "No photo of the class 'a' can be used" in told[0]
    failures.are_back({samples[0].path})
    assert not failures.known(samples[0].path) and failures.known(samples[1].path)
    failures.add(samples[0], VanishedImage(samples[0].path, "is away"), "replaced")
    assert len(told) == 2
