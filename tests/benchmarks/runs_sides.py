"""What is measured of the runs page, in a process of its own that draws on a screen that is none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.window_sides import Blocks, open_window, turn

if TYPE_CHECKING:
    from waste_gui.gui.runs.page import RunsPage

A_TURN_S, A_WHILE_S = 0.002, 0.12
WORDS = "resnet lamp"


def open_page(home: str, before: str) -> dict[str, Any]:
    """Seconds until the newest and until all runs are painted; `before` is what the last opening has left."""
    from waste_gui.gui.session.pages import RUNS

    with open_window(lambda config: []) as window:
        os.environ["WASTE_GUI_HOME"] = home
        if before != "later":
            _forget(Path(home), from_memory=before == "from disk")
        page = window.rooms.runs
        blocks, began = Blocks(), time.perf_counter()
        window.show_page(RUNS)
        newest = None
        while not page.library.known:
            turn(A_TURN_S)
            if newest is None and page.table.runs.lines:
                newest = time.perf_counter() - began
        page.table.viewport().repaint()
        seconds = time.perf_counter() - began
        opening = {"block": blocks.longest_s, "work": blocks.longest_work_s}
        return {"seconds": seconds, "newest": newest or seconds, "opening": opening, **_use(page)}


def _forget(home: Path, *, from_memory: bool) -> None:
    """The summaries of the last time; and, if asked for, what the system holds of the files."""
    from waste_gui.monitor.run_list import CACHE_NAME

    (home / CACHE_NAME).unlink(missing_ok=True)
    if from_memory:
        os.sync()
        for path in home.rglob("*"):
            if path.is_file():
                with open(path, "rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _use(page: RunsPage) -> dict[str, dict[str, float]]:
    from waste_gui.gui.runs.rows import Column

    sorts: list[Callable[[], object]] = [partial(page.table.sort_by, column) for column in Column]
    letters = [partial(page.search.setText, WORDS[:n]) for n in range(len(WORDS) + 1)]
    filters = [partial(_choose_dataset, page, place) for place in (1, 0)]
    all_of_them: list[Callable[[], object]] = [page.table.selectAll, sorts[4]]
    return {
        "sorting": _blocks([*sorts, *sorts]),
        "searching": _blocks([*letters, page.search.clear, *filters]),
        "choosing": _blocks(all_of_them),
    }


def _choose_dataset(page: RunsPage, place: int) -> None:
    page.dataset.setCurrentIndex(place)
    page.dataset.activated.emit(place)


def _blocks(steps: list[Callable[[], object]]) -> dict[str, float]:
    """The longest time in which the window did not answer, of all steps."""
    blocks = Blocks()
    for step in steps:
        step()
        turn(A_WHILE_S)
    return {"block": blocks.longest_s, "work": blocks.longest_work_s}
