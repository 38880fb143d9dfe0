"""Near copies are found, other pictures are not, and a folder full of one picture does not take for ever."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from waste_gui.dataset.near_duplicates import Groups, near_copies, thumbnail
from waste_gui.dataset.resized import read_resized

SIZE = 128
COUNT = 60


def picture(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """Soft blobs of colour with some sharp edges, other ones for each seed."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (4, 5, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    x, y = random.integers(20, 150, 2)
    image.paste(tuple(random.integers(0, 256, 3).tolist()), (x, y, x + 90, y + 60))
    return image


def saved(image: Image.Image, quality: int = 90) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def cropped(image: Image.Image, share: float) -> Image.Image:
    x, y = round(image.width * share / 2), round(image.height * share / 2)
    return image.crop((x, y, image.width - x, image.height - y))


def seen(image: Image.Image) -> bytes:
    return thumbnail(np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)))


def share_found(change: Callable[[Image.Image], Image.Image]) -> float:
    """How many of COUNT pictures are found to be near copies of what was made of them; no others may be."""
    pictures = [picture(seed) for seed in range(COUNT)]
    pairs = near_copies([seen(p) for p in pictures] + [seen(change(p)) for p in pictures])
    assert all(abs(i - j) == COUNT for i, j in pairs)
    return len(pairs) / COUNT


@pytest.mark.parametrize(
    "change",
    [
        lambda p: saved(p, 60),
        lambda p: saved(p.resize((p.width // 2, p.height // 2))),
        lambda p: saved(cropped(p, 0.02)),
        lambda p: saved(ImageEnhance.Brightness(p).enhance(1.05)),
    ],
    ids=["saved again at quality 60", "half the size", "cropped by 2 %", "5 % brighter"],
)
def test_near_copies_are_found(change: Callable[[Image.Image], Image.Image]) -> None:
    assert share_found(change) > 0.95


@pytest.mark.parametrize(
    "change",
    [
        ImageOps.mirror,
        ImageOps.flip,
        lambda p: p.rotate(180),
        lambda p: cropped(p, 0.3),
        ImageOps.invert,
    ],
    ids=["mirrored", "upside down", "turned", "cropped by 30 %", "negative"],
)
def test_other_pictures_are_not(change: Callable[[Image.Image], Image.Image]) -> None:
    assert share_found(change) == 0


def test_different_things_on_the_same_table_are_different() -> None:
    random = np.random.default_rng(0)
    table = np.linspace(120, 230, SIZE)[None, :, None] + np.linspace(-20, 20, SIZE)[:, None, None]
    photos = []
    for _ in range(40):
        resized = (table + random.normal(0, 3, (SIZE, SIZE, 3))).clip(0, 255).astype(np.uint8)
        x, y = random.integers(10, 80, 2)
        resized[y : y + 30, x : x + 20] = random.integers(0, 256, 3)
        photos.append(thumbnail(resized))
    assert near_copies(photos) == []


def test_plain_pictures_are_never_near_copies() -> None:
    plain = [np.full((SIZE, SIZE, 3), light, np.uint8) for light in (0, 100, 101, 255)]
    assert near_copies([thumbnail(resized) for resized in plain]) == []


def test_real_photos_of_similar_things_are_different(trashnet: Path) -> None:
    resized_images = [read_resized(str(path), SIZE) for path in sorted(trashnet.glob("*/*.jpg"))]
    assert near_copies([thumbnail(resized) for resized in resized_images]) == []


@pytest.mark.slow
def test_five_thousand_copies_of_one_picture_are_one_group() -> None:
    random = np.random.default_rng(0)
    one = np.frombuffer(seen(picture(1)), np.uint8).astype(int)
    copies = [(one + random.integers(-2, 3, one.shape)).clip(0, 255).astype(np.uint8).tobytes()] * 2500
    copies += [(one + random.integers(-2, 3, one.shape)).clip(0, 255).astype(np.uint8).tobytes()] * 2500
    groups = Groups(len(copies))
    for pair in near_copies(copies):
        groups.join(*pair)
    assert [len(group) for group in groups.of_several()] == [5000]


def test_telling_may_stop_it() -> None:
    def stop(looked_at: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        near_copies([seen(picture(seed)) for seed in (1, 1, 2)], stop)


@pytest.mark.parametrize("photos", [0, 1])
def test_nothing_to_compare(photos: int) -> None:
    assert near_copies([seen(picture(1))] * photos) == []
