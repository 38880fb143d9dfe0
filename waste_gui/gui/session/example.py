"""The small example: few drawn photos, so that a first run takes half a minute anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from waste_gui.config import RunConfig
from waste_gui.gui.common.background import Background
from waste_gui.rundir import data_dir

DEMO_CONFIG = RunConfig(name="small example", epochs=5)
"""What anybody's first training does: from the starter weights, by default the last layer. Measured on two
cores: all drawn photos are right after it, or all but one, and epochs of all layers on small images made that
worse."""


def demo_folder() -> Path:
    return data_dir() / "demo"


def draw(tell: Callable[[object], None]) -> str:
    """Draw the photos that are not there yet; the folder. For a thread: it takes a few seconds."""
    from waste_gui.dataset.demo import draw_dataset

    folder = demo_folder()
    # It looks by itself whether all are there.
    draw_dataset(folder, tell=lambda done, of: tell(f"drawing the example, photo {done + 1} of {of}"))
    return str(folder)


class Example(QObject):
    """`drawn` tells the folder, and whether it is to be trained on at once; `failed` the exception,
    `progressed` in words how far it is."""

    drawn = Signal(str, bool)
    failed = Signal(object)
    progressed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._train = False
        self._drawing = Background(self.failed.emit, self)
        self._drawing.progressed.connect(self.progressed)
        self._drawing.finished.connect(lambda folder: self.drawn.emit(folder, self._train))

    @property
    def working(self) -> bool:
        return self._drawing.working

    def draw(self, *, and_train: bool) -> None:
        self._train = and_train
        self._drawing.start(draw)
