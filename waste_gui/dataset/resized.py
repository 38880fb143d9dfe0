"""A photo as training keeps it: a resized image, and its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from waste_gui.dataset.images import read_image

ResizedImage = np.ndarray[Any, np.dtype[np.uint8]]
"""A photo as (size, size, 3), RGB."""


def resized_size(image_size: int) -> int:
    """Side of the resized images for images of this size: a crop of 64 % of a resized image's area still has
    every pixel."""
    return round(image_size * 1.25)


def read_resized(path: str, size: int) -> ResizedImage:
    """A photo (size, size, 3) in this process, or an ImageError; `images.read_image` says how."""
    return np.array(read_image(path, size)[0])
