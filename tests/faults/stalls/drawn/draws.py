"""Which call, on what, held by whom, in which process, at which stage: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.drive import why_no_drive
from tests.faults.stalls.drawn.kinds import KINDS
from tests.faults.stalls.drawn.kinds.kind import Kind
from tests.faults.stalls.drawn.names import draw_name

READING = ("train",)
"""Where a photo is met that its reader gets stuck on."""


@dataclass(frozen=True)
class Draw:
    kind: str
    holder: str
    place: str
    stage: str
    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} / {self.holder} / {self.place} / {self.stage}"


def draws(seed: int, count: int, names: tuple[str, ...] = ()) -> Iterator[Draw]:
    """Every kind once before any comes again, in an order of its own each time; or those named."""
    dice = random.Random(seed)
    usable = [kind for name, kind in KINDS.items() if (not names or name in names) and possible(kind)]
    number, waiting = 0, list[Kind]()
    while number < count:
        if not waiting:
            waiting = dice.sample(usable, len(usable))
        number += 1
        yield draw(waiting.pop(), dice, number)


def possible(kind: Kind) -> bool:
    return not (kind.needs_drive and why_no_drive())


def draw(kind: Kind, dice: random.Random, number: int) -> Draw:
    place = dice.choice(kind.places)
    stages = READING if place == "worker" else kind.stages
    own = number * 10 + dice.randrange(10)  # Tells its programs from those of other draws.
    return Draw(kind.name, dice.choice(kind.holders), place, dice.choice(stages), draw_name(dice, own), own)
