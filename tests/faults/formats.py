"""The insides of picture files, for making what no ordinary program writes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The file that Pillow would save."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


# --- JPEG


def jpeg_segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment up to and with the start of scan."""
    at = 2
    while True:
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield marker, at, end
        if marker == 0xDA:
            return
        at = end


def without_segments(jpeg: bytes, *unwanted: int) -> bytes:
    for marker, start, end in reversed(list(jpeg_segments(jpeg))):
        if marker in unwanted:
            jpeg = jpeg[:start] + jpeg[end:]
    return jpeg


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """Put right after the start of the image."""
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def with_jpeg_size(jpeg: bytes, width: int, height: int) -> bytes:
    start = next(start for marker, start, _ in jpeg_segments(jpeg) if marker in (0xC0, 0xC2))
    return jpeg[: start + 5] + struct.pack(">HH", height, width) + jpeg[start + 9 :]


def middle_of_scan(jpeg: bytes) -> int:
    *_, (_, _, begin) = jpeg_segments(jpeg)
    return (begin + len(jpeg)) // 2


# --- PNG

PNG = b"\x89PNG\r\n\x1a\n"


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, colour_type: int, pixels: bytes, *before: bytes) -> bytes:
    """`pixels` in rows without their filter bytes; `before` are chunks between header and pixels."""
    row = len(pixels) // height
    rows = b"".join(b"\0" + pixels[y * row : (y + 1) * row] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", header), *before, png_chunk(b"IDAT", zlib.compress(rows))]
    return PNG + b"".join(chunks) + png_chunk(b"IEND", b"")


def with_png_chunk(data: bytes, chunk: bytes) -> bytes:
    """Put right after the header."""
    return data[:33] + chunk + data[33:]


def with_broken_sum(data: bytes, name: bytes) -> bytes:
    """One bit of the chunk's check sum is wrong."""
    at = data.index(name)
    end = at + 4 + int.from_bytes(data[at - 4 : at], "big")
    return data[:end] + bytes([data[end] ^ 1]) + data[end + 1 :]


# --- TIFF


def with_tiff_value(tiff: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with the value of one tag of its first page, or its pointer, replaced."""
    directory = int.from_bytes(tiff[4:8], "little")
    entries = int.from_bytes(tiff[directory : directory + 2], "little")
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        if int.from_bytes(tiff[at : at + 2], "little") == tag:
            type_and_count = struct.pack("<HI", 4, 1)  # a single LONG
            return tiff[: at + 2] + type_and_count + value.to_bytes(4, "little") + tiff[at + 12 :]
    raise ValueError(f"no tag {tag}")


TiffValues = dict[int, tuple[int, ...]]
"""Tag: values; all are written as SHORT, or as LONG where one is larger, or LONG8 in a BigTIFF."""


def tiff(
    pixels: bytes,
    width: int,
    height: int,
    bits: int,
    *,
    samples: int = 1,
    photometric: int = 1,
    sort: int = 1,
    order: str = "<",
    big: bool = False,
    more: TiffValues | None = None,
) -> bytes:
    """Uncompressed in one strip; `sort` is 1 for unsigned numbers, 2 for signed, 3 for floating ones."""
    tags: TiffValues = {256: (width,), 257: (height,), 258: (bits,) * samples, 259: (1,), 262: (photometric,)}
    tags |= {273: (0,), 277: (samples,), 278: (height,), 279: (len(pixels),), 339: (sort,) * samples}
    tags |= more or {}
    count, offset, room, entry = ("Q", "Q", 8, 20) if big else ("H", "I", 4, 12)
    begin = 16 if big else 8
    behind_at = begin + struct.calcsize(order + count) + entry * len(tags) + room
    coded = {tag: _tiff_values(values, order) for tag, values in tags.items()}
    pixels_at = behind_at + sum(len(raw) for _, _, raw in coded.values() if len(raw) > room)
    coded[273] = (4, 1, struct.pack(order + "I", pixels_at))
    directory, behind = struct.pack(order + count, len(tags)), b""
    for tag in sorted(coded):
        kind, number, raw = coded[tag]
        directory += struct.pack(order + "HH" + offset, tag, kind, number)
        if len(raw) > room:
            directory += struct.pack(order + offset, behind_at + len(behind))
            behind += raw
        else:
            directory += raw.ljust(room, b"\0")
    head = (b"II" if order == "<" else b"MM") + (
        struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8)
    )
    return head + directory + bytes(room) + behind + pixels


def _tiff_values(values: tuple[int, ...], order: str) -> tuple[int, int, bytes]:
    kind, letter = (4, "I") if max(values, default=0) > 0xFFFF else (3, "H")
    return kind, len(values), struct.pack(f"{order}{len(values)}{letter}", *values)
