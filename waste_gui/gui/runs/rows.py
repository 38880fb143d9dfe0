"""Earlier runs as lines of a list: what stands in each column, how lines are sorted and found. No widgets."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from operator import itemgetter
from typing import Any

from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import many, percent
from waste_gui.monitor.formatting import clock
from waste_gui.monitor.run_list import RunSummary

NOTHING = "–"


class Column(IntEnum):
    STAR = 0
    NAME = 1
    PHOTOS = 2
    MODEL = 3
    BEST = 4
    TOOK = 5
    STATE = 6
    BEGAN = 7


SPOKEN = ("Star", "Run", "Photos", "Model", "Best", "Duration", "State", "Started")
CRASHED = "It crashed, without a last word. Show it to see what is known."
FALLING = frozenset((Column.STAR, Column.BEST, Column.TOOK, Column.BEGAN))
"""Sorted from the highest at the first click."""


@dataclass(frozen=True)
class Line:
    """One run; what is said of it is made when it is first needed: of 2,000, a few are in sight."""

    run: RunSummary

    @cached_property
    def cells(self) -> tuple[str, ...]:
        run = self.run
        return (
            "",
            one_line(run.title),
            photos_words(run) or NOTHING,
            one_line(run.model) or NOTHING,
            NOTHING if run.best is None else percent(run.best),
            NOTHING if run.took_s is None else clock(run.took_s),
            run.state,
            began_words(run.began),
        )

    @cached_property
    def sought(self) -> str:
        """What the search looks in."""
        run = self.run
        named = (run.title, run.name, run.annotations.note, run.model, run.elsewhere)
        return "\n".join((*named, *run.sources, os.path.basename(run.folder))).casefold()

    @cached_property
    def beside(self) -> str:
        """What stands beside the name."""
        run = self.run
        where = f"on {one_line(run.elsewhere)}" if run.elsewhere else ""
        archived = "archived" if run.annotations.archived else ""
        return " · ".join(filter(None, (where, archived, one_line(run.annotations.note))))

    def tooltip(self, column: Column) -> str:
        run = self.run
        match column:
            case Column.STAR:
                return "Starred" if run.annotations.starred else ""
            case Column.NAME:
                return "\n".join(filter(None, (run.title, run.annotations.note, run.folder)))
            case Column.PHOTOS:
                counted = many(run.photos, "photo") if run.photos is not None else ""
                return "\n".join(filter(None, (*run.sources, counted)))
            case Column.STATE:
                if run.elsewhere:
                    return f"It runs on {run.elsewhere}"
                return run.why or (CRASHED if run.state == "crashed" else "")
            case Column.BEGAN:
                return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.began))
        return ""


def began_words(unix_s: float) -> str:
    """The time of day of this year's runs: several in a night must be told apart."""
    began = time.localtime(unix_s)
    this_year = began.tm_year == time.localtime().tm_year
    return time.strftime("%m-%d %H:%M" if this_year else "%Y-%m-%d", began)


def photos_words(run: RunSummary) -> str:
    """The names of its folders of photos."""
    return one_line(", ".join(os.path.basename(source.rstrip("/\\")) or source for source in run.sources))


_KEYS: dict[Column, Callable[[RunSummary], Any]] = {
    Column.STAR: lambda run: run.annotations.starred,
    Column.NAME: lambda run: run.title.casefold(),
    Column.PHOTOS: lambda run: (run.sources, run.photos or 0) if run.sources else None,
    Column.MODEL: lambda run: run.model.casefold() or None,
    Column.BEST: lambda run: run.best,
    Column.TOOK: lambda run: run.took_s,
    Column.STATE: lambda run: run.state,
    Column.BEGAN: lambda run: run.began,
}


@dataclass(frozen=True)
class Order:
    """By a column, from the highest or the lowest."""

    column: Column = Column.BEGAN
    falling: bool = True

    def sorted(self, lines: Iterable[Line]) -> list[Line]:
        """Equal ones keep their order, and what has no value comes last."""
        key = _KEYS[self.column]
        valued = [(key(line.run), line) for line in lines]
        known = [pair for pair in valued if pair[0] is not None]
        known.sort(key=itemgetter(0), reverse=self.falling)
        return [line for _, line in known] + [line for value, line in valued if value is None]


@dataclass(frozen=True)
class Filter:
    """Which runs are shown: those in which every word occurs, of one dataset (empty: of any)."""

    words: str = ""
    fingerprint: str = ""
    archived: bool = False

    def chosen(self, lines: Iterable[Line]) -> list[Line]:
        words = self.words.casefold().split()
        return [
            line
            for line in lines
            if (self.archived or not line.run.annotations.archived)
            and (not self.fingerprint or line.run.fingerprint == self.fingerprint)
            and all(word in line.sought for word in words)
        ]


def datasets(runs: Iterable[RunSummary]) -> dict[str, str]:
    """Each fingerprint in words; those of the same words are told apart by its first digits."""
    newest: dict[str, RunSummary] = {}
    for run in runs:
        if run.fingerprint and (run.fingerprint not in newest or run.began > newest[run.fingerprint].began):
            newest[run.fingerprint] = run
    words = {fingerprint: dataset_words(run) for fingerprint, run in newest.items()}
    times = Counter(words.values())
    named = {f: f"{text} ({f[:6]})" if times[text] > 1 else text for f, text in words.items()}
    return dict(sorted(named.items(), key=lambda pair: pair[1].casefold()))


def dataset_words(run: RunSummary) -> str:
    """`waste, waste_2025 · 12 450 photos`."""
    counted = many(run.photos, "photo") if run.photos is not None else ""
    return " · ".join(filter(None, (photos_words(run), counted))) or NOTHING
