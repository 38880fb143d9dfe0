"""Datasets among whose photos hide all kinds of trouble, and odd photos that must be read nevertheless."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw

from tests.faults.decoder import DECODER_FAULTS, marked
from tests.faults.formats import (
    PNG,
    encoded,
    middle_of_scan,
    png,
    png_chunk,
    with_broken_sum,
    with_jpeg_size,
    with_png_chunk,
    with_segment,
    with_tiff_value,
    without_segments,
)
from tests.photos import COLOURS
from tests.rights import opens_everything
from waste_gui.dataset.images import MAX_BYTES
from waste_gui.protocol import FailureKind

Write = Callable[[Path, Image.Image], None]
Draw = Callable[[Path, Image.Image], Image.Image]


def picture(colour: tuple[int, int, int], seed: int = 0, width: int = 160, height: int = 120) -> Image.Image:
    """A class's colour with waves and grain, and a corner of each own colour: it shows when it is turned."""
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 5, width), np.linspace(0, 4, height))
    waves = 25 * np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=-1)
    pixels = np.array(colour) + waves + random.normal(0, 8, (height, width, 1))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    corner = min(width, height) // 4
    draw.rectangle((0, 0, corner, corner), "red")
    draw.rectangle((width - corner, 0, width, corner), "blue")
    draw.rectangle((0, height - corner, corner, height), "black")
    return image


# --- bad photos


@dataclass(frozen=True)
class Bad:
    """A photo that cannot be read; `strikes` if a scan would pass it over, so it comes after the scan."""

    name: str
    kind: FailureKind
    write: Write
    suffix: str = ".jpg"
    strikes: bool = False
    lacking: Callable[[], str | None] = lambda: None
    """Why it cannot be made here."""


def content(data: bytes) -> Write:
    return lambda path, _: _put(path, data)


def spoiled(kind: str, spoil: Callable[[bytes], bytes], **options: object) -> Write:
    """The picture saved by Pillow, then spoiled."""
    return lambda path, image: _put(path, spoil(encoded(image, kind, **options)))


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _cut(count: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:-count]


def _in_the_middle(junk: bytes) -> Callable[[bytes], bytes]:
    def spoil(jpeg: bytes) -> bytes:
        at = middle_of_scan(jpeg)
        return jpeg[:at] + junk + jpeg[at + len(junk) :]

    return spoil


def _overwrite(at: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + new + data[at + len(new) :]


def _bomb(megabytes: int = 20) -> bytes:
    return zlib.compress(bytes(megabytes * 1_000_000))


def _with_bomb(name: bytes, begin: bytes) -> Callable[[bytes], bytes]:
    return lambda data: with_png_chunk(data, png_chunk(name, begin + _bomb()))


def _large_file(path: Path, image: Image.Image) -> None:
    _put(path, encoded(image, "JPEG"))
    os.truncate(path, MAX_BYTES + 1)  # sparse: takes no room


def _bilevel_bomb(path: Path, _: Image.Image) -> None:
    """225 million pixels in 28 kB, each of them really there."""
    _put(path, png(15_000, 15_000, 1, 0, bytes(1875 * 15_000)))


def _gone(path: Path, _: Image.Image) -> None:
    path.unlink(missing_ok=True)


def _pipe(path: Path, _: Image.Image) -> None:
    os.mkfifo(path)


def _socket(path: Path, _: Image.Image) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{short}/s")  # the name of a socket has 107 bytes at the most
        shutil.move(f"{short}/s", path)


def _device(path: Path, _: Image.Image) -> None:
    os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 5))


def _without_rights(path: Path, image: Image.Image) -> None:
    _put(path, encoded(image, "JPEG"))
    path.chmod(0)


def _tried(make: Write) -> Callable[[], str | None]:
    """Whether this machine lets us make it, found out by making one."""

    def lacking() -> str | None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                make(Path(folder, "try"), Image.new("RGB", (8, 8)))
            except (OSError, AttributeError) as error:
                return f"it cannot be made here ({error})"
        return None

    return lacking


def _rights_do_not_bind() -> str | None:
    return "this user may read everything" if opens_everything() else None


def _link_to_itself(path: Path, _: Image.Image) -> None:
    path.symlink_to(path)


def _huge_tiff(tiff: bytes) -> bytes:
    return with_tiff_value(with_tiff_value(tiff, 256, 60_000), 257, 60_000)


