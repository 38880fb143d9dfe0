"""The engine with one drawn end: `python -m tests.faults.crashes.faulty_engine DRAW.json train …`.

All else is the engine as it is. Torch is not imported where the end comes before.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.crashes import ends
from tests.faults.crashes.draws import Draw
from waste_gui.engine import __main__ as engine
from waste_gui.engine.context import Context, StageReport


def strike_at_stage(draw: Draw) -> None:
    stage = Context.stage

    @contextlib.contextmanager
    def stage_and_strike(self: Context, name: str, *rest: Any, **named: Any) -> Iterator[StageReport]:
        with stage(self, name, *rest, **named) as report:
            if name == draw.stage:
                ends.strike(draw, self)
            yield report

    Context.stage = stage_and_strike  # type: ignore[assignment,method-assign]


def main() -> None:
    draw = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Draw)
    if draw.family == "disk":
        ends.break_disk(draw)
    else:
        strike_at_stage(draw)
    status = engine.run(sys.argv[2:])
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
