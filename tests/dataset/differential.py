"""Draws odd picture files and compares our reader with two others: Qt's, and ImageMagick or libvips.

    python -m tests.dataset.differential --files 300 --seed 1

A picture must be as one of them shows it, to 3/255; what both of them read must be read, but for what
EXPECTED lists with a reason. Exit status 1 otherwise.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from tests.faults.formats import png, png_chunk, tiff, with_broken_sum, with_png_chunk
from waste_gui.dataset.images import ImageError, read_image

SIDE = 48
FAR = 3.0
"""Of 255, the mean difference at most: what resizing and the decoders' rounding come to."""

TOOLS_S = 20

EXPECTED = {
    "bmp_alpha": "Qt drops an alpha channel of a BMP; browsers and we blend it, unless all of it is nothing",
    "half": "what is half there is refused, though libjpeg and libtiff show it with grey or black",
}
"""Kinds in which we differ on purpose, and why."""


@dataclass(frozen=True)
class Odd:
    kind: str
    name: str
    data: bytes


def drawn(seed: int) -> Iterator[Odd]:
    """Without end: pictures of many formats, modes and options."""
    draw = random.Random(seed)
    number = 0
    while True:
        kind = draw.choice(sorted(MAKERS))
        try:
            data = MAKERS[kind](draw, _picture(draw))
        except (OSError, ValueError, KeyError):  # an encoder that refuses such a picture
            continue
        number += 1
        yield Odd(kind, f"{number:04}_{kind}", data)


def _picture(draw: random.Random) -> Image.Image:
    size = draw.choice(((64, 48), (96, 80), (161, 120), (33, 97), (128, 128)))
    colour = tuple(draw.randrange(30, 226) for _ in range(3))
    image = Image.new("RGB", size, colour)
    pen = ImageDraw.Draw(image)
    for _ in range(draw.randrange(3, 12)):
        x, y, side = draw.randrange(size[0]), draw.randrange(size[1]), draw.randrange(6, 50)
        pen.ellipse((x, y, x + side, y + side), fill=tuple(draw.randrange(256) for _ in range(3)))
    return image


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _turn(draw: random.Random) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = draw.randrange(1, 9)
    return exif


def _jpeg(draw: random.Random, image: Image.Image) -> bytes:
    mode = draw.choice(("RGB", "RGB", "L"))
    options: dict[str, Any] = {"quality": draw.randrange(60, 99), "subsampling": draw.choice((0, 1, 2))}
    if draw.random() < 0.4:
        options["progressive"] = True
    if draw.random() < 0.3:
        options["restart_marker_blocks"] = draw.randrange(1, 20)
    if draw.random() < 0.3:
        options["exif"] = _turn(draw)
    if draw.random() < 0.3:
        options["icc_profile"] = draw.randbytes(draw.choice((200, 90_000)))
    data = _saved(image.convert(mode), "JPEG", **options)
    return data + draw.choice((b"", b"", bytes(500), draw.randbytes(40).replace(b"\xff", b"")))


def _jpeg_without_end(draw: random.Random, image: Image.Image) -> bytes:
    return _saved(image, "JPEG", quality=90, progressive=draw.random() < 0.5)[:-2]