def link_to(target: str) -> Write:
    return lambda path, _: path.symlink_to(target)


BAD: tuple[Bad, ...] = (
    # the bytes
    Bad("empty", "damaged", content(b"")),
    Bad("zeros", "not_an_image", content(bytes(5000))),
    Bad("text", "not_an_image", content(b"Bottle, green, found on Tuesday.\n" * 20)),
    Bad("web_page", "not_an_image", content(b"<!DOCTYPE html><html><h1>404 Not Found</h1></html>")),
    Bad("heic", "damaged", content(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(3000))),
    Bad("avif", "damaged", content(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(3000))),
    Bad("video", "not_an_image", content(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(3000))),
    Bad("pdf", "not_an_image", content(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj <<>> endobj\n" * 50)),
    Bad("zip", "not_an_image", content(b"PK\3\4\x14\0\0\0\x08\0" + bytes(2000))),
    Bad("postscript", "not_an_image", content(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")),
    Bad("svg", "not_an_image", content(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), ".png"),
    Bad("mac_resource_fork", "not_an_image", content(b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(200))),
    # JPEG
    Bad("jpeg_half", "truncated", spoiled("JPEG", _half)),
    Bad("jpeg_less_20_bytes", "truncated", spoiled("JPEG", _cut(20))),
    Bad("jpeg_progressive_half", "truncated", spoiled("JPEG", _half, progressive=True)),
    Bad("jpeg_half_then_end", "truncated", spoiled("JPEG", lambda jpeg: _half(jpeg) + b"\xff\xd9")),
    Bad("jpeg_ends_in_zeros", "truncated", spoiled("JPEG", lambda jpeg: _half(jpeg) + bytes(len(jpeg)))),
    Bad("jpeg_header_damaged", "damaged", spoiled("JPEG", _overwrite(2, b"\xff\xe0" + b"\x13" * 40))),
    Bad("jpeg_start_only", "damaged", content(b"\xff\xd8\xff")),
    Bad("jpeg_without_tables", "damaged", spoiled("JPEG", lambda jpeg: without_segments(jpeg, 0xDB))),
    Bad("jpeg_second_header_inside", "damaged", spoiled("JPEG", _in_the_middle(b"\xff\xc0\0\x11" * 9))),
    Bad("jpeg_60000_square", "too_large", spoiled("JPEG", lambda jpeg: with_jpeg_size(jpeg, 60_000, 60_000))),
    Bad("jpeg_no_height", "damaged", spoiled("JPEG", lambda jpeg: with_jpeg_size(jpeg, 160, 0))),
    Bad("jpeg_201_megabytes", "too_large", _large_file),
    # PNG
    Bad("png_half", "truncated", spoiled("PNG", _half), ".png"),
    Bad("png_header_only", "damaged", content(PNG), ".png"),
    Bad("png_broken_sum_of_header", "damaged", spoiled("PNG", lambda d: with_broken_sum(d, b"IHDR")), ".png"),
    Bad("png_damaged", "damaged", spoiled("PNG", _overwrite(9000, b"\xee" * 9)), ".png"),
    Bad("png_not_packed", "damaged", content(png(9, 9, 8, 0, bytes(81)).replace(b"x\x9c", b"no")), ".png"),
    Bad("png_bomb_declared", "too_large", content(png(60_000, 60_000, 8, 2, b"")), ".png"),
    Bad("png_bomb_real", "too_large", _bilevel_bomb, ".png"),
    # other formats
    Bad("gif_half", "truncated", spoiled("GIF", _half), ".gif"),
    Bad("gif_without_frames", "damaged", content(b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff;"), ".gif"),
    Bad("gif_60000_square", "too_large", spoiled("GIF", _overwrite(6, b"\x60\xea\x60\xea")), ".gif"),
    Bad("webp_half", "truncated", spoiled("WEBP", _half), ".webp"),
    Bad("webp_damaged", "damaged", spoiled("WEBP", _overwrite(16, b"\xee" * 40)), ".webp"),
    Bad("bmp_half", "truncated", spoiled("BMP", _half), ".bmp"),
    Bad("bmp_60000_square", "too_large", spoiled("BMP", _overwrite(18, b"\x60\xea\0\0" * 2)), ".bmp"),
    Bad("tiff_half", "truncated", spoiled("TIFF", _half), ".tif"),
    Bad("tiff_packed_half", "truncated", spoiled("TIFF", _half, compression="tiff_lzw"), ".tif"),
    Bad(
        "tiff_pixels_beyond_end",
        "truncated",
        spoiled("TIFF", lambda d: with_tiff_value(d, 273, 400_000_000)),
        ".tif",
    ),
    Bad(
        "tiff_wrong_strip_size",
        "damaged",
        spoiled("TIFF", lambda d: with_tiff_value(d, 279, 20), compression="tiff_lzw"),
        ".tif",
    ),
    Bad("tiff_60000_square", "too_large", spoiled("TIFF", _huge_tiff), ".tif"),
    # not a file, or not for us
    Bad("without_rights", "unreadable", _without_rights, lacking=_rights_do_not_bind),
    Bad("deleted", "vanished", _gone, strikes=True),
    Bad("link_to_nothing", "vanished", link_to("nowhere.jpg"), strikes=True, lacking=_tried(link_to("no"))),
    Bad("link_to_itself", "unreadable", _link_to_itself, strikes=True, lacking=_tried(_link_to_itself)),
    Bad("link_to_device", "not_an_image", link_to("/dev/zero"), strikes=True, lacking=_tried(link_to("no"))),
    Bad("pipe", "not_an_image", _pipe, strikes=True, lacking=_tried(_pipe)),
    Bad("socket", "not_an_image", _socket, strikes=True, lacking=_tried(_socket)),
    Bad("device", "not_an_image", _device, strikes=True, lacking=_tried(_device)),
    Bad("folder", "not_an_image", lambda path, _: path.mkdir(), strikes=True),
)


# --- odd photos that are good


@dataclass(frozen=True)
class Odd:
    """A photo that must be read; `draw` saves it and returns what must be seen, RGB and upright.

    `tolerance` is the mean absolute error of 255 that its format costs.
    """

    name: str
    draw: Draw
    suffix: str = ".jpg"
    tolerance: float = 3.0
    file_name: str | None = None
    """In place of name and suffix; may lie in sub-folders."""


def saved(kind: str, mode: str = "RGB", change: Callable[[bytes], bytes] = bytes, **options: object) -> Draw:
    """Saved by Pillow in a mode, the file then changed; seen as Pillow's own picture of that mode."""

    def draw(path: Path, image: Image.Image) -> Image.Image:
        converted = image.convert(mode)
        _put(path, change(encoded(converted, kind, **options)))
        return converted.convert("RGB")

    return draw


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _plain_cmyk(path: Path, image: Image.Image) -> Image.Image:
    """Not inverted, and without Adobe's mark, which says that it would be."""
    cmyk = image.convert("CMYK")
    inverted = cmyk.point(lambda value: 255 - value)
    _put(path, without_segments(encoded(inverted, "JPEG", quality=92), 0xEE))
    return cmyk.convert("RGB")


def _turned(orientation: int) -> Draw:
    """Stored so that its EXIF orientation turns it upright."""
    way_back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }

    def draw(path: Path, image: Image.Image) -> Image.Image:
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = image.transpose(way_back[orientation]) if orientation in way_back else image
        stored.save(path, "JPEG", exif=exif, quality=92)
        return image

    return draw


def _broken_exif(jpeg: bytes) -> bytes:
    return with_segment(jpeg, 0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x99" * 40)


def _swapped_profile() -> bytes:
    """A profile of sRGB with red and blue exchanged: who applies it sees other colours."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")


def _with_profile(path: Path, image: Image.Image) -> Image.Image:
    image.save(path, "JPEG", quality=92, icc_profile=_swapped_profile())
    return image


def _see_through(mode: str) -> Draw:
    """Its right half is clear, over hidden black."""

    def draw(path: Path, image: Image.Image) -> Image.Image:
        alpha = Image.new("L", image.size, 255)
        right = (image.width // 2, 0, image.width, image.height)
        alpha.paste(0, right)
        seen = image.copy() if mode == "RGBA" else _grey(image)
        hidden = seen.convert(mode)
        hidden.paste(0, right)
        hidden.putalpha(alpha)
        hidden.save(path, "PNG")
        seen.paste("white", right)
        return seen

    return draw


def _clear_palette(path: Path, image: Image.Image) -> Image.Image:
    """One entry of the palette counts as clear."""
    right = (image.width // 2, 0, image.width, image.height)
    image = image.copy()
    image.paste("magenta", right)
    palette = image.quantize(64)
    palette.save(path, "PNG", transparency=palette.getpixel((image.width - 1, 0)))
    seen = palette.convert("RGB")
    seen.paste("white", right)
    return seen


def _clear_colour(path: Path, image: Image.Image) -> Image.Image:
    """One colour counts as clear, without an alpha channel."""
    image = image.copy()
    image.paste((1, 2, 3), (image.width // 2, 0, image.width, image.height))
    image.save(path, "PNG", transparency=(1, 2, 3))
    image.paste("white", (image.width // 2, 0, image.width, image.height))
    return image


def _deep(values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """8 bits as the upper ones of 16."""
    return (values.astype(">u2") * 257).astype(">u2").tobytes()


def _deep_grey_png(path: Path, image: Image.Image) -> Image.Image:
    grey = image.convert("L")
    _put(path, png(*grey.size, 16, 0, _deep(np.asarray(grey))))
    return _grey(image)


def _deep_colour_png(path: Path, image: Image.Image) -> Image.Image:
    _put(path, png(*image.size, 16, 2, _deep(np.asarray(image))))
    return image


def _deep_grey_tiff(path: Path, image: Image.Image) -> Image.Image:
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path, "TIFF")
    return _grey(image)


def _floating_tiff(path: Path, image: Image.Image) -> Image.Image:
    Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255).save(path, "TIFF")
    return _grey(image)


def _frames(kind: str) -> Draw:
    """The first of three frames counts."""

    def draw(path: Path, image: Image.Image) -> Image.Image:
        others = [Image.new("RGB", image.size, colour) for colour in ("lime", "magenta")]
        image.save(path, kind, save_all=True, append_images=others)
        return image

    return draw


def _small(width: int, height: int) -> Draw:
    def draw(path: Path, image: Image.Image) -> Image.Image:
        small = image.resize((width, height))
        small.save(path, "PNG")
        return small

    return draw


def _grey_to_the_end(path: Path, image: Image.Image) -> Image.Image:
    """The grey with which decoders fill up what is missing, here meant."""
    image = image.copy()
    image.paste((128, 128, 128), (0, image.height // 2, image.width, image.height))
    return _as_it_is(path, image)


def _as_it_is(path: Path, image: Image.Image) -> Image.Image:
    image.save(path, "JPEG", quality=92)
    return image


_DEEP_FOLDERS = "/".join(f"{number:02}-{'deep' * 24}" for number in range(30))

ODD: tuple[Odd, ...] = (
    # modes
    Odd("cmyk", saved("JPEG", "CMYK", quality=92)),
    Odd("cmyk_not_inverted", _plain_cmyk),
    Odd("grey_jpeg", saved("JPEG", "L", quality=92)),
    Odd("grey_png", saved("PNG", "L"), ".png"),
    Odd("jpeg_without_end", saved("JPEG", quality=92, change=_cut(2))),
    Odd("png_text_bomb", saved("PNG", change=_with_bomb(b"zTXt", b"Comment\0\0")), ".png"),
    Odd("png_international_text_bomb", saved("PNG", change=_with_bomb(b"iTXt", b"XML\0\1\0\0\0")), ".png"),
    Odd("png_profile_bomb", saved("PNG", change=_with_bomb(b"iCCP", b"icc\0\0")), ".png"),
    Odd("png_broken_sum", saved("PNG", change=lambda data: with_broken_sum(data, b"IDAT")), ".png"),
    Odd("palette", saved("PNG", "P"), ".png"),
    Odd("palette_clear", _clear_palette, ".png"),
    Odd("colour_clear", _clear_colour, ".png"),
    Odd("bilevel", saved("PNG", "1"), ".png"),
    Odd("alpha", _see_through("RGBA"), ".png"),
    Odd("grey_alpha", _see_through("LA"), ".png"),
    Odd("grey_16_bit", _deep_grey_png, ".png"),
    Odd("colour_16_bit", _deep_colour_png, ".png"),
    Odd("grey_16_bit_tiff", _deep_grey_tiff, ".tif"),
    Odd("floating_tiff", _floating_tiff, ".tiff"),
    Odd("cmyk_tiff", saved("TIFF", "CMYK"), ".tif"),
    Odd("packed_tiff", saved("TIFF", compression="tiff_lzw"), ".tif"),
    # EXIF and profiles
    *(Odd(f"orientation_{turn}", _turned(turn)) for turn in range(1, 9)),
    Odd("orientation_99", _turned(99)),
    Odd("broken_exif", saved("JPEG", change=_broken_exif, quality=92)),
    Odd("profile", _with_profile),
    # several pictures in one
    Odd("animated_gif", _frames("GIF"), ".gif", tolerance=9),
    Odd("animated_webp", _frames("WEBP"), ".webp", tolerance=6),
    Odd("animated_png", _frames("PNG"), ".png"),
    Odd("pages", _frames("TIFF"), ".tif"),
    Odd("mpo", _frames("MPO")),
    # shapes and codings
    Odd("progressive", saved("JPEG", progressive=True, quality=92)),
    Odd("restart_markers", saved("JPEG", restart_marker_blocks=4, quality=92)),
    Odd("full_colour", saved("JPEG", subsampling=0, quality=92)),
    Odd("bmp", saved("BMP"), ".bmp"),
    Odd("webp", saved("WEBP", quality=90), ".webp", tolerance=6),
    Odd("one_pixel", _small(1, 1), ".png"),
    Odd("strip", _small(1, 5000), ".png"),
    Odd("trailing_bytes", saved("JPEG", change=lambda jpeg: jpeg + b"a note after the end" * 9, quality=92)),
    Odd("zeros_after_the_end", saved("JPEG", change=lambda jpeg: jpeg + bytes(70_000), quality=92)),
    Odd("grey_to_the_end", _grey_to_the_end),
    # names
    Odd("png_named_jpg", saved("PNG")),
    Odd("jpeg_named_png", _as_it_is, ".png"),
    Odd("upper_case", _as_it_is, ".JPG"),
    Odd("not_utf8", _as_it_is, file_name=os.fsdecode(b"caf\xe9 \xff.jpg")),
    Odd("new_line", _as_it_is, file_name="new\nline\r\ttab.jpg"),
    Odd("quotes", _as_it_is, file_name='it\'s "quoted", `really` $(so); \\.jpg'),
    Odd("markup", _as_it_is, file_name="<b>bold<img src=x onerror=alert(1)> &amp; %s {0}.jpg"),
    Odd("long_name", _as_it_is, file_name="n" * 251 + ".jpg"),
    Odd("spaces", _as_it_is, file_name="  two before, one after .jpg"),
    Odd("emoji", _as_it_is, file_name="♻️🍾 бутылка 瓶 \u202egpj.jpg"),
    Odd("dash", _as_it_is, file_name="-rf.jpg"),
    Odd("deep_path", _as_it_is, file_name=f"{_DEEP_FOLDERS}/deep.jpg"),
)


# --- datasets


@dataclass
class Hostile:
    """A dataset with trouble in it; paths as a scan gives them."""

    folder: Path
    good: list[str] = field(default_factory=list)
    odd: dict[str, str] = field(default_factory=dict)
    """Path to name of the good photos that are odd."""
    bad: dict[str, str] = field(default_factory=dict)
    """Path to kind of failure, for all that a scan lists."""
    names: dict[str, str] = field(default_factory=dict)
    """Path to name of the trouble."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """Path to name of what a scan must not list."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Name to reason for what could not be made here."""
    pictures: dict[str, Image.Image] = field(default_factory=dict)
    """Path to what must be seen in the odd photos."""
    _strikes: list[Callable[[], None]] = field(default_factory=list)

    def strike(self) -> None:
        """To be called between the scan and the reading: photos vanish, or turn into pipes and folders."""
        for strike in self._strikes:
            strike()
        self._strikes.clear()


def make_hostile_dataset(
    folder: Path,
    photos: int = 300,
    classes: Sequence[str] = ("glass", "metal", "paper"),
    seed: int = 0,
    real: Path | None = None,
    decoder_faults: Sequence[str] = (),
    links: Sequence[tuple[str, Path, FailureKind | None]] = (),
) -> Hostile:
    """`photos` in all, spread over the classes by the seed: every kind of trouble once, the others ordinary.

    `real` is a folder from which a few photos are copied as ordinary ones. `decoder_faults` are names of
    DECODER_FAULTS, for engines started with `decoder.environment`. `links` are photos elsewhere, as on a
    dead drive: a name, where it is, and what it is called (None: it is good).
    """
    random = np.random.default_rng(seed)
    hostile = Hostile(folder)
    for name in classes:
        (folder / name).mkdir(parents=True)
    order: list[str] = []

    def next_class() -> str:
        if not order:
            order.extend(classes[i] for i in random.permutation(len(classes)))
        return order.pop()

    for bad in BAD:
        if reason := bad.lacking():
            hostile.left_out[bad.name] = reason
        else:
            _add_bad(hostile, next_class(), bad, seed)
    for fault in decoder_faults:
        path = folder / next_class() / f"decoder_{fault}.jpg"
        _put(path, marked(encoded(_picture_for(path), "JPEG"), fault))
        hostile.bad[str(path)], hostile.names[str(path)] = DECODER_FAULTS[fault], f"decoder_{fault}"
    for name, target, kind in links:
        path = folder / next_class() / f"{name}.jpg"
        path.symlink_to(target)
        hostile.names[str(path)] = name
        if kind is None:
            hostile.odd[str(path)] = name
        else:
            hostile.bad[str(path)] = kind
    for odd in ODD:
        _add_odd(hostile, next_class(), odd)
    _add_passed_over(hostile, next_class())
    copies = sorted(real.rglob("*.jpg"))[:: max(1, len(list(real.rglob("*.jpg"))) // 9)] if real else []
    while len(hostile.good) + len(hostile.odd) + len(hostile.bad) < photos:
        number = len(hostile.good)
        path = folder / next_class() / f"photo_{number:03}.jpg"
        if number < len(copies):
            shutil.copyfile(copies[number], path)
        else:
            _picture_for(path, number).save(path, quality=85)
        hostile.good.append(str(path))
    return hostile


def _picture_for(path: Path, seed: int = 0) -> Image.Image:
    colours = list(COLOURS.values())
    return picture(COLOURS.get(path.parent.name, colours[len(path.parent.name) % len(colours)]), seed)


def _add_bad(hostile: Hostile, class_name: str, bad: Bad, seed: int) -> None:
    path = hostile.folder / class_name / f"{bad.name}{bad.suffix}"
    image = _picture_for(path, seed)
    hostile.bad[str(path)], hostile.names[str(path)] = bad.kind, bad.name
    if not bad.strikes:
        bad.write(path, image)
        return
    image.save(path, "JPEG")

    def strike() -> None:
        path.unlink()
        bad.write(path, image)

    hostile._strikes.append(strike)


def _add_odd(hostile: Hostile, class_name: str, odd: Odd) -> None:
    path = hostile.folder / class_name / (odd.file_name or f"{odd.name}{odd.suffix}")
    image = _picture_for(hostile.folder / class_name / "any")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = odd.draw(path, image)
    except OSError as error:  # the file system does not take such a name
        hostile.left_out[odd.name] = f"it cannot be made here ({error.strerror})"
        return
    hostile.odd[str(path)] = hostile.names[str(path)] = odd.name
    hostile.pictures[str(path)] = seen


def _add_passed_over(hostile: Hostile, class_name: str) -> None:
    """What lies about in folders and is no photo: a scan skips it without opening it."""
    folder = hostile.folder / class_name
    for name, write in (
        (".hidden.jpg", content(b"")),
        ("notes.txt", content(b"")),
        ("a_folder.jpg", lambda path, _: path.mkdir()),
        ("a_pipe.jpg", _pipe),
        ("a_socket.jpg", _socket),
        ("a_dead_link.jpg", link_to("nowhere.jpg")),
        ("a_link_to_itself.jpg", _link_to_itself),
        ("a_link_to_a_device.jpg", link_to("/dev/zero")),
    ):
        with contextlib.suppress(OSError, AttributeError):
            write(folder / name, Image.new("RGB", (8, 8)))
            hostile.passed_over[str(folder / name)] = name


def take_away(folder: Path) -> None:
    """A folder vanishes, as when a drive is unplugged, until `bring_back`."""
    folder.rename(folder.with_name(f".{folder.name}-away"))


def bring_back(folder: Path) -> None:
    folder.with_name(f".{folder.name}-away").rename(folder)
