"""The photos to measure on: those given or drawn ones, and large ones made from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from tests.benchmarks import ours

SUFFIXES = (".jpg", ".jpeg")
LARGE, LARGE_QUICK = (4000, 3000), (800, 600)
QUALITY = 88
GRAINS = {"1 MB": 2.0, "2 MB": 4.0}
"""Deviation of the noise with which a large photo takes about so much; a phone's take 1–5 MB. The bytes
decide how long decoding takes: nearly all of it is unpacking them."""

BATCH = 32
VALIDATED = 8
"""Photos beyond the batch, so that a training has some to validate."""

Grain = np.ndarray[Any, np.dtype[np.int16]]


@dataclass
class Bench:
    """What all rows share: where photos are, how often to measure, a folder to leave things in."""

    photos: Path
    scratch: Path
    rounds: int
    quick: bool
    _large: dict[str, list[str]] = field(default_factory=dict)

    def all_paths(self) -> list[str]:
        """The JPEGs one folder down, in order."""
        return [str(p) for p in sorted(self.photos.glob("*/*")) if p.suffix.lower() in SUFFIXES]

    def paths(self) -> list[str]:
        """All of them; a few with `--quick`."""
        found = self.all_paths()
        return found[:: max(1, len(found) // 16)][:16] if self.quick else found

    def large(self, megabytes: str = "2 MB") -> list[str]:
        """A batch of large photos and some more, in two classes, made once."""
        if megabytes not in self._large:
            self._large[megabytes] = make_large(self, megabytes)
        return self._large[megabytes]


def open_bench(photos: Path | None, scratch: Path, rounds: int, quick: bool) -> Bench:
    """On `photos`, or on drawn ones in `scratch`."""
    if photos is None:
        photos = scratch / "drawn"
        ours.draw_photos(photos, per_class=4 if quick else 100)
    bench = Bench(photos.resolve(), scratch, rounds, quick)
    if not bench.paths():
        raise FileNotFoundError(f"There are no JPEGs in the sub-folders of {photos}.")
    return bench


def make_many(bench: Bench, count: int) -> Path:
    """A dataset of `count` photos, each another file: crops of those there are, at other brightness. Photos
    of one origin stand on both sides of its division, so it says nothing of accuracy."""
    sources = bench.all_paths()
    random = np.random.default_rng(0)
    folder = bench.scratch / f"{count} photos"
    for number in range(count):
        source = Path(sources[number % len(sources)])
        path = folder / source.parent.name / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(source) as photo:
            image = photo.convert("RGB")
        width, height = image.size
        share = random.uniform(0.85, 1.0)
        left, top = (random.uniform(0, (1 - share) * side) for side in (width, height))
        cropped = image.crop((int(left), int(top), int(left + share * width), int(top + share * height)))
        ImageEnhance.Brightness(cropped).enhance(random.uniform(0.8, 1.2)).save(path, quality=QUALITY)
    return folder


def make_large(bench: Bench, megabytes: str) -> list[str]:
    """Photos from all classes, enlarged, with grain, at JPEG quality 88."""
    size, count = (LARGE_QUICK, 10) if bench.quick else (LARGE, BATCH + VALIDATED)
    sources = bench.paths()
    folder = bench.scratch / f"large {megabytes}"
    random = np.random.default_rng(0)
    grain = random.normal(0, GRAINS[megabytes], (size[1], size[0])).astype(np.int16)
    made = []
    for number in range(count):
        source = sources[number * len(sources) // count % len(sources)]
        path = folder / f"class {number % 2}" / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shift = tuple(int(s) for s in random.integers(0, size[1], 2))
        _enlarge(source, size, np.roll(grain, shift, (0, 1))).save(path, quality=QUALITY)
        made.append(str(path))
    return made


def _enlarge(
    source: str, size: tuple[int, int], grain: np.ndarray[tuple[int, int], np.dtype[np.int16]]
) -> Image.Image:
    with Image.open(source) as photo:
        pixels = np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    return Image.fromarray((pixels + grain[:, :, None]).clip(0, 255).astype(np.uint8))
