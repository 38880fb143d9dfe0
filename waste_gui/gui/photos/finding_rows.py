"""What check and preview found, as the lines of a list: by kind, then excluded and ignored. No widgets."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import TypeVar

from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import count, many
from waste_gui.gui.photos.doubts import Doubt, DoubtKind
from waste_gui.protocol import Finding, FindingKind

Found = Finding | Doubt
FoundKind = FindingKind | DoubtKind

AnyFound = TypeVar("AnyFound", Finding, Doubt, Finding | Doubt)

ASIDE, SKIPPED = "aside", "skipped"

LIVE = "not read "
"""Begins the key of what is known of an unreadable photo before the check has told it as a finding."""

OPEN_UP_TO = 50
"""A group with more findings begins closed, so that the others are in sight; the first is always open."""

SHOWN_OF_GROUP = 10_000
"""Of a larger group the others come up as these are dealt with: so the list is never slow."""

FIRST_ONES = f"The first {count(SHOWN_OF_GROUP)} are shown."

COUNTED = 4
"""Kinds named in one line."""


class Act(Enum):
    """What a button in the list does; the value is its text."""

    EXCLUDE = "Exclude"
    CHOOSE = "Choose…"
    SKIP = "Ignore"
    LABEL_RIGHT = "Label is right"
    TAKE_BACK = "Include again"
    SHOW_AGAIN = "Show again"


DISMISSES = (Act.SKIP, Act.LABEL_RIGHT)
"""Takes it off the list, by the key I."""

ALL = {
    Act.EXCLUDE: "Exclude all",
    Act.TAKE_BACK: "Include all again",
    Act.SHOW_AGAIN: "Show all again",
}

TOOLTIPS = {
    Act.EXCLUDE: "Leave it out of training; the file stays where it is",
    Act.CHOOSE: "Look at the photos and choose which to leave out",
    Act.SKIP: "Take it off this list; nothing changes",
    Act.LABEL_RIGHT: "Take it off this list, and never ask again; nothing changes",
    Act.TAKE_BACK: "Use it in training again",
    Act.SHOW_AGAIN: "Put it on this list again",
}


@dataclass(frozen=True)
class KindWords:
    """How a kind of finding is called: as a heading, why it matters, and in a count of one and of several."""

    title: str
    why: str
    one: str
    several: str


KINDS: dict[FoundKind, KindWords] = {
    "damaged": KindWords("Cannot be read", "Training leaves them out.", "cannot be read", "cannot be read"),
    "leak": KindWords(
        "In training and validation",
        "They make validation look better than it is.",
        "in training and validation",
        "in training and validation",
    ),
    "two_labels": KindWords(
        "In two classes",
        "The model cannot learn which is right: exclude the wrong one.",
        "in two classes",
        "in two classes",
    ),
    "suspect": KindWords(
        "Label may be wrong",
        "By the preview: look, and decide. Not all of them are wrong.",
        "label to look at",
        "labels to look at",
    ),
    "twins": KindWords(
        "Alike in training and validation",
        "By the preview: they make validation look better than it is.",
        "pair alike",
        "pairs alike",
    ),
    "duplicate": KindWords(
        "The same photo several times",
        "It counts more than others. The first is kept.",
        "duplicate",
        "duplicates",
    ),
    "near_duplicate": KindWords(
        "Nearly the same",
        "Look whether one is enough. The first is kept.",
        "near duplicate",
        "near duplicates",
    ),
    "outlier": KindWords(
        "Like no others",
        "By the preview: are they of this class at all?",
        "like no others",
        "like no others",
    ),
    "one_colour": KindWords(
        "Of one colour", "There is nothing on them to learn.", "of one colour", "of one colour"
    ),
    "tiny": KindWords("Very small", "Too few pixels to tell what it is.", "very small", "very small"),
    "odd_shape": KindWords(
        "Unusual shape", "The model sees them squeezed to a square.", "of unusual shape", "of unusual shape"
    ),
    "huge": KindWords("Very large", "Slow to read, otherwise harmless.", "very large", "very large"),
}
"""The most important first."""

_ALONE: Collection[FoundKind] = ("damaged", "one_colour", "tiny", "odd_shape", "huge", "suspect", "outlier")


@dataclass(frozen=True)
class Heading:
    """The line above a group; `act` is what its button does to all of `paths` or `keys`."""

    group: str
    title: str
    why: str
    count: int
    is_open: bool
    act: Act | None = None
    paths: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"heading {self.group}"


@dataclass(frozen=True)
class Entry:
    """One finding, or one photo that was set aside; `paths` are shown, setting aside takes `aside`."""

    group: str
    id: str
    key: str
    paths: tuple[str, ...]
    said: str
    acts: tuple[Act, ...]
    aside: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return title(self.paths)

    @property
    def words(self) -> str:
        words = one_line(self.said)
        if self.group == "damaged":  # As the heading says already.
            words = words.removeprefix("Cannot be read: ")
            words = words[:1].upper() + words[1:]
        return words


Row = Heading | Entry


def open_findings(
    findings: Iterable[AnyFound], aside: Collection[str], skipped: Collection[str]
) -> list[AnyFound]:
    """What is still to be looked at."""
    if not aside:  # Then none is solved but one that is about no photos.
        return [f for f in findings if f.paths and f.key not in skipped]
    return [f for f in findings if f.key not in skipped and not _solved(f, aside)]


def _solved(finding: Found, aside: Collection[str]) -> bool:
    left = [path for path in finding.paths if path not in aside]
    if finding.kind in _ALONE or len(finding.paths) == 1:
        return not left
    return len(left) < 2


def to_exclude(finding: Found, aside: Collection[str]) -> tuple[str, ...]:
    """As suggested, or the photo itself; never all copies; empty where a person must choose."""
    left = [path for path in finding.paths if path not in aside] if aside else list(finding.paths)
    if finding.kind in _ALONE or len(finding.paths) == 1:
        return tuple(left)
    if not finding.suggest:
        return ()
    suggest = frozenset(finding.suggest)
    suggested = tuple(path for path in left if path in suggest)
    return suggested if len(suggested) < len(left) else suggested[1:]


def rows(
    findings: Iterable[Found],
    aside: Mapping[str, str],
    skipped: Collection[str],
    toggled: Collection[str],
) -> list[Row]:
    """All lines; `toggled` are the groups that the person opened or closed."""
    findings = list(findings)
    made: list[Row] = []
    by_kind: dict[FoundKind, list[Found]] = {kind: [] for kind in KINDS}
    for finding in open_findings(findings, aside, skipped):
        by_kind[finding.kind].append(finding)
    for kind, members in by_kind.items():
        if members:
            is_open = (not made or len(members) <= OPEN_UP_TO) != (kind in toggled)
            made += _group(kind, members, aside, is_open)
    made += _aside_group(aside, ASIDE in toggled)
    made += _skipped_group([f for f in findings if f.key in skipped], aside, SKIPPED in toggled)
    return made


def _group(kind: FoundKind, members: list[Found], aside: Mapping[str, str], is_open: bool) -> list[Row]:
    words = KINDS[kind]
    suggested = [path for f in members if f.suggest for path in to_exclude(f, aside)]
    heading = Heading(
        kind,
        words.title,
        words.why if len(members) <= SHOWN_OF_GROUP else f"{words.why} {FIRST_ONES}",
        len(members),
        is_open,
        Act.EXCLUDE if suggested and len(members) > 1 else None,
        tuple(dict.fromkeys(suggested)),
    )
    return [heading, *(_row_of(kind, f, aside) for f in members[:SHOWN_OF_GROUP] if is_open)]


def _row_of(group: str, finding: Found, aside: Mapping[str, str]) -> Entry:
    if aside.keys().isdisjoint(finding.paths):
        return _whole_entry(group, finding)
    return _entry(group, finding, aside)


@lru_cache(2 * SHOWN_OF_GROUP)
def _whole_entry(group: str, finding: Found) -> Entry:
    """While a check goes on, the list is made ten times a second."""
    return _entry(group, finding, ())


def entry_of(finding: Found, aside: Mapping[str, str]) -> Entry:
    """One by itself, as it stands in the list."""
    return _row_of(finding.kind, finding, aside)


def _entry(group: str, finding: Found, aside: Collection[str]) -> Entry:
    take = to_exclude(finding, aside)
    dismiss = Act.LABEL_RIGHT if finding.kind == "suspect" else Act.SKIP
    acts: tuple[Act, ...] = (Act.EXCLUDE if take else Act.CHOOSE, dismiss)
    if finding.key.startswith(LIVE):  # Known to the check only, until it is told as a finding.
        acts = (Act.EXCLUDE,)
    paths = tuple(path for path in finding.paths if path not in aside)
    return Entry(group, finding.key, finding.key, paths, finding.words, acts, take)


def _aside_group(aside: Mapping[str, str], is_open: bool) -> list[Row]:
    if not aside:
        return []
    act = Act.TAKE_BACK if len(aside) > 1 else None
    why = "Not used in training; the files stay where they are."
    heading = Heading(ASIDE, "Excluded", why, len(aside), is_open, act, tuple(aside))
    members = [
        Entry(ASIDE, f"aside {p}", "", (p,), reason, (Act.TAKE_BACK,))
        for p, reason in islice(aside.items(), SHOWN_OF_GROUP)
        if is_open
    ]
    return [heading, *members]


def _skipped_group(skipped: list[Found], aside: Collection[str], is_open: bool) -> list[Row]:
    if not skipped:
        return []
    act = Act.SHOW_AGAIN if len(skipped) > 1 else None
    why = "Findings that you took off this list."
    keys = tuple(f.key for f in skipped)
    heading = Heading(SKIPPED, "Ignored", why, len(skipped), is_open, act, keys=keys)
    members = [
        Entry(
            SKIPPED,
            f"skipped {f.key}",
            f.key,
            f.paths,
            f.words,
            (Act.SHOW_AGAIN,),
        )
        for f in skipped[:SHOWN_OF_GROUP]
        if is_open
    ]
    return [heading, *members]


def title(paths: tuple[str, ...]) -> str:
    """`glass/1.jpg`, `glass/1.jpg and 2.jpg`, `glass/1.jpg and paper/1.jpg`, `glass/1.jpg and 2 more`."""
    if not paths:
        return ""
    folder, name = os.path.split(paths[0])
    first = one_line(f"{os.path.basename(folder)}/{name}")
    if len(paths) == 2:
        other, name = os.path.split(paths[1])
        second = name if other == folder else f"{os.path.basename(other)}/{name}"
        return f"{first}  and  {one_line(second)}"
    return first if len(paths) == 1 else f"{first}  and {many(len(paths) - 1, 'more', 'more')}"


def counts(findings: Iterable[Found]) -> dict[FoundKind, int]:
    """How many of each kind, the most important first."""
    found = dict.fromkeys(KINDS, 0)
    for finding in findings:
        found[finding.kind] += 1
    return {kind: n for kind, n in found.items() if n}


def counted(found: Mapping[FoundKind, int]) -> str:
    """`3 cannot be read, 2 duplicates, 1 very small`; of many kinds the most important."""
    words = [many(n, KINDS[kind].one, KINDS[kind].several) for kind, n in found.items()]
    return ", ".join(words[:COUNTED]) + (" and more" if len(words) > COUNTED else "")
