"""Pictures of more than 8 bits a colour as such of 8; numpy, imported only where one comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from waste_gui.dataset import tiff_data
from waste_gui.dataset.tiff_data import Directory

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[Any]]

_OVERSHOOT = 1.05
"""Floating-point pictures reach a little beyond white where something was sharpened."""

_BRIGHTEST = 16.0
"""… and so far beyond it in lights of a photo that keeps them; a picture in 0–255 that dark is black."""


def deep_grey(image: Image.Image, directory: Directory | None, see_through: int | None = None) -> Image.Image:
    """A grey picture of mode I or F, scaled by its white; Pillow's own conversion clips at 255. LA if pixels
    of value `see_through` are to be clear. `directory`: of the TIFF that it comes from."""
    import numpy as np

    numbers: Numbers = np.asarray(image)
    bits, sort, inverted = 16, tiff_data.UNSIGNED, False
    if directory is not None:
        bits = directory.value(tiff_data.BITS, 1)
        sort = directory.value(tiff_data.FORMAT, tiff_data.UNSIGNED)
        inverted = directory.value(tiff_data.PHOTOMETRIC, 1) == tiff_data.MIN_IS_WHITE
    if image.mode == "F":
        sort = tiff_data.FLOAT
    elif bits == 32 and sort == tiff_data.UNSIGNED:
        numbers = numbers.view(np.uint32)
    grey = Image.fromarray(_to_8_bits(numbers, bits, sort, inverted))
    if see_through is None:
        return grey
    grey.putalpha(Image.fromarray(np.where(numbers == see_through, 0, 255).astype(np.uint8)))
    return grey


def _to_8_bits(numbers: Numbers, bits: int, sort: int, inverted: bool) -> Numbers:
    import numpy as np

    if sort == tiff_data.FLOAT:
        scaled = np.nan_to_num(numbers.astype(np.float64), posinf=0.0, neginf=0.0)
        white = _floating_white(scaled)
    else:
        scaled = numbers.astype(np.float64)
        white = _whole_white(float(scaled.max(initial=0.0)), bits, sort)
    share = np.clip(scaled / white, 0.0, 1.0)
    return ((1.0 - share if inverted else share) * 255 + 0.5).astype(np.uint8)


def _floating_white(numbers: Numbers) -> float:
    import numpy as np

    highest = float(numbers.max(initial=0.0))
    if highest <= _BRIGHTEST or float(np.percentile(numbers, 95)) <= _OVERSHOOT:
        return 1.0
    return next((white for white in (255.0, 65535.0) if highest <= white * _OVERSHOOT), highest)


def _whole_white(highest: float, bits: int, sort: int) -> float:
    """The white of the type; of wide ones, of the narrowest that holds all of it."""
    if bits <= 16:
        return 65535.0 if sort == tiff_data.SIGNED else float(2**bits - 1)
    widest = float(2 ** (bits - 1) - 1 if sort == tiff_data.SIGNED else 2**bits - 1)
    return next((white for white in (255.0, 65535.0) if highest <= white), widest)


def read_by_tifffile(data: bytes, directory: Directory) -> Image.Image:
    """A TIFF whose kind of numbers Pillow does not know: the first page as RGB or grey; raises whatever that
    library raises, also where a compression needs one that is not here."""
    import io
    import logging

    import numpy as np
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # a line for each spoiled tag
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        pixels: Numbers = np.squeeze(page.asarray())
        axes = "".join(letter for letter in page.axes if letter in "SYX")
    if len(axes) == pixels.ndim and axes.startswith("S"):
        pixels = np.moveaxis(pixels, 0, -1)
    photometric = directory.value(tiff_data.PHOTOMETRIC, 1)
    if pixels.ndim not in (2, 3) or photometric not in (0, 1, 2):
        raise ValueError(f"colours of kind {photometric}")
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if photometric == 2 and pixels.shape[-1] >= 3 else pixels[..., 0]
    sort = directory.value(tiff_data.FORMAT, tiff_data.UNSIGNED)
    if pixels.dtype.kind not in "uif":
        raise ValueError(f"numbers of type {pixels.dtype}")
    return Image.fromarray(
        np.ascontiguousarray(
            _to_8_bits(
                pixels, directory.value(tiff_data.BITS, 8), sort, photometric == tiff_data.MIN_IS_WHITE
            )
        )
    )
