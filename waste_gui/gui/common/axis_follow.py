"""How a time axis follows what comes, and how far a key moves or zooms it: alike in all plots."""

from __future__ import annotations

from enum import Enum

PAN, ZOOM = 0.15, 1.4


class Follow(Enum):
    """What the x axis does when a value comes: shows all, keeps the newest in sight, or stays."""

    ALL = "all"
    NEWEST = "newest"
    STAY = "stay"
