"""What a file truly is, whatever its name says: told by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

HEAD = 64
"""So many first bytes are looked at."""


@dataclass(frozen=True)
class Kind:
    """`pillow` is the format's name there, "" where we do not read it; `words` follow "is really"."""

    pillow: str
    words: str


_JPEG = Kind("JPEG", "a JPEG")
_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8", _JPEG),
    (b"\x89PNG", Kind("PNG", "a PNG")),
    (b"BM", Kind("BMP", "a BMP")),
    (b"II*\0", Kind("TIFF", "a TIFF")),
    (b"MM\0*", Kind("TIFF", "a TIFF")),
    (b"II+\0", Kind("TIFF", "a TIFF")),
    (b"MM\0+", Kind("TIFF", "a TIFF")),
    (b"GIF8", Kind("GIF", "a GIF")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind("JPEG2000", "a JPEG 2000")),
    (b"\xff\x4f\xff\x51", Kind("JPEG2000", "a JPEG 2000")),
    (b"\xff\x0a", Kind("", "a JPEG XL")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Kind("", "a JPEG XL")),
    (b"8BPS", Kind("", "a Photoshop")),
    (b"qoif", Kind("", "a QOI")),
    (b"DDS ", Kind("", "a DDS")),
    (b"\0\0\1\0", Kind("", "an icon")),
    (b"\0\0\2\0\0\0", Kind("", "a TGA")),
    (b"\0\0\2\0", Kind("", "a cursor")),
    (b"\0\0\x0a\0\0\0", Kind("", "a TGA")),
    (b"\x01\xda\0\1", Kind("", "an SGI")),
    (b"\x01\xda\1\1", Kind("", "an SGI")),
    (b"icns", Kind("", "a Mac icon")),
    (b"gimp xcf", Kind("", "a GIMP")),
    (b"\x76\x2f\x31\x01", Kind("", "an OpenEXR")),
    (b"#?RADIANCE", Kind("", "a Radiance HDR")),
    (b"II\xbc\x01", Kind("", "a JPEG XR")),
    (b"IIU\0", Kind("", "a Panasonic raw")),
    (b"IIRO", Kind("", "an Olympus raw")),
    (b"FUJIFILMCCD-RAW", Kind("", "a Fujifilm raw")),
    (b"FOVb", Kind("", "a Sigma raw")),
    (b"SIMPLE  =", Kind("", "a FITS")),
    (b"%PDF", Kind("", "a PDF")),
    (b"%!PS", Kind("", "a PostScript")),
    (b"PK\x03\x04", Kind("", "a zip")),
    (b"\x1f\x8b", Kind("", "a gzip")),
    (b"Rar!", Kind("", "a RAR")),
    (b"7z\xbc\xaf", Kind("", "a 7z")),
    (b"<svg", Kind("", "an SVG")),
    (b"\x1aE\xdf\xa3", Kind("", "a video")),
    (b"FLIF", Kind("", "a FLIF")),
    (b"BPG\xfb", Kind("", "a BPG")),
)
_BRANDS = {
    b"avif": Kind("AVIF", "an AVIF"),
    b"avis": Kind("AVIF", "an AVIF"),
    **{
        brand: Kind("HEIF", "a HEIC")
        for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2")
    },
    b"crx ": Kind("", "a Canon raw"),
    b"jp2 ": Kind("JPEG2000", "a JPEG 2000"),
}
"""Of ISO media files (bytes 8–12)."""

_MODULES = {
    "JPEG": "PIL.JpegImagePlugin",
    "MPO": "PIL.MpoImagePlugin",
    "PNG": "PIL.PngImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "JPEG2000": "PIL.Jpeg2KImagePlugin",
    "PPM": "PIL.PpmImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "HEIF": "pi_heif",
}
"""What registers a format with Pillow; Image.init() would import all fifty plugins."""


def kind_of(head: bytes) -> Kind | None:
    """What a file that begins so is; None where that is nobody's beginning."""
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    if head.startswith(b"RIFF"):
        return Kind("WEBP", "a WebP") if head[8:12] in (b"WEBP", b"") else Kind("", "a sound or video")
    if head[:1] == b"P" and head[1:2] in b"123456f" and head[2:3] in b" \t\r\n#" and len(head) > 2:
        return Kind("PPM", "a PPM") if head[1:2] != b"f" else Kind("", "a PFM")
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)


def _iso_media(head: bytes) -> Kind:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
    if head[8:12] in (b"mif1", b"msf1", b"mif2") and {b"avif", b"avis"} & {*brands}:
        return _BRANDS[b"avif"]
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), Kind("", "a video"))


def make_known(kind: Kind) -> None:
    """Let Pillow open this format; ImportError where a library is missing."""
    module = import_module(_MODULES[kind.pillow])
    if kind.pillow == "HEIF":
        module.register_heif_opener(THUMBNAILS=False, DEPTH_IMAGES=False, AUX_IMAGES=False)
