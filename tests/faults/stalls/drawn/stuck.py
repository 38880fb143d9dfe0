"""What happens in the process that gets stuck: it starts or takes what is held, says what is true, and waits.

Also a program, `python SCRIPT SCENE [MORE]`: a child that gets stuck, or waits for a child that does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import traceback
from typing import NoReturn

from tests.faults.stalls.drawn import programs, scene
from tests.faults.stalls.drawn.kinds import KINDS
from tests.faults.stalls.drawn.kinds.kind import CHILD, GRANDCHILD, ITSELF, THREAD
from tests.faults.stalls.drawn.scene import Scene

kept: list[object] = []
"""What this process holds itself."""


class DidNotBlock(Exception):
    """The call came back: a fault of the generator."""


def get_stuck(of: Scene) -> NoReturn:
    """Whatever is wrong with that is told in a file: around it there may be somebody who expects errors."""
    try:
        hold(of)
        wait = KINDS[of.kind].ready(of)
        of.strike()
        wait()
        raise DidNotBlock(of.kind)
    except BaseException:
        of.wrong.write_text(traceback.format_exc(), encoding="utf-8")
        raise


def hold(of: Scene) -> None:
    """What somebody of this process's family holds."""
    kind = KINDS[of.kind]
    if of.holder in (CHILD, GRANDCHILD) and kind.program is not None:
        programs.start_holder(of, kind.program(of), of.holder)
    elif of.holder == THREAD and kind.take is not None:
        name = f"exporter-{of.number}"
        _take_in_a_thread(of, name)
        of.held_by = [[name, str(os.getpid()), scene.BY_ITSELF]]
    elif of.holder == ITSELF and kind.take is not None:
        kept.append(kind.take(of))
        of.held_by = [scene.ITSELF]


def _take_in_a_thread(of: Scene, name: str) -> None:
    taken = threading.Event()

    def take_and_keep() -> None:
        take = KINDS[of.kind].take
        assert take is not None
        kept.append(take(of))
        taken.set()
        time.sleep(scene.SLEEPS_S)

    threading.Thread(target=take_and_keep, name=name, daemon=True).start()
    taken.wait()


def command(of: Scene) -> list[str]:
    """Of a child that gets stuck, or whose child does."""
    names = {"child": ("stuck",), "grandchild": ("driver", "stuck")}[of.place]
    for name in names:
        of.script(name).write_text("from tests.faults.stalls.drawn import stuck\n\nstuck.main()\n")
    scripts = [str(of.script(name)) for name in names]
    return [sys.executable, scripts[0], str(of.file), *scripts[1:]]


def main() -> None:
    of = scene.load(sys.argv[1])
    of.remember(os.getpid())
    if scripts := sys.argv[2:]:
        subprocess.run([sys.executable, scripts[0], sys.argv[1], *scripts[1:]], check=True)
    else:
        get_stuck(of)
