"""The buttons of the bar once a run has ended badly: the first is the one that leads on. No widgets."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from waste_gui.config import RunConfig
from waste_gui.gui.session.changed_settings import helps
from waste_gui.monitor.verdict import Action


class Offer(Enum):
    """What a button of the bar does, beside the monitor's own actions. The value is the button's text."""

    COPY_DETAILS = "Copy details"
    SHOW_LOG = "Show log"
    SHOW_RESULTS = "Show results"
    RESUME_RUN = "Resume training"
    SHOW_SETTINGS = "Change the settings"
    SHOW_PHOTOS = "Show photos"
    CHECK_PHOTOS = "Check photos"
    SELF_TEST = "Check this computer"
    SHOW_QUEUE = "Show queue"
    QUEUE_ON = "Resume the queue"
    SHOW_RUN = "Show it"
    HIDE = "Hide"


B = TypeVar("B")

TOO_MANY_FAILURES = "photos"
"""The engine's kind of failure when more photos than allowed cannot be read."""

_ANEW = Action.TRY_AGAIN
"""Stands for going on from the last checkpoint, where there is one."""

CURES: dict[str, tuple[Action | Offer, ...]] = {
    TOO_MANY_FAILURES: (Offer.CHECK_PHOTOS,),
    "dataset": (Offer.SHOW_PHOTOS, Offer.SHOW_SETTINGS),
    "settings": (Offer.SHOW_SETTINGS,),
    "model": (Offer.SHOW_SETTINGS,),
    "checkpoint": (Offer.SHOW_SETTINGS,),
    "run_folder": (Offer.SHOW_SETTINGS, _ANEW),
    "weights": (Action.STARTER_WEIGHTS, _ANEW, Action.FROM_SCRATCH, Offer.SHOW_SETTINGS),
    "device": (Action.ON_PROCESSOR, Offer.SHOW_SETTINGS),
    "driver": (Action.ON_PROCESSOR, Offer.SELF_TEST, _ANEW),
    "gpu": (_ANEW, Action.ON_PROCESSOR),
    "out_of_memory": (Action.SMALLER_BATCH, Action.FEWER_WORKERS, Offer.SHOW_SETTINGS),
    "shared_memory_full": (Action.FEWER_WORKERS, _ANEW),
    "bus_error": (Action.FEWER_WORKERS, _ANEW),
    "limit": (Action.FEWER_WORKERS, _ANEW),
    "disk_full": (_ANEW, Offer.SHOW_SETTINGS),
    "workers": (Offer.SELF_TEST, _ANEW),
    "library": (Offer.SELF_TEST, _ANEW),
    "installation": (Offer.SELF_TEST, _ANEW),
    "processor": (Offer.SELF_TEST, _ANEW),
    "illegal_instruction": (Offer.SELF_TEST, _ANEW),
    "not_started": (Offer.SELF_TEST, _ANEW),
    "killed": (_ANEW, Action.SMALLER_BATCH, Action.FEWER_WORKERS),
}
"""By the kind of a failure or the cause of a crash, what helps most first; any other: once more."""


def with_pages(cause: str, actions: tuple[Action, ...]) -> tuple[Action | Offer, ...]:
    """The actions of a note on learning, with the pages that it speaks of."""
    if Action.KEEP_GOING not in actions or cause in ("disk_full", "not_saved"):
        return actions
    photos = (Offer.SHOW_PHOTOS,) if cause == "validation_at_chance" else ()
    first, *rest = actions
    return (first, Offer.SHOW_SETTINGS, *photos, *rest)


def offers(kind: str, config: RunConfig | None, *, resumable: bool) -> tuple[Action | Offer, ...]:
    """With what a colleague who is asked needs to know."""
    cures = useful(CURES.get(kind, (_ANEW,)), config)
    if resumable:
        others = tuple(action for action in cures if action is not _ANEW)
        place = cures.index(_ANEW) if _ANEW in cures else 1
        cures = (*others[:place], Offer.RESUME_RUN, *others[place:])
    return (*cures, Offer.COPY_DETAILS, Offer.SHOW_LOG)


def useful(actions: tuple[B, ...], config: RunConfig | None) -> tuple[B, ...]:
    """Those that would make a difference to a run with these settings."""
    if config is None:
        return actions
    return tuple(each for each in actions if not isinstance(each, Action) or helps(each, config))