def _half_jpeg(draw: random.Random, image: Image.Image) -> bytes:
    data = _saved(image, "JPEG", quality=90, progressive=draw.random() < 0.5)
    begin = data.rindex(b"\xff\xda") + 14
    return data[: begin + (len(data) - begin) * draw.randrange(5, 60) // 100] + b"\xff\xd9"


def _png(draw: random.Random, image: Image.Image) -> bytes:
    mode = draw.choice(("RGB", "L", "P", "RGBA", "LA", "1"))
    changed = image.quantize(draw.choice((2, 4, 16, 200))) if mode == "P" else image.convert(mode)
    if mode in ("RGBA", "LA"):
        changed.putalpha(image.convert("L").point(lambda v: 255 if v > 90 else 0))
    data = _saved(changed, "PNG", optimize=draw.random() < 0.3)
    if draw.random() < 0.6:
        name, content = draw.choice(
            ((b"tEXt", b"a\0" + b"x" * draw.choice((3, 1_200_000))), (b"pHYs", bytes(9)), (b"tIME", bytes(7)))
        )
        data = with_png_chunk(data, png_chunk(name, content))
        data = with_broken_sum(data, name) if draw.random() < 0.5 else data
    return data


def _png_deep(draw: random.Random, image: Image.Image) -> bytes:
    colour = draw.random() < 0.6
    pixels = np.asarray(image if colour else image.convert("L")).astype(">u2") * 257
    width, height = image.size
    return png(width, height, 16, 2 if colour else 0, pixels.astype(">u2").tobytes())


def _png_few_bits(draw: random.Random, image: Image.Image) -> bytes:
    depth = draw.choice((1, 2, 4))
    grey = np.asarray(image.convert("L")) >> (8 - depth)
    width, height = image.size
    bits = np.unpackbits(grey[..., None].astype(np.uint8), axis=2)[..., 8 - depth :].reshape(height, -1)
    return png(width, height, depth, 0, np.packbits(bits, axis=1).tobytes())


def _tiff(draw: random.Random, image: Image.Image) -> bytes:
    compressions = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")
    mode = draw.choice(("RGB", "L", "RGBA", "1", "P"))
    changed = image.quantize(32) if mode == "P" else image.convert(mode)
    options: dict[str, Any] = {"compression": draw.choice(compressions)}
    if draw.random() < 0.3:
        options["tiffinfo"] = {0x0112: draw.randrange(1, 9)}
    return _saved(changed, "TIFF", **options)


def _tiff_numbers(draw: random.Random, image: Image.Image) -> bytes:
    """Whole numbers of 8 and 16 bits, floating ones of 32, either byte order, either photometric."""
    order, big = draw.choice("<>"), draw.random() < 0.3
    colour = draw.random() < 0.5
    kind, bits, white, sort = draw.choice((("u1", 8, 255, 1), ("u2", 16, 65535, 1), ("f4", 32, 1, 3)))
    inverted = not colour and sort == 1 and draw.random() < 0.3
    share = np.asarray(image if colour else image.convert("L")) / 255
    numbers = ((1 - share if inverted else share) * white).round(8 if sort == 3 else 0)
    photometric = 2 if colour else 0 if inverted else 1
    return tiff(
        numbers.astype(order + kind).tobytes(),
        *image.size,
        bits,
        samples=3 if colour else 1,
        photometric=photometric,
        sort=sort,
        order=order,
        big=big,
    )


def _bmp(draw: random.Random, image: Image.Image) -> bytes:
    return _saved(image.convert(draw.choice(("RGB", "L", "1"))), "BMP")


def _bmp_alpha(draw: random.Random, image: Image.Image) -> bytes:
    clear = image.convert("RGBA")
    clear.putalpha(draw.choice((0, 255)))
    return _saved(clear, "BMP")


def _gif(draw: random.Random, image: Image.Image) -> bytes:
    options: dict[str, Any] = {}
    if draw.random() < 0.4:
        options = {"save_all": True, "append_images": [Image.new("RGB", image.size, "red")]}
    return _saved(image.quantize(draw.choice((4, 200))), "GIF", **options)


def _webp(draw: random.Random, image: Image.Image) -> bytes:
    lossless = draw.random() < 0.5
    return _saved(image, "WEBP", lossless=lossless, quality=90, exif=_turn(draw))


def _ppm(draw: random.Random, image: Image.Image) -> bytes:
    return _saved(image.convert(draw.choice(("RGB", "L", "1"))), "PPM")


MAKERS: dict[str, Callable[[random.Random, Image.Image], bytes]] = {
    "jpeg": _jpeg,
    "jpeg_without_end": _jpeg_without_end,
    "half": _half_jpeg,
    "png": _png,
    "png_deep": _png_deep,
    "png_few_bits": _png_few_bits,
    "tiff": _tiff,
    "tiff_numbers": _tiff_numbers,
    "bmp": _bmp,
    "bmp_alpha": _bmp_alpha,
    "gif": _gif,
    "webp": _webp,
    "ppm": _ppm,
}

Pixels = np.ndarray[Any, np.dtype[Any]]


def ours(path: Path) -> Pixels | str:
    """The small picture, or why not."""
    try:
        return np.asarray(read_image(str(path), SIDE)[0]).astype(float)
    except ImageError as error:
        return error.reason


def by_qt(path: Path) -> Pixels | None:
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage, QImageReader, QPainter

    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    read = reader.read()
    if read.isNull():
        return None
    white = QImage(read.size(), QImage.Format.Format_RGB888)
    white.fill(Qt.GlobalColor.white)
    painter = QPainter(white)
    painter.drawImage(0, 0, read)
    painter.end()
    rows = np.frombuffer(white.constBits(), np.uint8).reshape(white.height(), white.bytesPerLine())
    return _small(Image.fromarray(rows[:, : white.width() * 3].reshape(white.height(), -1, 3).copy()))


def by_another(path: Path) -> Pixels | None:
    """libvips, else ImageMagick; None where neither is here or it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.png"
        if shutil.which("vips"):
            commands = [["vips", "autorot", str(path), f"{folder}/turned.v"]]
            commands += [["vips", "colourspace", f"{folder}/turned.v", f"{out}[strip]", "srgb"]]
        elif magick := shutil.which("magick") or shutil.which("convert"):
            commands = [[magick, f"{path}[0]", "-auto-orient", "-depth", "8", str(out)]]
        else:
            return None
        for command in commands:
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=TOOLS_S)
            except (OSError, subprocess.SubprocessError):
                return None
        with Image.open(out) as image:
            if image.mode.startswith("I"):
                return _small(Image.fromarray((np.asarray(image) / 257).astype(np.uint8)))
            clear = image.convert("RGBA")
    return _small(Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear))


def _small(image: Image.Image) -> Pixels:
    squashed = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(squashed).astype(float)


def far(one: Pixels, other: Pixels | None) -> bool:
    return other is not None and float(np.abs(one - other).mean()) > FAR


def by_pillow(path: Path) -> Pixels | None:
    """Its own whole picture, turned: where no other program is, and Qt obeys no turn of a WebP."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            clear = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, SyntaxError, ValueError):
        return None
    return _small(Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear))


