"""What a resized image looks like, and how each kind of bad photo is called."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.rights import opens_everything
from waste_gui.dataset import images
from waste_gui.dataset.images import (
    DamagedImage,
    ImageError,
    NotAnImage,
    TooLargeImage,
    TruncatedImage,
    UnreadableImage,
    VanishedImage,
    photo_size,
    read_image,
)
from waste_gui.dataset.resized import read_resized


def scenery(width: int = 640, height: int = 480) -> Image.Image:
    """Soft waves in three colours with some grain, as in a photo."""
    x, y = np.meshgrid(np.linspace(0, 9, width), np.linspace(0, 7, height))
    waves = np.stack([np.sin(x), np.cos(y + x / 2), np.sin(x * y / 9)], axis=-1) * 90 + 128
    grain = np.random.default_rng(0).normal(0, 6, waves.shape)
    return Image.fromarray((waves + grain).clip(0, 255).astype(np.uint8))


def lettering(width: int, height: int) -> Image.Image:
    """As sharp as a scanned page: letters and hair lines, whose place shows to a fraction of a pixel."""
    image = scenery(width, height)
    draw = ImageDraw.Draw(image)
    for y in range(0, height, 40):
        draw.text((y % 97, y), "PET 1 recycle me " * (width // 90), fill="white" if y % 80 else "black")
        draw.line((0, y, width, y + 30), fill=(y % 256, 255 - y % 256, 40), width=1 + y % 3)
    return image


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def squashed(image: Image.Image, size: int) -> np.ndarray:
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))


def saved(image: Image.Image, path: Path, **options: object) -> str:
    image.save(path, **options)  # type: ignore[arg-type]
    return str(path)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return Path(saved(scenery(), tmp_path / "photo.jpg", quality=90))


def test_tile_is_square_rgb_bytes_in_one_piece(photo: Path) -> None:
    resized = read_resized(str(photo), 96)
    assert resized.shape == (96, 96, 3)
    assert resized.dtype == np.uint8
    assert resized.flags.c_contiguous and resized.flags.writeable


@pytest.mark.parametrize("size", [32, 64, 224])
def test_reduced_decoding_is_close_to_full_decoding(tmp_path: Path, size: int) -> None:
    path = saved(scenery(2000, 1500), tmp_path / "large.jpg", quality=90, progressive=size == 64)
    with Image.open(path) as full:
        assert distance(read_resized(path, size), squashed(full, size)) <= 2


@pytest.mark.parametrize(("width", "height"), [(897, 449), (1795, 899), (450, 3000), (1023, 513)])
def test_partial_edge_of_a_reduced_photo_does_not_shift_it(tmp_path: Path, width: int, height: int) -> None:
    path = saved(lettering(width, height), tmp_path / "odd.jpg", quality=92)
    with Image.open(path) as full:
        for size in (32, 56, 112, 224):
            assert distance(read_resized(path, size), squashed(full, size)) <= 1.5


def test_reduced_decoding_is_close_on_real_photos(trashnet: Path) -> None:
    for path in sorted(trashnet.glob("*/*.jpg"))[::60]:
        with Image.open(path) as full:
            assert distance(read_resized(str(path), 128), squashed(full, 128)) <= 2


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif", "gif", "JPG"])
def test_every_format_gives_the_same_picture(tmp_path: Path, suffix: str) -> None:
    image = scenery(320, 240)
    resized = read_resized(saved(image, tmp_path / f"photo.{suffix}"), 64)
    assert distance(resized, squashed(image, 64)) < 8  # GIF has 256 colours


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_photo_is_turned_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(scenery(320, 240), tmp_path / f"turned.{suffix}", exif=exif)
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    assert distance(read_resized(path, 64), squashed(upright, 64)) <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "YCbCr"])
def test_every_mode_gives_the_same_picture(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode in ("CMYK", "YCbCr") else "png"
    image = scenery(320, 240).convert("L").convert("RGB")
    resized = read_resized(saved(image.convert(mode), tmp_path / f"photo.{suffix}"), 64)
    assert distance(resized, squashed(image, 64)) < 12  # mode 1 is dithered


def test_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    path = saved(scenery().convert("CMYK"), tmp_path / "print.jpg", quality=95)
    assert distance(read_resized(path, 64), squashed(scenery(), 64)) < 6


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (256, 1))
    resized = read_resized(saved(Image.fromarray(ramp), tmp_path / f"deep.{suffix}"), 64)
    assert resized[0, 0, 0] < 5 and 120 < resized[0, 32, 0] < 136 and resized[0, -1, 0] > 250


def test_floating_grey_is_scaled_to_its_white(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    resized = read_resized(saved(Image.fromarray(ramp), tmp_path / "float.tif"), 64)
    assert resized[0, 0, 0] == 0 and resized[0, -1, 0] == 255


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_is_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (50, 40), (0, 0, 0, 0))
    if mode == "P":
        path = saved(Image.new("P", (50, 40), 0), tmp_path / "clear.png", transparency=0)
    else:
        path = saved(image.convert(mode), tmp_path / "clear.png")
    assert (read_resized(path, 32) == 255).all()


def test_half_transparent_is_blended_with_white(tmp_path: Path) -> None:
    path = saved(Image.new("RGBA", (50, 40), (255, 0, 0, 128)), tmp_path / "veil.png")
    assert distance(read_resized(path, 32), np.full((32, 32, 3), (255, 127, 127))) <= 1


def test_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue")]
    path = saved(frames[0], tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert (read_resized(path, 16)[..., 0] > 250).all()


def test_tiny_photo_is_enlarged(tmp_path: Path) -> None:
    assert read_resized(saved(Image.new("RGB", (1, 1), "red"), tmp_path / "dot.png"), 32).shape == (32, 32, 3)


def test_photo_size_is_read_from_the_header(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:2000])
    assert photo_size(str(photo)) == (640, 480)


def test_photo_is_read_with_its_stored_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(scenery(), tmp_path / "turned.jpg", exif=exif)
    image, width, height = read_image(path, 32)
    assert (width, height) == photo_size(path) == (640, 480)
    assert (np.asarray(image) == read_resized(path, 32)).all()


def test_name_that_is_no_utf8_is_read(photo: Path) -> None:
    odd = os.fsdecode(os.fsencode(photo.parent) + b"/caf\xe9\n.jpg")
    os.rename(photo, odd)
    assert read_resized(odd, 32).shape == (32, 32, 3)


def test_broken_exif_does_no_harm_and_does_not_warn(photo: Path) -> None:
    data = photo.read_bytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x99" * 40
    block = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    photo.write_bytes(data[:2] + block + data[2:])
    assert read_resized(str(photo), 32).shape == (32, 32, 3)


# --- bad photos


def cut(photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])


def end_in_zeros(photo: Path) -> None:
    size = photo.stat().st_size
    photo.write_bytes(photo.read_bytes()[: size // 2] + bytes(size - size // 2))


def overwrite(content: bytes) -> Callable[[Path], None]:
    def spoil(photo: Path) -> None:
        photo.write_bytes(content)

    return spoil


def make_folder(photo: Path) -> None:
    photo.unlink()
    photo.mkdir()


def make_pipe(photo: Path) -> None:
    photo.unlink()
    os.mkfifo(photo)


def link_to_device(photo: Path) -> None:
    photo.unlink()
    photo.symlink_to("/dev/zero")


def link_to_itself(photo: Path) -> None:
    photo.unlink()
    photo.symlink_to(photo)


BAD: list[tuple[str, Callable[[Path], None], type[ImageError], str]] = [
    ("cut", cut, TruncatedImage, "incomplete"),
    ("zeros at the end", end_in_zeros, TruncatedImage, "interrupted copy"),
    ("empty", overwrite(b""), DamagedImage, "is empty"),
    ("only zeros", overwrite(bytes(5000)), NotAnImage, "not a photo"),
    ("text", overwrite(b"<html>Not found</html>"), NotAnImage, "not a photo"),
    ("HEIC", overwrite(b"\0\0\0\x18ftypheic" + bytes(100)), DamagedImage, "is a HEIC file that"),
    ("AVIF", overwrite(b"\0\0\0\x18ftypavif" + bytes(100)), DamagedImage, "is an AVIF file that"),
    ("header only", overwrite(b"\xff\xd8\xff\xe0" + b"\x13" * 200), DamagedImage, "at its beginning"),
    ("PNG without content", overwrite(b"\x89PNG\r\n\x1a\n"), DamagedImage, "at its beginning"),
    (
        "EPS, which would run Ghostscript",
        overwrite(b"%!PS-Adobe-3.0 EPSF-3.0\n"),
        NotAnImage,
        "really a PostScript file",
    ),
    ("folder", make_folder, NotAnImage, "folder"),
    ("pipe", make_pipe, NotAnImage, "ordinary"),
    ("device", link_to_device, NotAnImage, "ordinary"),
    ("link to itself", link_to_itself, UnreadableImage, "opened"),
    ("gone", Path.unlink, VanishedImage, "no longer"),
]


@pytest.mark.parametrize(("spoil", "kind", "words"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_photo_has_its_own_error(
    photo: Path, spoil: Callable[[Path], None], kind: type[ImageError], words: str
) -> None:
    spoil(photo)
    with pytest.raises(kind) as caught:
        read_resized(str(photo), 64)
    assert type(caught.value) is kind
    assert words in caught.value.reason
    assert caught.value.path == str(photo)


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"restart_marker_blocks": 50}], ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("missing", [100, 10_000])
def test_early_end_marker_is_no_half_grey_photo(
    tmp_path: Path, missing: int, mode: str, options: dict[str, object]
) -> None:
    path = Path(saved(scenery().convert(mode), tmp_path / "early.jpg", quality=90, **options))
    path.write_bytes(path.read_bytes()[:-missing] + b"\xff\xd9")
    with pytest.raises(TruncatedImage, match="incomplete"):
        read_resized(str(path), 64)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 50}], ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_photo_that_is_grey_itself_is_read(tmp_path: Path, mode: str, options: dict[str, object]) -> None:
    image = scenery().convert(mode)
    image.paste(128 if mode == "L" else (128,) * len(mode), (0, 300, 640, 480))
    path = saved(image, tmp_path / "grey.jpg", quality=90, **options)
    assert read_resized(path, 64).shape == (64, 64, 3)


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif", "gif"])
def test_truncation_is_seen_in_every_format(tmp_path: Path, suffix: str) -> None:
    path = Path(saved(scenery(), tmp_path / f"photo.{suffix}"))
    cut(path)
    with pytest.raises((TruncatedImage, DamagedImage)):
        read_resized(str(path), 64)


def test_bytes_turned_over_at_random_are_an_image_error_or_a_tile(photo: Path) -> None:
    good = np.frombuffer(photo.read_bytes(), np.uint8)
    for seed in range(60):
        generator = np.random.default_rng(seed)
        bad = good.copy()
        bad[generator.integers(0, min(len(bad), 2000), 20)] = generator.integers(0, 256, 20)
        photo.write_bytes(bad.tobytes())
        try:
            assert read_resized(str(photo), 32).shape == (32, 32, 3)
        except ImageError as error:
            assert error.reason


def test_socket_is_not_an_image(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.jpg"))
        with pytest.raises(NotAnImage):
            read_resized(str(tmp_path / "s.jpg"), 32)


@pytest.mark.parametrize("padding", [bytes(4096), bytes(300_000), b"trailer" + bytes(300_000)])
def test_zeros_after_the_end_marker_are_padding(photo: Path, padding: bytes) -> None:
    photo.write_bytes(photo.read_bytes() + padding)
    assert read_resized(str(photo), 32).shape == (32, 32, 3)


def test_too_many_bytes_are_refused_unread(photo: Path) -> None:
    os.truncate(photo, images.MAX_BYTES + 1)
    with pytest.raises(TooLargeImage, match="200 MB"):
        read_resized(str(photo), 32)


@pytest.mark.parametrize("side", [13_400, 60_000])
def test_too_many_pixels_are_refused_undecoded(tmp_path: Path, side: int) -> None:
    path = saved(Image.new("1", (8, 8)), tmp_path / "bomb.bmp")
    data = bytearray(Path(path).read_bytes())
    data[18:26] = side.to_bytes(4, "little") * 2
    Path(path).write_bytes(data)
    with pytest.raises(TooLargeImage, match="million pixels"):
        read_resized(path, 32)


@pytest.mark.skipif(opens_everything(), reason="root may read everything")
def test_photo_without_permission_is_unreadable(photo: Path) -> None:
    photo.chmod(0)
    with pytest.raises(UnreadableImage, match="permission"):
        read_resized(str(photo), 32)


def test_errors_know_their_kind() -> None:
    assert {kind: error.kind for kind, error in images.ERRORS.items()} == {k: k for k in images.ERRORS}
    assert str(DamagedImage("a.jpg", "is empty")) == "a.jpg is empty"
