"""Open one photo safely and fast, as a small square picture, or say by name why it cannot be read.

Pillow only: numpy would make up three quarters of the time that a new reading process takes to start. What a
file is tells its beginning (picture_kinds.py); what Pillow makes of a format that is not so is set right in
jpeg_data.py, png_data.py, tiff_data.py and deep_pixels.py.
"""

from __future__ import annotations

import errno
import io
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO

# Registers the most frequent formats already while a worker starts; others when one comes.
from PIL import (
    Image,
    ImageChops,
    ImageFile,
    ImagePalette,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    UnidentifiedImageError,
)

from waste_gui.dataset import jpeg_data, png_data, tiff_data
from waste_gui.dataset.image_errors import (
    ERRORS,
    INCOMPLETE,
    TOO_LARGE_UNPACKED,
    DamagedImage,
    ImageError,
    NotAnImage,
    TimedOutImage,
    TooLargeImage,
    TruncatedImage,
    UnreadableImage,
    VanishedImage,
)
from waste_gui.dataset.picture_kinds import HEAD, Kind, kind_of, make_known

__all__ = [
    "ERRORS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "READ_VERSION",
    "DamagedImage",
    "ImageError",
    "NotAnImage",
    "TimedOutImage",
    "TooLargeImage",
    "TruncatedImage",
    "UnreadableImage",
    "VanishedImage",
    "photo_size",
    "read_image",
]

MAX_BYTES = 200_000_000
MAX_PIXELS = 180_000_000

READ_VERSION = 2
"""Rises when read_image would give other pixels: resized images kept from an earlier version are then read
anew."""

LEAST_DRAFT = 1.3
"""A JPEG is decoded at the smallest scale at which it is still so many times as large as the resized image:
at 2.0 the error is half as large, and decoding takes a quarter longer."""

_JPEG = ("JPEG", "MPO")
_JPEG_BEGINNING = 256 * 1024
"""Of its first bytes so many are looked at; where its pixels begin later, all."""

_INTERRUPTED = "is incomplete, as after an interrupted copy"

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


@dataclass
class _Photo:
    """An opened photo, undecoded, and what is known of its file."""

    path: str
    image: Image.Image
    file: IO[bytes]
    """What it is decoded from: the file itself, or its content set right."""
    frame: jpeg_data.Frame | None = None
    png: png_data.PNG | None = None
    tiff: tiff_data.Directory | None = None
    suspect: bool = False
    """Whether it is to be tried out that no pixels are missing."""


def read_image(path: str, size: int) -> tuple[Image.Image, int, int]:
    """The whole photo squashed to size × size, RGB, upright, transparency over white, or an ImageError;
    and the width and height of the photo as stored (before EXIF turns it, as photo_size).

    A JPEG is decoded at 1/2, 1/4 or 1/8 where that is still at least LEAST_DRAFT times the resized image:
    many times faster. Colour profiles are ignored on purpose: applying them costs more than decoding, and
    pretrained backbones never saw them applied. Of several frames, the first counts. Wrong bytes amid a
    JPEG's pixels that decode to something are not noticed.
    """
    with _opened(path) as photo, _decoding(path):
        width, height = photo.image.size
        least = math.ceil(LEAST_DRAFT * size)
        drafted = _load(photo, (least, least))
        orientation = _orientation(photo.image)
        # 897 pixels at 1/2 are 448.5: the 449th is half beyond the edge and must not be squeezed in whole.
        box = drafted[1] if drafted else None
        # Squashing to a square commutes with turning and with blending over white: both are cheap after it.
        resized = _resizable(photo).resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=3.0)
        if orientation in _UPRIGHT:
            resized = resized.transpose(_UPRIGHT[orientation])
        return _over_white(resized), width, height


def photo_size(path: str) -> tuple[int, int]:
    """(width, height) as stored, from the header alone where that is sound, or an ImageError."""
    with _opened(path, decode=False) as photo:
        return photo.image.size


