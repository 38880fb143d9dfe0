"""An axis of steps or epochs: its ticks are whole numbers, for there is no epoch 1.5."""

from __future__ import annotations

import math

import pyqtgraph as pg


class WholeTicks(pg.AxisItem):  # type: ignore[misc]
    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        return [(max(1.0, math.ceil(spacing)), 0.0) for spacing, _ in super().tickSpacing(low, high, size)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [str(round(value)) for value in values]
