"""The run's facts below the checklist: photos, model, epochs, device, folder."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from waste_gui.config import RunConfig, epochs_on, tune_on
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.plain_label import PlainLabel
from waste_gui.gui.common.theme import UNIT
from waste_gui.gui.session.run_text import best_words
from waste_gui.monitor.formatting import size
from waste_gui.monitor.run import Run
from waste_gui.monitor.snapshot import Snapshot

LAST_LAYER_ONLY = "last layer only"
NAMES = ("Photos", "Found", "Model", "Epochs", "Device", "Best", "Folder", "Note")


def facts(snapshot: Snapshot, config: RunConfig | None, found: str = "") -> dict[str, str]:
    """`config` is that of the run, or of the one to come; `found` what a look at its folders told."""
    run = snapshot.run
    shown = dict.fromkeys(NAMES, "–")
    if config is not None:
        more = f" and {many(len(config.source) - 1, 'more folder')}" if len(config.source) > 1 else ""
        shown["Photos"] = f"{config.source[0]}{more}" if config.source else "–"
        side = f" · {config.image_size} px" if config.image_size else ""
        shown["Model"] = f"{config.model}{side}"
        shown["Epochs"] = _epochs(run, config)
        shown["Device"] = "Automatic (GPU if available)" if config.device == "auto" else config.device
    elif run.started is not None:
        shown["Model"] = run.started.model or "–"
        shown["Epochs"] = LAST_LAYER_ONLY if run.head_only else str(run.started.epochs or "–")
    if run.device is not None:
        memory = f" · {size(run.device.memory_bytes)}" if run.device.memory_bytes else ""
        shown["Device"] = f"{run.device.name}{memory}"
    if "scan" in run.stages:
        shown["Found"] = run.stages["scan"].summary or found or "–"
    if run.warnings:
        shown["Note"] = " ".join(filter(None, (run.warnings[-1].text, run.warnings[-1].hint)))
    shown["Best"] = best_words(run) or "–"
    if snapshot.elsewhere:
        shown["Device"] += f" · on {snapshot.elsewhere}"
    if snapshot.folder:
        shown["Folder"] = str(Path(snapshot.folder))
    return shown


def _epochs(run: Run, config: RunConfig) -> str:
    """What of the network is trained, and how long: as decided, else as it will be."""
    tune = run.tune or tune_if_known(config)
    epochs = epochs_on(msgspec.structs.replace(config, tune=tune), cpu=False)
    of_all = f"{epochs} · batch {config.batch_size}"
    match tune:
        case "head":
            return LAST_LAYER_ONLY
        case "head_then_all":
            return f"last layer, then {of_all}"
        case "auto":
            return f"{LAST_LAYER_ONLY}, with a GPU then {epochs}"
    return of_all


def tune_if_known(config: RunConfig) -> str:
    """`auto` where only the device decides it."""
    on_either = {tune_on(config, cpu=cpu) for cpu in (True, False)}
    return on_either.pop() if len(on_either) == 1 else "auto"


class Facts(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Facts of the run")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * UNIT)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self._names: dict[str, PlainLabel] = {}
        self._values: dict[str, PlainLabel] = {}
        for i, name in enumerate(NAMES):
            self._names[name] = PlainLabel(name, role="muted")
            grid.addWidget(self._names[name], i, 0)
            is_path = name in ("Photos", "Folder")
            elide = Qt.TextElideMode.ElideMiddle if is_path else Qt.TextElideMode.ElideRight
            self._values[name] = PlainLabel("–", elide=elide)
            self._values[name].setAccessibleName(name)
            grid.addWidget(self._values[name], i, 1)

    def show_snapshot(self, snapshot: Snapshot, config: RunConfig | None, found: str = "") -> None:
        for name, value in facts(snapshot, config, found).items():
            self._values[name].set_text(value)
            self._values[name].setAccessibleDescription(value)
            if name == "Note":  # The others keep their places; most runs have none.
                self._names[name].setVisible(value != "–")
                self._values[name].setVisible(value != "–")