@contextmanager
def _opened(path: str, *, decode: bool = True) -> Iterator[_Photo]:
    """The photo with its header read and its limits checked, undecoded; Pillow's warnings are silenced."""
    with _open_regular_file(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _decoding(path, beginning=True):
            kind = _known_kind(path, file)
            try:
                photo = _OPEN.get(kind.pillow, _open_plain)(path, file, kind, decode)
            except Image.DecompressionBombError:
                raise TooLargeImage(path, "is too large: about 180 million pixels or more") from None
        with photo.image as image:
            if image.width * image.height > MAX_PIXELS:
                raise TooLargeImage(
                    path, f"is too large: {image.width * image.height / 1e6:.0f} million pixels"
                )
            yield photo


def _known_kind(path: str, file: BinaryIO) -> Kind:
    """The format that this file truly is, made known to Pillow."""
    head = file.read(HEAD)
    file.seek(0)
    kind = kind_of(head)
    if kind is None:
        raise NotAnImage(path, _no_photo(head))
    if not kind.pillow:
        raise NotAnImage(path, f"is really {kind.words} file; save it as JPEG")
    try:
        make_known(kind)
    except ImportError as error:
        raise NotAnImage(path, f"is really {kind.words} file, and what reads it is missing") from error
    return kind


def _no_photo(head: bytes) -> str:
    if not head.strip(b"\0"):
        return "is not a photo: it begins with zeros, as after an interrupted copy"
    if b"\xff\xd8\xff" in head or b"\x89PNG\r\n" in head:
        return "is not a photo as it is: other bytes stand before its beginning"
    return "is not a photo, though it is named like one"


# --- one way of opening each format


def _open_plain(path: str, file: BinaryIO, kind: Kind, decode: bool) -> _Photo:
    head = file.read(12)
    file.seek(0)
    source: IO[bytes] = file
    if kind.pillow == "WEBP":
        source = _whole_webp(path, file, head)
    return _Photo(path, _identified(path, source, kind), source)


def _identified(path: str, source: IO[bytes], kind: Kind) -> ImageFile.ImageFile:
    try:
        return Image.open(source, formats=(kind.pillow,))
    except UnidentifiedImageError:
        if kind.pillow in ("AVIF", "HEIF"):
            raise DamagedImage(path, f"is {kind.words} file that is damaged or incomplete") from None
        raise


def _whole_webp(path: str, file: BinaryIO, head: bytes) -> IO[bytes]:
    """libwebp refuses a file that is shorter than it says, though all of its picture is there."""
    announced, length = 8 + int.from_bytes(head[4:8], "little"), os.fstat(file.fileno()).st_size
    if announced <= length:
        return file
    data = file.read()
    file.seek(0)
    at = 12
    while at + 8 <= len(data):
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        at += at % 2
    if at > len(data) + at % 2 or len(data) < 20:
        raise TruncatedImage(path, INCOMPLETE)
    return io.BytesIO(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])


def _open_jpeg(path: str, file: BinaryIO, kind: Kind, decode: bool) -> _Photo:
    frame = jpeg_data.frame_of(beginning := file.read(_JPEG_BEGINNING))
    if len(beginning) == _JPEG_BEGINNING and (frame is None or frame.first_scan >= len(beginning)):
        file.seek(0)
        frame = jpeg_data.frame_of(file.read())
    file.seek(0)
    if frame is not None and frame.height == 0:
        raise DamagedImage(path, "does not say its height, as an unfinished recording")
    if frame is not None and frame.why_unread:
        raise NotAnImage(path, frame.why_unread)
    source, suspect = _with_end(file, frame) if decode else (file, False)
    photo = _Photo(path, _open_sound_jpeg(source, kind), source, frame=frame, suspect=suspect)
    return photo


