"""The insides of a PNG: only what decoding needs, with every check sum that matters checked.

Pillow refuses a photo for a text or a profile that is wrong or large, checks no sum of its pixels, and shows
black where they end early; libpng does the contrary of each.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

from waste_gui.dataset.image_errors import INCOMPLETE, DamagedImage, NotAnImage, TruncatedImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row of each pass of Adam7, and their steps."""

_LARGEST_TEXT = 1_000_000
_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0", b"XML:com.adobe.xmp\0")
"""Those that may say how a photo is turned."""


@dataclass(frozen=True)
class PNG:
    """`chunks` before and after the pixels, whole; `data` is their compressed stream."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool
    before: bytes
    data: bytes
    after: bytes
    transparent: tuple[int, ...] | None
    """Grey or RGB value that is see-through, in the file's depth."""
    sums_right: bool
    """Of its pixels; else their own sum in the compressed stream still tells whether they are right."""

    @property
    def file(self) -> bytes:
        return b"".join((SIGNATURE, self.before, chunk(b"IDAT", self.data), self.after, chunk(b"IEND", b"")))

    @property
    def bytes_unpacked(self) -> int:
        """Of all rows with their filter bytes."""
        bits = self.depth * _CHANNELS[self.colour]
        if not self.interlaced:
            return self.height * (1 + -(-self.width * bits // 8))
        total = 0
        for x, y, dx, dy in _PASSES:
            width, height = -(-(self.width - x) // dx), -(-(self.height - y) // dy)
            if width > 0 and height > 0:
                total += height * (1 + -(-width * bits // 8))
        return total


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def parse(path: str, data: bytes) -> PNG:
    """What is needed of it; DamagedImage where a sum that matters is wrong, TruncatedImage without pixels."""
    header: tuple[int, int, int, int, int, int, int] | None = None
    before: list[bytes] = []
    after: list[bytes] = []
    pixels: list[memoryview] = []
    palette, sums_right = 0, True
    transparent: tuple[int, ...] | None = None
    view, at = memoryview(data), len(SIGNATURE)
    if not data.startswith(SIGNATURE):
        raise DamagedImage(path, "is damaged at its beginning")
    while at + 8 <= len(data):
        length, name = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        content = view[at + 8 : at + 8 + length]
        end = at + 12 + length
        whole = end <= len(data)
        right = whole and zlib.crc32(view[at + 4 : end - 4]) == int.from_bytes(view[end - 4 : end], "big")
        at = end
        if name == b"IEND":
            break
        if name == b"CgBI":
            raise NotAnImage(path, "is an iPhone app's own kind of PNG; save it as an ordinary one")
        if header is None and name != b"IHDR":
            raise DamagedImage(path, "is damaged at its beginning")
        if name == b"IDAT":
            sums_right &= right or not whole
            if not after:  # pixels in two places: libpng takes the first
                pixels.append(content)
            continue
        if not name[0] & 0x20:  # a chunk that matters
            if not right:
                raise DamagedImage(path, "is damaged: a check sum is wrong" if whole else "is damaged")
            if name == b"IHDR" and header is None:
                header = _header(path, bytes(content))
            elif name == b"PLTE":
                palette = length // 3
                if pixels or header is None or header[3] in (0, 4):
                    continue
            else:
                raise DamagedImage(path, "is damaged: it has an unknown part")
            before.append(chunk(name, bytes(content)))
        elif right and header is not None:
            kept = bytes(content)
            if name == b"tRNS" and not pixels:
                if (see_through := _see_through(header[2], header[3], kept, palette)) is not None:
                    transparent = see_through[1]
                    before.append(chunk(b"tRNS", see_through[0]))
            elif name == b"eXIf" or _tells_turn(name, kept):
                (after if pixels else before).append(chunk(name, kept))
    if header is None:
        raise DamagedImage(path, "is damaged at its beginning")
    if not pixels:
        raise TruncatedImage(path, INCOMPLETE)
    if header[3] == 3 and not palette:
        raise DamagedImage(path, "is damaged: its palette is missing")
    width, height, depth, colour, _, _, interlace = header
    return PNG(
        width,
        height,
        depth,
        colour,
        bool(interlace),
        b"".join(before),
        b"".join(pixels),
        b"".join(after),
        transparent,
        sums_right,
    )


def _header(path: str, content: bytes) -> tuple[int, int, int, int, int, int, int]:
    if len(content) != 13:
        raise DamagedImage(path, "is damaged at its beginning")
    values = struct.unpack(">IIBBBBB", content)
    width, height, depth, colour, compression, filters, interlace = values
    if not (width and height) or depth not in _DEPTHS.get(colour, ()):
        raise DamagedImage(path, "is damaged at its beginning")
    if compression or filters or interlace > 1:
        raise DamagedImage(path, "is damaged at its beginning")
    return values


def _see_through(
    depth: int, colour: int, content: bytes, palette: int
) -> tuple[bytes, tuple[int, ...] | None] | None:
    """The chunk as Pillow reads it, and the value in the file's depth; None where libpng ignores it."""
    if colour == 3:
        return (content[:palette], None) if content and palette else None
    channels = _CHANNELS[colour]
    if colour not in (0, 2) or len(content) != 2 * channels:
        return None
    values = tuple(v & ((1 << depth) - 1) for v in struct.unpack(f">{channels}H", content))
    if depth in (2, 4):  # Pillow compares after it has scaled to 8 bits
        return struct.pack(">H", values[0] * 255 // ((1 << depth) - 1)), values
    if depth == 16:  # compared by ourselves
        return None if not values else (content, values)
    return struct.pack(f">{channels}H", *values), values


def _tells_turn(name: bytes, content: bytes) -> bool:
    if name not in (b"tEXt", b"zTXt", b"iTXt") or not content.startswith(_TEXTS):
        return False
    if len(content) > _LARGEST_TEXT:
        return False
    if name != b"zTXt":
        return name == b"tEXt" or content[content.index(b"\0") + 1 : content.index(b"\0") + 2] == b"\0"
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(content[content.index(b"\0") + 2 :], _LARGEST_TEXT)
    except zlib.error:
        return False
    return unpacker.eof


def ends_in_zeros(raw_last_rows: list[bytes]) -> bool:
    """Whether one of the last two rows is only zeros, as Pillow leaves those that never came."""
    return any(not any(row) for row in raw_last_rows)


def repaired(path: str, png: PNG) -> PNG:
    """With its rows packed anew: where only the end of the stream is wrong or missing. TruncatedImage where
    rows are missing, DamagedImage where the stream breaks off."""
    if not png.sums_right:
        raise DamagedImage(path, "is damaged: a check sum of its pixels is wrong")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    wanted = png.bytes_unpacked
    try:
        rows = unpacker.decompress(png.data[2:], wanted)
    except zlib.error as error:
        rows = _as_far_as_it_goes(png.data[2:], wanted)
        if len(rows) < wanted:
            raise DamagedImage(path, "is damaged") from error
    if len(rows) < wanted:
        raise TruncatedImage(path, INCOMPLETE)
    return replace(png, data=zlib.compress(rows, 1))


def _as_far_as_it_goes(data: bytes, wanted: int) -> bytes:
    unpacker, rows = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    try:
        for at in range(0, len(data), 1024):
            rows += unpacker.decompress(data[at : at + 1024], wanted - len(rows) or 1)
            if len(rows) >= wanted:
                break
    except zlib.error:
        pass  # what was wrong comes after the last row, or the caller sees that rows are missing
    return bytes(rows[:wanted])
