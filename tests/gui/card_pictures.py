"""The model cards in every state, for `pictures.py`: what the computer has is made up."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from waste_gui.config import RunConfig
from waste_gui.gui.main_window import MainWindow
from waste_gui.gui.session import pages
from waste_gui.gui.settings.checked import TimeHere
from waste_gui.gui.settings.run_dialog import RunDialog
from waste_gui.gui.settings.surroundings import Surroundings
from waste_gui.model_choices import BALANCED, BEST, FAST
from waste_gui.monitor.run_list import RunSummary

STARTER_ONLY = frozenset({FAST.model})
CARD = "NVIDIA RTX A4000"
SEEN = {
    "cards_looking": Surroundings(),
    "cards_offline": Surroundings(STARTER_ONLY, "no network", ""),
    "cards_online": Surroundings(STARTER_ONLY, "", ""),
    "cards_gpu": Surroundings(STARTER_ONLY | {BALANCED.model}, "", CARD),
    "cards_focused": Surroundings(STARTER_ONLY, "", ""),
    "cards_chosen_is_gone": Surroundings(STARTER_ONLY, "HF_HUB_OFFLINE is set", ""),
    "cards_from_scratch": Surroundings(STARTER_ONLY, "no network", ""),
    "cards_file_gone": Surroundings(STARTER_ONLY, "", ""),
    "start_from_list": Surroundings(STARTER_ONLY, "", ""),
    "start_from_run": Surroundings(STARTER_ONLY, "", ""),
}
CONFIGS = {
    "cards_gpu": RunConfig(model=BEST.model),
    "cards_chosen_is_gone": RunConfig(model=BALANCED.model),
    "cards_from_scratch": RunConfig(model=BEST.model, pretrained="none"),
    "cards_file_gone": RunConfig(model="resnet18", pretrained="/data/models/last year/best.safetensors"),
}
CARD_STATES = tuple(SEEN)


def show_online(window: MainWindow) -> None:
    """A computer as most are: a network, no graphics card."""
    window.rooms.form.fields.model_part.watch.look = lambda tell, before: SEEN["cards_online"]


def show_cards(window: MainWindow, state: str, turn: Callable[[], None]) -> QWidget:
    form = window.rooms.form
    form.fields.model_part.watch.look = lambda tell, before: SEEN[state]
    if state == "cards_gpu":
        seconds = {FAST.model: (62.0, 4), BALANCED.model: (250.0, 1)}
        form.forecast = lambda config: (
            TimeHere(seconds[config.model][0], 2527, seconds[config.model][1])
            if config.model in seconds
            else None
        )
    form.show_config(CONFIGS.get(state, RunConfig()))
    window.show_page(pages.SETTINGS)
    turn()
    part = form.fields.model_part
    if state == "cards_focused":
        window.activateWindow()
        part.cards.cards[1].setFocus(Qt.FocusReason.TabFocusReason)
    if state == "start_from_list":
        part.start.showPopup()
        turn()
        return part.start.view().window()
    if state == "start_from_run":
        part._ask_for_run()
        (dialog,) = window.findChildren(RunDialog)
        turn()
        dialog._on_read(some_runs())
        return dialog
    return window


def some_runs() -> list[RunSummary]:
    told = [
        ("night run", "ViT-B-32", 0.92),
        ("", "resnet18", 0.71),
        ("plastic & <b>foil</b>" * 4, "RN50", None),
    ]
    run = RunSummary(folder="/home/lab/runs/1", sources=("/data/waste",), epochs=12, began=1_763_906_512.0)
    return [msgspec.structs.replace(run, name=name, model=model, best=best) for name, model, best in told]
