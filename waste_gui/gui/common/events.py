"""Of what a person who looks elsewhere is told."""

from __future__ import annotations

from enum import Enum


class Event(Enum):
    DONE = "done"
    FAILED = "failed"
    STUCK = "stuck"
