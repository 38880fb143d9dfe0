"""The insides of a TIFF: its first directory, and what Pillow makes of it that is not so."""

from __future__ import annotations

import struct
from dataclasses import dataclass

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_SIZES, PLANAR = 273, 277, 278, 279, 284
COLOUR_MAP, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES, FORMAT, JPEG_TABLES = 320, 323, 324, 325, 339, 347
MIN_IS_WHITE = 0
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
JPEG_COMPRESSION = 7

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_ENTRIES, _MOST_VALUES = 4096, 10_000_000


@dataclass(frozen=True)
class Entry:
    tag: int
    kind: int
    count: int
    raw: bytes
    """Its values in the file's byte order."""


@dataclass(frozen=True)
class Directory:
    order: str
    """">" or "<", as struct says it."""
    big: bool
    entries: tuple[Entry, ...]

    def values(self, tag: int) -> tuple[int, ...]:
        """Whole numbers; () where there are none."""
        for entry in self.entries:
            if entry.tag == tag and entry.kind in _NUMBERS:
                return struct.unpack(f"{self.order}{entry.count}{_NUMBERS[entry.kind]}", entry.raw)
        return ()

    def value(self, tag: int, default: int) -> int:
        return next(iter(self.values(tag)), default)

    def raw(self, tag: int) -> bytes:
        return next((entry.raw for entry in self.entries if entry.tag == tag), b"")

    @property
    def is_sane(self) -> bool:
        """Whether it says how large its picture is, and where."""
        places = self.values(STRIP_OFFSETS) or self.values(TILE_OFFSETS)
        return bool(self.value(WIDTH, 0) and self.value(HEIGHT, 0) and places)

    @property
    def is_ordinary(self) -> bool:
        """Whether every program knows its numbers."""
        return self.value(BITS, 1) in (1, 8) and self.value(FORMAT, UNSIGNED) == UNSIGNED

    @property
    def words(self) -> str:
        """What its numbers are: "3 × 32-bit floating-point numbers"."""
        bits, samples = self.value(BITS, 1), self.value(SAMPLES, 1)
        kinds = {SIGNED: "signed numbers", FLOAT: "floating-point numbers", 5: "complex numbers"}
        of = kinds.get(self.value(FORMAT, UNSIGNED), "numbers")
        return f"{samples} × {bits}-bit {of}" if samples > 1 else f"{bits}-bit {of}"


def read_directory(tiff: bytes) -> Directory | None:
    """The first one; None where it leads nowhere."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return None
    magic = struct.unpack_from(order + "H", tiff, 2)[0]
    big = magic == 43
    try:
        at = struct.unpack_from(order + ("Q" if big else "I"), tiff, 8 if big else 4)[0]
        count = struct.unpack_from(order + ("Q" if big else "H"), tiff, at)[0]
        if magic not in (42, 43) or count > _MOST_ENTRIES:
            return None
        return Directory(order, big, tuple(_entries(tiff, order, big, at + (8 if big else 2), count)))
    except (struct.error, OverflowError):
        return None


def _entries(tiff: bytes, order: str, big: bool, at: int, count: int) -> list[Entry]:
    found = []
    for _ in range(count):
        tag, kind = struct.unpack_from(order + "HH", tiff, at)
        number = struct.unpack_from(order + ("Q" if big else "I"), tiff, at + 4)[0]
        value_at, room = (at + 12, 8) if big else (at + 8, 4)
        length = _SIZES.get(kind, 0) * number
        if length > room:
            value_at = struct.unpack_from(order + ("Q" if big else "I"), tiff, value_at)[0]
        raw = tiff[value_at : value_at + length]
        if length and length == len(raw) and number <= _MOST_VALUES:
            found.append(Entry(tag, kind, number, raw))
        at += 20 if big else 12
    return found


def as_small(tiff: bytes, directory: Directory) -> bytes:
    """A BigTIFF as an ordinary TIFF, its first page only: Pillow reads those of one byte order alone."""
    order, begin = directory.order, len(tiff) + len(tiff) % 2
    narrow = {16: (4, "I"), 17: (9, "i"), 18: (13, "I")}
    entries = []
    for entry in sorted(directory.entries, key=lambda entry: entry.tag):
        kind, raw = entry.kind, entry.raw
        if kind in narrow:
            values = struct.unpack(f"{order}{entry.count}{_NUMBERS[kind]}", raw)
            kind, letter = narrow[kind]
            raw = struct.pack(f"{order}{entry.count}{letter}", *values)
        entries.append((entry.tag, kind, entry.count, raw))
    directory_bytes = struct.pack(order + "H", len(entries))
    behind, behind_at = b"", begin + 2 + 12 * len(entries) + 4
    for tag, kind, count, raw in entries:
        directory_bytes += struct.pack(order + "HHI", tag, kind, count)
        if len(raw) <= 4:
            directory_bytes += raw.ljust(4, b"\0")
        else:
            directory_bytes += struct.pack(order + "I", behind_at + len(behind))
            behind += raw + b"\0" * (len(raw) % 2)
    head = tiff[:2] + struct.pack(order + "HI", 42, begin)
    return b"".join((head, tiff[8:], b"\0" * (begin - len(tiff)), directory_bytes, bytes(4), behind))


def jpeg_parts(tiff: bytes, directory: Directory) -> list[tuple[bytes, int]]:
    """Each strip or tile that is a JPEG, complete with the tables that all share, and the rows that it must
    have."""
    tiled = bool(directory.values(TILE_OFFSETS))
    offsets = directory.values(TILE_OFFSETS if tiled else STRIP_OFFSETS)
    sizes = directory.values(TILE_SIZES if tiled else STRIP_SIZES)
    height = directory.value(HEIGHT, 0)
    rows = min(
        directory.value(TILE_HEIGHT if tiled else ROWS_PER_STRIP, height), height if not tiled else 1 << 30
    )
    tables = directory.raw(JPEG_TABLES)
    if tables.endswith(b"\xff\xd9"):
        tables = tables[:-2]
    strips = max(1, -(-height // rows)) if rows else 1
    parts = []
    for index, (offset, size) in enumerate(zip(offsets, sizes, strict=False)):
        jpeg = tiff[offset : offset + size]
        left = height - (index % strips) * rows
        wanted = rows if tiled else min(rows, left)
        parts.append((tables + jpeg[2:] if tables else jpeg, wanted))
    return parts