def _with_end(file: BinaryIO, frame: jpeg_data.Frame | None) -> tuple[IO[bytes], bool]:
    """One that lacks its end marker, with it: whether pixels are missing, too, is then to be tried out."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 512))
    marked = jpeg_data.END in file.read(512)
    file.seek(0)
    if marked or frame is None:
        return file, False
    jpeg = file.read()
    file.seek(0)
    if jpeg_data.has_end(jpeg, frame):
        return file, False
    return io.BytesIO(jpeg_data.closed(jpeg)), True


def _open_sound_jpeg(source: IO[bytes], kind: Kind) -> Image.Image:
    """Without what programs have added, where Pillow stumbles over that."""
    try:
        return Image.open(source, formats=(kind.pillow,))
    except (Image.DecompressionBombError, MemoryError):
        raise
    except Exception:  # a parser fed with wrong bytes raises whatever it likes
        source.seek(0)
        jpeg = source.read()
        for exif in (True, False):
            try:
                return Image.open(io.BytesIO(jpeg_data.without_extras(jpeg, exif=exif)), formats=("JPEG",))
            except UnidentifiedImageError:
                continue
        raise


def _open_png(path: str, file: BinaryIO, kind: Kind, decode: bool) -> _Photo:
    if not decode:
        header = file.read(33)
        file.seek(0)
        if header[12:16] != b"IHDR" or len(header) < 33:
            raise DamagedImage(path, "is damaged at its beginning")
        # The header alone, with an end: texts and profiles do not matter here.
        source = io.BytesIO(header + png_data.chunk(b"IDAT", b"") + png_data.chunk(b"IEND", b""))
        return _Photo(path, Image.open(source, formats=("PNG",)), source)
    png = png_data.parse(path, file.read())
    source = io.BytesIO(png.file)
    return _Photo(path, Image.open(source, formats=("PNG",)), source, png=png)


def _open_tiff(path: str, file: BinaryIO, kind: Kind, decode: bool) -> _Photo:
    data = file.read()
    file.seek(0)
    directory = tiff_data.read_directory(data)
    if directory is None:
        raise _no_directory(path, data)
    source: IO[bytes] = file
    if directory.big and directory.order == ">":
        source = io.BytesIO(tiff_data.as_small(data, directory))
    try:
        image: Image.Image = Image.open(source, formats=("TIFF",))
    except UnidentifiedImageError:
        image = _by_tifffile(path, data, directory)
        return _Photo(path, image, source)
    colours = directory.values(tiff_data.COLOUR_MAP)
    if image.mode == "P" and colours and max(colours) < 256:  # 8-bit values where 16-bit ones belong
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))
    return _Photo(path, image, source, tiff=directory)


def _no_directory(path: str, data: bytes) -> ImageError:
    order = "little" if data.startswith(b"II") else "big"
    at = int.from_bytes(data[4:8], order)  # type: ignore[arg-type]
    if data[2:4] in (b"*\0", b"\0*") and at >= len(data):
        return TruncatedImage(path, INCOMPLETE)
    return DamagedImage(path, "is damaged at its beginning")


def _by_tifffile(path: str, data: bytes, directory: tiff_data.Directory) -> Image.Image:
    from waste_gui.dataset.deep_pixels import read_by_tifffile

    width, height = directory.value(tiff_data.WIDTH, 0), directory.value(tiff_data.HEIGHT, 0)
    if width * height > MAX_PIXELS:
        raise TooLargeImage(path, f"is too large: {width * height / 1e6:.0f} million pixels")
    try:
        image = read_by_tifffile(data, directory)
    except MemoryError:
        raise
    except Exception as error:  # a parser fed with wrong bytes raises whatever it likes
        if not directory.is_sane or directory.is_ordinary:
            raise DamagedImage(path, "is damaged at its beginning") from error
        raise NotAnImage(path, f"is a TIFF of {directory.words}; save it with 8 bits a colour") from error
    if image.size != (width, height):
        raise DamagedImage(path, "is damaged")
    orientation = directory.value(_ORIENTATION, 1)
    image.getexif()[_ORIENTATION] = orientation
    return image


_OPEN = {"JPEG": _open_jpeg, "PNG": _open_png, "TIFF": _open_tiff}


# --- decoding


def _load(photo: _Photo, at_least: tuple[int, int]) -> tuple[str, tuple[int, int, float, float]] | None:
    """Decode it, and see to it that all of it was there; gives what Image.draft gives."""
    if photo.frame is not None:
        return _load_jpeg(photo, at_least)
    if photo.png is not None:
        _load_png(photo, photo.png)
    else:
        photo.image.load()
    if photo.tiff is not None and photo.tiff.value(tiff_data.COMPRESSION, 1) == tiff_data.JPEG_COMPRESSION:
        _check_jpeg_parts(photo, photo.tiff)
    return None


def _load_jpeg(photo: _Photo, at_least: tuple[int, int]) -> tuple[str, tuple[int, int, float, float]] | None:
    drafted = photo.image.draft(None, at_least)
    try:
        photo.image.load()
    except OSError as error:
        if error.errno is None and photo.suspect:  # cut amid what is no pixels
            raise TruncatedImage(photo.path, INCOMPLETE) from error
        raise
    frame = photo.frame
    if frame and jpeg_data.is_filled_up(photo.file, frame, photo.image, at_least, probe=photo.suspect):
        zeros = photo.suspect and _ends_in_zeros(photo.path)
        raise TruncatedImage(photo.path, _INTERRUPTED if zeros else INCOMPLETE)
    return drafted


def _ends_in_zeros(path: str) -> bool:
    with _open_regular_file(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 512))
        return not file.read(512).strip(b"\0")


def _load_png(photo: _Photo, png: png_data.PNG) -> None:
    try:
        photo.image.load()
        width, height = photo.image.size
        rows = [photo.image.crop((0, y, width, y + 1)).tobytes() for y in range(max(0, height - 2), height)]
        if not png_data.ends_in_zeros(rows):
            return
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
    photo.png = png_data.repaired(photo.path, png)
    photo.file = io.BytesIO(photo.png.file)
    photo.image = Image.open(photo.file, formats=("PNG",))
    photo.image.load()


def _check_jpeg_parts(photo: _Photo, directory: tiff_data.Directory) -> None:
    """libtiff fills up what a strip's JPEG lacks: rows, or pixels."""
    photo.file.seek(0)
    for jpeg, rows in tiff_data.jpeg_parts(photo.file.read(), directory):
        frame = jpeg_data.frame_of(jpeg)
        if frame is None or frame.height < rows:
            raise TruncatedImage(photo.path, INCOMPLETE)
        file = io.BytesIO(jpeg if jpeg_data.has_end(jpeg, frame) else jpeg_data.closed(jpeg))
        with Image.open(file, formats=("JPEG",)) as part:
            part.load()
            if jpeg_data.is_filled_up(file, frame, part, part.size, probe=False):
                raise TruncatedImage(photo.path, INCOMPLETE)


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


