"""Open one photo safely and fast, as a small square picture, or say by name why it cannot be read.

Pillow only: numpy would make up three quarters of the time that a new reading process takes to start.
"""

from __future__ import annotations

import io
import math
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, ClassVar

# Registers the formats below without Image.init(), which would import all fifty plugins.
from PIL import (
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageChops,
    ImageFile,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

if TYPE_CHECKING:  # the workers start without msgspec
    from waste_gui.protocol import FailureKind

MAX_BYTES = 200_000_000
MAX_PIXELS = 180_000_000

READ_VERSION = 1
"""Rises when read_image would give other pixels: resized images kept from an earlier version are then read
anew."""

LEAST_DRAFT = 1.3
"""A JPEG is decoded at the smallest scale at which it is still so many times as large as the resized image:
at 2.0 the error is half as large, and decoding takes a quarter longer."""

_JPEG = ("JPEG", "MPO")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_STARTS = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")
_OTHER_FORMATS = {b"heic": "a HEIC", b"heix": "a HEIC", b"mif1": "a HEIC", b"avif": "an AVIF"}
"""ISO media brands (bytes 8–12) of pictures that come named .jpg but that we do not decode."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends a scan of a JPEG: neither a stuffed zero, a restart nor a fill byte follows the FF."""

_PROBE = bytes(range(1, 255)) * 2
"""Data without a marker that decode to anything but plain grey."""

_INCOMPLETE = "is incomplete, its end is missing"

_UNPACKS_TOO_MUCH = "Decompressed data too large"
"""What Pillow says of a text or a colour profile in a PNG that unpacks to over a megabyte."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(Exception):
    """A photo that cannot be read, and why in a short sentence ("is empty").

    ImageError
     ├ DamagedImage      the bytes are wrong
     ├ TruncatedImage    the end is missing
     ├ TooLargeImage     over MAX_BYTES or MAX_PIXELS
     ├ NotAnImage        a text, a folder, a pipe
     ├ UnreadableImage   no permission, or the drive fails
     ├ VanishedImage     was there when the folder was scanned
     └ TimedOutImage     took longer than the photo time limit, or a person set it aside
    """

    kind: ClassVar[FailureKind] = "damaged"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class DamagedImage(ImageError):
    kind = "damaged"


class TruncatedImage(ImageError):
    kind = "truncated"


class TooLargeImage(ImageError):
    kind = "too_large"


class NotAnImage(ImageError):
    kind = "not_an_image"


class UnreadableImage(ImageError):
    kind = "unreadable"


class VanishedImage(ImageError):
    kind = "vanished"


class TimedOutImage(ImageError):
    kind = "timed_out"


ERRORS: dict[str, type[ImageError]] = {
    error.kind: error
    for error in (
        DamagedImage,
        TruncatedImage,
        TooLargeImage,
        NotAnImage,
        UnreadableImage,
        VanishedImage,
        TimedOutImage,
    )
}
"""The named error for each kind of the protocol."""


def read_image(path: str, size: int) -> tuple[Image.Image, int, int]:
    """The whole photo squashed to size × size, RGB, upright, transparency over white, or an ImageError;
    and the width and height of the photo as stored (before EXIF turns it, as photo_size).

    A JPEG is decoded at 1/2, 1/4 or 1/8 where that is still at least LEAST_DRAFT times the resized image:
    many times faster. Colour profiles are ignored on purpose: applying them costs more than decoding, and
    pretrained backbones never saw them applied. Of several frames, the first counts. Wrong bytes amid a
    JPEG's pixels that decode to something are not noticed.
    """
    with _opened(path) as image, _decoding(path):
        width, height = image.size
        least = math.ceil(LEAST_DRAFT * size)
        file, at_least = image.fp, (least, least)
        drafted = image.draft(None, at_least)
        image.load()
        if file is not None and image.format in _JPEG and _is_filled_up(file, image, at_least):
            raise TruncatedImage(path, _INCOMPLETE)
        orientation = _orientation(image)
        # 897 pixels at 1/2 are 448.5: the 449th is half beyond the edge and must not be squeezed in whole.
        box = drafted[1] if drafted else None
        # Squashing to a square commutes with turning and with blending over white: both are cheap after it.
        resized = _resizable(image).resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=3.0)
        if orientation in _UPRIGHT:
            resized = resized.transpose(_UPRIGHT[orientation])
        return _over_white(resized), width, height


def photo_size(path: str) -> tuple[int, int]:
    """(width, height) as stored, from the header alone, or an ImageError."""
    with _opened(path) as image:
        return image.size


@contextmanager
def _opened(path: str) -> Iterator[ImageFile.ImageFile]:
    """The photo with its header read and its limits checked, undecoded; Pillow's warnings are silenced."""
    with _open_regular_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(file, formats=_FORMATS)
        except Image.DecompressionBombError:
            raise TooLargeImage(path, "is too large: about 180 million pixels or more") from None
        except MemoryError:
            raise TooLargeImage(path, "needs more memory than there is") from None
        except Exception as error:  # a decoder fed with wrong bytes raises whatever it likes
            raise _unidentified(path, file, error) from error
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise TooLargeImage(
                    path, f"is too large: {image.width * image.height / 1e6:.0f} million pixels"
                )
            if image.format in _JPEG and _ends_in_zeros(file):
                raise TruncatedImage(path, "is incomplete, as after an interrupted copy")
            yield image


def _open_regular_file(path: str) -> BinaryIO:
    try:
        status = os.stat(path)
        _check_ordinary(path, status)
        # O_NONBLOCK: should a pipe have taken the file's place just now, opening it does not hang.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = open(os.open(path, flags), "rb")
    except (FileNotFoundError, NotADirectoryError):
        raise VanishedImage(path, "is no longer there") from None
    except PermissionError:
        raise UnreadableImage(path, "may not be read (no permission)") from None
    except (OSError, ValueError) as error:
        raise UnreadableImage(path, f"cannot be opened ({_words(error)})") from error
    try:
        _check_ordinary(path, os.fstat(file.fileno()))
    except ImageError:
        file.close()
        raise
    return file


def _check_ordinary(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise NotAnImage(path, "is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise NotAnImage(path, "is not an ordinary file")
    if status.st_size == 0:
        raise DamagedImage(path, "is empty")
    if status.st_size > MAX_BYTES:
        raise TooLargeImage(path, f"is too large: {status.st_size / 1e6:.0f} MB")


def _unidentified(path: str, file: BinaryIO, error: Exception) -> ImageError:
    """Why Pillow does not know this file, from how it begins."""
    if isinstance(error, OSError) and error.errno is not None:
        return UnreadableImage(path, f"cannot be read ({_words(error)})")
    if _UNPACKS_TOO_MUCH in str(error):
        return TooLargeImage(path, "grows far too large when it is unpacked")
    file.seek(0)
    head = file.read(16)
    if head[4:8] == b"ftyp":
        name = _OTHER_FORMATS.get(head[8:12], "a video or HEIC")
        return NotAnImage(path, f"is really {name} file; save it as JPEG")
    if not head.startswith(_STARTS):
        return NotAnImage(path, "is not a photo, though it is named like one")
    if _announced_bytes(head) > file.seek(0, os.SEEK_END):
        return TruncatedImage(path, _INCOMPLETE)
    return DamagedImage(path, "is damaged at its beginning")


def _announced_bytes(head: bytes) -> int:
    """How long the file is at least by its own beginning, where it says so."""
    if head.startswith(b"RIFF"):
        return 8 + int.from_bytes(head[4:8], "little")
    if head.startswith((b"II*\0", b"MM\0*")):  # where a TIFF's first directory begins
        return int.from_bytes(head[4:8], "little" if head.startswith(b"II") else "big")
    return 0


def _ends_in_zeros(file: BinaryIO) -> bool:
    """Whether a JPEG's last bytes are zeros that no end-of-image marker precedes: libjpeg would show grey."""
    here, end = file.tell(), file.seek(0, os.SEEK_END)
    try:
        file.seek(max(0, end - 512))
        if file.read(512).strip(b"\0"):
            return False
        file.seek(0)
        jpeg = file.read()
        return jpeg.find(b"\xff\xd9", _first_scan(jpeg)) < 0
    finally:
        file.seek(here)


def _is_filled_up(file: IO[bytes], image: Image.Image, at_least: tuple[int, int]) -> bool:
    """Whether libjpeg ran out of data before the picture's end, though the file has its end marker.

    Then it fills up with grey and only warns, which Pillow hides. Bytes put in at the end of the data are
    skipped in a whole photo, and decoded in one that lacks some.
    """
    if any(abs(value - 128) > 1 for value in _last_pixel(image)):
        return False  # not the grey: nearly all photos go this way
    file.seek(0)
    jpeg = file.read()
    end = _MARKER.search(jpeg, _first_scan(jpeg))
    if end is None:
        return False
    longer = jpeg[: end.start()] + _PROBE + jpeg[end.start() :]
    with Image.open(io.BytesIO(longer), formats=("JPEG",)) as probed:
        probed.draft(None, at_least)
        return probed.tobytes() != image.tobytes()


def _last_pixel(image: Image.Image) -> tuple[float, ...]:
    value = image.getpixel((image.width - 1, image.height - 1))
    return value if isinstance(value, tuple) else (value or 0.0,)


def _first_scan(jpeg: bytes) -> int:
    """Where a JPEG's compressed pixels begin; its length if its segments lead nowhere."""
    at = 2
    while at + 4 <= len(jpeg):
        after = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] == 0xDA:
            return after
        at = after
    return len(jpeg)


@contextmanager
def _decoding(path: str) -> Iterator[None]:
    """Names what goes wrong inside Pillow."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError:
        raise TooLargeImage(path, "needs more memory than there is") from None
    except Image.DecompressionBombError:
        raise TooLargeImage(path, "grows far too large when it is unpacked") from None
    except Exception as error:  # a decoder fed with wrong bytes raises whatever it likes
        if isinstance(error, OSError) and error.errno is not None:
            raise UnreadableImage(path, f"cannot be read ({_words(error)})") from error
        if _UNPACKS_TOO_MUCH in str(error):
            raise TooLargeImage(path, "grows far too large when it is unpacked") from error
        if "truncated" in str(error).lower():
            raise TruncatedImage(path, _INCOMPLETE) from error
        raise DamagedImage(path, "is damaged") from error


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1–8, after loading (a TIFF turns itself); 1 if the EXIF block is broken."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # the photo is good without its EXIF block, and Pillow raises anything here
        return 1


def _resizable(image: ImageFile.ImageFile) -> Image.Image:
    """The image in a mode that can be resized without loss: L, RGB, or RGBA if it is see-through."""
    if image.mode.startswith(("I", "F")):
        return _deep_grey_to_8_bit(image)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode == "CMYK" and image.format in _JPEG and "adobe" not in image.info:
        # Only Adobe's are stored inverted, and Pillow takes all for Adobe's.
        return ImageChops.invert(image).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _deep_grey_to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit and floating grey scaled by its type's white; Pillow's own conversion clips at 255."""
    import numpy as np  # rarely needed, and slow to import

    grey = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    highest = float(grey.max())
    whites = (65535.0,) if image.mode.startswith("I") else (1.0, 255.0, 65535.0)
    white = next((w for w in whites if highest <= w), highest)
    return Image.fromarray((np.clip(grey / white, 0, 1) * 255 + 0.5).astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _words(error: Exception) -> str:
    """The error in a line."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())[:200]