def judged(odd: Odd, path: Path, another: Callable[[Path], Pixels | None] = by_another) -> str:
    """ "same", "refused" (by another, too), "alone" (nobody else reads it), or what is wrong."""
    mine, qt = ours(path), by_qt(path)
    other = another(path)
    shown = [picture for picture in (qt, other) if picture is not None]
    if isinstance(mine, str):
        both = len(shown) == 2
        return f"refused, though others read it: {mine}" if both else "refused"
    if not shown:
        return "alone"
    return "other pixels than others show" if all(far(mine, picture) for picture in shown) else "same"


def main(arguments: list[str]) -> int:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    parser = argparse.ArgumentParser(prog="python -m tests.dataset.differential", description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files that were judged wrong")
    options = parser.parse_args(arguments)
    verdicts: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        for odd, _ in zip(drawn(options.seed), range(options.files), strict=False):
            path.write_bytes(odd.data)
            verdict = judged(odd, path)
            verdicts[f"{odd.kind}: {verdict}"] += 1
            if verdict not in ("same", "refused", "alone") and odd.kind not in EXPECTED:
                wrong += 1
                print(f"{odd.name}: {verdict}", flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / odd.name).write_bytes(odd.data)
    for verdict, count in sorted(verdicts.items()):
        print(f"{count:5} {verdict}")
    print(f"{options.files} files, {wrong} wrong. Differs on purpose: {EXPECTED}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
