"""How sure a verdict is, and what else it may be.

A verdict is as sure as those that rested on the same kind of evidence were right, of stalls drawn at random
and run in real engines (`python -m tests.faults.stalls --random N --json FILE`, counted by `python -m
tests.faults.stalls.count FILE …`). The second best is what the next rule says of the same moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum

from waste_gui.monitor.verdict import Verdict, VerdictState


class Basis(Enum):
    """What a verdict rests on; the value says it in words."""

    TOLD = "told by the training itself"
    PHOTO = "the worker's own record of its photo"
    HELD = "what it waits for and who has that, as read from the system"
    READ = "what it waits for, as read from the system"
    STACK = "the names in its stack"
    LOAD = "what the processes do"
    NOTHING = "nothing that could be read"


RIGHT: dict[Basis, tuple[int, int]] = {
    Basis.PHOTO: (5, 7),
    Basis.HELD: (505, 506),
    Basis.READ: (66, 66),
    Basis.STACK: (0, 1),
    Basis.LOAD: (17, 17),
}
"""Of so many drawn stalls (the second number) so many (the first) were named right: what waits, for what, and
who could end it. Seeds 146925, 741073 and 166091, taken after the rules were made."""

MOST = 0.99
"""Drawn stalls are not all that there are."""

OF_PHOTOS = frozenset(("one_photo", "slow_photo", "decoder", "source_gone", "storage", "handover", "cache"))
OF_STACKS = frozenset(("lock_file", "other_gpus", "deadlock", "slow_import", "network", "first_step"))
OF_LOAD = frozenset(
    ("loop", "one_operation", "still_working", "frozen", "low_memory", "window_busy", "paused")
)
OF_NOTHING = frozenset(("unknown", "silent"))
BEGINNINGS = ("The ", "It ", "Data ", "Photos ", "This ", "No ", "A ", "Code ", "Saving ")
"""What a sentence begins with that is no name."""

SILENCE = re.compile(r"No progress for [\w ]+\.$")
HOW_SURE = "How sure: "
ONLY_SLOW = "it is only slow, and goes on by itself"


def basis_of(verdict: Verdict) -> Basis:
    if not verdict.silent:
        return Basis.TOLD
    chain = verdict.chain
    if chain is not None and chain.known:
        return Basis.HELD if any(link.holders for link in chain.links) else Basis.READ
    for causes, basis in (
        (OF_PHOTOS, Basis.PHOTO),
        (OF_STACKS, Basis.STACK),
        (OF_LOAD, Basis.LOAD),
        (OF_NOTHING, Basis.NOTHING),
    ):
        if verdict.cause in causes:
            return basis
    return Basis.STACK


def sure(basis: Basis) -> float:
    """The share of verdicts on this basis that are right: the mean of what is known of it after that many
    draws, by Laplace's rule."""
    if basis in (Basis.TOLD, Basis.NOTHING):  # It names what was told; or it names nothing.
        return float(basis is Basis.TOLD)
    right, of = RIGHT[basis]
    return (right + 1) / (of + 2)


def with_chances(verdict: Verdict, others: Iterable[Verdict]) -> Verdict:
    """`others` are what later rules say of the same moment; they are asked only where there is a doubt."""
    basis = basis_of(verdict)
    if basis is Basis.TOLD:
        return replace(verdict, sure=1.0)
    named = (each for each in others if each.silent and each.cause not in (verdict.cause, *OF_NOTHING))
    second = next(named, None)
    else_ = short(second.text) if second else ONLY_SLOW if verdict.state is VerdictState.LIKELY_STUCK else ""
    said = replace(verdict, sure=min(MOST, round(sure(basis), 2)), second=else_)
    return replace(said, evidence=(*verdict.evidence, f"{HOW_SURE}{in_words(said)}"))


def in_words(verdict: Verdict) -> str:
    """`about 95 % (by what it waits for, as read from the system); if not: …`; empty where nothing is in
    doubt."""
    if verdict.sure is None or verdict.sure >= 1:
        return ""
    if not verdict.sure:
        return f"not at all ({basis_of(verdict).value})"
    words = f"about {100 * verdict.sure:.0f} % (by {basis_of(verdict).value})"
    return f"{words}; if not: {verdict.second}" if verdict.second else words


def short(text: str) -> str:
    """The first sentence that says more than how long it has been silent, as the end of another one."""
    sentences = re.split(r"(?<=[.!?]) +(?=[A-Z“])", text)
    told = [each for each in sentences if not SILENCE.match(each)] or sentences
    first = told[0].rstrip(".")
    return first[:1].lower() + first[1:] if first.startswith(BEGINNINGS) else first
