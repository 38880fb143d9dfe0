"""What a preview found about single photos, for a person to decide: labels that may be wrong, photos like no
others, photos that show the same. As lines beside the findings of a check. No widgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from waste_gui.gui.common.escaping import one_line
from waste_gui.gui.common.formatting import share_words
from waste_gui.protocol import Outlier, Previewed, Suspect, named_path

DoubtKind = Literal["suspect", "twins", "outlier"]

SHOWN = 500
"""Of each kind, the likeliest: of more, the others come with the next preview, once these are dealt with."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Like a Finding of a check: nothing is suggested, as a person must look."""

    kind: DoubtKind
    paths: tuple[str, ...]
    words: str
    key: str
    suggest: tuple[str, ...] = ()
    label: str = ""
    suggested: str = ""


def doubts(told: Previewed) -> list[Doubt]:
    """The likeliest first, no more than SHOWN of each kind."""
    found = (*_suspects(told.suspects), *_twins(told.twins), *_outliers(told.outliers))
    return list({doubt.key: doubt for doubt in found}.values())


def _suspects(suspects: Sequence[Suspect]) -> Iterator[Doubt]:
    for each in islice(suspects, SHOWN):
        path, label, suggested = _path(each.path), one_line(each.label), one_line(each.suggested)
        words = f"Labelled {label}, looks like {suggested} ({share_words(each.confidence)})."
        # With the label: under another one it is another question.
        key = f"suspect {each.label} {path}"
        yield Doubt("suspect", (path,), words, _text(key), label=label, suggested=suggested)


def _twins(twins: Sequence[tuple[str, str]]) -> Iterator[Doubt]:
    for one, other in islice(twins, SHOWN):
        paths = (_path(one), _path(other))
        words = "They show the same, and would be in training and in validation."
        yield Doubt("twins", paths, words, _text(" ".join(("twins", *sorted(paths)))))


def _outliers(outliers: Sequence[Outlier]) -> Iterator[Doubt]:
    for each in islice(outliers, SHOWN):
        path, label = _path(each.path), one_line(each.label)
        words = f"Labelled {label}, and like no other photo."
        yield Doubt("outlier", (path,), words, _text(f"outlier {path}"), label=label)


def _path(path: str) -> str:
    """With the name that the file really has."""
    return named_path(path) if "\\udc" in path else path


def _text(key: str) -> str:
    """What a data base can hold as text."""
    return key.encode("utf-8", "backslashreplace").decode()
