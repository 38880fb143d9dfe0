"""What came of several runs and how they were set, in words side by side. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waste_gui.gui.common.formatting import percent
from waste_gui.gui.runs.rows import NOTHING, dataset_words
from waste_gui.monitor.formatting import clock
from waste_gui.monitor.past_run import PastRun, compare_settings
from waste_gui.run_names import LAST_LAYER


@dataclass(frozen=True)
class Row:
    """A line of the comparison. A result may differ without being marked as a setting is."""

    title: str
    texts: tuple[str, ...]
    differs: bool
    is_setting: bool = True


def compared_rows(runs: Sequence[PastRun]) -> list[Row]:
    """What came of them, then their settings, those that differ first."""
    if not runs:
        return []
    settings = [
        Row(setting.title, tuple(value_words(value) for value in setting.values), setting.differs)
        for setting in compare_settings(runs)
    ]
    return [*_results(runs), *settings]


def _results(runs: Sequence[PastRun]) -> list[Row]:
    told: dict[str, list[str]] = {
        "Best accuracy": [_best(run) for run in runs],
        "Epochs trained": [_epochs(run) for run in runs],
        "Duration": [NOTHING if run.summary.took_s is None else clock(run.summary.took_s) for run in runs],
        "State": [run.summary.state for run in runs],
        "Trained on": [dataset_words(run.summary) for run in runs],
    }
    rows = [Row(title, tuple(texts), len(set(texts)) > 1, False) for title, texts in told.items()]
    return [*rows, _same_photos(runs)]


def _epochs(run: PastRun) -> str:
    if not run.epochs:
        return NOTHING
    return LAST_LAYER if run.summary.tune == "head" else str(run.epochs[-1].epoch)


def _best(run: PastRun) -> str:
    whole, best = run.summary.best, run.best.val_accuracy if run.best is not None else None
    if whole is not None and (run.summary.tune == "head" or best is None or best < whole):
        return percent(whole)  # That of the last layer, before any epoch of all layers.
    if run.best is not None and run.best.val_accuracy is not None:
        return f"{percent(run.best.val_accuracy)} (epoch {run.best.epoch})"
    return NOTHING


def _same_photos(runs: Sequence[PastRun]) -> Row:
    """Accuracies can be compared only where the photos are the same."""
    known = [run.summary.fingerprint for run in runs]
    texts = tuple(fingerprint[:6] or NOTHING for fingerprint in known)
    return Row("Photos (fingerprint)", texts, len(set(known)) > 1, False)


def value_words(value: object) -> str:
    """A setting's value as people read it; None is one that the program chooses."""
    match value:
        case None:
            return "automatic"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case dict():
            return ", ".join(f"{a} → {b or 'left out'}" for a, b in value.items()) or NOTHING
        case tuple() | list():
            return ", ".join(map(str, value)) or NOTHING
    return str(value) or NOTHING
