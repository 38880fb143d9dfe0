"""The insides of a JPEG: what it says of itself, and whether all of its pixels are there.

libjpeg fills up with grey what is missing, and only warns; Pillow hides the warning.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import IO

from PIL import Image

END = b"\xff\xd9"

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends a scan: neither a stuffed zero, a restart nor a fill byte follows the FF."""

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

_PROBE = bytes(range(1, 255)) * 2
"""Data without a marker that decode to anything but plain grey."""

_PRINTED = bytes(range(32, 127)) + b"\t\r\n"
_LONGEST_WORDS, _OF_PIXELS = 48, 8
"""So many printed letters in a row are no compressed pixels, but for the first few."""

_SEQUENTIAL, _PROGRESSIVE, _ARITHMETIC = (0xC0, 0xC1), (0xC2, 0xCA), (0xC9, 0xCA)
_UNREAD = {
    0xC3: "is a lossless JPEG",
    0xC5: "is a hierarchical JPEG",
    0xC6: "is a hierarchical JPEG",
    0xC7: "is a hierarchical JPEG",
    0xCB: "is a lossless JPEG",
    0xCD: "is a hierarchical JPEG",
    0xCE: "is a hierarchical JPEG",
    0xCF: "is a hierarchical JPEG",
    0xF7: "is a JPEG-LS",
}
_NO_LENGTH = (0x01, *range(0xD0, 0xD9))


@dataclass(frozen=True)
class Segment:
    marker: int
    start: int
    """Of its FF, before fill bytes."""
    content: int
    end: int


