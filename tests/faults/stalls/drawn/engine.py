"""The engine with a drawn fault: `python -m tests.faults.stalls.drawn.engine SCENE train …`."""

from __future__ import annotations

import os
import sys

from tests.faults.stalls import faulty_engine
from tests.faults.stalls.drawn import places, scene
from waste_gui.engine import __main__ as engine


def main() -> None:
    of, arguments = scene.load(sys.argv[1]), sys.argv[2:]
    if of.stage == "train":
        faulty_engine.strike_in_training(lambda: places.get_stuck(of))
    else:
        faulty_engine.strike_at_stage(of.stage, lambda: places.get_stuck(of))
    status = engine.run(arguments)
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
