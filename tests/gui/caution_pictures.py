"""Pictures of folders that are doubted, and of one that cannot be used."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QWidget

from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session.dataset_choice import DatasetChoice

CAUTION_STATES = ("doubtful", "all_doubts", "only_parts")


def doubtful(folder: Path, drawn: Path) -> Path:
    """A ready split with classes spelled in two ways, results beside it, a class of HEIC, a heap to test."""
    sources = sorted(path for path in drawn.iterdir() if path.is_dir())
    names = ("train/Glass", "valid/glass", "train/paper", "valid/paper", "train/metal", "predictions")
    for name, source in zip(names, (*sources, *sources, *sources), strict=False):
        shutil.copytree(source, folder / name)
    shutil.copytree(sources[0], folder / "test")
    (folder / "train" / "shoes").mkdir()
    for number in range(12):
        (folder / "train" / "shoes" / f"IMG_{number}.HEIF9").write_bytes(b"x")
        (folder / "train" / "shoes" / f"IMG_{number}.cr2").write_bytes(b"x")
    return folder


def only_parts(folder: Path, drawn: Path) -> Path:
    source = next(path for path in sorted(drawn.iterdir()) if path.is_dir())
    for name in ("train", "valid", "test"):
        shutil.copytree(source, folder / name)
    return folder


def show_cautions(
    window: MainWindow, state: str, drawn: Path, folder: Path, turn: Callable[..., None]
) -> QWidget:
    page = window.rooms.data
    make = only_parts if state == "only_parts" else doubtful
    page.set_choice(DatasetChoice((str(make(folder / "waste photos", drawn)),)))
    turn(lambda: page.readiness.ready or state == "only_parts" and not page.cancel.isVisible(), 121)
    if state == "all_doubts":
        page.cautions.more.click()
    turn(lambda: not page.checking.thumbnails._asked, 121)
    return window