@contextmanager
def _decoding(path: str, *, beginning: bool = False) -> Iterator[None]:
    """Names what goes wrong inside Pillow."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError:
        raise TooLargeImage(path, "needs more memory than there is") from None
    except Image.DecompressionBombError:
        raise TooLargeImage(path, TOO_LARGE_UNPACKED) from None
    except Exception as error:  # a decoder fed with wrong bytes raises whatever it likes
        # Invalid: a decoder was led before the beginning of the file.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise UnreadableImage(path, f"cannot be read ({_words(error)})") from error
        if not beginning and "truncated" in str(error).lower():
            raise TruncatedImage(path, INCOMPLETE) from error
        raise DamagedImage(path, "is damaged at its beginning" if beginning else "is damaged") from error


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1–8, after loading (a TIFF turns itself); 1 if the EXIF block is broken."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # the photo is good without its EXIF block, and Pillow raises anything here
        return 1


def _resizable(photo: _Photo) -> Image.Image:
    """The image in a mode that can be resized without loss: L, RGB, or RGBA if it is see-through."""
    image = photo.image
    if image.mode.startswith(("I", "F")):
        return _deep(photo)
    if photo.png is not None and photo.png.depth == 16 and photo.png.transparent and image.mode == "RGB":
        return _deep_see_through(photo, photo.png.transparent)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        clear = image if image.mode == "RGBA" else image.convert("RGBA")
        # A BMP's fourth byte is mostly nothing, whatever its header says of it.
        return (
            clear.convert("RGB") if image.format == "BMP" and not clear.getchannel("A").getbbox() else clear
        )
    if image.mode == "CMYK" and image.format in _JPEG and "adobe" not in image.info:
        # Only Adobe's are stored inverted, and Pillow takes all for Adobe's.
        return ImageChops.invert(image).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _deep(photo: _Photo) -> Image.Image:
    from waste_gui.dataset.deep_pixels import deep_grey

    clear = photo.png.transparent[0] if photo.png is not None and photo.png.transparent else None
    grey = deep_grey(photo.image, photo.tiff, clear)
    return grey.convert("RGBA") if grey.mode == "LA" else grey


def _deep_see_through(photo: _Photo, colour: tuple[int, ...]) -> Image.Image:
    """16 bits a colour, one of which is see-through: compared in all bits, of which Pillow keeps the upper
    eight; the lower are read as the upper ones of the other byte order."""
    photo.file.seek(0)
    with Image.open(photo.file, formats=("PNG",)) as lower:
        lower.tile = [tile._replace(args="RGB;16L") for tile in lower.tile]
        lower.load()
        other = Image.new("L", photo.image.size)
        for image, shift in ((photo.image, 8), (lower, 0)):
            for band, value in zip(image.split(), colour, strict=True):
                same = value >> shift & 255
                other = ImageChops.lighter(other, band.point([255 * (v != same) for v in range(256)]))
    clear = photo.image.convert("RGB")
    clear.info.pop("transparency", None)
    clear.putalpha(other)
    return clear


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _words(error: Exception) -> str:
    """The error in a line."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())[:200]
