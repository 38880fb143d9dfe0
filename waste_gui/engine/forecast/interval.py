"""Between which shares something will lie, nine times of ten."""

from __future__ import annotations

Z = 1.645
"""Of a normal distribution, 90 % lie within so many deviations."""


def interval(share: float, deviation: float, photos: float) -> tuple[float, float]:
    """Wilson's interval of as many photos as would have that deviation: within 0 and 1, wider on the side
    where there is room, and never empty, although `photos` of which the share was measured were all right."""
    smooth = (share * photos + 1) / (photos + 2)
    count = max(1.0, min(photos, smooth * (1 - smooth) / max(deviation**2, 1e-9)))
    middle = (share + Z * Z / 2 / count) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * (share * (1 - share) / count + Z * Z / 4 / count**2) ** 0.5
    return round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)


def chance(share: float, measured: float, compared: float) -> float:
    """The variance of a share counted on `compared` photos, where it was measured on `measured`."""
    smooth = (share * measured + 1) / (measured + 2)
    return smooth * (1 - smooth) / max(1.0, compared)