@dataclass(frozen=True)
class Frame:
    """What a JPEG says before its first pixels."""

    marker: int
    bits: int
    width: int
    height: int
    components: dict[int, tuple[int, int]]
    """Sampling factors by identity."""
    restart_interval: int
    first_scan: int
    """Where the compressed pixels begin."""
    whole_in_one_scan: bool

    @property
    def why_unread(self) -> str | None:
        """Why no library of ours decodes it."""
        if self.marker in _UNREAD:
            return f"{_UNREAD[self.marker]}; save it as an ordinary one"
        if self.bits != 8:
            return f"is a JPEG of {self.bits} bits a colour; save it with 8"
        return None

    @property
    def restarts(self) -> int:
        """How many restart markers its scan has."""
        if not self.restart_interval or not self.components:
            return 0
        across, down = 8, 8
        if len(self.components) > 1:
            across *= max(h for h, _ in self.components.values())
            down *= max(v for _, v in self.components.values())
        units = -(-self.width // across) * -(-self.height // down) if across and down else 0
        return max(0, -(-units // self.restart_interval) - 1)


def segments(jpeg: bytes, at: int = 2) -> list[Segment]:
    """Up to and with the start of a scan; as far as they lead."""
    found: list[Segment] = []
    while True:
        start = at
        if jpeg[at : at + 1] != b"\xff":
            return found
        while jpeg[at : at + 1] == b"\xff":  # fill bytes
            at += 1
        marker = jpeg[at] if at < len(jpeg) else 0
        at += 1
        if marker in _NO_LENGTH:
            continue
        length = int.from_bytes(jpeg[at : at + 2], "big")
        if marker == 0xD9 or length < 2 or at + length > len(jpeg):
            return found
        found.append(Segment(marker, start, at + 2, at + length))
        at += length
        if marker == 0xDA:
            return found


def frame_of(jpeg: bytes) -> Frame | None:
    """None where its segments lead nowhere."""
    interval, sof = 0, None
    for segment in segments(jpeg):
        content = jpeg[segment.content : segment.end]
        if segment.marker == 0xDD and len(content) >= 2:
            interval = int.from_bytes(content[:2], "big")
        elif _begins_frame(segment.marker) and len(content) >= 6 and sof is None:
            sof = segment.marker, content
        elif segment.marker == 0xDA and sof is not None and content:
            return _frame(*sof, interval, segment.end, content[0])
    return _frame(*sof, interval, len(jpeg), 0) if sof else None


def _begins_frame(marker: int) -> bool:
    return marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC))


def _frame(marker: int, content: bytes, interval: int, first_scan: int, in_first_scan: int) -> Frame:
    parts = {
        content[at]: (content[at + 1] >> 4, content[at + 1] & 15)
        for at in range(6, min(len(content) - 2, 6 + 3 * content[5]), 3)
    }
    return Frame(
        marker=marker,
        bits=content[0],
        height=int.from_bytes(content[1:3], "big"),
        width=int.from_bytes(content[3:5], "big"),
        components=parts,
        restart_interval=interval,
        first_scan=first_scan,
        whole_in_one_scan=marker not in _PROGRESSIVE and in_first_scan == content[5],
    )


def without_extras(jpeg: bytes, *, exif: bool) -> bytes:
    """Without what cameras and programs add, which may be broken: only what decoding needs, and the Exif
    block if wanted."""
    kept = [jpeg[:2]]
    last = 2
    for segment in segments(jpeg):
        content = jpeg[segment.content : segment.end]
        wanted = not (0xE0 <= segment.marker <= 0xEF or segment.marker == 0xFE)
        wanted |= segment.marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12
        wanted |= segment.marker == 0xE0 and content.startswith(b"JFIF\0") and len(content) >= 12
        wanted |= exif and segment.marker == 0xE1 and content.startswith(b"Exif\0")
        if wanted:
            kept.append(jpeg[segment.start : segment.end])
        last = segment.end
    return b"".join((*kept, jpeg[last:]))


def closed(jpeg: bytes) -> bytes:
    """One that lacks its end marker, with it: without zeros, fill bytes and printed letters at its end,
    which are no pixels."""
    data = jpeg[: len(jpeg.rstrip(b"\0")) + 1]  # one zero may be a pixel's, or belong to an FF before it
    words = data.rstrip(_PRINTED + b"\0")
    if len(data) - len(words) >= _LONGEST_WORDS:
        data = data[: len(words) + _OF_PIXELS]
    return data.rstrip(b"\xff") + END


def has_end(jpeg: bytes, frame: Frame) -> bool:
    return jpeg.find(END, frame.first_scan) >= 0


def is_filled_up(
    file: IO[bytes], frame: Frame, image: Image.Image, at_least: tuple[int, int], *, probe: bool
) -> bool:
    """Whether pixels are missing in `image`, decoded from `file` at that scale.

    With `probe` this is tried out in any case; else only where the photo gives cause to.
    """
    ordinary = frame.marker in _SEQUENTIAL and frame.whole_in_one_scan
    if ordinary and not probe and not frame.restarts and _ends_in_colour(image):
        return False  # nearly all photos go this way
    file.seek(0)
    jpeg = file.read()
    if frame.marker in _PROGRESSIVE or not frame.whole_in_one_scan:
        return _lacks_scans(jpeg, frame) or _changes_with_more(jpeg, frame, image, at_least)
    if _lacks_restarts(jpeg, frame):
        return True
    if probe or not ordinary or not _ends_in_colour(image):
        return _changes_with_more(jpeg, frame, image, at_least)
    return False


def _ends_in_colour(image: Image.Image) -> bool:
    """Whether its last pixel is not the grey of missing data."""
    value = image.getpixel((image.width - 1, image.height - 1))
    values = value if isinstance(value, tuple) else (value or 0.0,)
    return any(abs(value - 128) > 1 for value in values)


def _lacks_restarts(jpeg: bytes, frame: Frame) -> bool:
    if not frame.restarts:
        return False
    end = jpeg.find(END, frame.first_scan)
    end = len(jpeg) if end < 0 else end
    return len(_RESTART.findall(jpeg, frame.first_scan, end)) < frame.restarts


def _lacks_scans(jpeg: bytes, frame: Frame) -> bool:
    """Whether coefficients of some component never came, or not to their last bit."""
    bits_left = {(part, k): 99 for part in frame.components for k in range(64)}
    for content in _scans(jpeg, frame):
        parts = [content[1 + 2 * i] for i in range(content[0]) if 1 + 2 * i < len(content)]
        first, last, low = content[-3], content[-2], content[-1] & 15
        if frame.marker not in _PROGRESSIVE:
            first, last, low = 0, 63, 0
        for part in parts:
            bits_left.update({(part, k): low for k in range(first, min(last, 63) + 1)})
    return any(bits_left.values())


def _scans(jpeg: bytes, frame: Frame) -> list[bytes]:
    """The header of each scan."""
    found: list[bytes] = []
    at = 2
    while True:
        passed = segments(jpeg, at)
        if not passed or passed[-1].marker != 0xDA or len(found) > 1000:
            return found
        last = passed[-1]
        if last.end - last.content >= 4:
            found.append(jpeg[last.content : last.end])
        end = _MARKER.search(jpeg, last.end)
        if end is None:
            return found
        at = end.start()


def _last_scan_end(jpeg: bytes, frame: Frame) -> int | None:
    """Where the pixels of the last scan end."""
    at, found = frame.first_scan, None
    while (end := _MARKER.search(jpeg, at)) is not None:
        found = end.start()
        passed = segments(jpeg, found)
        if not passed or passed[-1].marker != 0xDA:
            return found
        at = passed[-1].end
    return found


def _changes_with_more(jpeg: bytes, frame: Frame, image: Image.Image, at_least: tuple[int, int]) -> bool:
    """Whether bytes put in at the end of the data are decoded: in a whole photo they are skipped."""
    end = _last_scan_end(jpeg, frame)
    if end is None:
        return False
    while jpeg[end - 1] == 0xFF:  # a fill byte would make a marker of what is put in
        end -= 1
    # An arithmetic coder leaves out zeros at the end.
    more = bytes(8) + _PROBE if frame.marker in _ARITHMETIC else _PROBE
    longer = without_extras(jpeg[:end] + more + jpeg[end:], exif=False)
    with Image.open(io.BytesIO(longer), formats=("JPEG",)) as probed:
        probed.draft(None, at_least)
        return probed.tobytes() != image.tobytes()
