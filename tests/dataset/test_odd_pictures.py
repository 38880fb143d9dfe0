"""What other programs show we read as they do, what is only half there is refused, and what cannot be read is
called what it is."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.faults.formats import (
    encoded,
    jpeg_segments,
    middle_of_scan,
    png,
    png_chunk,
    tiff,
    with_broken_sum,
    with_png_chunk,
    with_segment,
    with_tiff_value,
)
from waste_gui.dataset.images import DamagedImage, ImageError, NotAnImage, TruncatedImage, read_image

PICTURES = Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 160, 120


def _drawn(seed: int = 0) -> Image.Image:
    """Plain areas with hard edges: grey filled in shows, and so does black."""
    draw = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), (120, 199, 118))
    for _ in range(14):
        x, y, side = (int(value) for value in draw.integers(0, (WIDTH, HEIGHT, 40)))
        colour = tuple(int(value) for value in draw.integers(0, 256, 3))
        ImageDraw.Draw(image).rectangle((x, y, x + side, y + side), fill=colour)
    return image


BASE = _drawn()
RGB = np.asarray(BASE)
GREY = np.asarray(BASE.convert("L"))
JPEG, PNG_FILE = encoded(BASE, "JPEG", quality=92), encoded(BASE, "PNG")
PROGRESSIVE = encoded(BASE, "JPEG", quality=92, progressive=True)
RESTARTS = encoded(BASE, "JPEG", quality=92, restart_marker_blocks=7)
END = b"\xff\xd9"


def _read(tmp_path: Path, data: bytes, size: int = 81) -> np.ndarray:
    path = tmp_path / "odd.jpg"
    path.write_bytes(data)
    return np.asarray(read_image(str(path), size)[0]).astype(int)


def _squashed(image: Image.Image, size: int = 81) -> np.ndarray:
    small = image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(small).astype(int)


def _grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")


def _png_rows(rows: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def _filtered(rows: int) -> bytes:
    return b"".join(b"\0" + RGB[y].tobytes() for y in range(rows))


def _bmp32(alpha: np.ndarray | int) -> bytes:
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = RGB[..., ::-1], alpha
    data = pixels[::-1].tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 32, 3, len(data), 2835, 2835, 0, 0)
    head += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(data), 0, 0, 14 + len(head)) + head + data


def _deep(values: np.ndarray, kind: str, bits: int, **options: object) -> bytes:
    return tiff(values.astype(kind).tobytes(), WIDTH, HEIGHT, bits, **options)  # type: ignore[arg-type]


def _overshooting() -> np.ndarray:
    values = GREY / 255
    values[0, 0] = 1.02
    return values


def _white_half(value: int) -> np.ndarray:
    picture: np.ndarray = np.minimum(GREY >> 6, 2)
    picture[:, WIDTH // 2 :] = value
    return picture


def _packed_2_bits(values: np.ndarray) -> bytes:
    fours = values.reshape(HEIGHT, -1, 4).astype(np.uint8)
    packed: np.ndarray = fours[..., 0] << 6 | fours[..., 1] << 4 | fours[..., 2] << 2 | fours[..., 3]
    return packed.tobytes()


def _near_black() -> np.ndarray:
    picture = RGB.astype(">u2") * 257
    picture[:, WIDTH // 2 :] = 0x0010
    return picture.astype(">u2")


def _half_black() -> Image.Image:
    image = BASE.copy()
    image.paste((0, 0, 0), (WIDTH // 2, 0, WIDTH, HEIGHT))
    return image


def _half_white() -> Image.Image:
    image = BASE.copy()
    image.paste((255, 255, 255), (WIDTH // 2, 0, WIDTH, HEIGHT))
    return image


def _small_palette() -> bytes:
    """Its colours go to 255 where a TIFF's go to 65535."""
    image = BASE.quantize(16)
    colours = [*(image.getpalette() or []), *bytes(768)][:768]
    table = tuple(colours[i * 3 + band] for band in range(3) for i in range(256))
    return tiff(image.tobytes(), WIDTH, HEIGHT, 8, photometric=3, more={320: table})


def _without_frame_tables(jpeg: bytes) -> bytes:
    """Segments too short for what they claim to be, as some cameras write."""
    short = with_segment(jpeg, 0xEE, b"Adobe\0")
    return with_segment(short, 0xED, b"Photoshop 3.0\x008BIM\x03\xed\x05ab")


