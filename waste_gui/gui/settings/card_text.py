"""What a model's card says: whether its weights are here, and how long it would take. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

from waste_gui.config import STARTER_MODEL
from waste_gui.gui.common.formatting import many
from waste_gui.gui.common.glyph_names import Glyph
from waste_gui.gui.settings.checked import TimeHere
from waste_gui.gui.settings.surroundings import Surroundings
from waste_gui.model_choices import CHOICES, RECOMMENDED, ModelChoice, key_of, recommended
from waste_gui.monitor.formatting import about

LOOKING = "Looking whether its weights are here…"
WITH_PROGRAM, DOWNLOADED = "Comes with the program", "Downloaded, needs no network"
NOT_INSTALLED = "Missing: install waste-gui anew"
NOT_NEEDED = "Weights not needed: from scratch"
PROCESSOR_TIME = "Not yet run here. Its last layer alone: about a minute for 600 photos, on two cores."


@dataclass(frozen=True)
class CardText:
    """`state` with its sign, where it has one; `time`; whether it can be chosen."""

    glyph: Glyph | None
    state: str
    time: str
    possible: bool = True


def card_text(
    choice: ModelChoice, seen: Surroundings, expected: TimeHere | None, *, scratch: bool = False
) -> CardText:
    """`scratch` is whether the training starts from no weights at all."""
    glyph, state, possible = weights_state(choice.model, seen)
    if scratch:
        glyph, state, possible = "done", NOT_NEEDED, True
    return CardText(glyph, state, _time(choice, seen, expected), possible)


def weights_state(model: str, seen: Surroundings) -> tuple[Glyph | None, str, bool]:
    """Of a model that is offered: sign, words, and whether its recommended weights can be had."""
    its = recommended(model)
    assert its is not None
    comes = not its.files
    if seen.here is None:
        return ("done", WITH_PROGRAM, True) if comes else (None, LOOKING, True)
    if key_of(model) in seen.here:
        return "done", WITH_PROGRAM if comes else DOWNLOADED, True
    if comes:
        return "failed", NOT_INSTALLED, False
    if seen.no_network is None:
        return None, LOOKING, True
    if seen.no_network:
        return "failed", f"Can't be downloaded: {seen.no_network}", False
    return None, f"Will be downloaded once: {its.mb} MB", True


def _time(choice: ModelChoice, seen: Surroundings, expected: TimeHere | None) -> str:
    if expected is not None:
        photos, runs = many(expected.photos, "photo"), many(expected.runs, "run")
        return f"About {about(expected.seconds)} for {photos}, by {runs} on this computer."
    if seen.card:
        return f"Not yet run here. {_with_card(choice)}"
    if choice.model == STARTER_MODEL:
        return PROCESSOR_TIME
    slow = "Slow without a graphics card" if choice.pace >= 10 else "Not yet run here"
    return f"{slow}: a photo takes about {choice.pace} times as long as in {CHOICES[0].title}."


def _with_card(choice: ModelChoice) -> str:
    if choice.pace == 1:
        return "Suits any computer."
    return "Made for a graphics card." if choice.pace >= 10 else "Suits a graphics card."


def may_say() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All states and times of all cards: each has room for them, so that none changes its size, and their
    lines stand side by side."""
    sights = (Surroundings(), Surroundings(card="card"))
    pasts = (None, TimeHere(35_999, 123_456, 20))
    said = [_time(choice, seen, past) for choice in CHOICES for seen in sights for past in pasts]
    told = [state for choice in CHOICES for state in states(choice.model)]
    return tuple(dict.fromkeys([*told, NOT_NEEDED])), tuple(dict.fromkeys(said))


def states(model: str) -> tuple[str, ...]:
    """All that can be said of its weights."""
    nowhere = frozenset[str]()
    sights = [
        Surroundings(),
        *(Surroundings(nowhere, why) for why in ("", "no network", "HF_HUB_OFFLINE is set")),
        Surroundings(frozenset({model}), ""),
    ]
    return tuple(dict.fromkeys(weights_state(model, seen)[1] for seen in sights))


def all_states() -> tuple[str, ...]:
    return tuple(dict.fromkeys(state for model in RECOMMENDED for state in states(model)))
