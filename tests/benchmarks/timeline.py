"""A frame of the timeline of a long run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.child import in_child
from tests.benchmarks.figures import Comparison, interleave
from tests.benchmarks.photos import Bench

if TYPE_CHECKING:
    import pyqtgraph as pg

    from waste_gui.monitor.timeline import Timeline
    from waste_gui.protocol import WorkerState

WORKERS, WIDTH, HEIGHT = 4, 1920, 600
FRAMES = 40


def timeline(bench: Bench) -> list[Comparison]:
    """Against the same segments and curves as pyqtgraph's own items."""
    hours = 1 if bench.quick else 12
    seconds = in_child("timeline:time_frames", hours=hours, rounds=bench.rounds)
    return [
        Comparison(
            f"a frame of the timeline while it is moved: {hours} hours, {WORKERS} workers, {WIDTH} px",
            "the same as pyqtgraph's bars and curves",
            seconds["ours"],
            seconds["pyqtgraph"],
        ),
        Comparison(
            "a frame when a message comes",
            "the same as pyqtgraph's bars and curves",
            seconds["message"],
            seconds["pyqtgraph"],
        ),
    ]


def time_frames(hours: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a frame; each is painted on a screen that is none."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from waste_gui.gui.common.theme import Theme
    from waste_gui.gui.diagnosis.timeline import TimelinePanel

    app = QApplication([])
    Theme(app, "light")
    run = long_run(hours)
    panel = TimelinePanel()
    panel.resize(WIDTH, HEIGHT)
    panel.show()
    panel.show_timeline(run)
    view, plain = panel.view, plain_plot(run)
    while not (view.viewport().isVisible() and plain.windowHandle().isExposed()):
        app.processEvents()
    span = run.now / 2

    def moved(plot: pg.PlotWidget) -> Callable[[int], None]:
        return lambda i: plot.setXRange(i * span / FRAMES, span + i * span / FRAMES, padding=0)

    def message(i: int) -> None:
        _tell(run, int(run.now) + 1)
        panel.show_timeline(run)

    def seconds_of(change: Callable[[int], None], plot: pg.PlotWidget) -> float:
        began = time.perf_counter()
        for i in range(FRAMES):
            change(i)
            plot.viewport().repaint()
        return (time.perf_counter() - began) / FRAMES

    sides: dict[str, Callable[[], float]] = {
        "ours": lambda: seconds_of(moved(view), view),
        "message": lambda: seconds_of(message, view),
        "pyqtgraph": lambda: seconds_of(moved(plain), plain),
    }
    return {side: seconds[1:] for side, seconds in interleave(rounds + 1, sides).items()}


def long_run(hours: int) -> Timeline:
    """A metric, a beat and a look each second; an epoch every 15 minutes."""
    from waste_gui.monitor.timeline import Timeline
    from waste_gui.protocol import StageStarted

    run = Timeline()
    run.receive(StageStarted(stage="train"))
    for second in range(1, 3600 * hours):
        _tell(run, second)
    return run


def _tell(run: Timeline, second: int) -> None:
    from waste_gui import protocol as p
    from waste_gui.monitor.evidence import Evidence
    from waste_gui.monitor.machine import Machine

    seq, at = 8 * second, float(second)
    wait_s = 0.02 + 0.05 * np.sin(second / 900) ** 2
    timing = p.Timing(wait_s=wait_s, copy_s=0.01, compute_s=0.07)
    run.receive(p.Metric(seq=seq, at=at, step=second, epoch=1, values={}, timing=timing, images_per_s=1))
    workers = tuple(_worker(pid, second) for pid in range(WORKERS))
    gpu = p.GpuState(utilisation=60 + second * 7 % 40, memory_used=1, memory_total=2)
    run.receive(p.Heartbeat(seq=seq + 1, at=at, where="", workers=workers, queued=0, gpu=gpu))
    machine = Machine(memory_bytes=16 * 10**9, free_memory_bytes=9 * 10**9 + second * 7919 % 10**9)
    run.look(Evidence(100 + second * 31 % 50, second * 7919.0 % 1e8, machine=machine), at)  # type: ignore[arg-type]
    if second % 900 == 0:
        for i, stage in enumerate(("validate", "save")):
            run.receive(p.StageStarted(seq=seq + 2 + 2 * i, at=at + 0.1 + i / 4, stage=stage))
            end = p.StageFinished(
                seq=seq + 3 + 2 * i, at=at + 0.3 + i / 4, stage=stage, elapsed_s=0.2, summary=""
            )
            run.receive(end)
        run.receive(p.CheckpointSaved(seq=seq + 6, at=at + 0.6, path="", epoch=1, step=second, best=True))


def _worker(pid: int, second: int) -> WorkerState:
    from waste_gui.protocol import WorkerState

    reads, since = (second + pid) % 5 > 0, second % (3 * (pid + 1))
    path = f"/photos/{second - since}.jpg" if reads else None
    return WorkerState(pid=pid, state="reading" if reads else "idle", path=path, since_s=0.99 * since)


def plain_plot(run: Timeline) -> pg.PlotWidget:
    """The lanes as bars, a kind a colour, and the curves as curves, as one would draw them at first."""
    import pyqtgraph as pg

    plot = pg.PlotWidget(background="w")
    plot.resize(WIDTH, HEIGHT)
    for row, lane in enumerate(run.lanes):
        segments = lane.segments()
        main = segments.seconds.argmax(axis=1)
        brushes = [pg.intColor(kind) for kind in range(len(lane.kinds))]
        plot.addItem(
            pg.BarGraphItem(
                x0=segments.start.copy(),
                x1=segments.end.copy(),
                y0=np.full(len(segments), float(row)),
                height=0.8,
                pen=None,
                brushes=[brushes[kind] for kind in main],
            )
        )
    for row, curve in enumerate(run.curves.values()):
        times, _, high = curve.thinned(0, run.now, len(curve))
        plot.plot(times.copy(), -1 - row + high / max(1.0, high.max(initial=0)), pen="b")
    plot.setYRange(-4, len(run.lanes))
    plot.show()
    return plot
