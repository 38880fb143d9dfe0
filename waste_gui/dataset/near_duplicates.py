"""Pictures that are nearly the same, found without comparing every photo with every other.

Each photo has a thumbnail of 16 × 16. Its coarsest patterns of light (the lowest cosines) make a point; near
copies of each other share a cell of a grid over those points. Such pairs are then compared as pictures:
brightness, contrast and a slight crop are fitted away, and what is left must be little everywhere. So another
bottle on the same table is another picture.

The limits are calibrated on 600 photos of TrashNet: copies saved again at quality 60 or 40, at half the size,
5 % brighter, or with 1 % cut off on every side are found in 95 % of the cases or more; with 2 % cut off, in
two thirds. Flipped copies are not found, and one in twenty is taken for a copy where an object of 12 % of
the photo's side was put into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from waste_gui.dataset.resized import ResizedImage

SIDE = 16

PLAIN = 4.0
"""Standard deviation of a thumbnail's light (of 255) under which there is no picture to recognise."""

WAVES = 32
"""Of these, the pictures are near if their root mean square difference is at most MOST_APART, in units of the
picture's contrast."""

MOST_APART = 0.25

COORDINATES, REACH, CELL = 6, 0.06, 0.15
"""The grid is over the first so many waves; near copies are at most REACH apart in each."""

LONGEST, MOST_TRIED = 256, 16
"""In a cell of more photos each is looked at with so many next to it only, and with so many compared as a
picture: 100,000 photos of the same empty table must not take hours."""

MOST_LEFT = 0.2
"""Root mean square of the difference after the fit, in units of the picture's contrast."""

MOST_LEFT_AT_A_POINT = 2.5
"""Highest difference after the fit at any one point, in units of what an edge explains (`_leftover`)."""

MOST_MOVED = 0.8
"""Shift by cropping, in points of the thumbnail: 5 % of the photo."""

GAIN = (0.75, 1 / 0.75)
MOST_BRIGHTER = 25.0
"""Of 255, in any colour."""

AT_ONCE = 1024

Floats = np.ndarray[Any, np.dtype[np.float32]]
Integers = np.ndarray[Any, np.dtype[np.int64]]


def digest(resized: ResizedImage) -> bytes:
    """16 bytes that are the same for the same picture at the same resized image size, and for no other."""
    return hashlib.blake2b(np.ascontiguousarray(resized).data, digest_size=16).digest()


def thumbnail(resized: ResizedImage) -> bytes:
    """16 × 16 × 3 bytes, RGB."""
    return Image.fromarray(resized).resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()


def near_copies(
    thumbnails: Sequence[bytes], tell: Callable[[int], object] = lambda looked_at: None
) -> list[tuple[int, int]]:
    """Pairs, by place in the list, that connect all that show nearly the same picture.

    `tell` is given the pairs looked at so far, often; it may raise, to stop.
    """
    if len(thumbnails) < 2:
        return []
    pictures = np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, SIDE, SIDE, 3)
    points, busy = _points(pictures)
    groups = Groups(len(busy))
    tried = np.zeros(len(busy), np.int64)
    found: list[tuple[int, int]] = []
    looked_at = 0
    for left, right in _neighbours(points):
        for start in range(0, len(left), AT_ONCE):
            i, j = left[start : start + AT_ONCE], right[start : start + AT_ONCE]
            looked_at += len(i)
            new = (groups.group[i] != groups.group[j]) & (tried[i] < MOST_TRIED)
            i, j = i[new], j[new]
            near = ((points[i] - points[j]) ** 2).sum(1) <= MOST_APART**2
            i, j = i[near], j[near]
            np.add.at(tried, i, 1)
            same = _same_picture(pictures[busy[i]], pictures[busy[j]])
            for one, other in zip(i[same].tolist(), j[same].tolist(), strict=True):
                groups.join(one, other)
                found.append((int(busy[one]), int(busy[other])))
            tell(looked_at)
        tell(looked_at)
    return found


class Groups:
    """Which of n things belong together; `group[i]` is the same number for all of a group."""

    def __init__(self, n: int) -> None:
        self.group = np.arange(n)
        self._members = {i: [i] for i in range(n)}

    def join(self, one: int, other: int) -> None:
        large, small = int(self.group[one]), int(self.group[other])
        if large == small:
            return
        if len(self._members[large]) < len(self._members[small]):
            large, small = small, large
        joining = self._members.pop(small)
        self.group[joining] = large
        self._members[large] += joining

    def of_several(self) -> list[list[int]]:
        """The groups of two or more, members and groups in order."""
        return sorted(sorted(members) for members in self._members.values() if len(members) > 1)


# --- points in a grid


