"""The runs page in its states, over made-up folders of runs: for `tests.gui.pictures`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tests.past_runs import DONE, FAILED, STOPPED, epoch, make_run, started, write_split
from waste_gui.config import RunConfig
from waste_gui.monitor.annotations import Annotations, write_annotations
from waste_gui.protocol import AnyMessage
from waste_gui.rundir import runs_dir

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from waste_gui.gui.main_window import MainWindow

RUNS_STATES = ("runs", "runs_empty", "runs_searched", "compare")
LAB, LAMP = ("/data/waste", "/data/waste_2025"), ("/data/new_lamp",)
DAY_S = 86_400.0
ENDS: tuple[AnyMessage | None, ...] = (DONE, STOPPED, FAILED, None)
MADE = (  # name, model, photos, best accuracy, epochs, how it ended, minutes, what was marked
    ("", "ViT-B-32", LAB, 0.921, 20, 0, 11.4, Annotations()),
    (
        "night-run",
        "ViT-B-16",
        LAB,
        0.934,
        40,
        0,
        83.0,
        Annotations(starred=True, note="the one on the sorting line"),
    ),
    ("", "resnet18", LAB, 0.862, 20, 1, 4.1, Annotations()),
    ("lr-0.01", "resnet18", LAB, 0.41, 20, 2, 0.8, Annotations(note="learning rate too high")),
    ("new lamp", "mobilenet_v3_large", LAMP, 0.884, 30, 0, 6.2, Annotations(starred=True)),
    ("", "convnext_tiny", LAMP, 0.902, 30, 3, 25.7, Annotations()),
    (
        "frozen",
        "timm:vit_tiny_patch16_224",
        LAMP,
        0.817,
        20,
        0,
        1.9,
        Annotations(name="Frozen backbone, first try"),
    ),
    ("", "resnet50", LAB, 0.897, 20, 0, 14.6, Annotations(archived=True)),
    ("balanced", "resnet18", LAB, 0.871, 20, 0, 4.4, Annotations(note="rare classes drawn more often")),
    ("", "resnet18", LAB, 0.866, 20, 0, 4.2, Annotations()),
)


def write_runs() -> None:
    """Ten runs of the last weeks."""
    shutil.rmtree(runs_dir(), ignore_errors=True)
    for number, (name, model, photos, best, epochs, end, minutes, annotated) in enumerate(MADE):
        began = 1_763_906_512.0 - number * 1.7 * DAY_S
        config = RunConfig(
            name=name, model=model, source=photos, epochs=epochs, lr=0.001 / (1 + number % 3), seed=number % 2
        )
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.localtime(began))
        said = [started(began), *_epochs(number, best, epochs if end == 0 else epochs // 2), ENDS[end]]
        messages = [message for message in said if message is not None]
        if messages[-1] is DONE:
            messages = messages[:-1] + [_finished(best)]
        run = make_run(f"{stamp}_{name}".rstrip("_"), messages, config, took_s=60 * minutes, named=False)
        write_split(
            run.split, "9f3a" * 4 if photos is LAB else "07c1" * 4, 12_450 if photos is LAB else 2_527
        )
        if annotated != Annotations():
            write_annotations(run, annotated)


def _finished(best: float) -> AnyMessage:
    return msgspec.structs.replace(DONE, metrics={"val_accuracy": best})


def _epochs(number: int, best: float, count: int) -> list[AnyMessage]:
    chance = np.random.default_rng(number)
    share = 1 - 0.8 * np.exp(-np.arange(1, count + 1) / (0.15 * count))
    accuracies = np.minimum(best, best * share + chance.normal(0, 0.008, count))
    accuracies[-2:] = best, best - 0.004
    losses = 0.25 + 2.6 * (1 - accuracies) + 0.1 * chance.random(count)
    return [epoch(i, float(a), float(b)) for i, (a, b) in enumerate(zip(accuracies, losses, strict=True), 1)]


def show_runs(window: MainWindow, state: str, turn: Callable[..., None]) -> QWidget:
    """What is to be drawn."""
    from waste_gui.gui.session.pages import RUNS

    page = window.rooms.runs
    if state == "runs_empty":
        shutil.rmtree(runs_dir(), ignore_errors=True)
    else:
        write_runs()
    window.show_page(RUNS)
    turn(lambda: page.library.known, 121)
    if state == "runs_searched":
        page.search.setText("resnet18")
        page.archived.setChecked(True)
        page._show()
        page.table.choose_rows([1])
    if state != "compare":
        return window
    page.table.choose_rows([0, 1, 2, 4, 5, 6])
    page.compare_action.trigger()
    dialog = page.comparison
    assert dialog is not None
    turn(lambda: bool(dialog.past), 121)
    dialog.resize(min(window.width(), 1080), min(window.height(), 700))
    if window.width() >= 1900:
        dialog.resize(1600, 960)
    return dialog
