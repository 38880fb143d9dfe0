"""Do a preview's figures hold? `python -m tests.engine.preview_held --source DIR` hides half of the photos
and compares the forecast from the other half with what all of them bring.

A line a seed, then how many of the 90 % intervals held, and by how many points the middle was off. Then
labels are made wrong at random, and as many suspects are asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from waste_gui.config import RunConfig
from waste_gui.dataset.samples import Sample, Scan
from waste_gui.dataset.split import split_samples
from waste_gui.engine import runs
from waste_gui.engine.context import Context
from waste_gui.engine.forecast import ridge
from waste_gui.engine.forecast.all import forecast
from waste_gui.engine.forecast.held_out import PARTS, held_out
from waste_gui.engine.forecast.photos import EmbeddedPhotos
from waste_gui.protocol import Previewed
from waste_gui.reporting import Reporter
from waste_gui.stages import PREVIEW_STAGES

VALIDATION = 0.2


def photos_of(sources: Sequence[str | Path]) -> EmbeddedPhotos:
    from waste_gui.engine import previewing

    config = RunConfig(source=tuple(map(str, sources)))
    context = Context(Reporter(), stages=PREVIEW_STAGES)
    return previewing.embedded(config, runs.import_libraries(config, context), context)


def chosen(photos: EmbeddedPhotos, places: Sequence[int], seed: int) -> EmbeddedPhotos:
    """Only these, divided anew into training and validation as training divides them."""
    samples = [photos.samples[place] for place in places]
    split = split_samples(Scan(tuple(samples), photos.classes, {}, ()), VALIDATION, 0.0, seed)
    place_of = {photos.samples[place].path: place for place in places}
    order = [place_of[sample.path] for sample in (*split.train, *split.val)]
    return replace(
        photos,
        samples=(*split.train, *split.val),
        views_VNF=photos.views_VNF[:, order],
        to_train=len(split.train),
        total=len(order),
    )


def half(photos: EmbeddedPhotos, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    part_N = ridge.divide(photos.labels_N, 2, generator)
    return [int(place) for place in (part_N == 0).nonzero()[:, 0]]


def trained(photos: EmbeddedPhotos, seed: int) -> float:
    """The validation accuracy that training shows."""
    from waste_gui.engine.head import fit
    from waste_gui.engine.head_training import evaluate, training_rows

    found = {sample.path: photos.views_VNF[:, place] for place, sample in enumerate(photos.samples)}
    classes = len(photos.classes)
    rows = training_rows(RunConfig(), photos.samples[: photos.to_train], found, classes)
    return evaluate(fit(rows, classes, seed), photos.samples[photos.to_train :], found, classes).accuracy


def validated(photos: EmbeddedPhotos) -> float:
    """The share that is right in a cross-validation of all."""
    part_N = ridge.divide(photos.labels_N, PARTS, torch.Generator().manual_seed(1))
    said_NC = held_out(photos.rows(), len(photos.classes), part_N, lambda: None)
    return (said_NC.argmax(1) == photos.labels_N).float().mean().item()


def previewed(photos: EmbeddedPhotos, seed: int) -> Previewed:
    return forecast(photos, seed, lambda done, of, detail: None)


@dataclass(frozen=True)
class Held:
    """A forecast from half of the photos, what all brought in a training and in a cross-validation, and what
    a training on the half brought."""

    told: Previewed
    trained: float
    validated: float
    trained_half: float

    @property
    def twice(self) -> tuple[float, float]:
        assert self.told.with_twice is not None
        return self.told.with_twice

    def holds(self, share: float) -> bool:
        return self.twice[0] <= share <= self.twice[1]

    def in_words(self) -> str:
        (low, high), now = self.twice, self.told.interval
        return (
            f"twice {low:.1%} to {high:.1%}; training on all {within(self.trained, self.twice)}, "
            f"cross-validation of all {within(self.validated, self.twice)}; now {now[0]:.1%} to "
            f"{now[1]:.1%}, training on the half {within(self.trained_half, now)}"
        )

    @property
    def middle(self) -> float:
        return sum(self.twice) / 2


def check_halves(photos: EmbeddedPhotos, seeds: Sequence[int]) -> list[Held]:
    found, whole = [], validated(photos)
    for seed in seeds:
        known = chosen(photos, half(photos, seed), seed)
        every = chosen(photos, range(len(photos.samples)), seed)
        held = Held(previewed(known, seed), trained(every, seed), whole, trained(known, seed))
        found.append(held)
        print(f"seed {seed}: {held.in_words()}", flush=True)
    return found


def within(share: float, between: tuple[float, float]) -> str:
    return f"{share:.1%} {'held' if between[0] <= share <= between[1] else 'MISSED'}"


def totals(found: Sequence[Held]) -> str:
    count = len(found)
    trained_all = sum(each.holds(each.trained) for each in found)
    validated_all = sum(each.holds(each.validated) for each in found)
    now = sum(each.told.interval[0] <= each.trained_half <= each.told.interval[1] for each in found)
    width = sum(each.twice[1] - each.twice[0] for each in found) / count / 2
    off_trained = sum(abs(each.middle - each.trained) for each in found) / count
    off_validated = sum(abs(each.middle - each.validated) for each in found) / count
    return (
        f"with twice the photos (± {100 * width:.1f} points): {trained_all} of {count} intervals held what "
        f"training brought (off by {100 * off_trained:.1f} points), {validated_all} what cross-validation "
        f"did (off by {100 * off_validated:.1f}); with these photos: {now} of {count}"
    )


def mislabelled(photos: EmbeddedPhotos, share: float, seed: int) -> tuple[EmbeddedPhotos, set[str]]:
    """So many labels made wrong at random, and whose."""
    generator = torch.Generator().manual_seed(seed)
    count, classes = round(share * len(photos.samples)), len(photos.classes)
    places = set(torch.randperm(len(photos.samples), generator=generator)[:count].tolist())
    moved = torch.randint(1, classes, (len(photos.samples),), generator=generator).tolist()
    samples: list[Sample] = []
    for place, each in enumerate(photos.samples):
        label = (each.label + moved[place]) % classes if place in places else each.label
        samples.append(Sample(each.path, label, each.source, each.folder, each.split))
    wrong = {photos.samples[place].path for place in places}
    return replace(photos, samples=tuple(samples)), wrong


def check_suspects(photos: EmbeddedPhotos, share: float, seeds: Sequence[int]) -> tuple[float, float]:
    """The share of the wrong labels among as many suspects, and how many are listed: means over the seeds."""
    found = listed = 0.0
    for seed in seeds:
        changed, wrong = mislabelled(photos, share, seed)
        suspects = previewed(changed, seed).suspects
        first = [suspect.path for suspect in suspects[: len(wrong)]]
        found += len(wrong.intersection(first)) / max(1, len(wrong)) / len(seeds)
        listed += len(suspects) / len(seeds)
        print(
            f"seed {seed}: {len(wrong.intersection(first))} of {len(wrong)}, {len(suspects)} listed",
            flush=True,
        )
    return found, listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", action="append", required=True)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--wrong", type=float, default=0.05, help="the share of labels made wrong")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    photos = photos_of(options.source)
    print(f"{len(photos.samples)} photos in {len(photos.classes)} classes")
    print(totals(check_halves(photos, seeds)))
    found, listed = check_suspects(photos, options.wrong, seeds)
    print(
        f"{options.wrong:.0%} wrong labels: {found:.0%} of them among as many suspects, {listed:.1f} listed; "
        f"without any, {len(previewed(photos, options.first).suspects)} listed"
    )


if __name__ == "__main__":
    main()