LARGE_PROFILE = png_chunk(b"iCCP", b"P\0\0" + zlib.compress(bytes(1_300_000)))
CHUNKS = (
    (b"tEXt", b"a\0hello"),
    (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
    (b"gAMA", struct.pack(">I", 45455)),
    (b"iCCP", b"icc\0\0" + zlib.compress(b"x" * 300)),
    (b"eXIf", b"MM\0*\0\0\0\x08\0\0"),
)


def _wrong_sum(name: bytes, content: bytes) -> bytes:
    return with_broken_sum(with_png_chunk(PNG_FILE, png_chunk(name, content)), name)


SHOWN: list[tuple[str, bytes, Image.Image]] = [
    ("BMP whose alpha is all nothing", _bmp32(0), BASE),
    ("BMP with alpha", _bmp32(np.where(np.arange(WIDTH) < WIDTH // 2, 255, 0)), _half_white()),
    ("TIFF of 32-bit numbers up to 255", _deep(GREY, "<i4", 32, sort=2), _grey(GREY)),
    ("… unsigned", _deep(GREY, "<u4", 32), _grey(GREY)),
    ("… up to their white", _deep(GREY.astype("u8") * 16843009, "<u4", 32), _grey(GREY)),
    ("… up to 65535", _deep(GREY.astype("u8") * 257, "<u4", 32), _grey(GREY)),
    ("floating TIFF", _deep(GREY / 255, "<f4", 32, sort=3), _grey(GREY)),
    ("… that goes beyond white", _deep(_overshooting(), "<f4", 32, sort=3), _grey(GREY)),
    ("… up to 255", _deep(GREY, "<f4", 32, sort=3), _grey(GREY)),
    ("… of 64 bits", _deep(GREY / 255, "<f8", 64, sort=3), _grey(GREY)),
    ("… of 16 bits", _deep(GREY / 255, "<f2", 16, sort=3), _grey(GREY)),
    ("… in colour", _deep(RGB / 255, "<f4", 32, sort=3, samples=3, photometric=2), BASE),
    (
        "… in colour, the other byte order",
        _deep(RGB / 255, ">f4", 32, sort=3, samples=3, photometric=2, order=">"),
        BASE,
    ),
    ("TIFF of 32-bit colours", _deep(RGB.astype("u8") * 16843009, "<u4", 32, samples=3, photometric=2), BASE),
    (
        "16-bit TIFF, least is white",
        _deep(65535 - GREY.astype("i8") * 257, "<u2", 16, photometric=0),
        _grey(GREY),
    ),
    ("16-bit TIFF", _deep(GREY.astype("i8") * 257, ">u2", 16, order=">"), _grey(GREY)),
    ("8-bit TIFF, least is white", _deep(255 - GREY, "u1", 8, photometric=0), _grey(GREY)),
    ("floating TIFF, least is white", _deep(1 - GREY / 255, "<f4", 32, sort=3, photometric=0), _grey(GREY)),
    ("TIFF with a palette of 8-bit colours", _small_palette(), BASE.quantize(16)),
    ("BigTIFF", _deep(RGB, "u1", 8, samples=3, photometric=2, big=True), BASE),
    (
        "BigTIFF of the other byte order",
        _deep(RGB, "u1", 8, samples=3, photometric=2, big=True, order=">"),
        BASE,
    ),
    (
        "16-bit BigTIFF of the other order",
        _deep(GREY.astype("i8") * 257, ">u2", 16, big=True, order=">"),
        _grey(GREY),
    ),
    *(
        (
            f"PNG with a wrong sum in {name.decode()}",
            with_broken_sum(with_png_chunk(PNG_FILE, png_chunk(name, content)), name),
            BASE,
        )
        for name, content in (
            (b"tEXt", b"a\0hello"),
            (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
            (b"gAMA", struct.pack(">I", 45455)),
            (b"iCCP", b"icc\0\0" + zlib.compress(b"x" * 300)),
            (b"eXIf", b"MM\0*\0\0\0\x08\0\0"),
        )
    ),
    (
        "PNG with a large profile",
        with_png_chunk(PNG_FILE, png_chunk(b"iCCP", b"P\0\0" + zlib.compress(bytes(1_300_000)))),
        BASE,
    ),
    ("PNG with a large text", with_png_chunk(PNG_FILE, png_chunk(b"tEXt", b"w\0" + b"x" * 1_300_000)), BASE),
    ("PNG without its end", PNG_FILE[:-12], BASE),
    (
        "PNG whose pixels have a wrong sum behind them",
        _png_rows(zlib.compress(_filtered(HEIGHT))[:-1] + b"?"),
        BASE,
    ),
    (
        "PNG, 2 bits, one value clear",
        png(WIDTH, HEIGHT, 2, 0, _packed_2_bits(_white_half(3)), png_chunk(b"tRNS", b"\0\1")),
        _grey(np.where(_white_half(3) == 1, 255, _white_half(3) * 85)),
    ),
    (
        "PNG, 16 bits, black clear but not what is nearly black",
        png(WIDTH, HEIGHT, 16, 2, _near_black().tobytes(), png_chunk(b"tRNS", bytes(6))),
        _half_black(),
    ),
    (
        "PNG, 16 bits, nearly black clear",
        png(WIDTH, HEIGHT, 16, 2, _near_black().tobytes(), png_chunk(b"tRNS", b"\0\x10" * 3)),
        _half_white(),
    ),
    (
        "PNG, 16-bit grey, its white clear",
        png(
            WIDTH,
            HEIGHT,
            16,
            0,
            np.where(np.arange(WIDTH) < 80, GREY.astype(">u2") * 128, 777).astype(">u2").tobytes(),
            png_chunk(b"tRNS", struct.pack(">H", 777)),
        ),
        _grey(np.where(np.arange(WIDTH) < 80, GREY / 2, 255)),
    ),
    ("JPEG without its end", JPEG[:-2], BASE),
    ("… and a phone's trailer", JPEG[:-2] + b"SEFT" + bytes(range(1, 200)) * 8, BASE),
    ("… and zeros", JPEG[:-2] + bytes(9000), BASE),
    ("progressive JPEG without its end", PROGRESSIVE[:-2], BASE),
    ("JPEG with fill bytes and zeros after its end", JPEG[:20] + b"\xff\xff" + JPEG[20:] + bytes(4096), BASE),
    ("JPEG with short segments", _without_frame_tables(JPEG), BASE),
    ("JPEG with a short JFIF header", JPEG[:2] + b"\xff\xe0\0\x08JFIF\0\1" + JPEG[20:], BASE),
    ("JPEG with restarts", RESTARTS, BASE),
    ("progressive JPEG", PROGRESSIVE, BASE),
    ("JPEG 2000", encoded(BASE, "JPEG2000"), BASE),
    ("PPM", encoded(BASE, "PPM"), BASE),
    ("AVIF", encoded(BASE, "AVIF", quality=95), BASE),
    (
        "WebP that says it were longer",
        (lambda w: w[:4] + struct.pack("<I", len(w) + 500) + w[8:])(encoded(BASE, "WEBP", lossless=True)),
        BASE,
    ),
]


@pytest.mark.parametrize(("data", "shown"), [odd[1:] for odd in SHOWN], ids=[odd[0] for odd in SHOWN])
def test_what_others_show_is_read(tmp_path: Path, data: bytes, shown: Image.Image) -> None:
    assert np.abs(_read(tmp_path, data) - _squashed(shown)).mean() <= 3


@pytest.mark.parametrize("name", ["plain", "see_through", "turned", "deep", "grey", "two"])
def test_heic_is_read(tmp_path: Path, name: str) -> None:
    with Image.open(PICTURES / "drawn.png") as drawn:
        shown = drawn.convert("L" if name == "grey" else "RGB").convert("RGB")
    if name == "see_through":
        shown.paste("white", (48, 0, 96, 64))
    data = (PICTURES / f"{name}.heic").read_bytes()
    assert np.abs(_read(tmp_path, data, 64) - _squashed(shown, 64)).mean() <= 6  # x265 loses as much


def _cut_scan(jpeg: bytes, share: float) -> bytes:
    *_, (_, _, begin) = jpeg_segments(jpeg)
    return jpeg[: begin + int((len(jpeg) - begin) * share)]


def _multi_scan(keep: int) -> bytes:
    """A progressive JPEG with so many of its scans, closed."""
    at = [i for i in range(len(PROGRESSIVE) - 1) if PROGRESSIVE[i : i + 2] == b"\xff\xda"]
    return PROGRESSIVE[: at[keep]] + END


def _without_restarts() -> bytes:
    marks = [i for i in range(len(RESTARTS) - 1) if RESTARTS[i] == 0xFF and 0xD0 <= RESTARTS[i + 1] <= 0xD7]
    return RESTARTS[: marks[1]] + RESTARTS[marks[4] :]


def _short_jpeg_in_tiff() -> bytes:
    half = encoded(BASE.crop((0, 0, WIDTH, HEIGHT // 2)), "TIFF", compression="jpeg")
    return with_tiff_value(with_tiff_value(half, 257, HEIGHT), 278, HEIGHT)


HALF: list[tuple[str, bytes]] = [
    *(
        (f"JPEG cut at {share} % and closed", _cut_scan(JPEG, share / 100) + END)
        for share in range(5, 100, 6)
    ),
    *((f"JPEG cut at {share} %", _cut_scan(JPEG, share / 100)) for share in (10, 50, 90)),
    *(
        (f"JPEG cut at {share} %, zeros", _cut_scan(JPEG, share / 100) + bytes(5000))
        for share in (10, 50, 90)
    ),
    *(
        (f"progressive JPEG cut at {share} %", _cut_scan(PROGRESSIVE, share / 100) + END)
        for share in (20, 50, 90)
    ),
    *((f"progressive JPEG with {keep} scans", _multi_scan(keep)) for keep in (1, 3, 7)),
    ("JPEG cut, a web page behind", _cut_scan(JPEG, 0.5) + b"<html>502 Bad Gateway</html>" * 400),
    ("JPEG cut, fill bytes behind", _cut_scan(JPEG, 0.5) + b"\xff" * 9000),
    ("JPEG cut after a fill byte", _cut_scan(JPEG, 0.5) + b"\xff" + END),
    ("JPEG without some of its restarts", _without_restarts()),
    ("PNG whose pixels end early", _png_rows(zlib.compress(_filtered(HEIGHT // 2)))),
    ("… in the last row", _png_rows(zlib.compress(_filtered(HEIGHT)[:-100]))),
    ("… without the end of their stream", _png_rows(zlib.compress(_filtered(HEIGHT), 0)[:20000])),
    ("TIFF whose JPEG is shorter", _short_jpeg_in_tiff()),
    ("TIFF without its last rows", tiff(RGB[:60].tobytes(), WIDTH, HEIGHT, 8, samples=3, photometric=2)),
    ("WebP cut", encoded(BASE, "WEBP", lossless=True)[:120]),
    ("HEIC cut", (PICTURES / "plain.heic").read_bytes()[:1500]),
    ("AVIF cut", encoded(BASE, "AVIF")[:700]),
    ("JPEG 2000 cut", encoded(BASE, "JPEG2000")[:3000]),
    ("PPM cut", encoded(BASE, "PPM")[:9000]),
]


@pytest.mark.parametrize("data", [half[1] for half in HALF], ids=[half[0] for half in HALF])
def test_what_is_half_there_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((TruncatedImage, DamagedImage)) as caught:
        _read(tmp_path, data)
    assert caught.value.reason


def _with_frame(marker: int, bits: int = 8) -> bytes:
    at = next(start for found, start, _ in jpeg_segments(JPEG) if found == 0xC0)
    return JPEG[: at + 1] + bytes([marker]) + JPEG[at + 2 : at + 4] + bytes([bits]) + JPEG[at + 5 :]


TRUE: list[tuple[str, bytes, type[ImageError], str]] = [
    ("12-bit JPEG", _with_frame(0xC1, 12), NotAnImage, "is a JPEG of 12 bits"),
    ("lossless JPEG", _with_frame(0xC3), NotAnImage, "is a lossless JPEG"),
    ("hierarchical JPEG", _with_frame(0xC5), NotAnImage, "is a hierarchical JPEG"),
    ("JPEG-LS", _with_frame(0xF7), NotAnImage, "is a JPEG-LS"),
    ("JPEG XL", b"\xff\x0a" + bytes(range(256)), NotAnImage, "really a JPEG XL file"),
    ("JPEG XL in a box", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), NotAnImage, "really a JPEG XL file"),
    ("Photoshop", b"8BPS\0\1" + bytes(99), NotAnImage, "really a Photoshop file"),
    ("QOI", encoded(BASE, "QOI"), NotAnImage, "really a QOI file"),
    ("TGA", encoded(BASE, "TGA"), NotAnImage, "really a TGA file"),
    ("video", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", NotAnImage, "really a video file"),
    ("zeros", bytes(5000), NotAnImage, "interrupted copy"),
    ("newline before a JPEG", b"\r\n" + JPEG, NotAnImage, "before its beginning"),
    ("complex TIFF", _deep(GREY, "<c8", 64, sort=6), NotAnImage, "is a TIFF of 64-bit"),
    ("PNG with a wrong sum in its header", with_broken_sum(PNG_FILE, b"IHDR"), DamagedImage, "check sum"),
    ("damaged JPEG", JPEG[: middle_of_scan(JPEG)] + b"\xff\xc0\0\x11" * 9 + END, DamagedImage, "damaged"),
]


@pytest.mark.parametrize(("data", "kind", "words"), [odd[1:] for odd in TRUE], ids=[odd[0] for odd in TRUE])
def test_what_cannot_be_read_is_called_what_it_is(
    tmp_path: Path, data: bytes, kind: type[ImageError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        _read(tmp_path, data)
    assert words in caught.value.reason


def test_turn_said_in_a_text_of_a_png_is_obeyed(tmp_path: Path) -> None:
    turned = encoded(BASE.transpose(Image.Transpose.ROTATE_90), "PNG")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    profile = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode() + b"\n"
    text = png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile))
    for told in (text, png_chunk(b"eXIf", exif[6:])):
        assert np.abs(_read(tmp_path, with_png_chunk(turned, told)) - _squashed(BASE)).mean() <= 3
