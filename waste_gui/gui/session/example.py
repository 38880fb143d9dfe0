"""The small example: drawn photos and a small network, so that a first run takes a minute anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from waste_gui.config import RunConfig
from waste_gui.rundir import data_dir

DEMO_CONFIG = RunConfig(
    name="small example",
    model="resnet18",
    pretrained="none",
    image_size=64,
    batch_size=32,
    epochs=20,
)


def demo_folder() -> Path:
    return data_dir() / "demo"


def draw(tell: Callable[[object], None]) -> str:
    """Draw the photos that are not there yet; the folder. For a thread: it takes a few seconds."""
    from waste_gui.dataset.demo import draw_dataset

    folder = demo_folder()
    draw_dataset(folder)  # Which looks by itself whether all are there.
    return str(folder)
