"""Small real photos for tests: classes that a network can tell apart, and some that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {
    "glass": (40, 160, 90),
    "metal": (120, 125, 140),
    "paper": (230, 220, 190),
    "plastic": (60, 90, 220),
}


def make_photos(
    folder: Path, classes: Sequence[str] = ("glass", "metal", "paper"), per_class: int = 8, seed: int = 0
) -> Path:
    """`folder/CLASS/CLASS_NN.jpg`, 48 × 40 px: the class's colour with noise."""
    random = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            noise = random.normal(0, 30, (40, 48, 3))
            pixels = np.clip(np.array(COLOURS[name]) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{name}_{number:02}.jpg")
    return folder


def damage(photo: Path) -> Path:
    """Cut a photo off in the middle."""
    photo.write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])
    return photo