def _points(pictures: ResizedImage) -> tuple[Floats, Integers]:
    """The WAVES lowest cosines of each picture's light, and the pictures' places; without the plain ones."""
    along = np.cos(np.pi * (np.arange(SIDE) + 0.5) * np.arange(SIDE)[:, None] / SIDE)
    along[1:] *= np.sqrt(2)
    orders = ((u, v) for u in range(SIDE) for v in range(SIDE))
    lowest = sorted(orders, key=lambda uv: (sum(uv), max(uv), uv))[1 : WAVES + 1]
    waves = np.stack([np.outer(along[u], along[v]).ravel() for u, v in lowest], 1).astype(np.float32)
    points, busy = [], []
    for start in range(0, len(pictures), AT_ONCE):
        light = pictures[start : start + AT_ONCE].mean(3, dtype=np.float32).reshape(-1, SIDE * SIDE)
        contrast = light.std(1)
        here = np.flatnonzero(contrast > PLAIN)
        points.append(light[here] @ waves / SIDE**2 / contrast[here, None])
        busy.append(start + here)
    return np.concatenate(points), np.concatenate(busy)


def _neighbours(points: Floats) -> Iterator[tuple[Integers, Integers]]:
    """Pairs of points at most REACH apart in each coordinate; some come more than once.

    A point is entered in every cell that the cube of side REACH around it touches, so two such points share
    a cell. Within a cell they stand in order of one coordinate more, for LONGEST.
    """
    cells = np.zeros(len(points), np.uint64)
    owners = np.arange(len(points))
    for coordinate in range(COORDINATES):
        values = points[owners, coordinate]
        low = np.floor((values - REACH / 2) / CELL).astype(np.int64)
        high = np.floor((values + REACH / 2) / CELL).astype(np.int64)
        both = high > low
        cells = np.concatenate([_mixed(cells, low), _mixed(cells[both], high[both])])
        owners = np.concatenate([owners, owners[both]])
    order = np.lexsort((points[owners, COORDINATES], cells))
    coarse = np.ascontiguousarray(points[:, :COORDINATES])
    cells, owners = cells[order], owners[order]
    places = np.arange(len(cells))
    for step in range(1, LONGEST + 1):
        places = places[places + step < len(cells)]
        places = places[cells[places] == cells[places + step]]
        if not len(places):
            return
        left, right = owners[places], owners[places + step]
        near = (np.abs(coarse[left] - coarse[right]) <= REACH).all(1)
        yield left[near], right[near]


def _mixed(cells: np.ndarray[Any, np.dtype[np.uint64]], by: Integers) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """One number for a cell in one dimension more. Two cells that get the same only cost a comparison."""
    mixed = (cells ^ by.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))


# --- pairs of pictures, as arrays (pairs, SIDE, SIDE, 3)


def _same_picture(left: ResizedImage, right: ResizedImage) -> np.ndarray[Any, np.dtype[np.bool_]]:
    same = _becomes(left.astype(np.float32), right.astype(np.float32))
    same[same] = _becomes(right[same].astype(np.float32), left[same].astype(np.float32))
    return same


def _becomes(pictures: Floats, others: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether little remains of the other picture when this one is fitted to it."""
    brighter = np.abs(pictures.mean((1, 2)) - others.mean((1, 2))).max(1)
    contrast = np.minimum(_contrast(pictures), _contrast(others))
    gain, moved, left_over, at_a_point = _leftover(pictures, others)
    return np.asarray(
        (brighter <= MOST_BRIGHTER)
        & (gain >= GAIN[0])
        & (gain <= GAIN[1])
        & (moved <= MOST_MOVED)
        & (left_over <= MOST_LEFT * contrast)
        & (at_a_point <= MOST_LEFT_AT_A_POINT)
    )


def _contrast(pictures: Floats) -> Floats:
    return np.asarray(np.sqrt(((pictures - pictures.mean((1, 2), keepdims=True)) ** 2).mean((1, 2, 3))))


def _leftover(pictures: Floats, others: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """What makes the one picture the other: contrast, shift, and what then remains, on average and at most.

    Least squares over contrast, brightness by colour, shift and stretch (to first order, by the gradient). At
    each point, four grey levels and half the gradient there are one unit of what may remain.
    """
    down, across = (np.asarray(g, np.float32) for g in np.gradient(pictures, axis=(1, 2)))
    from_middle = np.linspace(-1, 1, SIDE, dtype=np.float32)
    moves = [across, down, across * from_middle[None, None, :, None], down * from_middle[None, :, None, None]]
    colours = [np.broadcast_to(np.eye(3, dtype=np.float32)[c], pictures.shape) for c in range(3)]
    basis = np.stack([pictures, *moves, *colours], 1).reshape(len(pictures), 8, SIDE * SIDE * 3)
    wanted = others.reshape(len(others), SIDE * SIDE * 3)
    # A plain photo has no edges to tell a shift by: it is held back to none.
    held = np.diag([1e-3, 30, 30, 30, 30, 1e-3, 1e-3, 1e-3]).astype(np.float32)
    normal = (basis @ basis.transpose(0, 2, 1) + held).astype(np.float64)
    fit = np.linalg.solve(normal, (basis @ wanted[:, :, None]).astype(np.float64))[:, :, 0].astype(np.float32)
    rest = np.abs(wanted - (fit[:, None, :] @ basis)[:, 0])
    edges = np.hypot(across, down).reshape(len(pictures), SIDE * SIDE * 3)
    return (
        fit[:, 0],
        np.abs(fit[:, 1:5]).max(1),
        np.sqrt((rest**2).mean(1)),
        (rest / (4 + edges / 2)).max(1),
    )
