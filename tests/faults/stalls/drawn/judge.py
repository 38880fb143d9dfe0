"""What the monitor said, against what is known from how the fault was made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.stalls.drawn.scene import Facts, Named

CITED = re.compile(r"\((?:pid |process )?(\d{2,7})\)|\b(?:pid|process|PID) (\d{2,7})\b")
"""How a text names a process by its number."""


PLACE = re.compile(r"Called from [^ ]+, line \d+(?: \([^)]*\))?\.?|\([^()]* in \w+\.py\)")
"""Where in the program: our own functions are called by what they wait for, and that would be a hint."""


@dataclass(frozen=True)
class Judgement:
    who: bool
    objects: bool
    holder: bool
    stranger: str = ""
    """Somebody named who has nothing to do with it."""

    @property
    def right(self) -> bool:
        return self.who and self.objects and self.holder and not self.stranger

    @property
    def wrong(self) -> str:
        parts = {"who": self.who, "object": self.objects, "holder": self.holder}
        missing = [part for part, right in parts.items() if not right]
        return ", ".join([*missing, *([f"blames {self.stranger}"] if self.stranger else [])])


def judge(text: str, evidence: Iterable[str], facts: Facts, family: Iterable[int]) -> Judgement:
    """`family` are the processes of the run: to name one of these is no mistake by itself."""
    said = "\n".join((text, *evidence))
    return Judgement(
        who=all(is_named(each, text, said) for each in facts.who),
        objects=all(is_named(each, text, said) for each in facts.objects),
        holder=all(is_named(each, text, said) for each in facts.holder),
        stranger=stranger(text, said, facts, family),
    )


def is_named(thing: Named, text: str, said: str) -> bool:
    """By its own name in all that was said; by words that stand in many an evidence, in the text itself."""
    words = PLACE.sub("", text)
    return any(_is_said(way, words if way.startswith("re:") else said) for way in thing)


def _is_said(way: str, said: str) -> bool:
    if way.startswith("re:"):
        return re.search(way.removeprefix("re:"), said, re.IGNORECASE) is not None
    if way.isdigit():
        return re.search(rf"(?<!\d){way}(?!\d)", said) is not None
    return way in said


def stranger(text: str, said: str, facts: Facts, family: Iterable[int]) -> str:
    """A process that is named and has nothing to do with it, whether we put it there or not."""
    for each in facts.strangers:
        if is_named([each], text, said):
            return each.removeprefix("re:")
    known = {str(pid) for pid in family} | {way for thing in (*facts.who, facts.also) for way in thing}
    cited = [number for found in CITED.findall(text) for number in found if number]
    return next((number for number in cited if number not in known), "")
