"""Draw a small dataset of waste to try the program on: six classes that a small network learns in minutes."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from waste_gui import files

SIDE = 256
LARGE = 512
"""Objects are drawn at twice the size and shrunk, which smooths their edges."""

Random = np.random.Generator
Colour = tuple[int, int, int]
Point = tuple[float, float]


def draw_dataset(
    folder: Path,
    per_class: int = 40,
    seed: int = 0,
    damaged: int = 4,
    tell: Callable[[int, int], object] = lambda done, of: None,
) -> None:
    """Six class folders of JPEGs, and among them `damaged` files that are broken on purpose.

    The same arguments give the same photos; a folder that is complete already is left alone. `tell` gets how
    many are drawn, and of how many.
    """
    note = (
        "A demonstration dataset, drawn by waste-gui: no photo is real.\n"
        f"{per_class} photos a class, seed {seed}, and {damaged} files damaged on purpose.\n"
    )
    readme = folder / "README.txt"
    if _says(readme, note):
        return
    for number, name in enumerate(OBJECTS):
        folder.mkdir(parents=True, exist_ok=True)
        files.make_folder(folder / name, folder)
        for i in range(per_class):
            tell(number * per_class + i, len(OBJECTS) * per_class)
            photo = draw_photo(name, np.random.default_rng((seed, number, i)))
            files.write_atomically(folder / name / f"{name}_{i + 1:03}.jpg", _jpeg(photo), folder)
    for i in range(damaged):
        name = list(OBJECTS)[i % len(OBJECTS)]
        content = _damaged(_jpeg(draw_photo(name, np.random.default_rng((seed, 99, i)))), i)
        files.write_atomically(folder / name / f"{name}_damaged_{i + 1}.jpg", content, folder)
    files.write_atomically(readme, note.encode())  # last: it says that all the others are there


def _says(readme: Path, note: str) -> bool:
    try:
        return files.read(readme, files.SMALL_BYTES) == note.encode()
    except OSError:
        return False


def draw_photo(name: str, random: Random) -> Image.Image:
    """One object of a class, in a random pose, on a random ground and in random light."""
    photo = _ground(random)
    _litter(photo, random)
    layer = Image.new("RGBA", (LARGE, LARGE))
    OBJECTS[name](layer, random)
    layer = _posed(layer, random).reduce(LARGE // SIDE)
    shadow = ImageChops.offset(layer.getchannel("A"), 7, 9).filter(ImageFilter.GaussianBlur(7))
    photo.paste((15, 15, 20), (0, 0), shadow.point(lambda alpha: alpha * 0.5))
    photo.paste(layer, (0, 0), layer)
    return _developed(photo, random)


def _jpeg(photo: Image.Image) -> bytes:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=85)
    return file.getvalue()


def _damaged(content: bytes, way: int) -> bytes:
    """Cut off, empty, a web page in a photo's name, or with zeros where the second half should be."""
    half = len(content) // 2
    page = b"<html><body>404: photo not found</body></html>\n"
    return (content[: half // 4], b"", page, content[:half] + bytes(len(content) - half))[way % 4]


# --- ground, pose and light


def _ground(random: Random) -> Image.Image:
    """A table, concrete, a conveyor belt, grass or a tiled floor."""
    kind = random.integers(5)
    colour = np.array(
        [(172, 128, 86), (150, 150, 148), (62, 66, 72), (96, 124, 66), (196, 190, 178)][kind],
        dtype=np.float64,
    )
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    shade = 26 * _clouds(random, 5) + 12 * _clouds(random, 40)
    if kind == 0:
        shade += 14 * np.sin(40 * y + 5 * _clouds(random, 4))
    elif kind == 2:
        shade += 12 * (np.sin(2 * math.pi * (9 * x + random.random())) > 0.9)
    elif kind == 3:
        shade += 24 * _clouds(random, 110)
    elif kind == 4:
        shade -= 40 * (((4 * x + random.random()) % 1 < 0.03) | ((4 * y + random.random()) % 1 < 0.03))
    pixels = colour + random.normal(0, 16) + random.normal(0, 5, 3) + shade[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _clouds(random: Random, cells: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Smooth noise between about −1 and 1; the more cells, the finer."""
    coarse = Image.fromarray(random.normal(0, 0.6, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64)


def _litter(photo: Image.Image, random: Random) -> None:
    """Leaves, pebbles and scraps that belong to no class."""
    draw = ImageDraw.Draw(photo)
    for _ in range(random.integers(2, 9)):
        x, y = random.uniform(0, SIDE, 2)
        colour = _near(
            [(120, 96, 50), (90, 90, 90), (200, 196, 186), (66, 92, 50)][random.integers(4)], random
        )
        draw.polygon(_blob(random, (x, y), random.uniform(3, 15), 7), fill=colour)


def _posed(layer: Image.Image, random: Random) -> Image.Image:
    """Turned, scaled and moved."""
    angle, scale = random.uniform(0, 2 * math.pi), random.uniform(0.55, 0.95)
    a, b = math.cos(angle) / scale, math.sin(angle) / scale
    middle, (dx, dy) = LARGE / 2, random.uniform(-50, 50, 2)
    x0 = middle - a * (middle + dx) - b * (middle + dy)
    y0 = middle + b * (middle + dx) - a * (middle + dy)
    return layer.transform(
        layer.size, Image.Transform.AFFINE, (a, b, x0, -b, a, y0), Image.Resampling.BILINEAR
    )


def _developed(photo: Image.Image, random: Random) -> Image.Image:
    """Light from one side, exposure, colour temperature, focus and grain."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    angle = random.uniform(0, 2 * math.pi)
    light = random.uniform(0.75, 1.15) * (1 + 0.22 * (x * math.cos(angle) + y * math.sin(angle)))
    photo = photo.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.9)))
    pixels = np.asarray(photo) * light[..., None] * random.normal(1, 0.03, 3)
    pixels += random.normal(0, random.uniform(1, 6), pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


# --- the objects, each in the middle of its layer


def _cardboard(layer: Image.Image, random: Random) -> None:
    """A closed box seen from a corner, with tape; sometimes a flat corrugated sheet."""
    brown = _near((178, 132, 84), random)
    draw = ImageDraw.Draw(layer)
    if random.random() < 0.3:
        sheet = _quad(random, 190, 130)
        draw.polygon(sheet, fill=brown)
        for i in range(1, 16):
            draw.line(
                [_between(sheet[0], sheet[1], i / 16), _between(sheet[3], sheet[2], i / 16)],
                fill=_shade(brown, 0.86),
                width=3,
            )
        draw.line([*sheet, sheet[0]], fill=_shade(brown, 0.6), width=4)
        return
    width, height, depth = random.uniform(90, 150), random.uniform(110, 190), random.uniform(60, 110)
    top, bottom = 256 - height / 2, 256 + height / 2
    left, middle, right = (256 - width, top - 10), (256.0, top + 30), (256 + depth, top - 20)
    back = (left[0] + right[0] - middle[0], left[1] + right[1] - middle[1])
    draw.polygon([left, middle, (256, bottom + 30), (left[0], bottom - 10)], fill=brown)
    draw.polygon([middle, right, (right[0], bottom - 20), (256, bottom + 30)], fill=_shade(brown, 0.74))
    draw.polygon([left, middle, right, back], fill=_shade(brown, 1.16))
    tape = _shade(brown, 1.32)
    draw.polygon(
        [_between(left, middle, t) for t in (0.42, 0.58)] + [_between(back, right, t) for t in (0.58, 0.42)],
        fill=tape,
    )
    x = left[0] + width * 0.42
    draw.polygon(
        [(x, top + 7), (x + width * 0.16, top + 13), (x + width * 0.16, top + 60), (x, top + 54)], fill=tape
    )
    draw.rectangle(
        [left[0] + 16, bottom - 60, left[0] + 60, bottom - 34], outline=_shade(brown, 0.55), width=4
    )


def _glass(layer: Image.Image, random: Random) -> None:
    """A bottle with a long neck, or a jar; dark edges and sharp highlights, see-through."""
    tint = _near([(46, 110, 58), (120, 72, 28), (190, 215, 208)][random.integers(3)], random)
    jar = random.random() < 0.3
    radius, neck = (
        (random.uniform(80, 105), 70.0) if jar else (random.uniform(48, 66), random.uniform(15, 20))
    )
    shoulder = 150.0 if jar else random.uniform(190, 230)
    outline = _bottle(radius, neck, top=110 if jar else 40, shoulder=shoulder, bottom=430)
    _solid(layer, outline, tint, alpha=175, rim=0.45)
    draw = ImageDraw.Draw(layer)
    if jar:
        draw.rounded_rectangle([182, 88, 330, 122], 8, fill=_near((190, 60, 50), random))
    else:
        draw.rectangle([256 - neck - 5, 40, 256 + neck + 5, 58], fill=(*_shade(tint, 0.7), 230))
    if random.random() < 0.6:
        label = _near((232, 222, 190), random)
        draw.rectangle([256 - radius, 290, 256 + radius, 360], fill=(*label, 255))
        draw.rectangle([256 - radius, 312, 256 + radius, 322], fill=_near((150, 40, 40), random))
    for x, width in ((-0.62, 7), (0.5, 4)):
        draw.line(
            [(256 + x * radius, shoulder + 25), (256 + x * radius, 410)],
            fill=(255, 255, 255, 215),
            width=width,
        )


def _metal(layer: Image.Image, random: Random) -> None:
    """A drinks can, or a food can with ridges; a bright top, sometimes dented."""
    radius, top, bottom = random.uniform(72, 100), 130, random.uniform(350, 400)
    food = random.random() < 0.45
    body = _near((176, 180, 186), random) if food else _vivid(random)
    dent = random.uniform(0, 34) if random.random() < 0.5 else 0
    side = [(radius, top), (radius - dent, (top + bottom) / 2 - 20), (radius, bottom)]
    outline = [(256 + x, y) for x, y in side] + [(256 - x, y) for x, y in reversed(side)]
    draw = ImageDraw.Draw(layer)
    draw.ellipse([256 - radius, bottom - 24, 256 + radius, bottom + 24], fill=_shade(body, 0.5))
    _solid(layer, outline, body, alpha=255, rim=0.35, gloss=0.75)
    if food:
        for y in np.arange(top + 40, bottom - 10, 17):
            draw.line([(256 - radius + 3, y), (256 + radius - 3, y)], fill=(105, 108, 114), width=4)
    else:
        draw.polygon(
            [(256 - radius, 250), (256 + radius, 200), (256 + radius, 236), (256 - radius, 290)],
            fill=(240, 240, 240),
        )
    draw.ellipse(
        [256 - radius, top - 28, 256 + radius, top + 28],
        fill=(206, 210, 216),
        outline=(120, 124, 130),
        width=5,
    )
    draw.ellipse([256 - radius * 0.78, top - 18, 256 + radius * 0.78, top + 20], fill=(168, 172, 180))
    draw.ellipse([246, top - 8, 290, top + 8], outline=(235, 238, 242), width=5)


def _paper(layer: Image.Image, random: Random) -> None:
    """A crumpled ball of facets, or a printed sheet with a folded corner."""
    white = _near([(238, 236, 230), (224, 218, 200)][random.integers(2)], random, 8)
    draw = ImageDraw.Draw(layer)
    if random.random() < 0.5:
        rim = _blob(random, (256, 256), 140, 15)
        core = [(256 + random.uniform(-75, 75), 256 + random.uniform(-75, 75)) for _ in range(5)]
        draw.polygon(rim, fill=white)
        for i, point in enumerate(rim):
            after, inner = rim[(i + 1) % len(rim)], core[i % 5]
            draw.polygon([point, after, inner], fill=_shade(white, random.uniform(0.7, 1.04)))
            draw.polygon([point, inner, core[(i + 2) % 5]], fill=_shade(white, random.uniform(0.72, 1.04)))
        return
    sheet = _quad(random, 125, 170)
    draw.polygon(sheet, fill=white)
    columns = random.integers(1, 3)
    for i in range(2, 20):
        for column in range(columns):
            left, right = (column + 0.1) / columns, (column + random.uniform(0.7, 0.92)) / columns
            a, b = _between(sheet[0], sheet[3], i / 21), _between(sheet[1], sheet[2], i / 21)
            draw.line(
                [_between(a, b, left), _between(a, b, right)],
                fill=(110, 110, 116),
                width=9 if i == 2 else 4,
            )
    fold = [sheet[2], _between(sheet[2], sheet[1], 0.2), _between(sheet[2], sheet[3], 0.28)]
    draw.polygon(fold, fill=_shade(white, 0.7))


def _plastic(layer: Image.Image, random: Random) -> None:
    """A clear bottle with ribs and a coloured cap, a detergent bottle, or a thin bag."""
    draw = ImageDraw.Draw(layer)
    kind = random.random()
    if kind < 0.25:
        bag = _blob(random, (256, 280), 135, 22)
        colour = _near((225, 230, 235), random)
        draw.polygon(bag, fill=(*colour, 170))
        for _ in range(14):
            a, b = (bag[i] for i in random.integers(0, len(bag), 2))
            draw.line(
                [_between(a, b, 0.15), _between(b, a, random.uniform(0.3, 0.6))],
                fill=(255, 255, 255, 150),
                width=4,
            )
        for x in (215, 297):
            draw.arc([x - 34, 90, x + 34, 220], 180, 360, fill=(*colour, 215), width=15)
        return
    opaque = kind > 0.75
    colour = _vivid(random) if opaque else _near((186, 212, 232), random)
    radius = random.uniform(68, 92)
    _solid(
        layer, _bottle(radius, 24, top=85, shoulder=165, bottom=430), colour, 255 if opaque else 140, rim=0.72
    )
    for y in range(200, 420, 24):
        if not opaque and not 250 < y < 330:
            draw.arc(
                [256 - radius, y - 12, 256 + radius, y + 12], 10, 170, fill=(255, 255, 255, 130), width=4
            )
    draw.rectangle([256 - radius, 250, 256 + radius, 330], fill=_vivid(random))
    draw.rectangle([256 - radius, 276, 256 + radius, 300], fill=(245, 245, 245))
    draw.rounded_rectangle([226, 52, 286, 96], 7, fill=_vivid(random))


def _trash(layer: Image.Image, random: Random) -> None:
    """A crisp packet with toothed ends, a foam tray, or a heap of scraps."""
    draw = ImageDraw.Draw(layer)
    kind = random.random()
    if kind < 0.45:
        colour, teeth = _vivid(random), np.linspace(140, 372, 22)
        ends = (
            [(x, 96 + 12 * (i % 2)) for i, x in enumerate(teeth)],
            [(x, 404 + 12 * (i % 2)) for i, x in enumerate(teeth)],
        )
        sides = (392, 250), (120, 262)
        _solid(layer, [*ends[0], sides[0], *reversed(ends[1]), sides[1]], colour, 255, rim=0.55, gloss=0.5)
        draw.line([ends[0][0], ends[0][-1]], fill=(205, 208, 214), width=14)
        draw.ellipse([186, 180, 326, 320], fill=_vivid(random))
        draw.ellipse([210, 214, 290, 270], fill=(238, 200, 90))
        return
    if kind < 0.7:
        foam = _near((236, 236, 232), random, 6)
        draw.rounded_rectangle([96, 156, 416, 356], 34, fill=_shade(foam, 0.82))
        draw.rounded_rectangle([126, 184, 386, 328], 24, fill=foam)
        for _ in range(6):
            spot = (random.uniform(150, 360), random.uniform(200, 310))
            draw.polygon(_blob(random, spot, random.uniform(10, 26), 9), fill=_near((150, 70, 36), random))
        return
    scraps = [(120, 80, 44), (196, 168, 70), (86, 70, 60), (210, 206, 198), (150, 60, 60), (70, 96, 60)]
    for i in range(26):
        spot = (256 + random.normal(0, 62), 256 + random.normal(0, 62))
        draw.polygon(_blob(random, spot, random.uniform(14, 44), 8), fill=_near(scraps[i % 6], random))


OBJECTS: dict[str, Callable[[Image.Image, Random], None]] = {
    "cardboard": _cardboard,
    "glass": _glass,
    "metal": _metal,
    "paper": _paper,
    "plastic": _plastic,
    "trash": _trash,
}


# --- shapes and colours


def _bottle(radius: float, neck: float, top: float, shoulder: float, bottom: float) -> list[Point]:
    """The outline of a bottle that stands upright."""
    curve = [
        (neck + (radius - neck) * (1 - math.cos(math.pi * t)) / 2, shoulder - 55 + 55 * t)
        for t in np.linspace(0, 1, 9)
    ]
    side = [(neck, top), *curve, (radius, bottom - 14), (radius - 12, bottom)]
    return [(256 + x, y) for x, y in side] + [(256 - x, y) for x, y in reversed(side)]


def _solid(
    layer: Image.Image, outline: list[Point], colour: Colour, alpha: int, rim: float, gloss: float = 0.3
) -> None:
    """Fill an outline as if it were round: darker towards its sides, a highlight left of the middle."""
    xs = [x for x, _ in outline]
    across = np.clip((np.arange(LARGE) - min(xs)) / (max(xs) - min(xs)), 0, 1) * 2 - 1
    shade = 1 - (1 - rim) * across**4 + gloss * np.exp(-(((across + 0.35) / 0.22) ** 2))
    row = (np.array(colour) * shade[:, None]).clip(0, 255).astype(np.uint8)
    fill = Image.fromarray(np.tile(row, (LARGE, 1, 1)))
    mask = Image.new("L", layer.size)
    ImageDraw.Draw(mask).polygon(outline, fill=alpha)
    fill.putalpha(mask)
    layer.alpha_composite(fill)


def _blob(random: Random, middle: Point, radius: float, corners: int) -> list[Point]:
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    return [
        (middle[0] + r * math.cos(a), middle[1] + r * math.sin(a))
        for a, r in zip(angles, radius * random.uniform(0.72, 1.15, corners), strict=True)
    ]


def _quad(random: Random, half_width: float, half_height: float) -> list[Point]:
    """A sheet's four corners, seen at a slant."""
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return [
        (256 + x * half_width + random.uniform(-22, 22), 256 + y * half_height + random.uniform(-22, 22))
        for x, y in corners
    ]


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def _near(colour: Colour, random: Random, spread: float = 14) -> Colour:
    """The same hue, a little lighter or darker."""
    lighter = random.normal(0, spread)
    red, green, blue = (int(min(255, max(0, c + lighter + random.normal(0, spread / 3)))) for c in colour)
    return red, green, blue


def _vivid(random: Random) -> Colour:
    colours: list[Colour] = [
        (200, 40, 44),
        (30, 90, 180),
        (40, 150, 80),
        (235, 170, 40),
        (230, 110, 40),
        (110, 60, 150),
    ]
    return _near(colours[random.integers(len(colours))], random)
